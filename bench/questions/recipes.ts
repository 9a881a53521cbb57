import type { RecipeWork } from '../harness/work.js';
import type { Case, Question } from './question.js';

function recipe(loss: RecipeWork['loss'], layers: readonly number[], batch: number, habits: boolean): Case {
  const name = loss === 'smoothL1' ? 'AdamW amsgrad' : 'Adam';
  return {
    label: `${layers.join('-')}, batch ${batch}, ${name}${habits ? ', clipped and scheduled' : ''}`,
    work: { kind: 'recipe', loss, layers, batch, habits },
    quick: true,
  };
}

export const recipes: Question = {
  name: 'recipes',
  title: 'A step of training as programs have it, without and with clipping by norm and a schedule',
  cases: [false, true].flatMap((habits) => [
    recipe('smoothL1', [4, 128, 128, 2], 128, habits),
    recipe('crossEntropy', [784, 128, 10], 32, habits),
  ]),
};
