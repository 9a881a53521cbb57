import { readFile } from 'node:fs/promises';
import * as nabla from 'nabla';
import { describe, expect, it } from 'vitest';
import { currentPage, nablaNameOf, PAGE } from '../../scripts/pytorch-names.js';

describe('docs/coming-from-pytorch.md', () => {
  it('is what `npm run docs:names` writes', async () => {
    const page = await readFile(PAGE, 'utf8');
    expect(await currentPage(page)).toBe(page);
  });

  it('says what a name is here', () => {
    expect(nablaNameOf('torch', 'index_select')).toBe('`indexSelect`');
    expect(nablaNameOf('torch', 'conv2d')).toBe('`nn.functional.conv2d`');
    expect(nablaNameOf('torch.Tensor', 'fill_')).toBe('`x.fill_`');
    expect(nablaNameOf('torch.special', 'log_ndtr')).toBe('`special.logNdtr`');
    expect(nablaNameOf('torch.Tensor', 'tolist')).toBe('`x.toArray()`');
    expect(nablaNameOf('torch', 'no_such_name')).toBeNull();
  });

  it('names, for what is called otherwise, what exists', async () => {
    const page = await readFile(PAGE, 'utf8');
    const methods = [...page.matchAll(/\| `x\.(\w+)/g)].map(([, name]) => name!);
    expect(methods.length).toBeGreaterThan(100);
    // `grad`, `shape` and their like are accessors, which belong to the prototype too.
    expect(methods.filter((name) => !(name in nabla.Tensor.prototype))).toEqual([]);
  });
});
