import { arange, ones, tensor, zeros } from 'nabla';
import { allGather, allReduce, barrier, broadcast, finalize, init, rank, size } from 'nabla/distributed';

await init({ timeout: 20 });
const x = arange(3).float().add(rank());
const list = (one: { toArray(): unknown }) => one.toArray();
const timer = { ticks: 0 };
const ticking = setInterval(() => timer.ticks++, 1);
const long = await allReduce(ones([3_000_001]).mul(rank() + 1));
clearInterval(ticking);
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
  empty: (await allReduce(zeros([0, 2]))).shape,
  scalar: (await allReduce(tensor(2))).item(),
  strided: list(await allReduce(arange(6).float().reshape([2, 3]).t())),
  first: list(await broadcast(x)),
  last: list(await broadcast(x, size() - 1)),
  flags: list(await broadcast(tensor([rank() === 0, true]))),
  gathered: (await allGather(x)).map(list),
  unchanged: list(x),
  long: [long.min().item(), long.max().item()],
  ticks: timer.ticks,
  several: [several.slice(0, 3).map((one) => list(one as typeof x)), several[3]!.length],
};
await barrier();
console.log(`RESULT ${JSON.stringify(result)}`);
await finalize();
