/**
 * A recurrent network that reads names letter by letter, and then invents some: `npx tsx examples/gallery/char-rnn.ts`.
 *
 * A letter is an index, 0 the end of a name. The network says for each letter what may come next; to invent a name is to ask it again and again.
 */
import { capture, manualSeed, multinomial, nn, noGrad, optim, type Tensor, tensor, zeros } from 'nabla';
import { isMain } from '../lib/main.js';

const NAMES =
  'ada alan alice amelia anna arthur aurora beatrice bella carl caroline cecilia charlotte clara daniel daria david diana edith edward elena elias eliza emil emilia emma erik ernest esther eva felix flora frida gabriel george grace hanna helena henri hugo ida irene isabel ivan jana johan julia julian karla katharina lara laura lea leo leonard lina louis lucia luisa marcel maria marina marta martin mila miriam nadia nathan nina nora olga oliver oskar paula petra philip rebecca robert rosa rosalind samuel sara selma sofia stella theodor thomas valentin vera viktor viola wanda zoe'.split(
    ' ',
  );
const ALPHABET = '.abcdefghijklmnopqrstuvwxyz';
const LONGEST = Math.max(...NAMES.map((name) => name.length));

class NameModel extends nn.Module<[Tensor, Tensor?], { scores: Tensor; hidden: Tensor }> {
  embedding = new nn.Embedding(ALPHABET.length, 16);
  gru = new nn.GRU(16, 64, { batchFirst: true });
  scores = new nn.Linear(64, ALPHABET.length);

  /** Letters [N, T], and what is remembered of those before, to scores [N, T, 27]. */
  override forward(letters: Tensor, hidden?: Tensor): { scores: Tensor; hidden: Tensor } {
    const { output, hn } = this.gru.forward(this.embedding.forward(letters), hidden);
    return { scores: this.scores.forward(output), hidden: hn };
  }
}

/** The names as a matrix of letters, each with an end at both sides, and filled up with ends. */
function table(): Tensor {
  const rows = NAMES.map((name) => `.${name}`.padEnd(LONGEST + 2, '.'));
  return tensor(
    rows.map((row) => Array.from(row, (letter) => ALPHABET.indexOf(letter))),
    { dtype: 'int32' },
  );
}

function invent(model: NameModel): string {
  let [letter, hidden, name] = [zeros([1, 1], { dtype: 'int32' }), undefined as Tensor | undefined, ''];
  while (name.length < 12) {
    const next = model.forward(letter, hidden);
    hidden = next.hidden;
    letter = multinomial(next.scores.view([-1]).softmax(0), 1).view([1, 1]);
    if (letter.item() === 0) break;
    name += ALPHABET[letter.item()];
  }
  return name;
}

/** Trains for so many steps; gives the losses, and names that are invented then. */
export function run(steps: number, log: (line: string) => void): { losses: number[]; names: string[] } {
  manualSeed(0);
  const names = table();
  const model = new NameModel();
  const optimizer = new optim.AdamW(model.parameters(), { lr: 0.01 });
  const [before, after] = [names.slice(1, 0, -1), names.slice(1, 1)];
  // What comes after a name ended is of no interest: -100 is what crossEntropy leaves out.
  const isOver = before.eq(0).logicalAnd(after.eq(0));
  const target = after.maskedFill(isOver, -100).contiguous();

  const step = capture(() => {
    const { scores } = model.forward(before);
    const loss = nn.functional.crossEntropy(scores.flatten(0, 1), target.flatten());
    optimizer.zeroGrad();
    loss.backward();
    nn.utils.clipGradNorm_(model.parameters(), 1);
    optimizer.step();
    return loss;
  });

  const losses: number[] = [];
  for (let i = 1; i <= steps; i++) {
    losses.push(step().item());
    if (i % 50 === 0) log(`step ${i}: loss ${losses.at(-1)!.toFixed(4)}`);
  }
  const invented = noGrad(() => Array.from({ length: 10 }, () => invent(model)));
  log(`invented: ${invented.join(', ')}`);
  return { losses, names: invented };
}

if (isMain(import.meta.url)) run(200, console.log);
