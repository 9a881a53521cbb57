import type { Storage } from './storage.js';
import type { View } from './view.js';

/**
 * What a function that is being captured depends on beside the tensors it is given. Layers report here what they read of the
 * world outside, so that a replay can tell whether it is still the same.
 */
export interface Recording {
  /** A later call whose `holds()` is false is another case, to be recorded by itself: a mode, an option that changes the formula. */
  assume(holds: () => boolean): void;

  /** A later call is refused with this complaint where `holds()` is false: what was captured is no longer what there is. */
  demand(holds: () => boolean, complaint: string): void;

  /** A tensor is an operand, or a view of it was made (as a tensor of its own, or for one instruction): what reads it depends on where its memory is. */
  viewed(tensor: object, view?: object): void;

  /**
   * A flag is read, or about to be set, that decides what is computed: `requiresGrad` of a tensor, `training` of a module. A replay needs it to
   * be what it was at first, and leaves it as the function did.
   */
  flag(owner: object): void;

  /** A module whose own properties decide what is computed was called. */
  used(module: object): void;

  /** A tensor was given other memory. */
  replaced(tensor: object): void;

  /** A tensor is about to be given another shape, or other strides, by this in-place form. */
  reshaped(tensor: object, op: string): void;

  /** Something was refused that replays cannot do; the function is refused even if it catches the error. */
  refuse(error: Error): never;

  /** JavaScript does something that every replay does as well; it is done at once. */
  host(action: HostAction): void;

  /** Runs what is no part of the function: memory that it allocates stays, as if it had been there before. */
  apart<T>(fn: () => T): T;

  /** Stops a replay where the one element of `flag` (float64) is not 0, with this error. */
  check(flag: View, error: () => Error): void;

  /** What is being recorded happens only this once: the next call is recorded again. */
  once(): void;

  /** The gradient of a leaf is about to be read (`read`), or replaced without being read. */
  gradient(leaf: object, access: 'read' | 'replace'): void;

  /** The gradient of a leaf went into an update, so that nobody need see it afterwards. */
  consumed(leaf: object): void;
}

/**
 * What JavaScript does at some point of a captured function, again before each replay, and many times ahead of a run in the background: it
 * counts a step, follows a schedule, and computes the numbers that instructions read. It is a function of what JavaScript keeps alone.
 */
export interface HostAction {
  /** Whose options it reads or sets. */
  readonly optimizer: object;
  /** Where instructions read its numbers (float64), and how many there are; null for none. */
  readonly numbers: Storage | null;
  readonly count: number;

  /** Whether it is still what was captured: instructions follow its numbers, but not another formula. */
  isSame(): boolean;

  /** Refuses options that make no sense. */
  check(): void;

  /** Does it, and puts its numbers into `row` from `at` on. */
  act(row: Float64Array, at: number): void;

  /** Does it without giving numbers. */
  follow(): void;

  /** Remembers how things stand. */
  save(): void;

  /** Puts things back as they stood when they were saved last. */
  restore(): void;

  /** Tensors whose values it reads or sets; instructions must leave these alone. */
  rates(): readonly object[];
}

/** The function under capture, if there is one. */
export let recording: Recording | null = null;

export function setRecording(next: Recording | null): void {
  recording = next;
}
