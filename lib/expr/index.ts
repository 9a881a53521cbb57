export { adjoints } from './adjoint.js';
export { compile, type Expressions, expressionsOf, type Signature } from './compile.js';
export * from './compound.js';
export * from './expr.js';
export { hasRows, inputsOf, rewrite, shareCommon, stageCount, structureOf, substitute, topological } from './graph.js';
