/** Who is told of what is recorded for gradients, and of what passes them on. */
export interface NodeWatch {
  /** What to keep with an operation that is recorded now. */
  origin(): string;
  /** The operation that was recorded there passes its gradient on; null: none does any more. */
  passing(origin: string | null): void;
}

export let nodeWatch: NodeWatch | null = null;

export function watchNodes(watch: NodeWatch | null): void {
  nodeWatch = watch;
}
