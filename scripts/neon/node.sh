#!/bin/sh
# Node for AArch64, which scripts/neon/prepare.sh has fetched, on a processor that is none.
exec qemu-aarch64-static -L /usr/aarch64-linux-gnu "$(dirname "$0")/../../build/neon/node" "$@"
