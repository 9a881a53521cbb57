import { arange, bincount, bmm, cat, manualSeed, mv, nn, ones, optim, randint, stack, type Tensor, zeros } from 'nabla';
import type { Results } from './program.js';

const WORDS = 12;
const WIDTH = 6;
const NEGATIVES = 3;

class MaskedBCELoss extends nn.Module<[Tensor, Tensor, Tensor], Tensor> {
  override forward(inputs: Tensor, target: Tensor, mask: Tensor): Tensor {
    const options = { weight: mask, reduction: 'none' } as const;
    return nn.functional.binaryCrossEntropyWithLogits(inputs, target, options).mean(1);
  }
}

function skipGram(center: Tensor, others: Tensor, centers: nn.Embedding, contexts: nn.Embedding): Tensor {
  return bmm(centers.forward(center), contexts.forward(others).permute([0, 2, 1]));
}

/** Skip-gram with negative sampling; the nearest words by cosine. */
export function run(): Results {
  manualSeed(62);
  const corpus = arange(97)
    .add(randint(0, 2, [97]))
    .remainder(WORDS);
  const centers = corpus.slice(0, 1, -1);
  const contexts = stack([corpus.slice(0, 0, -2), corpus.slice(0, 2)], 1);
  const weights = bincount(corpus, { minlength: WORDS }).float().pow(0.75);
  const negatives = weights.multinomial(95 * NEGATIVES * 2, { replacement: true }).view([95, -1]);
  const clash = negatives.unsqueeze(-1).eq(contexts.unsqueeze(1)).any(-1);
  const others = cat([contexts, negatives], 1);
  const masks = cat([ones([95, 2]), clash.logicalNot().float()], 1);
  const labels = cat([ones([95, 2]), zeros([95, 2 * NEGATIVES])], 1);
  const net = new nn.Sequential(
    new nn.Embedding({ numEmbeddings: WORDS, embeddingDim: WIDTH }),
    new nn.Embedding({ numEmbeddings: WORDS, embeddingDim: WIDTH }),
  );
  net.apply((module) => {
    if (module instanceof nn.Embedding) nn.init.xavierUniform_(module.weight);
  });
  const criterion = new MaskedBCELoss();
  const optimizer = new optim.Adam(net.parameters(), { lr: 0.02 });
  const losses: number[] = [];
  for (let step = 0; step < 35; step++) {
    const from = (step % 5) * 19;
    const rows = (x: Tensor) => x.slice(0, from, from + 19);
    optimizer.zeroGrad();
    const scores = skipGram(rows(centers).unsqueeze(1), rows(others), net[0], net[1]).reshape([19, -1]);
    const mask = rows(masks);
    const loss = criterion.forward(scores, rows(labels), mask).div(mask.sum(1)).mul(mask.shape[1]!);
    loss.sum().backward();
    optimizer.step();
    losses.push(loss.mean().item());
  }
  const table = net[0].weight.data;
  const word = table.select(0, 4);
  const lengths = table.mul(table).sum(1).mul(word.mul(word).sum());
  const cosines = mv(table, word).div(lengths.add(1e-9).sqrt());
  const finals = { v: net[0].weight, u: net[1].weight };
  return { losses, finals, outputs: { nearest: cosines.topk(4).indices, cosines } };
}
