import { describe, expect, test } from 'vitest';
import {
  arange,
  asStrided,
  atleast1d,
  atleast2d,
  atleast3d,
  cartesianProd,
  constantPadNd,
  DTypeError,
  fill,
  gradcheck,
  meshgrid,
  nn,
  noGrad,
  ones,
  randn,
  repeatInterleave,
  ShapeError,
  type Tensor,
  tensor,
  trilIndices,
  triuIndices,
  ValueError,
  zeros,
} from '../../lib/index.js';
import * as axes from '../../lib/ops/axes.js';
import * as diagonals from '../../lib/ops/diagonals.js';
import * as rearranging from '../../lib/ops/rearranging.js';
import * as splitting from '../../lib/ops/splitting.js';
import * as triangles from '../../lib/ops/triangles.js';
import * as viewScatter from '../../lib/ops/view-scatter.js';
import { type Arrangement, counting, describeArrangements } from './rearranged.js';

const { pad } = nn.functional;
const at = (values: number | number[]): Tensor => tensor(values, { dtype: 'int32' });
/** A source of the type and with the gradient of `x`. */
const tens = (x: Tensor, ...shape: number[]): Tensor =>
  counting(...shape)
    .to(x)
    .add(10)
    .to(x);

const rows: readonly Arrangement[] = [
  {
    name: 'movedim',
    of: () => counting(1, 2, 3),
    take: (x) => x.movedim([0, 2], [1, 0]),
    expected: [[[0, 3]], [[1, 4]], [[2, 5]]],
  },
  {
    name: 'moveaxis',
    of: () => counting(1, 2, 3),
    take: (x) => x.moveaxis(0, -1),
    expected: [
      [[0], [1], [2]],
      [[3], [4], [5]],
    ],
  },
  { name: 'movedim of a 0-d tensor', of: () => counting(1).reshape([]), take: (x) => x.movedim([], []), expected: 0 },
  { name: 'swapaxes', of: () => counting(2, 1, 2), take: (x) => x.swapaxes(0, -1), expected: [[[0, 2]], [[1, 3]]] },
  {
    name: 'swapdims',
    of: () => counting(2, 2),
    take: (x) => x.swapdims(0, 1),
    expected: [
      [0, 2],
      [1, 3],
    ],
  },
  {
    name: 'adjoint',
    of: () => counting(1, 2, 2),
    take: (x) => x.adjoint(),
    expected: [
      [
        [0, 2],
        [1, 3],
      ],
    ],
  },
  { name: 'adjoint of a 0-d tensor', of: () => counting(1).reshape([]), take: (x) => x.adjoint(), expected: 0 },
  {
    name: 'mH',
    of: () => counting(1, 2, 2),
    take: (x) => x.mH,
    expected: [
      [
        [0, 2],
        [1, 3],
      ],
    ],
  },
  {
    name: 'H',
    of: () => counting(2, 2),
    take: (x) => x.H,
    expected: [
      [0, 2],
      [1, 3],
    ],
  },
  {
    name: 'unfold',
    of: () => counting(5),
    take: (x) => x.unfold(0, 3, 1),
    overlaps: true,
    expected: [
      [0, 1, 2],
      [1, 2, 3],
      [2, 3, 4],
    ],
  },
  {
    name: 'unfold, apart',
    of: () => counting(2, 5),
    take: (x) => x.unfold(1, 2, 2),
    expected: [
      [
        [0, 1],
        [2, 3],
      ],
      [
        [5, 6],
        [7, 8],
      ],
    ],
  },
  {
    name: 'unfold rows',
    of: () => counting(3, 2),
    take: (x) => x.unfold(0, 2, 1),
    overlaps: true,
    expected: [
      [
        [0, 2],
        [1, 3],
      ],
      [
        [2, 4],
        [3, 5],
      ],
    ],
  },
  {
    name: 'unfold twice',
    of: () => counting(3, 3),
    take: (x) => x.unfold(0, 2, 1).unfold(1, 2, 1).select(0, 0),
    overlaps: true,
    expected: [
      [
        [0, 1],
        [3, 4],
      ],
      [
        [1, 2],
        [4, 5],
      ],
    ],
  },
  { name: 'unfold a 0-d tensor', of: () => counting(1).reshape([]), take: (x) => x.unfold(0, 1, 1), expected: [0] },
  { name: 'unfold to nothing', of: () => counting(2), take: (x) => x.unfold(0, 0, 1), expected: [[], [], []] },
  { name: 'diagonal', of: () => counting(2, 3), take: (x) => x.diagonal(), expected: [0, 4] },
  { name: 'diagonal above', of: () => counting(2, 3), take: (x) => x.diagonal(1), expected: [1, 5] },
  { name: 'diagonal below', of: () => counting(2, 3), take: (x) => x.diagonal(-1), expected: [3] },
  {
    name: 'diagonal of others',
    of: () => counting(2, 2, 2),
    take: (x) => x.diagonal(0, 0, -1),
    expected: [
      [0, 5],
      [2, 7],
    ],
  },
  { name: 'diagonal outside', of: () => counting(2, 3), take: (x) => x.diagonal(9), expected: [] },
  {
    name: 'asStrided',
    of: () => counting(6),
    looksAtMemory: true,
    take: (x) => x.asStrided([2, 2], [1, 2], x.offset + 1),
    expected: [
      [1, 3],
      [2, 4],
    ],
  },
  {
    name: 'asStrided, overlapping',
    of: () => counting(6),
    looksAtMemory: true,
    take: (x) => x.asStrided([3, 2], [1, 1]),
    overlaps: true,
    expected: [
      [0, 1],
      [1, 2],
      [2, 3],
    ],
  },
  {
    name: 'asStrided, repeated',
    of: () => counting(2),
    looksAtMemory: true,
    take: (x) => x.asStrided([2, 2], [0, 1]),
    overlaps: true,
    expected: [
      [0, 1],
      [0, 1],
    ],
  },
  { name: 'asStrided to nothing', of: () => counting(2), take: (x) => x.asStrided([0], [1]), expected: [] },
  {
    name: 'tensorSplit',
    of: () => counting(5),
    take: (x) => x.tensorSplit(2),
    expected: [
      [0, 1, 2],
      [3, 4],
    ],
  },
  {
    name: 'tensorSplit at indices',
    of: () => counting(2, 5),
    take: (x) => x.tensorSplit([1, -1], 1),
    expected: [
      [[0], [5]],
      [
        [1, 2, 3],
        [6, 7, 8],
      ],
      [[4], [9]],
    ],
  },
  {
    name: 'tensorSplit into empty ones',
    of: () => counting(2),
    take: (x) => x.tensorSplit(3),
    expected: [[0], [1], []],
  },
  {
    name: 'tensorSplit back and forth',
    of: () => counting(5),
    take: (x) => x.tensorSplit([3, 1]),
    overlaps: false,
    expected: [[0, 1, 2], [], [1, 2, 3, 4]],
  },
  {
    name: 'hsplit',
    of: () => counting(2, 2),
    take: (x) => x.hsplit(2),
    expected: [
      [[0], [2]],
      [[1], [3]],
    ],
  },
  { name: 'hsplit a vector', of: () => counting(4), take: (x) => x.hsplit([1]), expected: [[0], [1, 2, 3]] },
  { name: 'vsplit', of: () => counting(2, 2), take: (x) => x.vsplit(2), expected: [[[0, 1]], [[2, 3]]] },
  { name: 'dsplit', of: () => counting(1, 2, 2), take: (x) => x.dsplit(2), expected: [[[[0], [2]]], [[[1], [3]]]] },
  {
    name: 'flip',
    of: () => counting(2, 3),
    take: (x) => x.flip([0, 1]),
    copies: true,
    expected: [
      [5, 4, 3],
      [2, 1, 0],
    ],
  },
  {
    name: 'flip one',
    of: () => counting(2, 3),
    take: (x) => x.flip(-1),
    copies: true,
    expected: [
      [2, 1, 0],
      [5, 4, 3],
    ],
  },
  {
    name: 'flip none',
    of: () => counting(2, 2),
    take: (x) => x.flip([]),
    copies: true,
    expected: [
      [0, 1],
      [2, 3],
    ],
  },
  { name: 'flip nothing', of: () => counting(0), take: (x) => x.flip(0), copies: true, expected: [] },
  { name: 'flip a 0-d tensor', of: () => counting(1).reshape([]), take: (x) => x.flip(0), copies: true, expected: 0 },
  {
    name: 'fliplr',
    of: () => counting(2, 2),
    take: (x) => x.fliplr(),
    copies: true,
    expected: [
      [1, 0],
      [3, 2],
    ],
  },
  {
    name: 'flipud',
    of: () => counting(2, 2),
    take: (x) => x.flipud(),
    copies: true,
    expected: [
      [2, 3],
      [0, 1],
    ],
  },
  {
    name: 'rot90',
    of: () => counting(2, 3),
    take: (x) => x.rot90(),
    copies: true,
    expected: [
      [2, 5],
      [1, 4],
      [0, 3],
    ],
  },
  {
    name: 'rot90 back',
    of: () => counting(2, 3),
    take: (x) => x.rot90(-1),
    copies: true,
    expected: [
      [3, 0],
      [4, 1],
      [5, 2],
    ],
  },
  {
    name: 'rot90 twice',
    of: () => counting(2, 3),
    take: (x) => x.rot90(2),
    copies: true,
    expected: [
      [5, 4, 3],
      [2, 1, 0],
    ],
  },
  {
    name: 'rot90 all around',
    of: () => counting(2, 2),
    take: (x) => x.rot90(4),
    copies: true,
    expected: [
      [0, 1],
      [2, 3],
    ],
  },
  {
    name: 'rot90 of others',
    of: () => counting(1, 2, 2),
    take: (x) => x.rot90(1, [2, 1]),
    copies: true,
    expected: [
      [
        [2, 0],
        [3, 1],
      ],
    ],
  },
  {
    name: 'roll',
    of: () => counting(2, 3),
    take: (x) => x.roll(1),
    copies: true,
    expected: [
      [5, 0, 1],
      [2, 3, 4],
    ],
  },
  {
    name: 'roll back',
    of: () => counting(2, 3),
    take: (x) => x.roll(-1, 1),
    copies: true,
    expected: [
      [1, 2, 0],
      [4, 5, 3],
    ],
  },
  {
    name: 'roll both',
    of: () => counting(2, 3),
    take: (x) => x.roll([1, 4], [0, 1]),
    copies: true,
    expected: [
      [5, 3, 4],
      [2, 0, 1],
    ],
  },
  { name: 'roll nothing', of: () => counting(0), take: (x) => x.roll(3), copies: true, expected: [] },
  { name: 'roll a 0-d tensor', of: () => counting(1).reshape([]), take: (x) => x.roll(1), copies: true, expected: 0 },
  {
    name: 'repeat',
    of: () => counting(2),
    take: (x) => x.repeat([2, 2]),
    copies: true,
    expected: [
      [0, 1, 0, 1],
      [0, 1, 0, 1],
    ],
  },
  {
    name: 'repeat columns',
    of: () => counting(2, 1),
    take: (x) => x.repeat([1, 3]),
    copies: true,
    expected: [
      [0, 0, 0],
      [1, 1, 1],
    ],
  },
  { name: 'repeat one element', of: () => counting(1), take: (x) => x.repeat([3]), copies: true, expected: [0, 0, 0] },
  { name: 'repeat no times', of: () => counting(2), take: (x) => x.repeat([0]), copies: true, expected: [] },
  { name: 'repeat once', of: () => counting(2), take: (x) => x.repeat([1]), copies: true, expected: [0, 1] },
  {
    name: 'repeat a 0-d tensor',
    of: () => counting(1).reshape([]),
    take: (x) => x.repeat([2]),
    copies: true,
    expected: [0, 0],
  },
  {
    name: 'tile',
    of: () => counting(2, 2),
    take: (x) => x.tile([2]),
    copies: true,
    expected: [
      [0, 1, 0, 1],
      [2, 3, 2, 3],
    ],
  },
  {
    name: 'tile with new dims',
    of: () => counting(2),
    take: (x) => x.tile([2, 1]),
    copies: true,
    expected: [
      [0, 1],
      [0, 1],
    ],
  },
  {
    name: 'repeatInterleave',
    of: () => counting(2, 2),
    take: (x) => x.repeatInterleave(2),
    copies: true,
    expected: [0, 0, 1, 1, 2, 2, 3, 3],
  },
  {
    name: 'repeatInterleave columns',
    of: () => counting(2, 2),
    take: (x) => x.repeatInterleave(2, 1),
    copies: true,
    expected: [
      [0, 0, 1, 1],
      [2, 2, 3, 3],
    ],
  },
  {
    name: 'repeatInterleave once',
    of: () => counting(2, 2),
    take: (x) => x.repeatInterleave(1, 1),
    copies: true,
    expected: [
      [0, 1],
      [2, 3],
    ],
  },
  {
    name: 'repeatInterleave by a tensor',
    of: () => counting(2, 2),
    take: (x) => x.repeatInterleave(at([2, 1]), 0),
    copies: true,
    reads: true,
    expected: [
      [0, 1],
      [0, 1],
      [2, 3],
    ],
  },
  {
    name: 'repeatInterleave a 0-d tensor',
    of: () => counting(1).reshape([]),
    take: (x) => x.repeatInterleave(2),
    copies: true,
    expected: [0, 0],
  },
  {
    name: 'selectScatter',
    of: () => counting(2, 3),
    take: (x) => x.selectScatter(tens(x, 3), 0, 1),
    copies: true,
    expected: [
      [0, 1, 2],
      [10, 11, 12],
    ],
  },
  {
    name: 'sliceScatter',
    of: () => counting(2, 3),
    take: (x) => x.sliceScatter(tens(x, 2, 2), 1, 0, 3, 2),
    copies: true,
    expected: [
      [10, 1, 11],
      [12, 4, 13],
    ],
  },
  {
    name: 'diagonalScatter',
    of: () => counting(2, 3),
    take: (x) => x.diagonalScatter(tens(x, 2), 1),
    copies: true,
    expected: [
      [0, 10, 2],
      [3, 4, 11],
    ],
  },
  {
    name: 'tril',
    of: () => counting(2, 3),
    take: (x) => x.tril(),
    copies: true,
    expected: [
      [0, 0, 0],
      [3, 4, 0],
    ],
  },
  {
    name: 'tril above',
    of: () => counting(2, 3),
    take: (x) => x.tril(1),
    copies: true,
    expected: [
      [0, 1, 0],
      [3, 4, 5],
    ],
  },
  {
    name: 'tril of all',
    of: () => counting(2, 2),
    take: (x) => x.tril(9),
    copies: true,
    expected: [
      [0, 1],
      [2, 3],
    ],
  },
  { name: 'tril of nothing', of: () => counting(0, 3), take: (x) => x.tril(), copies: true, expected: [] },
  {
    name: 'triu',
    of: () => counting(2, 2, 2),
    take: (x) => x.triu(1),
    copies: true,
    expected: [
      [
        [0, 1],
        [0, 0],
      ],
      [
        [0, 5],
        [0, 0],
      ],
    ],
  },
  {
    name: 'triu below',
    of: () => counting(3, 2),
    take: (x) => x.triu(-1),
    copies: true,
    expected: [
      [0, 1],
      [2, 3],
      [0, 5],
    ],
  },
  {
    name: 'triu of none',
    of: () => counting(2, 2),
    take: (x) => x.triu(9),
    copies: true,
    expected: [
      [0, 0],
      [0, 0],
    ],
  },
  {
    name: 'diag',
    of: () => counting(2),
    take: (x) => x.diag(1),
    copies: true,
    expected: [
      [0, 0, 0],
      [0, 0, 1],
      [0, 0, 0],
    ],
  },
  { name: 'diag of a matrix', of: () => counting(2, 3), take: (x) => x.diag(1), copies: true, expected: [1, 5] },
  {
    name: 'diagEmbed',
    of: () => counting(2, 2),
    take: (x) => x.diagEmbed(),
    copies: true,
    expected: [
      [
        [0, 0],
        [0, 1],
      ],
      [
        [2, 0],
        [0, 3],
      ],
    ],
  },
  {
    name: 'diagEmbed elsewhere',
    of: () => counting(2, 2),
    take: (x) => x.diagEmbed(1, 0, 2),
    copies: true,
    expected: [
      [
        [0, 0, 0],
        [0, 2, 0],
      ],
      [
        [0, 0, 1],
        [0, 0, 3],
      ],
      [
        [0, 0, 0],
        [0, 0, 0],
      ],
    ],
  },
  {
    name: 'diagEmbed with dims exchanged',
    of: () => counting(2),
    take: (x) => x.diagEmbed(1, 1, 0),
    copies: true,
    expected: [
      [0, 0, 0],
      [0, 0, 0],
      [0, 1, 0],
    ],
  },
  {
    name: 'diagflat',
    of: () => counting(1, 2),
    take: (x) => x.diagflat(-1),
    copies: true,
    expected: [
      [0, 0, 0],
      [0, 0, 0],
      [0, 1, 0],
    ],
  },
  {
    name: 'combinations',
    of: () => counting(3),
    take: (x) => x.combinations(),
    copies: true,
    expected: [
      [0, 1],
      [0, 2],
      [1, 2],
    ],
  },
  {
    name: 'combinations of three',
    of: () => counting(4),
    take: (x) => x.combinations(3),
    copies: true,
    expected: [
      [0, 1, 2],
      [0, 1, 3],
      [0, 2, 3],
      [1, 2, 3],
    ],
  },
  {
    name: 'combinations with replacement',
    of: () => counting(3),
    take: (x) => x.combinations(2, { withReplacement: true }),
    copies: true,
    expected: [
      [0, 0],
      [0, 1],
      [0, 2],
      [1, 1],
      [1, 2],
      [2, 2],
    ],
  },
  {
    name: 'combinations of more than there are',
    of: () => counting(2),
    take: (x) => x.combinations(3),
    copies: true,
    expected: [],
  },
  { name: 'combinations of none', of: () => counting(2), take: (x) => x.combinations(0), copies: true, expected: [] },
  {
    name: 'constantPadNd',
    of: () => counting(2, 3),
    take: (x) => constantPadNd(x, [1, -1, 0, 1], 9),
    copies: true,
    expected: [
      [9, 0, 1],
      [9, 3, 4],
      [9, 9, 9],
    ],
  },
  {
    name: 'pad',
    of: () => counting(1, 2),
    take: (x) => pad(x, [0, 1, 1, 0]),
    copies: true,
    expected: [
      [0, 0, 0],
      [0, 1, 0],
    ],
  },
  { name: 'pad by nothing', of: () => counting(2), take: (x) => pad(x, []), copies: true, expected: [0, 1] },
  { name: 'pad that takes away', of: () => counting(4), take: (x) => pad(x, [-1, -2]), copies: true, expected: [1] },
  { name: 'pad nothing', of: () => counting(0), take: (x) => pad(x, [1, 1]), copies: true, expected: [0, 0] },
  {
    name: 'pad by reflection',
    of: () => counting(1, 4),
    take: (x) => pad(x, [3, -1], 'reflect'),
    copies: true,
    expected: [[3, 2, 1, 0, 1, 2]],
  },
  {
    name: 'pad an image by reflection',
    of: () => counting(1, 2, 3),
    take: (x) => pad(x, [1, 1, 1, 0], 'reflect'),
    copies: true,
    expected: [
      [
        [4, 3, 4, 5, 4],
        [1, 0, 1, 2, 1],
        [4, 3, 4, 5, 4],
      ],
    ],
  },
  {
    name: 'pad by replication',
    of: () => counting(1, 1, 3),
    take: (x) => pad(x, [-1, 2], 'replicate'),
    copies: true,
    expected: [[[1, 2, 2, 2]]],
  },
  {
    name: 'pad circularly',
    of: () => counting(1, 1, 4),
    take: (x) => pad(x, [-1, 2], 'circular'),
    copies: true,
    expected: [[[1, 2, 3, 1, 2]]],
  },
  {
    name: 'pad by no reflection',
    of: () => counting(1, 2),
    take: (x) => pad(x, [0, 0], 'reflect'),
    copies: true,
    expected: [[0, 1]],
  },
];

test('there is a row for every function', () => {
  const named = new Set(rows.map(({ name }) => name.split(/[ ,]/)[0]));
  const functions = [axes, diagonals, rearranging, splitting, viewScatter, triangles].flatMap((file) =>
    Object.keys(file),
  );
  expect(functions.filter((name) => !named.has(name)).sort()).toEqual(
    [
      // Its rows are in small-names.test.ts.
      'asStridedScatter',
      'atleast1d',
      'atleast2d',
      'atleast3d',
      'fillDiagonal_',
      'trace',
      'tril_',
      'trilIndices',
      'triu_',
      'triuIndices',
    ].sort(),
  );
});

describeArrangements(rows);

describe('of several tensors', () => {
  test('atleast', () => {
    const [scalar, vector, matrix] = [tensor(5), tensor([1, 2]), ones([2, 2])];
    expect(atleast1d(scalar).toArray()).toEqual([5]);
    expect(atleast1d(scalar, vector).map((x) => x.shape)).toEqual([[1], [2]]);
    expect(atleast2d([scalar, vector, matrix]).map((x) => x.shape)).toEqual([
      [1, 1],
      [1, 2],
      [2, 2],
    ]);
    expect(atleast3d(scalar, vector, matrix).map((x) => x.shape)).toEqual([
      [1, 1, 1],
      [1, 2, 1],
      [2, 2, 1],
    ]);
    expect(atleast2d([vector])).toHaveLength(1);
    expect(atleast1d(vector)).toBe(vector);
    const x = randn([2], { dtype: 'float64', requiresGrad: true });
    expect(gradcheck((a) => [atleast3d(a).exp(), ...atleast2d(a, a)], x)).toBe(true);
  });

  test('meshgrid', () => {
    const [x, y] = [counting(2), counting(3)];
    const ij = [
      [
        [0, 0, 0],
        [1, 1, 1],
      ],
      [
        [0, 1, 2],
        [0, 1, 2],
      ],
    ];
    expect(meshgrid(x, y).map((one) => one.toArray())).toEqual(ij);
    expect(meshgrid([x, y], { indexing: 'ij' }).map((one) => one.toArray())).toEqual(ij);
    expect(meshgrid(x, y, { indexing: 'xy' }).map((one) => one.toArray())).toEqual([
      [
        [0, 1],
        [0, 1],
        [0, 1],
      ],
      [
        [0, 0],
        [1, 1],
        [2, 2],
      ],
    ]);
    expect(meshgrid(tensor(1))[0]!.shape).toEqual([1]);
    const inputs = [
      randn([2], { dtype: 'float64', requiresGrad: true }),
      randn([3], { dtype: 'float64', requiresGrad: true }),
    ];
    expect(gradcheck((a, b) => meshgrid(a, b).map((one) => one.exp()), inputs)).toBe(true);
  });

  test('cartesianProd', () => {
    expect(cartesianProd(counting(2), at([5, 6])).toArray()).toEqual([
      [0, 5],
      [0, 6],
      [1, 5],
      [1, 6],
    ]);
    expect(cartesianProd(counting(2)).toArray()).toEqual([0, 1]);
  });

  test('positions by repeats', () => {
    expect(repeatInterleave(at([2, 0, 1])).toArray()).toEqual([0, 0, 2]);
    expect(repeatInterleave(at([2, 0, 1])).dtype).toBe('int32');
    expect(repeatInterleave(counting(2), at([1, 2]), 0, { outputSize: 3 }).toArray()).toEqual([0, 1, 1]);
    expect(
      counting(2)
        .repeatInterleave(at([2]))
        .toArray(),
    ).toEqual([0, 0, 1, 1]);
  });
});

describe('numbers of a matrix', () => {
  test('trace', () => {
    expect(counting(2, 3).trace().item()).toBe(4);
    expect(zeros([0, 3]).trace().item()).toBe(0);
    const x = randn([2, 3], { dtype: 'float64', requiresGrad: true });
    expect(gradcheck((a) => a.mul(a).trace(), x)).toBe(true);
  });

  test('indices of triangles', () => {
    expect(trilIndices(3, 2, 0).toArray()).toEqual([
      [0, 1, 1, 2, 2],
      [0, 0, 1, 0, 1],
    ]);
    expect(triuIndices(2, 3, 1, { dtype: 'float32' }).toArray()).toEqual([
      [0, 0, 1],
      [1, 2, 2],
    ]);
    expect(trilIndices(2, 3, -9).shape).toEqual([2, 0]);
    expect(triuIndices(2, 3, -9).shape).toEqual([2, 6]);
    const [rows, columns] = trilIndices(4, 5, 1).unbind();
    const marked = zeros([4, 5]);
    for (let i = 0; i < rows!.numel(); i++) {
      noGrad(() => marked.select(0, rows!.select(0, i).item()).select(0, columns!.select(0, i).item()).fill_(1));
    }
    expect(marked.toArray()).toEqual(ones([4, 5]).tril(1).toArray());
  });

  test('triangles in place, of NaN, and of many rows', () => {
    expect(
      tensor([[Number.NaN, Number.NaN]])
        .tril()
        .toArray(),
    ).toEqual([[Number.NaN, 0]]);
    const x = randn([2, 3, 3], { dtype: 'float64', requiresGrad: true });
    expect(gradcheck((a) => a.mul(2).tril_(-1).add(a.sin().triu_(1)), x)).toBe(true);
    expect(
      tensor([[true, true]])
        .tril_()
        .toArray(),
    ).toEqual([[true, false]]);
    expect(at([1, 2]).reshape([1, 2]).triu_(1).toArray()).toEqual([[0, 2]]);
    const wide = ones([1, 2 ** 24 + 3], { dtype: 'bool' }).tril(2 ** 24 + 1);
    expect(wide.narrow(1, 2 ** 24 - 1, 4).toArray()).toEqual([[true, true, true, false]]);
  });
});

describe('sizes and types of others', () => {
  test('viewAs and sumToSize', () => {
    const x = counting(2, 3);
    expect(x.viewAs(zeros([3, 2])).toArray()).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
    expect(x.sumToSize([3]).toArray()).toEqual([3, 5, 7]);
    expect(x.sumToSize([2, 1]).toArray()).toEqual([[3], [12]]);
    expect(x.sumToSize([]).item()).toBe(15);
    expect(x.sumToSize([2, 3])).toBe(x);
    expect(tensor([true, true]).sumToSize([1]).toArray()).toEqual([2]);
    const y = randn([2, 3], { dtype: 'float64', requiresGrad: true });
    expect(gradcheck((a) => [a.sumToSize([1, 3]).exp(), a.sumToSize([])], y)).toBe(true);
  });

  test('new tensors', () => {
    const x = at([1]);
    expect(x.newZeros([2]).toArray()).toEqual([0, 0]);
    expect(x.newOnes([1, 2], { dtype: 'float64', requiresGrad: true }).requiresGrad).toBe(true);
    expect(x.newFull([2], 7).dtype).toBe('int32');
    expect(x.newEmpty([2, 0]).shape).toEqual([2, 0]);
    expect(tensor([true]).newTensor([0, 2]).toArray()).toEqual([false, true]);
  });

  test('fill', () => {
    const x = randn([2, 3], { dtype: 'float64', requiresGrad: true });
    const value = tensor(2, { dtype: 'float64', requiresGrad: true });
    expect(fill(x, 3).toArray()).toEqual([
      [3, 3, 3],
      [3, 3, 3],
    ]);
    expect(fill(at([1, 2]), true).toArray()).toEqual([1, 1]);
    expect(fill(at([1, 2]), 2.7).toArray()).toEqual([2, 2]);
    expect(fill(tensor([true]), 0).toArray()).toEqual([false]);
    expect(gradcheck((a, v) => fill(a, v).mul(a), [x, value])).toBe(true);
  });
});

describe('asStrided sees memory', () => {
  test('of a view, that of its base', () => {
    const base = counting(6);
    expect(base.narrow(0, 2, 2).asStrided([3], [2], 0).toArray()).toEqual([0, 2, 4]);
    expect(base.narrow(0, 2, 2).asStrided([2], [1]).toArray()).toEqual([2, 3]);
  });

  test('the gradient reaches the elements of the input', () => {
    const x = randn([2, 3], { dtype: 'float64', requiresGrad: true });
    expect(gradcheck((a) => a.mul(1).asStrided([3, 2], [1, 2], 0).exp(), x)).toBe(true);
    const row = tensor([1, 2, 3], { requiresGrad: true });
    const seen = row.expand([2, 3]).asStrided([3], [1], 0);
    seen.sum().backward();
    expect(row.grad!.toArray()).toEqual([1, 1, 1]);
  });
});

describe('padding layers', () => {
  const image = ones([1, 2, 3, 4]);
  test.each<[layer: nn.Module & { forward(x: Tensor): Tensor }, printed: string, shape: number[]]>([
    [new nn.ReflectionPad2d(1), 'ReflectionPad2d((1, 1, 1, 1))', [1, 2, 5, 6]],
    [new nn.ReplicationPad2d([1, 0, 2, 0]), 'ReplicationPad2d((1, 0, 2, 0))', [1, 2, 5, 5]],
    [new nn.CircularPad2d([1, 0, 2, 0]), 'CircularPad2d((1, 0, 2, 0))', [1, 2, 5, 5]],
    [new nn.ZeroPad2d([1, 0, -1, 0]), 'ZeroPad2d((1, 0, -1, 0))', [1, 2, 2, 5]],
    [new nn.ConstantPad2d(1, 3.5), 'ConstantPad2d(padding=(1, 1, 1, 1), value=3.5)', [1, 2, 5, 6]],
    [new nn.ZeroPad3d(1), 'ZeroPad3d((1, 1, 1, 1, 1, 1))', [1, 4, 5, 6]],
  ])('%s', (layer, printed, shape) => {
    expect(String(layer)).toBe(printed);
    expect(layer.forward(image).shape).toEqual(shape);
  });
});

describe('refusals', () => {
  const x = () => counting(2, 3);
  test.each<[call: () => unknown, error: new (message: string) => Error, message: string]>([
    [() => x().movedim([0], [0, 1]), ShapeError, 'movedim: expected a destination for each of 1 source dims, got 2'],
    [() => x().moveaxis([0, 0], [0, 1]), ShapeError, 'moveaxis: a dim appears twice in [0, 0]'],
    [() => x().movedim(2, 0), ShapeError, 'movedim: dim must be between -2 and 1 for 2 dimensions, got 2'],
    [() => counting(3).adjoint(), ShapeError, 'adjoint: expected matrices, or a 0-d tensor, got shape [3]'],
    [() => x().unfold(1, 4, 1), ShapeError, 'unfold: size 4 is more than the 3 elements of dim 1 in [2, 3]'],
    [() => x().unfold(1, 2, 0), ValueError, 'unfold: step must be an integer, at least 1, got 0'],
    [() => x().diagonal(0, 1, -1), ShapeError, 'diagonal: expected two different dims, got 1 and -1'],
    [() => x().diagonal(0.5), ValueError, 'diagonal: offset must be an integer'],
    [() => counting(3).diagonal(), ShapeError, 'diagonal: dim must be between -1 and 0 for 1 dimensions, got 1'],
    [
      () => asStrided(x(), [3, 3], [3, 1]),
      ShapeError,
      'asStrided: [3, 3] with strides [3, 1] reaches elements 0 to 8, but the tensor has 0 to 5',
    ],
    [
      () => asStrided(arange(6).narrow(0, 1, 3).detach(), [4], [1]),
      ShapeError,
      'asStrided: [4] with strides [1] reaches elements 1 to 4, but the tensor has 1 to 3',
    ],
    [() => asStrided(x(), [2], [-1], 3), ShapeError, 'asStrided: sizes must be non-negative integers, got [-1]'],
    [() => asStrided(x(), [2], [1, 1]), ShapeError, 'asStrided: expected a stride for each of 1 dimensions, got 2'],
    [() => x().tensorSplit(0), ValueError, 'tensorSplit: the number of parts must be an integer, at least 1, got 0'],
    [() => x().tensorSplit(tensor([1])), DTypeError, 'tensorSplit: a tensor of indices must be int32, got float32'],
    [() => x().hsplit(2), ShapeError, 'hsplit: 3, the size of dim 1, does not divide into 2 equal parts'],
    [() => counting(3).vsplit(3), ShapeError, 'vsplit: expected at least 2 dimensions, got [3]'],
    [() => x().flip([0, 0]), ShapeError, 'flip: a dim appears twice in [0, 0]'],
    [() => counting(3).fliplr(), ShapeError, 'fliplr: expected at least 2 dimensions, got shape [3]'],
    [() => x().rot90(1, [0]), ShapeError, 'rot90: expected two dims, got [0]'],
    [() => x().rot90(1, [0, -2]), ShapeError, 'rot90: expected two different dims, got [0, -2]'],
    [() => x().roll([1, 2], [0]), ShapeError, 'roll: expected a dim for each shift, got 2 shifts and 1 dims'],
    [() => tensor(1).roll(1, 0), ShapeError, 'roll: a 0-d tensor has no dims; leave dims out'],
    [() => x().roll([1, 2]), ShapeError, 'roll: expected a dim for each shift, got 2 shifts and 0 dims'],
    [() => x().repeat([2]), ShapeError, 'repeat: expected a count for each of the 2 dimensions, got [2]'],
    [() => x().repeat([1, -1]), ShapeError, 'repeat: sizes must be non-negative integers, got [1, -1]'],
    [
      () => x().repeatInterleave(-1),
      ValueError,
      'repeatInterleave: repeats must be an integer, at least 0, or a Tensor, or null, got -1',
    ],
    [
      () => x().repeatInterleave(at([1, -1]), 0),
      ValueError,
      'repeatInterleave: repeats must not be negative, got -1 (at 1)',
    ],
    [
      () => x().repeatInterleave(at([1, 1]), 1),
      ShapeError,
      'repeatInterleave: expected one repeat, or 3 of them, got shape [2]',
    ],
    [
      () => x().repeatInterleave(2, 0, { outputSize: 5 }),
      ValueError,
      'repeatInterleave: outputSize: the repeats add up to 4, not to 5',
    ],
    [() => x().selectScatter(counting(2), 0, 0), ShapeError, 'selectScatter: expected a source of shape [3], got [2]'],
    [
      () => x().selectScatter(counting(3), 0, 2),
      ValueError,
      'selectScatter: index 2 is out of range for dim 0 of size 2',
    ],
    [() => x().diagonalScatter(counting(3)), ShapeError, 'diagonalScatter: expected a source of shape [2], got [3]'],
    [() => counting(3).tril(), ShapeError, 'tril: expected at least 2 dimensions, got shape [3]'],
    [() => x().tril(0.5), ValueError, 'tril: diagonal must be an integer'],
    [
      () => zeros([1, 1, 1]).diag(),
      ShapeError,
      'diag: expected a vector or a matrix, got shape [1, 1, 1]; use diagonal or diagEmbed',
    ],
    [() => tensor(1).diagEmbed(), ShapeError, 'diagEmbed: cannot be applied to a 0-d tensor'],
    [() => counting(3).trace(), ShapeError, 'trace: expected a matrix, got shape [3]'],
    [() => meshgrid(x()), ShapeError, 'meshgrid: tensor 0 must be a vector, got shape [2, 3]'],
    [
      () => meshgrid(counting(2), tensor([1])),
      DTypeError,
      'meshgrid: tensors must have one dtype, got int32 and float32',
    ],
    [() => meshgrid(counting(2), { indexing: 'yx' as 'xy' }), ValueError, "meshgrid: unknown indexing 'yx'"],
    [() => cartesianProd(tensor(1)), ShapeError, 'cartesianProd: tensor 0 must be a vector, got a 0-d tensor'],
    [() => x().combinations(), ShapeError, 'combinations: expected a vector, got shape [2, 3]'],
    [
      () => counting(3).combinations(-1),
      ValueError,
      'combinations: r must be an integer, between 0 and 16777216, got -1',
    ],
    [() => x().sumToSize([2]), ShapeError, 'sumToSize: [2] does not broadcast to [2, 3]'],
    [() => x().viewAs(zeros([4])), ShapeError, 'view: shape [4] is invalid for 6 elements (shape [2, 3])'],
    [() => fill(x(), ones([1])), ShapeError, 'fill: value must be a number or a 0-d tensor, got shape [1]'],
    [
      () => pad(x(), [1]),
      ShapeError,
      'pad: pad must have two numbers for each dimension, from the last on, at most 4; got [1]',
    ],
    [() => pad(x(), [-2, -2]), ShapeError, 'pad: pad [-2, -2] takes more than there is from dim 1 of [2, 3]'],
    [
      () => pad(x(), [3, 0], 'reflect'),
      ShapeError,
      "pad: mode 'reflect' needs less than the size: dim 1 has 3, padded by [3, 0]",
    ],
    [
      () => pad(x(), [4, 0], 'circular'),
      ShapeError,
      "pad: mode 'circular' needs at most the size: dim 1 has 3, padded by [4, 0]",
    ],
    [
      () => pad(zeros([1, 0]), [1, 0], 'replicate'),
      ShapeError,
      "pad: mode 'replicate' needs at least one element to repeat: dim 1 has 0",
    ],
    [() => pad(x(), [1, 0, 1, 0], 'reflect'), ShapeError, "pad: mode 'reflect' pads the last 1, 2 or 3 dimensions"],
    [() => pad(x(), [1, 0], 'reflect', 1), ValueError, "pad: mode 'reflect' takes no value, got 1"],
    [
      () => pad(x(), [1, 0], 'mirror' as 'reflect'),
      ValueError,
      "pad: unknown mode 'mirror'; known: constant, reflect, replicate, circular",
    ],
    [
      () => new nn.ZeroPad2d([1, 2]),
      ShapeError,
      'ZeroPad2d: padding must be an integer, or an array of 4 integers, got an array of 2',
    ],
    [() => new nn.ConstantPad1d(1, '1' as never), ValueError, "ConstantPad1d: value must be a number, got '1'"],
  ])('%s', (call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });

  test('a write through overlapping windows', () => {
    expect(() => counting(5).unfold(0, 3, 1).add_(1)).toThrow(
      'add_: an expanded tensor has one element in several places',
    );
    expect(counting(4).unfold(0, 2, 2).add_(1).toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });
});

describe('fillDiagonal_', () => {
  test('writes where all indices are alike, and again below with wrap, as PyTorch does', () => {
    expect(zeros([2, 3]).fillDiagonal_(5).toArray()).toEqual([
      [5, 0, 0],
      [0, 5, 0],
    ]);
    const tall = zeros([7, 3], { dtype: 'int32' });
    expect(tall.fillDiagonal_(1, true)).toBe(tall);
    expect(tall.nonzero().toArray()).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
      [4, 0],
      [5, 1],
      [6, 2],
    ]);
    expect(zeros([7, 3]).fillDiagonal_(1).sum().item()).toBe(3);
    expect(zeros([2, 2, 2]).fillDiagonal_(1).nonzero().toArray()).toEqual([
      [0, 0, 0],
      [1, 1, 1],
    ]);
  });

  test('has the gradient of what is left', () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]).requiresGrad_();
    x.mul(1).fillDiagonal_(0).sum().backward();
    expect(x.grad!.toArray()).toEqual([
      [0, 1],
      [1, 0],
    ]);
  });

  test.each([
    ['a vector', () => zeros([2]).fillDiagonal_(1), 'expected at least 2 dimensions, got shape [2]'],
    ['three sizes', () => zeros([2, 2, 3]).fillDiagonal_(1), 'more than 2 dimensions must have one size'],
  ])('refuses %s', (_, call, message) => {
    expect(call).toThrow(ShapeError);
    expect(call).toThrow(message);
  });
});
