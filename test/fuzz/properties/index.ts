import type { AnyProperty } from '../property.js';
import { args } from './arguments.js';
import { backends } from './backends.js';
import { background } from './background.js';
import { captured } from './captured.js';
import { formats } from './formats.js';
import { secondDerivatives } from './second-derivatives.js';
import { threads } from './threads.js';

const all = [captured, background, backends, threads, secondDerivatives, args, formats];

export const properties = all as unknown as readonly AnyProperty[];
