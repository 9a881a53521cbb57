#!/usr/bin/env bash
# Terminates workers at random moments of training, replays and loading, while the main thread trains, on several releases of Node:
# scripts/terminate-workers.sh [COUNT [SEED]]. Run npm run compile before.
set -euo pipefail
cd "$(dirname "$0")/.."

count=${1:-200} seed=${2:-$RANDOM}
echo "seed $seed"
for version in 20 24 26; do
  bash scripts/on-node.sh "$version" node test/backend/terminate-app.mjs "$count" "$seed"
done
