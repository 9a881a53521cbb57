import type { Tensor } from 'nabla';
import type { Choices } from './choices.js';
import { show } from './values.js';

/** Code for a tensor as a batch of signals or images, and its shape: channels and one or two dimensions, with a batch before them or without. */
function windowed(name: string, x: Tensor, dims: number): { code: string; shape: readonly number[] } {
  if (x.ndim === dims + 1 || x.ndim === dims + 2) return { code: name, shape: x.shape };
  if (x.ndim === dims) return { code: `${name}.unsqueeze(0)`, shape: [1, ...x.shape] };
  const shape = [...new Array<number>(dims).fill(1), x.numel()];
  return { code: `${name}.reshape(${show(shape)})`, shape };
}

/** A weight that is plain, turned, or the same for every channel. */
function weightOf(shape: readonly number[], dtype: string, choose: Choices): string {
  const options = dtype === 'float64' ? ", { dtype: 'float64' }" : '';
  switch (choose.of(['plain', 'plain', 'turned', 'expanded'] as const)) {
    case 'plain':
      return `randn(${show(shape)}${options})`;
    case 'turned':
      return `randn(${show([...shape].reverse())}${options}).permute(${show([...shape.keys()].reverse())})`;
    case 'expanded':
      return `randn(${show(shape.with(0, 1))}${options}).expand(${show(shape)})`;
  }
}

/** A kernel that fits, where any does: what does not is refused, and is no statement. */
const kernelOf = (sizes: readonly number[], padding: number, choose: Choices): number[] =>
  sizes.map((size) => Math.max(1, Math.min(size + 2 * padding, choose.of([3, 1, 2, 4, 5]))));

function convolutionOf(name: string, x: Tensor, choose: Choices): string {
  const dims = choose.of([2, 1]);
  const { code, shape } = windowed(name, x, dims);
  const channels = shape.at(-dims - 1)!;
  const padding = choose.of([0, 1, 2]);
  const kernel = kernelOf(shape.slice(-dims), padding, choose);
  const groups = choose.oneIn(3) ? channels : 1;
  const out = groups === 1 ? choose.of([3, 1, 8, 17]) : channels * choose.of([1, 2]);
  const settings = `stride: ${choose.of([1, 1, 2, 3])}, padding: ${padding}, dilation: ${choose.of([1, 1, 2])}, groups: ${groups}`;
  if (choose.oneIn(3)) {
    const weight = weightOf([channels, groups === 1 ? out : out / channels, ...kernel], x.dtype, choose);
    return `nn.functional.convTranspose${dims}d(${code}, ${weight}, null, { ${settings} })`;
  }
  const weight = weightOf([out, groups === 1 ? channels : 1, ...kernel], x.dtype, choose);
  const bias = choose.oneIn(2) ? 'null' : `ones([${out}])${x.dtype === 'float64' ? '.double()' : ''}`;
  return `nn.functional.conv${dims}d(${code}, ${weight}, ${bias}, { ${settings} })${choose.of(['', '', '.relu()'])}`;
}

function poolingOf(name: string, x: Tensor, choose: Choices): string {
  const dims = choose.of([2, 1]);
  const { code, shape } = windowed(name, x, dims);
  const padding = choose.of([0, 0, 1]);
  const kernel = kernelOf(shape.slice(-dims), 0, choose);
  const stride = choose.of([1, 2, 3]);
  const F = 'nn.functional';
  switch (choose.of(['max', 'avg', 'indices', 'adaptiveAvg', 'adaptiveMax', 'lp'] as const)) {
    case 'max':
      return `${F}.maxPool${dims}d(${code}, ${show(kernel)}, { stride: ${stride}, padding: ${padding}, ceilMode: ${choose.oneIn(2)} })`;
    case 'indices':
      return `${F}.maxPool${dims}d(${code}, ${show(kernel)}, { stride: ${stride}, dilation: ${choose.of([1, 2])}, returnIndices: true })[${choose.of([0, 1])}]`;
    case 'avg':
      return `${F}.avgPool${dims}d(${code}, ${show(kernel)}, { stride: ${stride}, padding: ${padding}, countIncludePad: ${choose.oneIn(2)} })`;
    case 'adaptiveAvg':
      return `${F}.adaptiveAvgPool${dims}d(${code}, ${choose.of([1, 2, 3])})`;
    case 'adaptiveMax':
      return `${F}.adaptiveMaxPool${dims}d(${code}, ${choose.of([1, 2, 3])})`;
    case 'lp':
      return `${F}.lpPool${dims}d(${code}.abs(), 2, ${kernel[0]})`;
  }
}

function resampledOf(name: string, x: Tensor, choose: Choices): string {
  const { code, shape } = windowed(name, x, 2);
  const batch = shape.length === 4 ? code : `${code}.unsqueeze(0)`;
  const scale = choose.of([2, 0.5, 1.5]);
  const mode = choose.of(['nearest', 'bilinear', 'bicubic', 'area']);
  const corners = mode === 'bilinear' || mode === 'bicubic' ? `, alignCorners: ${choose.oneIn(2)}` : '';
  return `nn.functional.interpolate(${batch}, { scaleFactor: ${scale}, mode: '${mode}'${corners} })`;
}

function paddedOf(name: string, x: Tensor, choose: Choices): string {
  const mode = choose.of(['constant', 'reflect', 'replicate', 'circular']);
  const pad = [choose.of([1, 0, 2, -1]), choose.of([1, 0, 2])];
  if (mode === 'constant') return `nn.functional.pad(${name}, ${show(pad)})`;
  return `nn.functional.pad(${windowed(name, x, 1).code}, ${show(pad.map(Math.abs))}, '${mode}')`;
}

function normalizedOf(name: string, x: Tensor, choose: Choices): string {
  const { code, shape } = windowed(name, x, 1);
  const batch = shape.length === 3 ? code : `${code}.unsqueeze(0)`;
  const channels = shape.at(-2)!;
  const F = 'nn.functional';
  switch (choose.of(['batch', 'group', 'instance', 'response', 'unit'] as const)) {
    case 'batch':
      return `${F}.batchNorm(${batch}, null, null, { training: true })`;
    case 'group':
      return `${F}.groupNorm(${batch}, ${channels % 2 === 0 ? choose.of([1, 2]) : 1})`;
    case 'instance':
      return `${F}.instanceNorm(${batch})`;
    case 'response':
      return `${F}.localResponseNorm(${batch}, 3)`;
    case 'unit':
      return `${F}.normalize(${code}, { dim: -1 })`;
  }
}

function attentionOf(name: string, x: Tensor, choose: Choices): string {
  const { code, shape } = windowed(name, x, 1);
  const [key, value] = [choose.of(['', '.tanh()', '.flip([-2])']), choose.of(['', '.neg()', '.flip([-1])'])];
  const causal = choose.oneIn(2);
  const mask = causal || choose.oneIn(2) ? '' : `, attnMask: randint(0, 2, [${shape.at(-2)}, ${shape.at(-2)}]).bool()`;
  return `nn.functional.scaledDotProductAttention(${code}, ${code}${key}, ${code}${value}, { isCausal: ${causal}${mask} })`;
}

function recurrentOf(name: string, x: Tensor, choose: Choices): string {
  const { code, shape } = windowed(name, x, 1);
  const size = shape.at(-1)!;
  const hidden = choose.of([4, 16, 17]);
  const kind = choose.of(['LSTM', 'GRU', 'RNN']);
  const settings = `batchFirst: ${choose.oneIn(2)}, bidirectional: ${choose.oneIn(3)}, dtype: '${x.dtype}'`;
  return `new nn.${kind}(${size}, ${hidden}, { ${settings} }).forward(${code})[0]`;
}

function linearOf(name: string, x: Tensor, choose: Choices): string {
  const [from, to] = [x.shape.at(-1) ?? 1, choose.of([3, 1, 16, 33])];
  const bias = choose.oneIn(2) ? '' : `, ones([${to}])${x.dtype === 'float64' ? '.double()' : ''}`;
  const code = `nn.functional.linear(${name}, ${weightOf([to, from], x.dtype, choose)}${bias})`;
  return `${code}${choose.of(['', '.relu()', '.tanh()'])}`;
}

/** What networks are made of, on a tensor of floats of any shape. */
export function layerOf(name: string, x: Tensor, choose: Choices): string {
  const kind = choose.of([
    linearOf,
    convolutionOf,
    convolutionOf,
    poolingOf,
    normalizedOf,
    paddedOf,
    resampledOf,
    attentionOf,
    recurrentOf,
  ]);
  return kind(name, x, choose);
}
