import { cat, capture, manualSeed, nn, randn, type Tensor } from 'nabla';
import { allGather, allReduce, finalize, init, rank, size, SyncBatchNorm } from 'nabla/distributed';

// What all ranks together compute of a batch, each of a part of another size, and what one process computes of the whole.
await init({ timeout: 20 });
manualSeed(2);
const sizes = Array.from({ length: size() }, (_, i) => 2 + i);
const whole = randn([sizes.reduce((sum, one) => sum + one, 0), 3, 2])
  .mul(3)
  .add(100);
const wanted = randn(whole.shape);
const start = sizes.slice(0, rank()).reduce((sum, one) => sum + one, 0);
const partOf = (x: Tensor) => x.narrow(0, start, sizes[rank()]!).contiguous();

function pass(norm: nn.Module<[Tensor], Tensor>, x: Tensor, y: Tensor, wrap: typeof capture | ((fn: never) => never)) {
  const step = (wrap as typeof capture)((x: Tensor, y: Tensor) => {
    const input = x.detach().requiresGrad_();
    norm.zeroGrad();
    const result = norm.forward(input);
    result.mul(y).sum().backward();
    return [result.detach(), input.grad!, ...norm.parameters().map((one) => one.grad!.clone())];
  });
  step(x, y);
  const found = step(x, y);
  return [...found, ...norm.buffers().map((one) => one.float().clone())];
}

const plain = (fn: never) => fn;
const [one, ownX, ownWeight, ownBias, ...buffers] = pass(new SyncBatchNorm(3), partOf(whole), partOf(wanted), plain);
const captured = pass(new SyncBatchNorm(3), partOf(whole), partOf(wanted), capture);
const expected = pass(new nn.BatchNorm1d(3), whole, wanted, plain);
const found = [partOf(expected[0]!), partOf(expected[1]!), ...expected.slice(2)];
const sums = [await allReduce(ownWeight!), await allReduce(ownBias!)];
const all = [one!, ownX!, ...sums, ...buffers];
const errors = all.map((own, i) => own.sub(found[i]!).abs().max().item());
const isSame = [one!, ownX!, ownWeight!, ownBias!, ...buffers].every((own, i) =>
  Buffer.from(own.toTypedArray().buffer).equals(Buffer.from(captured[i]!.toTypedArray().buffer)),
);
const everywhere = await allGather(cat(buffers.map((own) => own.reshape([-1]))));
const isAlike = everywhere.every((own) => own.equal(everywhere[0]!));
console.log(`RESULT ${JSON.stringify({ rank: rank(), errors, isSame, isAlike })}`);
await finalize();
