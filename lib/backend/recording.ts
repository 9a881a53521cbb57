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

  /** The options of an optimizer are read: instructions follow them, so nothing within may have set them. */
  optionsRead(optimizer: object): void;

  /** Something was refused that replays cannot do; the function is refused even if it catches the error. */
  refuse(error: Error): never;

  /** Called at once, and before each replay, to bring up to date what instructions read: options that may have changed. */
  refresh(update: () => void): void;

  /** Stops a replay where the one element of `flag` (float64) is not 0, with this error. */
  check(flag: View, error: () => Error): void;

  /** What is being recorded happens only this once: the next call is recorded again. */
  once(): void;

  /** The gradient of a leaf is about to be read (`read`), or replaced without being read. */
  gradient(leaf: object, access: 'read' | 'replace'): void;

  /** The gradient of a leaf went into an update, so that nobody need see it afterwards. */
  consumed(leaf: object): void;
}

/** The function under capture, if there is one. */
export let recording: Recording | null = null;

export function setRecording(next: Recording | null): void {
  recording = next;
}
