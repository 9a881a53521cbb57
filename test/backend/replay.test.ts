import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  allocate,
  allocateState,
  backend,
  DONE,
  execute,
  type Instruction,
  type Storage,
  seedState,
  type View,
} from '../../lib/backend/index.js';
import { rowSum } from '../../lib/expr/index.js';
import { noise, operand, valuesOf } from './operands.js';
import { programOf, singleOp } from './programs.js';
import { allSamples, outcomeOf } from './samples.js';
import { runHere, training } from './training.js';

const plus = singleOp('add', 'float32');
const _sum = programOf('float32', 1, (x) => rowSum(x!));

const map = (program: typeof plus, inputs: View[], outputs: View[], params: number[] = []): Instruction => {
  return { op: 'map', program, params, inputs, outputs };
};

const flat = (storage: Storage, length: number, offset = 0): View => {
  return { storage, offset, shape: [length], strides: [1], dtype: 'float32' };
};

describe('linked instructions', () => {
  it('do what they do one by one', () => {
    const [eager, linked] = [allSamples(), allSamples()];
    const executable = backend.link(linked, []);
    for (let round = 0; round < 3; round++) {
      for (const instruction of eager) expect(execute(backend, instruction)).toBe(DONE);
      expect(executable.run([])).toBeNull();
      expect(linked.map(outcomeOf)).toEqual(eager.map(outcomeOf));
    }
  });

  it('may be none', () => {
    expect(backend.link([], []).run([])).toBeNull();
  });

  it('are not executed by being linked', () => {
    const out = operand('float32', [2], [1]);
    backend.link([map(plus, [out, out], [out])], []);
    expect(valuesOf(out)).toEqual([1, 1]);
  });

  it('leave what is executed directly as it was', () => {
    const out = operand('float32', [2], [1]);
    const many = Array.from({ length: 60 }, () => out);
    if (backend.name === 'native') expect(() => backend.link([map(plus, many, [out])], [])).toThrow(/at most/);
    backend.map(plus, [], [out, out], [out]);
    expect(valuesOf(out)).toEqual([2, 2]);
  });

  it('use the memory that ports are bound to, run by run', () => {
    const [x, y] = [allocate('float32', 4), allocate('float32', 4)];
    const shift = operand('float32', [2], [10, 20]);
    const executable = backend.link([map(plus, [flat(x, 2, 1), shift], [flat(y, 2)])], [x, y]);
    const source = operand('float32', [100], noise(100), 'offset');
    const target = operand('float32', [100], [0]);
    const shifted = (at: number) => [10, 20].map((value, i) => Math.fround(value + noise(100)[at + 1 + i]!));
    for (const at of [0, 0, 7, 93, 20, 0]) {
      const from = flat(source.storage, 4, source.offset + at);
      expect(executable.run([from, flat(target.storage, 2, at)])).toBeNull();
      expect(valuesOf(target).slice(at, at + 2)).toEqual(shifted(at));
    }
    const elsewhere = operand('float32', [2], [1, 2]);
    executable.run([flat(source.storage, 4, source.offset), elsewhere]);
    expect(valuesOf(elsewhere)).toEqual(shifted(0));
  });

  it('take a random stream through a port', () => {
    const [port, first, second] = [allocateState(), allocateState(), allocateState()];
    for (const state of [first, second]) seedState(state, 5);
    const out = operand('float32', [3], [0]);
    const executable = backend.link([{ op: 'random', kind: 'uniform', state: port, out, p0: 0, p1: 1 }], [port]);
    const words = (storage: Storage): View => ({ storage, offset: 0, shape: [628], strides: [1], dtype: 'int32' });
    executable.run([words(first)]);
    const drawn = valuesOf(out);
    executable.run([words(first)]);
    expect(valuesOf(out)).not.toEqual(drawn);
    executable.run([words(second)]);
    expect(valuesOf(out)).toEqual(drawn);
  });

  it('stop where an index is out of range, and say where', () => {
    const index = operand('int32', [5], [0]);
    const [input, out, last] = [
      operand('float32', [3], [7]),
      operand('float32', [5], [0]),
      operand('float32', [1], [1]),
    ];
    const executable = backend.link(
      [
        { op: 'gather', out, input, index, axis: 0 },
        { op: 'scatter', out: input, index, source: out, axis: 0, mode: 'set' },
        map(plus, [last, last], [last]),
      ],
      [],
    );
    expect(executable.run([])).toBeNull();
    expect(valuesOf(last)).toEqual([2]);
    index.storage.array('int32')[3] = 3;
    expect(executable.run([])).toEqual({ instruction: 0, position: 3 });
    expect(valuesOf(last)).toEqual([2]);
    index.storage.array('int32')[3] = 2;
    expect(executable.run([])).toBeNull();
    expect(valuesOf(last)).toEqual([4]);
  });

  it.each([1, -1, Number.NaN])('stop where a check finds %d', (value) => {
    const flag = operand('float64', [1], [0]);
    const count = operand('float32', [1], [1]);
    const double = map(plus, [count, count], [count]);
    const executable = backend.link([double, { op: 'check', flag }, double], []);
    expect(executable.run([])).toBeNull();
    flag.storage.array('float64')[0] = value;
    expect(executable.run([])).toEqual({ instruction: 1, position: 0 });
    expect(valuesOf(count)).toEqual([8]);
  });

  it('run thousands of times', () => {
    const count = operand('float32', [1], [0]);
    const executable = backend.link([map(plus, [count, operand('float32', [1], [1])], [count])], []);
    for (let i = 0; i < 10_000; i++) executable.run([]);
    expect(valuesOf(count)).toEqual([10_000]);
  });
});

describe('a loop in the background', () => {
  it('gives the same bits as running step by step', async () => {
    const background = training(40);
    const history = background.loop.history.array('float64');
    expect(await background.executable.start(background.loop)).toBeNull();
    const foreground = training(40);
    const losses = runHere(foreground);
    expect([...history.subarray(0, 40)]).toEqual(losses);
    expect(losses[39]).toBeLessThan(losses[0]! / 2);
    expect(valuesOf(background.weights)).toEqual(valuesOf(foreground.weights));
    expect([...background.loop.control]).toEqual([0, 40]);
  });

  it('leaves the event loop to others, and stops between steps when told to', async () => {
    const { executable, loop, weights } = training(1_000_000, new Int32Array(new SharedArrayBuffer(8)));
    const done = executable.start(loop);
    while (Atomics.load(loop.control, 1) < 10) await sleep(1);
    Atomics.store(loop.control, 0, 1);
    expect(await done).toBeNull();
    const steps = loop.control[1]!;
    expect(steps).toBeLessThan(loop.steps);
    const again = training(steps);
    runHere(again);
    expect(valuesOf(weights)).toEqual(valuesOf(again.weights));
  });

  it('runs no step when told to stop before, or asked for none', async () => {
    const stopped = training(10);
    stopped.loop.control[0] = 1;
    expect(await stopped.executable.start(stopped.loop)).toBeNull();
    const none = training(0);
    expect(await none.executable.start(none.loop)).toBeNull();
    for (const { loop, weights } of [stopped, none]) {
      expect(loop.control[1]).toBe(0);
      expect(valuesOf(weights)).toEqual(valuesOf(training(0).weights));
    }
  });

  it('says where it stopped', async () => {
    const { executable, loop } = training(10);
    const flag = operand('float64', [1], [1]);
    const count = operand('float32', [1], [0]);
    const checked = backend.link([map(plus, [count, count], [count]), { op: 'check', flag }], []);
    expect(await checked.start({ ...loop, ports: [], feeds: [], watched: count })).toEqual({
      instruction: 1,
      position: 0,
    });
    expect(loop.control[1]).toBe(0);
    expect(await executable.start(loop)).toBeNull();
  });

  it('watches a port', async () => {
    const port = allocate('float64', 1);
    const own = operand('float64', [3], [1, 1, 1]);
    const watched: View = { storage: port, offset: 0, shape: [1], strides: [1], dtype: 'float64' };
    const executable = backend.link([map(singleOp('add', 'float64'), [watched, watched], [watched])], [port]);
    const { loop } = training(3);
    await executable.start({ ...loop, ports: [{ ...own, offset: 2 }], feeds: [], watched });
    expect([...loop.history.array('float64').subarray(0, 3)]).toEqual([2, 4, 8]);
    expect(valuesOf(own)).toEqual([1, 1, 8]);
  });

  it('is one at a time, and several of different instructions', async () => {
    const [first, second, foreground] = [training(2000), training(3000), training(1000)];
    const running = [first, second].map(({ executable, loop }) => executable.start(loop));
    expect(() => first.executable.run(first.loop.ports)).toThrow('already running');
    await expect(first.executable.start(first.loop)).rejects.toThrow('already running');
    const losses = runHere(foreground);
    expect(await Promise.all(running)).toEqual([null, null]);
    for (const { loop } of [first, second]) {
      expect([...loop.history.array('float64').subarray(0, 1000)]).toEqual(losses);
    }
    expect(await first.executable.start(first.loop)).toBeNull();
  });
});
