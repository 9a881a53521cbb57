import { describe, expect, it } from 'vitest';
import { concernsTheCore, reportsIn } from '../scripts/sanitized/reports.js';

const ofThread = (...stacks: string[]) => `==================
WARNING: ThreadSanitizer: data race (pid=7)
  Write of size 4 at 0x7fff by thread T3:
${stacks[0]}

  Previous write of size 4 at 0x7fff by main thread:
${stacks[1]}

  Location is heap block of size 64 at 0x7b04 allocated by main thread:
    #0 operator new(unsigned long) <null> (libtsan.so.2+0x8b)
    #1 nabla::Pool::start_helpers() ../../native/parallel.cc:144 (nabla.node+0x1)

  Thread T3 (tid=9, running) created by main thread at:
    #0 pthread_create <null> (libtsan.so.2+0x6)
    #1 nabla::Loop::Loop() ../../native/loop.cc:10 (nabla.node+0x1)

SUMMARY: ThreadSanitizer: data race
==================
`;

const ofV8 = `    #0 v8::internal::Heap::Collect() <null> (node+0x1)
    #1 v8::internal::Heap::Allocate() <null> (node+0x1)
    #2 v8::Object::New() <null> (node+0x1)
    #3 napi_create_object <null> (node+0x1)
    #4 nabla::initialize(napi_env__*) ../../native/addon.cc:200 (nabla.node+0x1)`;

const ofV8WithFramesLeftOut = `    #0 memmove <null> (libtsan.so+0x5)
    #1 v8::internal::FactoryBase<v8::internal::Factory>::NewStringFromOneByte() <null> (node+0x10)
    #2 address_of ../../native/addon.cc:123 (nabla.node+0x9)`;

const ofTheCore = `    #0 memcpy <null> (libtsan.so.2+0x1)
    #1 nabla::Loop::feed(long) const ../../native/loop.cc:60 (nabla.node+0x1)`;

const overflow = `../../native/kernels/math/single.h:119:10: runtime error: signed integer overflow: 2147483647 + 1 cannot be represented in type 'int'
    #0 0x7f in exponent_below ../../native/kernels/math/single.h:119
    #1 0x7f in log ../../native/kernels/math/single.h:140
some other line`;

const heap = `=================================================================
==12==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x60
WRITE of size 65 at 0x60 thread T0
    #0 0x7f in __interceptor_memset ../asan.cpp:1
    #1 0x7f in overflow_heap ../../native/planted.cc:22
    #2 0x7f in plant ../../native/planted.cc:55

SUMMARY: AddressSanitizer: heap-buffer-overflow
==12==ABORTING`;

describe('reports of sanitizers', () => {
  it.each([
    ['a race of the core with itself', ofThread(ofTheCore, ofTheCore), true],
    ['a race of the core with Node', ofThread(ofV8, ofTheCore), true],
    ['a race within V8, under a call of the core', ofThread(ofV8, ofV8), false],
    ['the same with frames left out', ofThread(ofV8, ofV8WithFramesLeftOut), false],
    ['an overflow of a lane', overflow, true],
    ['a write beyond the heap by the C library', heap, true],
    ['a write beyond the heap by Node', heap.replaceAll('../../native/planted.cc', '../src/node_api.cc'), false],
    ['an assertion', 'nabla: map reaches from element 0 to 9 of 0x60, beyond its memory', true],
  ])('%s', (_, text, counts) => {
    const reports = reportsIn(`before\n${text}\nafter`);
    expect(reports).toHaveLength(1);
    expect(reports.filter(concernsTheCore)).toHaveLength(counts ? 1 : 0);
  });

  it('are told apart', () => {
    const found = reportsIn([overflow, ofThread(ofV8, ofV8), overflow, heap].join('\n'));
    expect(found.map((lines) => lines.some((line) => line.includes('runtime error')))).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(found[0]).toHaveLength(3);
  });
});
