/**
 * Arguments that are not looked at yet, or not before they are used: there a TypeError of JavaScript is tolerated, and so is a value of a wrong type.
 * What is mended leaves the list.
 */
const TOLERATED: readonly RegExp[] = [
  // Modules of losses keep their options, and the function behind them refuses.
  /^new nn\.\w+Loss: options\./,
  /^nn\.functional\.mseLoss: options\.reduction$/,
  /^(nn\.functional\.)?softplus: (x|beta|threshold)$/,
  /^scatterAdd: source$/,
  /^squeeze: dim$/,
  // null is the default, as in PyTorch.
  /^(std|stdMean|var|varMean): options\.correction$/,
  // A fourth argument, after options, is none.
  /^randint: options(\.|$)/,
];

export const isTolerated = (where: string): boolean => TOLERATED.some((pattern) => pattern.test(where));
