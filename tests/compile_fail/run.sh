#!/usr/bin/env bash
# Usage: run.sh COMPILER
# What must not compile, and the sentence that the compiler says. In each .cpp here a case is a block
#
#     #elif CASE == 3  // a part of the sentence
#
# which has to be an error with this text in the first 15 lines of what the compiler prints; without a case the file compiles.
set -uo pipefail
cd "$(dirname "$0")/../.."
compiler=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

flags=(-std=c++20 -I. -Wall -Wextra -Wno-unused)
# The one header that all include, once.
header=$folder/dini.hpp
echo '#include <dini/dini.hpp>' > "$header"
if "$compiler" --version | grep -q clang; then
  "$compiler" "${flags[@]}" -x c++-header "$header" -o "$folder/dini.pch" || exit 1
  flags+=(-include-pch "$folder/dini.pch" -fno-caret-diagnostics)
else
  "$compiler" "${flags[@]}" -x c++-header "$header" -o "$header.gch" || exit 1
  flags+=(-include "$header" -fno-diagnostics-show-caret)
fi

check() {  # FILE CASE SENTENCE: says what is wrong
  local out
  if out=$("$compiler" "${flags[@]}" -DCASE="$2" -fsyntax-only "$1" 2>&1); then
    [ "$2" -eq 0 ] || printf '%s, case %s: compiles; wanted: %s\n' "$1" "$2" "$3"
  elif [ "$2" -eq 0 ]; then
    printf '%s: what is right does not compile\n%s\n' "$1" "$out"
  elif ! grep -qF -- "$3" <<< "$(head -n 15 <<< "$out")"; then
    printf '%s, case %s: not in the first 15 lines: %s\n%s\n' "$1" "$2" "$3" "$(head -n 30 <<< "$out")"
  fi
}

cases=$folder/cases
for file in tests/compile_fail/*.cpp; do
  printf '%s\t0\t\n' "$file"
  sed -nE "s|^#(el)?if CASE == ([0-9]+)  // (.+)$|$file\t\2\t\3|p" "$file"
done > "$cases"
count=$(wc -l < "$cases")

# Two at a time.
half() {
  local file number sentence
  while IFS=$'\t' read -r file number sentence; do
    check "$file" "$number" "$sentence" >> "$folder/failed"
  done < <(sed -n "$1~2p" "$cases")
}
: > "$folder/failed"
half 1 &
half 2
wait
cat "$folder/failed"
[ "$count" -gt 0 ] && [ ! -s "$folder/failed" ] && echo "$count cases"
