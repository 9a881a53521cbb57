export * from './clip-grad.js';
