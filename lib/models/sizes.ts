import * as kinds from '../tensor/kinds.js';

/** What models of images have in common. */
export const classes = {
  /** How many classes there are. Default: 1000. */
  numClasses: kinds.integerFrom(1).default(1000),
};

export const channels = {
  /** How many channels images have. Default: 3. */
  inChannels: kinds.integerFrom(1).default(3),
};
