import { setNumThreads } from 'nabla';

setNumThreads(1);
