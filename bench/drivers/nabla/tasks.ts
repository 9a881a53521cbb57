import type { Work } from '../../harness/work.js';
import type { Task, Tasks } from '../serve.js';
import { convnet, convolution } from './convolutions.js';
import { firstCall } from './first-call.js';
import { loss } from './losses.js';
import { many } from './many.js';
import { network } from './networks.js';
import { map, matmul, overwrite, recorded, rows } from './operations.js';
import { recipe, update } from './recipes.js';
import { epoch, inference, type Mode, momentum, training } from './training.js';
import { chain, vocabulary } from './vocabulary.js';

/** How nabla does each piece of work. */
export const tasksOf =
  (mode: Mode): Tasks =>
  (work) =>
    task(work, mode);

function task(work: Work, mode: Mode): Task | null {
  switch (work.kind) {
    case 'matmul':
      return matmul(work);
    case 'map':
      return map(work);
    case 'recorded':
      return recorded(work);
    case 'inPlace':
      return overwrite(work);
    case 'rows':
      return rows(work);
    case 'vocabulary':
      return vocabulary(work);
    case 'chain':
      return chain(work, mode);
    case 'loss':
      return loss(work);
    case 'convolution':
      return convolution(work, mode);
    case 'convnet':
      return convnet(work, mode);
    case 'training':
      return training(work, mode);
    case 'momentum':
      return momentum(work);
    case 'update':
      return update(work);
    case 'recipe':
      return recipe(work, mode);
    case 'epoch':
      return epoch(work, mode);
    case 'many':
      return many(work, mode);
    case 'network':
      return network(work, mode);
    case 'inference':
      return inference(work, mode);
    case 'firstCall':
      return firstCall(work, mode);
    default:
      return null;
  }
}
