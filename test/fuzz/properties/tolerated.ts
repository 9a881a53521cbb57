/** Arguments that are not checked yet: a TypeError of JavaScript is tolerated there, and so is that a value of a wrong type is taken. */
const TOLERATED: readonly RegExp[] = [];

export const isTolerated = (where: string): boolean => TOLERATED.some((pattern) => pattern.test(where));
