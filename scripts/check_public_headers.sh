#!/usr/bin/env bash
# Usage: check_public_headers.sh COMPILER
# A user's program that includes <dini/dini.hpp> must not have to install, or wait for, what the library is made with.
set -euo pipefail
cd "$(dirname "$0")/.."
compiler=$1
[ -e dini/dini.hpp ] || exit 0

included=$(echo '#include <dini/dini.hpp>' | "$compiler" -std=c++20 -I. -M -x c++ - | tr ' \\' '\n\n')
bad=$(printf '%s\n' "$included" |
  grep -E '/(eigen3|Eigen|fmt|nlohmann|toml\+\+|CLI|tao|gtest|rapidcheck|benchmark)/|/(cblas|lapacke|zip|immintrin|arm_neon)[^/]*\.h$' || true)
if [ -n "$bad" ]; then
  printf 'dini/dini.hpp includes:\n%s\n' "$bad" >&2
  exit 1
fi

# Each public header can be the only one that a file includes, and has a guard.
export compiler
check() {
  printf '#include "%s"\n#include "%s"\n' "$1" "$1" |
    "$compiler" -std=c++20 -I. -Wall -Wextra -Werror -fsyntax-only -x c++ - || { echo "$1 cannot stand alone" >&2; exit 255; }
}
export -f check
printf '%s\n' "$included" | grep -E '^dini/' | sort -u | xargs -P "$(nproc)" -I{} bash -c 'check {}'
