// Takes from the process what the system can refuse it; the first argument says what. Run by failures.test.ts.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import {
  capture,
  getNumThreads,
  NablaError,
  nn,
  ones,
  optim,
  randn,
  setNumThreads,
  type Tensor,
  zeros,
} from '../../lib/index.js';

const MEGABYTE = 2 ** 20;

/** Sets the soft limit, so that it can be lifted again. */
function limit(what: 'as' | 'nproc', value: number | 'unlimited'): void {
  execFileSync('prlimit', ['--pid', String(process.pid), `--${what}=${value}:`]);
}

/** Threads of all processes of this user. */
function threadsOf(user: number): number {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return processes.reduce((sum, id) => {
    try {
      const status = readFileSync(`/proc/${id}/status`, 'utf8');
      const own = Number(/^Uid:\s+(\d+)/m.exec(status)![1]) === user;
      return sum + (own ? Number(/^Threads:\s+(\d+)/m.exec(status)![1]) : 0);
    } catch {
      return sum;
    }
  }, 0);
}

const UNPRIVILEGED = 54_321;

/** The limit is of a user, and none for root, who becomes another. */
function forbidThreads(): void {
  const user = process.getuid!();
  limit('nproc', user === 0 ? readdirSync('/proc/self/task').length : threadsOf(user));
  if (user === 0) process.setuid!(UNPRIVILEGED);
}

const addressSpace = (): number =>
  Number(/^VmSize:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;

/** The error with this code, which says what to do. */
function refused(code: string, advice: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof NablaError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, advice);
    return true;
  };
}

function training() {
  const model = new nn.Linear(16, 1);
  const sgd = new optim.SGD(model.parameters(), { lr: 0.01 });
  const step = capture((x: Tensor, y: Tensor) => {
    sgd.zeroGrad();
    const loss = nn.functional.mseLoss(model.forward(x), y);
    loss.backward();
    sgd.step();
    return loss;
  });
  return { model, step, rows: [randn([40, 16]), randn([40, 1])] as const };
}

const modes: Record<string, () => Promise<void>> = {
  async threads() {
    const { model, step, rows } = training();
    // Recorded, but no thread of the background has been started yet.
    for (let i = 0; i < 2; i++) step(rows[0].narrow(0, 0, 10), rows[1].narrow(0, 0, 10));
    const before = model.weight.detach().toArray();
    forbidThreads();
    setNumThreads(8);
    const product = ones([600, 600]).matmul(ones([600, 600]));
    assert.equal(product.sum().item(), 600 ** 3);
    assert.equal(getNumThreads(), 1);
    await assert.rejects(
      step.run(rows, { batchSize: 10 }),
      refused('ERR_NABLA_THREAD', /^run: .*no further thread \(.+\).*ulimit -u.*batch by batch/),
    );
    assert.deepEqual(model.weight.detach().toArray(), before);
    step(rows[0].narrow(0, 0, 10), rows[1].narrow(0, 0, 10));
    assert.notDeepEqual(model.weight.detach().toArray(), before);
  },
  /** With little heap, as failures.test.ts starts it. */
  async heap() {
    const made = (x: Tensor) => assert.equal((x.toArray() as unknown[]).length, x.shape[0]);
    for (let i = 0; i < 20; i++) for (const x of [randn([2]), randn([3, 2]), randn([2, 3, 2])]) made(x);
    // 58 MB of floats, and what would be 190 MB if each had a box.
    made(randn([2700, 2700]));
    const refusal = refused(
      'ERR_NABLA_MEMORY',
      /^toArray: nested arrays of shape .* would take about \d+ MB of .* heap/,
    );
    for (const shape of [[5000, 5000], [3_000_000, 1], [700_000, 2, 2], [25_000_000]]) {
      assert.throws(() => randn(shape).toArray(), refusal);
      assert.throws(() => JSON.stringify(randn(shape)), refusal);
    }
  },
  async memory() {
    setNumThreads(1);
    const large = ones([20_000_000]);
    // The matrix is packed before it is multiplied, which takes more than the product itself.
    const [x, w] = [ones([300, 1024]), ones([1024, 2048])];
    limit('as', addressSpace() + 6 * MEGABYTE);
    assert.throws(
      () => zeros([64 * MEGABYTE]),
      refused('ERR_NABLA_MEMORY', /^cannot allocate \d+ bytes for a tensor .*: let go/),
    );
    assert.throws(
      () => large.toTypedArray(),
      refused('ERR_NABLA_MEMORY', /^cannot allocate a copy of 20000000 values/),
    );
    // What failed had V8 collect what it could first.
    limit('as', addressSpace() + 6 * MEGABYTE);
    assert.throws(() => x.matmul(w), refused('ERR_NABLA_MEMORY', /^matmul: .*no memory left.*smaller batches/));
    assert.equal(
      ones([2, 30])
        .matmul(ones([30, 2]))
        .sum()
        .item(),
      120,
    );
    limit('as', 'unlimited');
    assert.equal(x.matmul(w).sum().item(), 300 * 1024 * 2048);
  },
  async 'memory in the background'() {
    setNumThreads(1);
    const total = capture((x: Tensor) => x.sum(1).sum());
    const x = ones([3, 40_000, 500]);
    await total.run([x.narrow(0, 0, 2)], { batchSize: 1 });
    limit('as', addressSpace() + 9 * MEGABYTE);
    // Memory of the batches before may be there for others of their size.
    await assert.rejects(total.run([x], { batchSize: 3 }), (error) => {
      assert.ok(error instanceof NablaError, String(error));
      assert.match(error.code, /^ERR_NABLA_(MEMORY|THREAD)$/);
      return true;
    });
    limit('as', 'unlimited');
    assert.deepEqual([...(await total.run([x], { batchSize: 1 }))], Array(3).fill(2e7));
  },
};

await modes[process.argv[2]!]!();
