export { type DistributionOptions, Exponential, Laplace, Normal, Uniform } from './continuous.js';
export { Bernoulli, Binomial, type BinomialOptions, Categorical, type ChanceOptions, Poisson } from './discrete.js';
export { Distribution, type SampleOptions } from './distribution.js';
export { Beta, Dirichlet, Gamma } from './gammas.js';
export { Independent, type IndependentOptions } from './independent.js';
export { klDivergence } from './kl.js';
export { MultivariateNormal, type MultivariateNormalOptions } from './multivariate-normal.js';
