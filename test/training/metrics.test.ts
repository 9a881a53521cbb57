import { capture, manualSeed, NablaError, rand, randint, randn, type Tensor, tensor } from 'nabla';
import {
  Accuracy,
  AUROC,
  AveragePrecision,
  ConfusionMatrix,
  F1Score,
  MeanAbsoluteError,
  MeanMetric,
  MeanSquaredError,
  type Metric,
  Perplexity,
  Precision,
  R2Score,
  Recall,
} from 'nabla/training';
import { describe, expect, it } from 'vitest';

const ints = (values: readonly number[]) => tensor([...values], { dtype: 'int32' });

// scikit-learn's own examples, and values computed by its definitions.
const PRED = ints([0, 2, 1, 0, 0, 1]);
const TARGET = ints([0, 1, 2, 0, 1, 2]);

type Average = 'macro' | 'micro' | 'weighted' | 'none';
const scored = (make: (average: Average) => Metric<[Tensor, Tensor], unknown>, average: Average) => {
  const metric = make(average);
  metric.update(PRED, TARGET);
  return metric.compute();
};

describe('arguments', () => {
  it.each<[message: string, call: () => unknown]>([
    [
      'MeanSquaredError.update: target must be a Tensor, got undefined',
      () => Reflect.apply(MeanSquaredError.prototype.update, new MeanSquaredError(), [PRED]),
    ],
    [
      'AUROC.update: expected at most 2 arguments',
      () => Reflect.apply(AUROC.prototype.update, new AUROC(), [PRED, TARGET, 1]),
    ],
    ['MeanMetric.update: value must be a Tensor or a number', () => new MeanMetric().update('3' as never)],
    ['Accuracy: expected no arguments, got 1', () => new Accuracy(null as never)],
    ["Accuracy: unknown option 'topk'; did you mean 'topK'?", () => new Accuracy({ topk: 2 } as never)],
    ['compute: expected no arguments, got 1', () => Reflect.apply(MeanMetric.prototype.compute, new MeanMetric(), [1])],
    ['Precision: numClasses must be an integer, at least 2, got undefined', () => Reflect.construct(Precision, [])],
  ])('are refused: %s', (message, call) => {
    expect(call).toThrow(NablaError);
    expect(call).toThrow(message);
  });

  it('of the mean are a value and a weight, by position or by name', () => {
    const mean = new MeanMetric();
    mean.update(1);
    mean.update(4, { weight: 2 });
    expect(mean.compute()).toBe(3);
  });
});

describe('scores of classes', () => {
  it.each([
    // precision_score(y_true=[0,1,2,0,1,2], y_pred=[0,2,1,0,0,1]) of scikit-learn's documentation
    ['precision macro', () => scored((average) => new Precision({ numClasses: 3, average }), 'macro'), 2 / 9],
    ['precision micro', () => scored((average) => new Precision({ numClasses: 3, average }), 'micro'), 1 / 3],
    ['precision weighted', () => scored((average) => new Precision({ numClasses: 3, average }), 'weighted'), 2 / 9],
    ['recall macro', () => scored((average) => new Recall({ numClasses: 3, average }), 'macro'), 1 / 3],
    ['recall weighted', () => scored((average) => new Recall({ numClasses: 3, average }), 'weighted'), 1 / 3],
    ['f1 macro', () => scored((average) => new F1Score({ numClasses: 3, average }), 'macro'), 0.8 / 3],
    ['f1 micro', () => scored((average) => new F1Score({ numClasses: 3, average }), 'micro'), 1 / 3],
  ])('%s', (_, compute, expected) => {
    expect(compute()).toBeCloseTo(expected, 12);
  });

  it('per class, and what stands where nothing was predicted', () => {
    expect(scored((average) => new Precision({ numClasses: 3, average }), 'none')).toEqual([2 / 3, 0, 0]);
    expect(scored((average) => new F1Score({ numClasses: 3, average }), 'none')).toEqual([0.8, 0, 0]);
    const precision = new Precision({ numClasses: 3, average: 'none', zeroDivision: 1 });
    precision.update(ints([0, 0]), ints([0, 1]));
    expect(precision.compute()).toEqual([0.5, 1, 1]);
    // Classes that are neither there nor predicted do not count in the mean, as in scikit-learn.
    const macro = new Precision({ numClasses: 3 });
    macro.update(ints([0, 0]), ints([0, 1]));
    expect(macro.compute()).toBe(0.25);
    // Nor do scores that are NaN.
    for (const [average, expected] of [
      ['macro', 2 / 3],
      ['weighted', 2 / 3],
    ] as const) {
      const without = new Precision({ numClasses: 3, average, zeroDivision: Number.NaN });
      without.update(ints([0, 0, 0]), ints([0, 1, 0]));
      expect(without.compute()).toBeCloseTo(expected, 12);
    }
  });

  it('of two classes, from probabilities', () => {
    const f1 = new F1Score({ numClasses: 2, average: 'binary' });
    f1.update(tensor([0.2, 0.5, 0.9]), ints([0, 1, 0]));
    expect(f1.compute()).toBeCloseTo(2 / 3, 12);
    expect(() => new Recall({ numClasses: 3, average: 'binary' })).toThrow(
      /average 'binary' is for 2 classes, got numClasses 3/,
    );
  });

  it('as a table', () => {
    const matrix = new ConfusionMatrix({ numClasses: 3 });
    matrix.update(PRED, TARGET);
    expect(matrix.compute()).toEqual([
      [2, 0, 0],
      [1, 0, 1],
      [0, 2, 0],
    ]);
    expect(String(matrix)).toBe(
      [
        'target  as 0  as 1  as 2',
        '     0     2     0     0',
        '     1     1     0     1',
        '     2     0     2     0',
      ].join('\n'),
    );
  });

  it.each([
    [
      'a target that is no class',
      () => new ConfusionMatrix({ numClasses: 2 }).update(ints([0]), ints([2])),
      /a target is no class from 0 to 1/,
    ],
    [
      'a prediction that is none',
      () => new F1Score({ numClasses: 2 }).update(ints([-1]), ints([0])),
      /F1Score.update: a prediction is no class/,
    ],
    [
      'shapes that differ',
      () => new Accuracy().update(ints([1, 2]), ints([1])),
      /Accuracy.update: the predictions have shape \[2\], but the targets \[1\]/,
    ],
    [
      'scores of another shape',
      () => new Accuracy().update(rand([3, 4]), ints([1, 2])),
      /need targets of shape \[3\], got \[2\]/,
    ],
    [
      'no classes',
      () => new ConfusionMatrix({} as never),
      /ConfusionMatrix: numClasses must be an integer, at least 2/,
    ],
    ['options that do not exist', () => new Accuracy({ k: 2 } as never), /Accuracy: unknown option 'k'/],
    ['what is no tensor', () => new Accuracy().update(3 as never, ints([1])), /pred must be a Tensor, got 3/],
    [
      'a weight that does not broadcast to the value',
      () => new MeanMetric().update(2, tensor([1, 0])),
      /^MeanMetric.update: the weight must broadcast to the value's shape \[\], got \[2\]$/,
    ],
    ['ranks of classes', () => new Accuracy({ topK: 2 }).update(ints([1]), ints([1])), /topK 2 needs scores/],
  ])('refuses %s', (_, call, message) => {
    expect(call).toThrow(message);
  });
});

describe('accuracy', () => {
  it('counts over batches, and forgets', () => {
    const accuracy = new Accuracy();
    expect(accuracy.compute()).toBeNaN();
    accuracy.update(
      tensor([
        [0.1, 0.9],
        [0.8, 0.2],
      ]),
      ints([1, 1]),
    );
    accuracy.update(ints([1]), ints([1]));
    expect(accuracy.compute()).toBe(2 / 3);
    accuracy.reset();
    accuracy.update(ints([0]), ints([1]));
    expect(accuracy.compute()).toBe(0);
  });

  it('among the first k, as top_k_accuracy_score', () => {
    // scikit-learn's example: y_true = [0, 1, 2, 2], k = 2 gives 0.75.
    const scores = tensor([
      [0.5, 0.2, 0.2],
      [0.3, 0.4, 0.2],
      [0.2, 0.4, 0.3],
      [0.7, 0.2, 0.1],
    ]);
    const accuracy = new Accuracy({ topK: 2 });
    accuracy.update(scores, ints([0, 1, 2, 2]));
    expect(accuracy.compute()).toBe(0.75);
  });

  it('of a class per pixel', () => {
    manualSeed(1);
    const [scores, target] = [randn([2, 5, 3, 4]), randint(0, 5, [2, 3, 4], { dtype: 'int32' })];
    const accuracy = new Accuracy();
    accuracy.update(scores, target);
    expect(accuracy.compute()).toBeCloseTo(scores.argmax(1).eq(target).double().mean().item(), 12);
    const third = new Accuracy({ topK: 5 });
    third.update(scores, target);
    expect(third.compute()).toBe(1);
  });
});

describe('what is NaN', () => {
  const { NaN: none } = Number;
  type Scored = Metric<[Tensor, Tensor], unknown>;
  const scores = tensor([
    [none, none, none],
    [0.1, 0.7, 0.2],
    [0.1, none, 0.9],
    [0.6, 0.3, 0.1],
  ]);
  const targets = ints([0, 1, 2, 2]);
  const cases: [string, Scored, Tensor, Tensor, unknown][] = [
    ['accuracy', new Accuracy(), scores, targets, 1 / 4],
    ['accuracy of ranks', new Accuracy({ topK: 2 }), scores, targets, 1 / 4],
    ['accuracy of all ranks', new Accuracy({ topK: 3 }), scores, targets, 2 / 4],
    ['accuracy of a probability', new Accuracy(), tensor([none, none, 0.2]), ints([0, 1, 0]), 1 / 3],
    ['accuracy of a class that is none', new Accuracy(), tensor([none]), ints([-1]), 0],
    ['recall', new Recall({ numClasses: 3, average: 'none' }), scores, targets, [0, 1, 0]],
    ['recall of all', new Recall({ numClasses: 3, average: 'micro' }), scores, targets, 1 / 4],
    ['precision', new Precision({ numClasses: 3, average: 'none' }), scores, targets, [0, 1, 0]],
    ['precision of all', new Precision({ numClasses: 3, average: 'micro' }), scores, targets, 1 / 2],
    ['f1', new F1Score({ numClasses: 3, average: 'micro' }), scores, targets, 2 / (2 + 4)],
    ['f1 of a probability', new F1Score({ numClasses: 2 }), tensor([none, none]), ints([0, 1]), 0],
    [
      'a confusion matrix',
      new ConfusionMatrix({ numClasses: 3 }),
      scores,
      targets,
      [
        [0, 0, 0],
        [0, 1, 0],
        [1, 0, 0],
      ],
    ],
  ];

  it.each(cases)('is not right: %s', (_, metric, pred, target, expected) => {
    metric.update(pred, target);
    expect(metric.compute()).toEqual(expected);
    // A recording, and a replay.
    metric.reset();
    const update = capture((x: Tensor, y: Tensor) => metric.update(x, y));
    for (let i = 0; i < 2; i++) update(pred, target);
    const value = metric.compute();
    if (metric instanceof ConfusionMatrix)
      expect(
        tensor(value as number[][])
          .div(2)
          .toArray(),
      ).toEqual(expected);
    else expect(value).toEqual(expected);
  });

  it('is in a column of the table', () => {
    const matrix = new ConfusionMatrix({ numClasses: 2 });
    matrix.update(tensor([none, 0.2, 0.9]), ints([0, 0, 1]));
    expect(String(matrix)).toBe(
      ['target  as 0  as 1  as NaN', '     0     1     0       1', '     1     0     1       0'].join('\n'),
    );
  });
});

describe('targets that are floats', () => {
  const makes = [
    () => new Accuracy(),
    () => new ConfusionMatrix({ numClasses: 2 }),
    () => new Precision({ numClasses: 2 }),
    () => new Recall({ numClasses: 2 }),
    () => new F1Score({ numClasses: 2 }),
  ];

  it.each(makes)('may be whole only (%#)', (make: () => Metric<[Tensor, Tensor], unknown>) => {
    const [pred, whole] = [tensor([0.2, 0.8]), tensor([0, 1])];
    const [floats, integers] = [make(), make()];
    floats.update(pred, whole);
    integers.update(pred, whole.int());
    expect(floats.compute()).toEqual(integers.compute());
    const refusal = /\.update: targets must be classes, which are integers/;
    for (const bad of [0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => floats.update(pred, tensor([1, bad]))).toThrow(new RegExp(`${refusal.source}, got ${bad}$`));
      expect(floats.compute()).toEqual(integers.compute());
    }
    const update = capture((x: Tensor, y: Tensor) => floats.update(x, y));
    for (let i = 0; i < 3; i++) update(pred, whole);
    expect(() => update(pred, tensor([1, 0.5]))).toThrow(refusal);
  });
});

describe('means', () => {
  it('of values and weights', () => {
    const mean = new MeanMetric();
    mean.update(2, 3);
    mean.update(tensor([4, 6]), tensor([1, 0]));
    expect(mean.compute()).toBe(2.5);
  });

  it('of errors', () => {
    // scikit-learn: mean_absolute_error([3, -0.5, 2, 7], [2.5, 0, 2, 8]) is 0.5, mean_squared_error 0.375, r2_score 0.9486…
    const [pred, target] = [
      [2.5, 0, 2, 8],
      [3, -0.5, 2, 7],
    ];
    const metrics = [new MeanAbsoluteError(), new MeanSquaredError(), new R2Score()];
    for (const metric of metrics) {
      for (const [from, to] of [
        [0, 1],
        [1, 4],
      ] as const)
        metric.update(tensor(pred.slice(from, to)), tensor(target.slice(from, to)));
    }
    const [mae, mse, r2] = metrics.map((metric) => metric.compute());
    expect([mae, mse]).toEqual([0.5, 0.375]);
    expect(r2).toBeCloseTo(0.9486081370449679, 12);
  });

  it('of errors far from zero', () => {
    const r2 = new R2Score();
    for (let i = 0; i < 10; i++) r2.update(tensor([1e6 + i, 1e6 - i]), tensor([1e6 + i + 0.5, 1e6 - i - 0.5]));
    // Σ residual² = 20 · 0.25, Σ (target - mean)² = 2 Σ (i + 0.5)² for i < 10
    expect(r2.compute()).toBeCloseTo(1 - 5 / 665, 9);
    const same = new R2Score();
    same.update(tensor([1, 1]), tensor([1, 1]));
    expect(same.compute()).toBe(1);
    // As scikit-learn: constant targets that were missed, and fewer than two.
    same.update(tensor([0]), tensor([1]));
    expect(same.compute()).toBe(0);
    const single = new R2Score();
    single.update(tensor([1]), tensor([1]));
    expect(single.compute()).toBeNaN();
  });

  it('of perplexity', () => {
    const perplexity = new Perplexity();
    perplexity.update(
      tensor(
        [
          [
            [0, Math.log(3)],
            [5, -5],
          ],
        ],
        { dtype: 'float64' },
      ),
      ints([1, -100]).reshape([1, 2]),
    );
    expect(perplexity.compute()).toBeCloseTo(4 / 3, 12);
    expect(() => perplexity.update(rand([2, 3]), ints([1]))).toThrow(/need targets of shape \[2\], got \[1\]/);
  });
});

describe('rankings', () => {
  it('have the areas of scikit-learn', () => {
    const [auc, precision] = [new AUROC(), new AveragePrecision()];
    for (const metric of [auc, precision]) {
      metric.update(tensor([0.1, 0.4]), ints([0, 0]));
      metric.update(tensor([0.35, 0.8]), ints([1, 1]));
    }
    expect([auc.compute(), precision.compute()]).toEqual([0.75, expect.closeTo(0.8333333333333333, 12)]);
  });

  it('of examples of one kind are those of scikit-learn', () => {
    for (const [target, area, average] of [
      [0, Number.NaN, 0],
      [1, Number.NaN, 1],
    ] as const) {
      const [auc, precision] = [new AUROC(), new AveragePrecision()];
      for (const metric of [auc, precision]) metric.update(tensor([0.1, 0.4]), ints([target, target]));
      expect([auc.compute(), precision.compute()]).toEqual([area, average]);
    }
    expect(new AveragePrecision().compute()).toBeNaN();
  });

  it('count the pairs in order, ties by half', () => {
    manualSeed(3);
    const scores = randint(0, 10, [200]).float();
    const target = rand([200]).lt(0.3).int();
    const auc = new AUROC();
    auc.update(scores, target);
    const [s, t] = [scores.toTypedArray(), target.toTypedArray()];
    let [good, pairs] = [0, 0];
    for (let i = 0; i < 200; i++) {
      for (let j = 0; j < 200; j++) {
        if (t[i] !== 1 || t[j] !== 0) continue;
        pairs++;
        good += s[i]! > s[j]! ? 1 : s[i] === s[j] ? 0.5 : 0;
      }
    }
    expect(auc.compute()).toBeCloseTo(good / pairs, 12);
  });

  it('refuse what has no order', () => {
    expect(() => new AUROC().update(tensor([Number.NaN]), ints([1]))).toThrow(/score 0 is NaN/);
    expect(() => new AUROC().update(tensor([1]), ints([2]))).toThrow(/targets must be 0 or 1, got 2/);
    const auc = new AUROC();
    expect(() => capture((x: Tensor) => auc.update(x, ints([1])))(tensor([0.5]))).toThrow(
      /a captured function cannot keep all scores/,
    );
  });
});

describe('captured evaluation', () => {
  it('updates what a plain one does', () => {
    const batches = () => {
      manualSeed(5);
      return Array.from({ length: 5 }, () => [randn([8, 3]), randint(0, 3, [8], { dtype: 'int32' })] as const);
    };
    const make = () => [new Accuracy(), new Accuracy({ topK: 2 }), new F1Score({ numClasses: 3 }), new Perplexity()];
    const [plain, captured] = [make(), make()];
    for (const [x, y] of batches()) for (const metric of plain) metric.update(x, y);
    const step = capture((x: Tensor, y: Tensor) => {
      for (const metric of captured) metric.update(x, y);
      return x.sum();
    });
    for (const [x, y] of batches()) step(x, y);
    expect(captured.map((metric) => metric.compute())).toEqual(plain.map((metric) => metric.compute()));
    const bad = ints([0, 1, 2, 3, 0, 0, 0, 0]);
    expect(() => step(randn([8, 3]), bad)).toThrow(/no class from 0 to 2|out of range/);
  });
});
