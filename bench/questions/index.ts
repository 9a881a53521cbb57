import { calls } from './calls.js';
import { convolution } from './convolution.js';
import { elementwise } from './elementwise.js';
import { epoch } from './epoch.js';
import { inPlace } from './in-place.js';
import { inference } from './inference.js';
import { limits } from './limits.js';
import { load } from './load.js';
import { losses } from './losses.js';
import { many } from './many.js';
import { matmul } from './matmul.js';
import { networks } from './networks.js';
import { optimizer } from './optimizer.js';
import type { Question } from './question.js';
import { recipes } from './recipes.js';
import { recording } from './recording.js';
import { rows } from './rows.js';
import { training } from './training.js';
import { updates } from './updates.js';
import { chains, vocabulary } from './vocabulary.js';
import { layerWidths } from './widths.js';

/** Every question, as they are asked. */
export const questions: readonly Question[] = [
  limits,
  training,
  convolution,
  matmul,
  calls,
  elementwise,
  inPlace,
  rows,
  vocabulary,
  chains,
  losses,
  optimizer,
  updates,
  recipes,
  epoch,
  many,
  networks,
  inference,
  recording,
  layerWidths,
  load,
];
