/** Thrown where nabla's answer is not PyTorch's. */
export class Mismatch extends Error {
  override readonly name = 'Mismatch';
}

/** Thrown where a case asks for something that nabla does not have; the message is the reason that the table counts. */
export class NotSupported extends Error {
  override readonly name = 'NotSupported';
}
