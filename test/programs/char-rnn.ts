import { manualSeed, nn, noGrad, randint, type Tensor, tensor, zeros } from 'nabla';
import type { Results } from './program.js';

const LETTERS = 'abcdefghiklmnorstuvyz';
const NAMES = {
  it: ['rossi', 'bianchi', 'ferrari', 'romano', 'ricci'],
  gr: ['nikos', 'kostas', 'yannis', 'stavros', 'makris'],
  jp: ['sato', 'tanaka', 'suzuki', 'yamada', 'mori'],
};
const LANGUAGES = Object.keys(NAMES) as (keyof typeof NAMES)[];

/** A name as rows that are 1 where its letters are. */
function spelled(name: string): Tensor {
  const oneHot = zeros([name.length, 1, LETTERS.length]);
  for (const [i, letter] of [...name].entries()) oneHot.indexPut_([i, 0, LETTERS.indexOf(letter)], 1);
  return oneHot;
}

class Cell extends nn.Module<[Tensor, Tensor], [Tensor, Tensor]> {
  i2h: nn.Linear;
  h2h: nn.Linear;
  h2o: nn.Linear;
  softmax = new nn.LogSoftmax(1);

  constructor(
    letters: number,
    readonly width: number,
    classes: number,
  ) {
    super();
    this.i2h = new nn.Linear(letters, width);
    this.h2h = new nn.Linear(width, width);
    this.h2o = new nn.Linear(width, classes);
  }

  override forward(letter: Tensor, hidden: Tensor): [Tensor, Tensor] {
    const next = nn.functional.tanh(this.i2h.forward(letter).add(this.h2h.forward(hidden)));
    return [this.softmax.forward(this.h2o.forward(next)), next];
  }

  /** The scores after the last letter. */
  read(name: string): Tensor {
    let [output, hidden] = [zeros([1]), zeros([1, this.width])];
    for (const letter of spelled(name).unbind(0)) [output, hidden] = this.forward(letter, hidden);
    return output;
  }
}

const pick = <T>(all: readonly T[]): T => all[randint(0, all.length, [1]).item()]!;

/** A recurrent cell reads names letter by letter, and learns where they are from; updates by hand. */
export function run(): Results {
  manualSeed(36);
  const rnn = new Cell(LETTERS.length, 24, LANGUAGES.length);
  const criterion = new nn.NLLLoss();
  const losses: number[] = [];
  for (let step = 0; step < 40; step++) {
    const language = pick(LANGUAGES);
    const name = pick(NAMES[language]);
    const target = tensor([LANGUAGES.indexOf(language)], { dtype: 'int32' });
    rnn.zeroGrad();
    const loss = criterion.forward(rnn.read(name), target);
    loss.backward();
    for (const p of rnn.parameters()) p.data.add_(p.grad!.data, { alpha: -0.15 });
    losses.push(loss.item());
  }
  const guess = (name: string) => LANGUAGES[rnn.read(name).topk(1).indices.item()]!;
  const guesses = noGrad(() => ({ moretti: guess('moretti'), yamato: guess('yamato'), petros: guess('betros') }));
  return { losses, finals: Object.fromEntries(rnn.namedParameters()), outputs: { guesses } };
}
