/**
 * What a property is called in the paths of state dicts and printed trees: PyTorch's spelling of it. Each hump becomes an underscore
 * (`runningMean` is `running_mean`); a property that starts with a capital (`W1`) or has an underscore already (`lora_A`) keeps its name.
 */
export const stateName = (property: string): string =>
  /^[A-Z]|_/.test(property) ? property : property.replaceAll(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);

/** The path of what is called `name` in what is at `path`. */
export const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);
