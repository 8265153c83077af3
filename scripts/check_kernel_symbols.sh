#!/usr/bin/env bash
# Usage: check_kernel_symbols.sh OBJECT...
# The linker keeps one copy of a function that several objects define weakly. If an object that is compiled for AVX
# defines one under a common name (an instantiated template, an inline function), that copy may end up in the paths that
# every machine runs. Such a function has to be in a namespace of its instruction set, so that its name has "avx" in it.
set -euo pipefail
bad=$(nm --print-file-name --defined-only "$@" 2>/dev/null |
  awk '$1 ~ /_avx(2|512)\.cpp\.o:/ && $(NF-1) == "W" && $NF !~ /avx/' || true)
if [ -n "$bad" ]; then
  echo "Kernels compiled for AVX define functions under names that other objects may share:" >&2
  printf '%s\n' "$bad" | awk '{print $NF}' | c++filt | sort -u | cut -c1-200 >&2
  exit 1
fi
