import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { allclose, arange, full, Generator, nn, ones, randn, tensor, zeros } from 'nabla';
import { allGather, allReduce, barrier, broadcast, DataParallel, finalize, init, rank, size } from 'nabla/distributed';

// One rank that shares no memory is enough for all to do without.
const [refuses] = process.argv.slice(2);
const { OMPI_COMM_WORLD_RANK, PMI_RANK } = process.env;
if (refuses !== undefined && (OMPI_COMM_WORLD_RANK ?? PMI_RANK) === refuses) process.env.NABLA_SHARED_MEMORY = '0';
await init({ timeout: 20 });
const x = arange(3).float().add(rank());
const list = (one: { toArray(): unknown }) => one.toArray();
const timer = { ticks: 0 };
const ticking = setInterval(() => timer.ticks++, 1);
const long = await allReduce(ones([3_000_001]).mul(rank() + 1));
clearInterval(ticking);
/** The gradient of each weight: several megabytes. */
function gradients(): unknown[] {
  const weights = [1, 2, 3, 4].map(() => new nn.Parameter(zeros([1_000_001])));
  const parallel = new DataParallel(new nn.ParameterList(weights));
  const factor = tensor([rank() + 1]);
  parallel.backward(
    (x) => weights.map((weight, i) => weight.sum().mul(x.mul(i + 1))).reduce((sum, one) => sum.add(one)),
    factor,
  );
  return weights.map(({ grad }) =>
    [grad!.min().item(), grad!.max().item()].map((one) => Math.round(one * 1000) / 1000),
  );
}
/** Whether gradients are sums that go one by one, more at a time than others are told of. */
function oneByOne(): boolean {
  const weights = Array.from({ length: 200 }, (_, i) => new nn.Parameter(zeros([i + 1])));
  const parallel = new DataParallel(new nn.ParameterList(weights), { bucketMegabytes: 1e-6 });
  parallel.backward(
    (x) => weights.map((weight, i) => weight.sum().mul(x.mul(i))).reduce((sum, one) => sum.add(one)),
    tensor([2 * rank()]),
  );
  return weights.every(({ grad }, i) => allclose(grad!, full([i + 1], i * (size() - 1))));
}
/** Of a sum that is another where ranks are added in another order. */
async function bits(): Promise<string> {
  const sum = await allReduce(randn([10_007], { generator: new Generator(rank()) }));
  return createHash('sha256').update(sum.toTypedArray()).digest('hex');
}
const several = await Promise.all([allReduce(x), allReduce(x, 'maximum'), broadcast(x, size() - 1), allGather(x)]);
const result = {
  rank: rank(),
  size: size(),
  sum: list(await allReduce(x)),
  any: list(await allReduce(x, { deterministic: false })),
  mean: list(await allReduce(x, 'mean')),
  product: list(await allReduce(x, 'product')),
  minimum: list(await allReduce(x, 'minimum')),
  maximum: list(await allReduce(x, 'maximum')),
  nan: list(await allReduce(tensor([rank() === 0 ? Number.NaN : 1, 1]), 'minimum')),
  integers: list(await allReduce(tensor([rank(), 2 ** 30], { dtype: 'int32' }))),
  doubles: list(await allReduce(tensor([0.1 * (rank() + 1)], { dtype: 'float64' }))),
  bits: await bits(),
  oneByOne: oneByOne(),
  empty: (await allReduce(zeros([0, 2]))).shape,
  scalar: (await allReduce(tensor(2))).item(),
  strided: list(await allReduce(arange(6).float().reshape([2, 3]).t())),
  first: list(await broadcast(x)),
  last: list(await broadcast(x, size() - 1)),
  flags: list(await broadcast(tensor([rank() === 0, true]))),
  gathered: (await allGather(x)).map(list),
  unchanged: list(x),
  long: [long.min().item(), long.max().item()],
  gradients: gradients(),
  sharesMemory: process.platform === 'linux' && readFileSync('/proc/self/maps', 'utf8').includes('/memfd:nabla'),
  ticks: timer.ticks,
  several: [several.slice(0, 3).map((one) => list(one as typeof x)), several[3]!.length],
};
await barrier();
console.log(`RESULT ${JSON.stringify(result)}`);
await finalize();
