import { CaptureError, capture, NablaError, nn, ones, type Tensor, tensor } from 'nabla';
import { summary } from 'nabla/training';
import { describe, expect, it } from 'vitest';

const productsOf = (model: nn.Module, shape: number[]) => summary(model, shape).multiplyAdds;

describe('summary', () => {
  it('counts multiplications of products and convolutions', () => {
    expect(productsOf(new nn.Linear(4, 3), [2, 4])).toBe(2 * 4 * 3);
    expect(productsOf(new nn.Conv2d(3, 8, 3, { padding: 1 }), [2, 3, 8, 8])).toBe(2 * 8 * 64 * 27);
    expect(productsOf(new nn.Conv2d(4, 8, 3, { groups: 2 }), [1, 4, 5, 5])).toBe(8 * 9 * 2 * 9);
    expect(productsOf(new nn.LSTM(4, 3), [5, 2, 4])).toBe(5 * 2 * 12 * (4 + 3));
    expect(productsOf(new nn.ReLU(), [5])).toBe(0);
  });

  it('tells of every module, and leaves the model as it was', () => {
    const model = new nn.Sequential(new nn.Linear(4, 8), new nn.BatchNorm1d(8), new nn.Sequential(new nn.Dropout(0.5)));
    model[1].eval();
    model[0].weight.requiresGrad = false;
    const before = JSON.stringify(Object.values(model.stateDict()).map((x) => x.toArray()));
    const found = summary(model, [3, 4]);
    expect(
      found.layers.map(({ name, type, outputShape, parameters }) => [name, type, outputShape, parameters]),
    ).toEqual([
      ['', 'Sequential', [3, 8], 0],
      ['0', 'Linear', [3, 8], 40],
      ['1', 'BatchNorm1d', [3, 8], 16],
      ['2', 'Sequential', [3, 8], 0],
      ['2.0', 'Dropout', [3, 8], 0],
    ]);
    expect([found.parameters, found.trainable]).toEqual([56, 24]);
    expect(model.modules().map(({ training }) => training)).toEqual([true, true, false, true, true]);
    expect(JSON.stringify(Object.values(model.stateDict()).map((x) => x.toArray()))).toBe(before);
    expect(String(found)).toBe(
      [
        'layer             output  parameters  multiply-adds',
        'model: Sequential  [3, 8]',
        '  0: Linear        [3, 8]          40             96',
        '  1: BatchNorm1d   [3, 8]          16',
        '  2: Sequential    [3, 8]',
        '    0: Dropout     [3, 8]',
        'total                             56             96',
        'trainable                         24',
      ]
        .map((line, i) => (i === 0 ? 'layer              output  parameters  multiply-adds' : line))
        .join('\n')
        .replace('total                             56', 'total                              56')
        .replace('trainable                         24', 'trainable                          24'),
    );
  });

  it('takes several inputs, tensors among them, and counts what is shared once', () => {
    class Pair extends nn.Module<[Tensor, Tensor], Tensor> {
      table = new nn.Embedding(5, 4);
      same = this.table;
      unused = new nn.Linear(1, 1);

      forward(x: Tensor, i: Tensor): Tensor {
        return x.matmul(this.same.forward(i).t());
      }
    }
    const found = summary(new Pair(), [[3, 4], tensor([0, 1], { dtype: 'int32' })]);
    expect(found.layers.map(({ outputShape, multiplyAdds }) => [outputShape, multiplyAdds])).toEqual([
      [[3, 2], 24],
      [[2, 4], 0],
      [null, 0],
    ]);
    expect(found.parameters).toBe(22);
  });

  it('takes its hooks away where forward throws', () => {
    const model = new nn.Sequential(new nn.Linear(4, 8));
    expect(() => summary(model, [3, 5])).toThrow(NablaError);
    expect(model.forward(ones([1, 4])).shape).toEqual([1, 8]);
    expect(Object.getOwnPropertyNames(model[0])).not.toContain('forward');
    expect(model.training).toBe(true);
    const step = capture((x: Tensor) => model.forward(x));
    expect(step(ones([1, 4])).shape).toEqual([1, 8]);
    expect(() => capture(() => summary(model, [1, 4]).parameters)()).toThrow(CaptureError);
    expect(() => summary(model, [-1, 4])).toThrow(NablaError);
    expect(() => summary({} as never, [1])).toThrow(/model must be a Module/);
  });
});
