/** What an instruction returns that was done. */
export const DONE = -1;
/** What one returns of which a value does not fit the int32 that it is stored as; what was stored is not to be used. */
export const MISFIT = -2;
