#!/usr/bin/env bash
# Usage: run.sh BUILD_FOLDER
# Installs the build into a temporary folder, then builds and runs users' programs against it: the project beside this script
# by CMake, the same program by pkg-config with -ffast-math, which may change none of its results, and plugins that contain
# the library twice in a process.
set -euo pipefail
build=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

cmake --install "$build" --prefix "$work/prefix" >/dev/null
"$work/prefix/bin/dini" --version
library=$(find "$work/prefix" -name 'libdini.*' | head -n 1)
export PKG_CONFIG_PATH=${library%/*}/pkgconfig LD_LIBRARY_PATH=${library%/*}

cmake -G Ninja -S "$here" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build "$work/build" >/dev/null
"$work/build/user" >"$work/results"
head -n 1 "$work/results"

read -ra cflags <<<"$(pkg-config --cflags dini)"
read -ra libs <<<"$(pkg-config --libs dini)"
compile() { "${CXX:-c++}" -std=c++20 "$@" "${cflags[@]}"; }
for level in -O0 -O2; do
  compile $level -ffast-math "$here/main.cpp" -o "$work/fast" "${libs[@]}"
  "$work/fast" >"$work/fast_results"
  diff "$work/results" "$work/fast_results" || fail "-ffast-math $level changes results"
done

[[ $library == *.a ]] || exit 0
compile -O1 "$here/plugin_host.cpp" -o "$work/host" -ldl
for visibility in default hidden; do
  compile -O1 -fPIC -fvisibility=$visibility -shared "$here/plugin.cpp" -o "$work/a.so" "${libs[@]}"
  cp "$work/a.so" "$work/b.so"
  for scope in local global; do
    "$work/host" $scope "$work/a.so" "$work/b.so" >"$work/plugins"
    if [[ $(sort -u "$work/plugins" | wc -l) -ne 1 || $(cat "$work/plugins") == *error* ]]; then
      # Functions that both export under one name are those of the first.
      [[ $visibility$scope == defaultglobal && $(cat "$work/plugins") == *'another copy of Dini'* ]] ||
        fail "two plugins, $visibility symbols, $scope:" "$(cat "$work/plugins")"
    fi
  done
done
