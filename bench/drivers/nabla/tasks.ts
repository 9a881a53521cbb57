import type { Work } from '../../harness/work.js';
import type { Task } from '../serve.js';
import { loss } from './losses.js';
import { map, matmul, overwrite, recorded, rows } from './operations.js';
import { epoch, momentum, training } from './training.js';

/** How nabla does each piece of work. */
export function tasks(work: Work): Task | null {
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
    case 'loss':
      return loss(work);
    case 'training':
      return training(work);
    case 'momentum':
      return momentum(work);
    case 'epoch':
      return epoch(work);
    default:
      return null;
  }
}
