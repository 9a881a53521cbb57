import { elementwise } from './elementwise.js';
import { epoch } from './epoch.js';
import { inPlace } from './in-place.js';
import { losses } from './losses.js';
import { matmul } from './matmul.js';
import { optimizer } from './optimizer.js';
import type { Question } from './question.js';
import { rows } from './rows.js';
import { training } from './training.js';
import { layerWidths } from './widths.js';

/** Every question, as they are asked. */
export const questions: readonly Question[] = [
  training,
  matmul,
  elementwise,
  inPlace,
  rows,
  losses,
  optimizer,
  epoch,
  layerWidths,
];
