#!/usr/bin/env bash
# Measures the tables of docs/performance.md again: scripts/performance.sh [PART ...], all parts without arguments. Each takes a minute or so, which the
# machine must have to itself. `npm run compile` first; NABLA_BENCH_PYTHON names a Python that has PyTorch.
set -euo pipefail
cd "$(dirname "$0")/.."

parts=(matmul matmul-linear matmul-threads matmul-avx2 elementwise elementwise-threads rows rows-threads vocabulary chains losses losses-threads updates recipes training training-large epoch captured captured-large captured-epoch convolution networks inference calls recording widths load)

bench() {
  local part=$1
  shift
  npx tsx bench/index.ts --peers "$@" --page "docs/performance.md$part"
}

blas=loops-in-c,onednn,openblas,pytorch
squares='multiply-add,copy,16 x 16 x 16,64 x 64 x 64,128 x 128 x 128,256 x 256 x 256,512 x 512 x 512,1024 x 1024 x 1,2048,1 x 1024 x 1024'
linear='multiply-add,(t),128 x 512 x 784,4096 x 64 x 64,128 x 256 x 512,32 x 128 x 784,32 x 1024 x 1024,256 x 4096'
measure() {
  case $1 in
    matmul) bench '' --only limits,matmul --cases "$squares" --against $blas --threads 1 ;;
    matmul-linear) bench '#linear' --only limits,matmul --cases "$linear" --against $blas --threads 1 ;;
    matmul-threads) bench '#threads' --only limits,matmul --cases 'multiply-add,512 x 512 x 512,1024 x 1024 x 1024,2048,16 x 16,64 x 64 x 64,128 x 784' --against loops-in-c,onednn --threads 1,2 ;;
    matmul-avx2) NABLA_ISA=avx2 bench '#avx2' --only limits,matmul --cases 'multiply-add,256 x 256,512 x 512,1024 x 1024 x 1024' --against loops-in-c --threads 1 ;;
    elementwise) bench '' --only elementwise --against pytorch,loops-in-c --threads 1 ;;
    elementwise-threads) bench '#threads' --only elementwise --against pytorch,loops-in-c --threads 2 ;;
    rows) bench '' --only rows --against pytorch --threads 1 ;;
    rows-threads) bench '#threads' --only rows --against pytorch --threads 2 ;;
    vocabulary) bench '' --only vocabulary --against pytorch --threads 1 ;;
    chains) bench '' --only chains --against nabla-captured,pytorch --threads 1 ;;
    losses) bench '' --only losses --against pytorch --threads 1 ;;
    losses-threads) bench '#threads' --only losses --against pytorch --threads 2 ;;
    updates) bench '' --only updates --against nabla-captured,pytorch --threads 1 ;;
    recipes) bench '' --only recipes --against nabla-captured,pytorch --threads 1 ;;
    training) bench '' --only training,optimizer --cases '4-3-2-1,784,300,2^' --against pytorch,loops-in-c --threads 1,2 ;;
    training-large) bench '#large' --only training --cases 1024-4096 --against pytorch --threads 1,2 ;;
    epoch) bench '' --only epoch --against pytorch --threads 1 --rounds 3 ;;
    captured) bench '#captured' --only limits,training --cases multiply-add,4-3-2-1,784 --against loops-in-c,nabla-captured,pytorch,pytorch-compiled,tfjs-wasm --threads 1,2 ;;
    captured-large) bench '#captured-large' --only limits,training --cases multiply-add,1024-4096 --against loops-in-c,nabla-captured,pytorch,pytorch-compiled --threads 1,2 --rounds 3 ;;
    captured-epoch) bench '#captured' --only epoch --cases 784-512 --against nabla-captured,pytorch --threads 1,2 --rounds 2 ;;
    convolution) bench '' --only convolution --against nabla-captured,pytorch --threads 1,2 --rounds 3 ;;
    networks) bench '' --only networks --against nabla-captured,pytorch --threads 1,2 --rounds 3 ;;
    inference) bench '#captured' --only inference --against nabla-captured,pytorch,onnxruntime --threads 1,2 ;;
    calls) bench '' --only calls --against pytorch --threads 1 ;;
    recording) bench '' --only recording --against nabla-captured --threads 1 ;;
    widths) bench '' --only widths --against pytorch --threads 1,2 --rounds 3 ;;
    load) bench '' --only load --against pytorch --threads 1 ;;
    *) echo "unknown part $1; known: ${parts[*]}" >&2 && exit 1 ;;
  esac
}

(($# > 0)) || set -- "${parts[@]}"
for part in "$@"; do measure "$part"; done
