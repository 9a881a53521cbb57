import { grad, nn, randn, type Tensor } from '../../lib/index.js';

/** Operations by themselves, over sizes that leave remainders everywhere. */
export const operations: Readonly<Record<string, () => Tensor[]>> = {
  'float32 operations': () => [...folds('float32'), ...functions('float32')],
  'float64 operations': () => folds('float64'),
  'float32 scans': () => scans('float32'),
  'float64 scans': () => scans('float64'),
  'float32 convolutions': () => convolutions('float32'),
  'float64 convolutions': () => convolutions('float64'),
  /** Of the C library: other bits on another system. */
  'float64 functions': () => functions('float64'),
};

function folds(dtype: 'float32' | 'float64'): Tensor[] {
  const z = randn([1001, 137], { dtype });
  return [z.sum(), z.sum(0), z.t().sum(0), z.std(1), z.prod(1), z.logsumexp(0), z.softmax(1), z.argmax(0)];
}

function functions(dtype: 'float32' | 'float64'): Tensor[] {
  const z = randn([1001, 137], { dtype });
  return [z.sin().mul(z.exp()).add(z.erf()).sum(1), z.norm(3), z.abs().pow(1.7).log1p()];
}

function scans(dtype: 'float32' | 'float64'): Tensor[] {
  const z = randn([1001, 137], { dtype, requiresGrad: true });
  const results = [z.cumsum(0), z.cumsum(1), z.cumprod(1), z.logcumsumexp(0), z.cummax(0).values, z.cummin(1).values];
  return [
    ...results,
    z.cummax(1).indices,
    z.detach().scatterAdd(1, z.argsort(1).fmod(5), z.detach()),
    ...z.sort(0),
    z.topk(5).values,
    z.quantile(0.3, 1),
    grad(z.cumprod(1).add(z.logcumsumexp(0)).sum(), z)[0]!,
  ];
}

function convolutions(dtype: 'float32' | 'float64'): Tensor[] {
  const x = randn([3, 12, 17, 35], { dtype, requiresGrad: true });
  const kinds = [
    { weight: [9, 12, 3, 3], padding: 1 },
    { weight: [12, 1, 5, 5], groups: 12, stride: 2 },
    { weight: [9, 4, 2, 3], groups: 3, dilation: 2, stride: [3, 1] },
  ];
  const results = kinds.flatMap(({ weight, ...options }) => {
    const w = randn(weight, { dtype, requiresGrad: true });
    const out = nn.functional.conv2d(x, w, options);
    return [out, ...grad(out.square().sum(), [x, w]).map((g) => g!)];
  });
  const others = [
    nn.functional.maxPool2d(x, 3, { stride: 2, padding: 1 }),
    nn.functional.avgPool2d(x, 3, { stride: 2, padding: 1 }),
    nn.functional.batchNorm(x, { training: true }),
  ];
  return [...results, ...others.flatMap((out) => [out, grad(out.pow(3).sum(), x)[0]!])];
}
