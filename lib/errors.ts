/**
 * Everything nabla refuses is a `NablaError`; `code` is stable and safe to branch on, the message is for people:
 * the operation, what was expected, what came, and what to do about it.
 */
export class NablaError extends Error {
  override readonly name: string = 'NablaError';
  readonly code: string;

  constructor(message: string, code = 'ERR_NABLA') {
    super(message);
    this.code = code;
  }
}

/** Sizes, dimensions or strides that do not fit together. */
export class ShapeError extends NablaError {
  override readonly name = 'ShapeError';
  constructor(message: string) {
    super(message, 'ERR_NABLA_SHAPE');
  }
}

/** An element type an operation does not take. */
export class DTypeError extends NablaError {
  override readonly name = 'DTypeError';
  constructor(message: string) {
    super(message, 'ERR_NABLA_DTYPE');
  }
}

/** A value outside what an operation takes: an option, an index, a size. */
export class ValueError extends NablaError {
  override readonly name = 'ValueError';
  constructor(message: string) {
    super(message, 'ERR_NABLA_VALUE');
  }
}

/** A graph that cannot be differentiated as asked: freed, changed in place, or without gradients. */
export class AutogradError extends NablaError {
  override readonly name = 'AutogradError';
  constructor(message: string) {
    super(message, 'ERR_NABLA_AUTOGRAD');
  }
}

/** A file that is truncated, foreign or inconsistent. */
export class FormatError extends NablaError {
  override readonly name = 'FormatError';
  constructor(message: string) {
    super(message, 'ERR_NABLA_FORMAT');
  }
}

/** Something PyTorch has that nabla has not (yet): the message says what to use instead. */
export class UnsupportedError extends NablaError {
  override readonly name = 'UnsupportedError';
  constructor(message: string) {
    super(message, 'ERR_NABLA_UNSUPPORTED');
  }
}

/** Something a captured function cannot repeat, or a captured function used where or when it cannot be. */
export class CaptureError extends NablaError {
  override readonly name = 'CaptureError';
  constructor(message: string) {
    super(message, 'ERR_NABLA_CAPTURE');
  }
}
