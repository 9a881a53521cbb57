#!/usr/bin/env bash
# Each ISA's object may define symbols of its own namespace only. Any other, such as an inline function of a shared header, could be
# the copy that the linker keeps for everybody, and would be an illegal instruction on machines without that ISA.
# check-symbols.sh [FOLDER]: of another build than the host's. NM is the command that lists symbols, where nm cannot read the objects.
set -euo pipefail
cd "$(dirname "$0")/.."
shopt -s nullglob
folder=${1:-build}
read -ra list <<<"${NM:-nm --demangle --defined-only --extern-only}"

status=0
count=0
for object in "$folder"/CMakeFiles/nabla_*.dir/native/isa/*.{o,obj}; do
  isa=$(basename "${object%%.cc.*}")
  symbols=$("${list[@]}" "$object" | cut -d' ' -f3-)
  grep -q "^nabla::$isa::kernels$" <<<"$symbols" || { echo "$object: no table of kernels found" >&2 && exit 1; }
  foreign=$(grep -v "^nabla::$isa::" <<<"$symbols" || true)
  count=$((count + 1))
  if [[ -n $foreign ]]; then
    printf '%s defines symbols outside nabla::%s:\n%s\n' "$object" "$isa" "$foreign" >&2
    status=1
  fi
done
if ((count == 0)); then
  echo 'no objects found: run npm run build:native first' >&2
  exit 1
fi
echo "checked the symbols of $count ISA objects"
exit $status
