/**
 * What `structuredClone` and `postMessage` stumble over, whose error shows it: `Symbol(…) could not be cloned`. They look at nothing but
 * enumerable properties of an object itself; without this one they would silently make an empty object of what keeps its values to itself.
 */
export const uncloneable = (what: string, instead: string): symbol => Symbol(`a nabla ${what}; ${instead}. It`);
