import { cat, manualSeed, nn, optim, randint, type Tensor, where } from 'nabla';
import type { Results } from './program.js';

/** A linear layer that sees all leading dimensions as one. */
class Flattening extends nn.Linear {
  override forward(x: Tensor): Tensor {
    const flat = super.forward(x.reshape([-1, x.size(-1)]));
    return flat.view([...x.size().slice(0, -1), -1]);
  }
}

class PairClassifier extends nn.Module<[Tensor, Tensor], Tensor> {
  embed: nn.Embedding;
  projection: Flattening;
  rnn: nn.LSTM;
  dropout = new nn.Dropout({ p: 0.2 });
  relu = new nn.ReLU();
  out: nn.Sequential<[Flattening, nn.ReLU, nn.Dropout, Flattening, nn.ReLU, nn.Dropout, nn.Linear]>;

  constructor(vocabulary: number, width: number, reduced: number, hidden: number) {
    super();
    this.embed = new nn.Embedding(vocabulary, width);
    this.projection = new Flattening(width, reduced);
    this.rnn = new nn.LSTM({ inputSize: reduced, hiddenSize: hidden, numLayers: 1, bidirectional: true });
    const size = 4 * hidden;
    this.out = new nn.Sequential(
      new Flattening(size, size),
      this.relu,
      this.dropout,
      new Flattening(size, size),
      this.relu,
      this.dropout,
      new nn.Linear(size, 2),
    );
  }

  encode(inputs: Tensor): Tensor {
    const rows = inputs.size(1);
    const start = inputs.newZeros([2, rows, this.rnn.hiddenSize]);
    const { hn } = this.rnn.forward(inputs, [start, start]).state;
    return hn.slice(0, -2).transpose(0, 1).contiguous().view([rows, -1]);
  }

  override forward(premise: Tensor, hypothesis: Tensor): Tensor {
    const codes = [premise, hypothesis].map((words) =>
      this.relu.forward(this.projection.forward(this.embed.forward(words).detach())),
    );
    return this.out.forward(
      cat(
        codes.map((code) => this.encode(code)),
        1,
      ),
    );
  }
}

/** Whether two sentences agree: embeddings that are projected, a bidirectional LSTM, and a deep classifier. */
export function run(): Results {
  manualSeed(35);
  const premise = randint(12, [5, 48]);
  const other = randint(12, [5, 48]);
  const label = randint(2, [48]);
  const hypothesis = where(label.bool(), premise, other);
  const model = new PairClassifier(12, 8, 10, 8);
  const criterion = new nn.CrossEntropyLoss();
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.02 });
  const losses: number[] = [];
  let correct = 0;
  for (let step = 0; step < 30; step++) {
    const from = (step % 2) * 24;
    const columns = (x: Tensor) => x.index(['...', `${from}:${from + 24}`]);
    model.train();
    optimizer.zeroGrad();
    const answer = model.forward(columns(premise), columns(hypothesis));
    correct += answer.max(1).indices.view(columns(label).size()).eq(columns(label)).sum().item();
    const loss = criterion.forward(answer, columns(label));
    loss.backward();
    optimizer.step();
    losses.push(loss.item());
  }
  const finals = {
    weight_ih_l0_reverse: model.rnn.stateDict().weight_ih_l0_reverse!,
    'projection.weight': model.projection.weight,
    'out.6.weight': model.out[6].weight,
  };
  return { losses, finals, outputs: { n_correct: correct } };
}
