import { Living } from '../backend/living.js';
import type { Module } from './module.js';

/** So that the modules that a parameter belongs to can be found. */
export const livingModules = new Living<Module>();
