#!/usr/bin/env bash
# Installs the packed package in an empty folder and uses it where PATH has node alone: with the host's prebuilt binary, then
# without any. Expects `npm run prebuild` and `npm run build:ts` to have run.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/bin" "$folder/app"
ln -s "$(node -p process.execPath)" "$folder/bin/node"

tarball=$(npm pack --silent --pack-destination "$folder")
cp scripts/tarball-app.mjs "$folder/app/"
cd "$folder/app"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund "$folder/$tarball"

run() { env -i PATH="$folder/bin" node tarball-app.mjs "$@" 2>&1; }

run native
rm -r node_modules/nabla/prebuilds
output=$(run js)
echo "$output"
if [[ $(grep -c 'nabla runs on plain JavaScript' <<<"$output") != 1 ]]; then
  echo 'without a binary, one line was to say why nabla runs on plain JavaScript' >&2
  exit 1
fi
