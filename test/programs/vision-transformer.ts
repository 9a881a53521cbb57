import { cat, empty, manualSeed, nn, optim, randint, randn, type Tensor } from 'nabla';
import type { Results } from './program.js';

class AttentionBlock extends nn.Module<[Tensor], Tensor> {
  preNorm: nn.LayerNorm;
  attention: nn.MultiheadAttention;
  norm: nn.LayerNorm;
  mlp: nn.Module<[Tensor], Tensor>;

  constructor(dim: number, heads: number) {
    super();
    this.preNorm = new nn.LayerNorm(dim, { eps: 1e-6 });
    this.attention = new nn.MultiheadAttention(dim, heads, { batchFirst: true });
    this.norm = new nn.LayerNorm(dim, { eps: 1e-6 });
    this.mlp = new nn.Sequential(new nn.Linear(dim, dim * 2), new nn.GELU(), new nn.Linear(dim * 2, dim));
  }

  override forward(x: Tensor): Tensor {
    const normal = this.preNorm.forward(x);
    const attended = x.add(this.attention.forward(normal, normal, normal, { needWeights: false }).attnOutput);
    return attended.add(this.mlp.forward(this.norm.forward(attended)));
  }
}

class ViT extends nn.Module<[Tensor], Tensor> {
  unfold: nn.Unfold;
  embed: nn.Linear;
  clsToken: nn.Parameter;
  pos: nn.Parameter;
  blocks: nn.ModuleList<AttentionBlock>;
  head: nn.Module<[Tensor], Tensor>;

  constructor(patch: number, dim: number, depth: number, classes: number) {
    super();
    this.unfold = new nn.Unfold(patch, { stride: patch });
    this.embed = new nn.Linear(3 * patch * patch, dim);
    this.clsToken = new nn.Parameter(randn([1, 1, dim]));
    this.pos = new nn.Parameter(empty([1, 10, dim]).normal_(0, 0.02));
    this.blocks = new nn.ModuleList(Array.from({ length: depth }, () => new AttentionBlock(dim, 4)));
    this.head = new nn.Sequential(new nn.LayerNorm(dim), new nn.Linear(dim, classes));
  }

  override forward(images: Tensor): Tensor {
    const patches = this.embed.forward(this.unfold.forward(images).transpose(1, 2));
    let x = cat([this.clsToken.expand([patches.shape[0]!, -1, -1]), patches], 1).add(this.pos);
    for (const block of this.blocks) x = block.forward(x);
    return this.head.forward(x.index([':', 0]));
  }
}

/** A vision transformer of patches, with AdamW, a cosine schedule and smoothed labels. */
export function run(): Results {
  manualSeed(29);
  const pictures = randn([4, 3, 12, 12]);
  const y = randint(4, [32]);
  const x = pictures.index([y]).add(randn([32, 3, 12, 12]));
  const model = new ViT(4, 16, 2, 4);
  const optimizer = new optim.AdamW(model.parameters(), { lr: 3e-3, weightDecay: 0.05 });
  const scheduler = new optim.lrScheduler.CosineAnnealingLR(optimizer, 24);
  const losses: number[] = [];
  const lrs: number[] = [];
  for (let step = 0; step < 24; step++) {
    const i = (step % 2) * 16;
    const logits = model.forward(x.slice(0, i, i + 16));
    const loss = nn.functional.crossEntropy(logits, y.slice(0, i, i + 16), { labelSmoothing: 0.1 });
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    lrs.push(...scheduler.getLastLr());
    scheduler.step();
    losses.push(loss.item());
  }
  const finals = {
    cls_token: model.clsToken,
    'embed.weight': model.embed.weight,
    in_proj: model.blocks[0]!.attention.inProjWeight!,
    out_proj: model.blocks[1]!.attention.outProj.weight,
  };
  return { losses, lrs, finals, outputs: { classes: model.forward(x).argmax(-1) } };
}
