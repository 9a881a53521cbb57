/** A binary of the package, as `prebuilds/` names it, and Zig's name for what it runs on: the versions in it are the oldest that Node 20 runs on. */
export interface Target {
  readonly name: string;
  readonly zig: string;
}

export const targets: readonly Target[] = [
  { name: 'linux-x64/nabla.glibc.node', zig: 'x86_64-linux-gnu.2.28' },
  { name: 'linux-x64/nabla.musl.node', zig: 'x86_64-linux-musl' },
  { name: 'linux-arm64/nabla.glibc.node', zig: 'aarch64-linux-gnu.2.28' },
  { name: 'linux-arm64/nabla.musl.node', zig: 'aarch64-linux-musl' },
  { name: 'win32-x64/nabla.node', zig: 'x86_64-windows-gnu' },
  { name: 'darwin-x64/nabla.node', zig: 'x86_64-macos.11.0' },
  { name: 'darwin-arm64/nabla.node', zig: 'aarch64-macos.11.0' },
];
