/** Modules as functions of their parameters. */

export { type FunctionalCallOptions, functionalCall } from './functional-call.js';
