export { type ClipGradNormOptions, clipGradNorm_, clipGradValue_, type Parameters } from './clip-grad.js';
