#!/usr/bin/env bash
# Usage: install_packages.sh [--with-clang] [--with-bench] [--with-python] [--with-arm]
# Installs the Debian packages that are missing: what `make demo` and `make test` need, with --with-clang also the second
# compiler, formatter and linter, with --with-bench Google Benchmark and Eigen, which it is held against, with --with-python
# what the Python package is built with, with --with-arm the compiler for 64-bit ARM, the libraries for it beside the machine's own,
# and qemu, which runs what is built. Does nothing, and asks for no rights, where all are there.
set -euo pipefail

packages=(
  g++ cmake make ninja-build pkg-config git python3
  libopenblas-dev libopenblas-pthread-dev
  nlohmann-json3-dev libtomlplusplus-dev libcli11-dev tao-pegtl-dev libzip-dev
  libgtest-dev librapidcheck-dev
)
for argument in "$@"; do
  case $argument in
    --with-clang) packages+=(clang libclang-rt-14-dev clang-format clang-tidy) ;;
    --with-bench) packages+=(libbenchmark-dev libeigen3-dev) ;;
    --with-python) packages+=(python3-venv python3-dev) ;;
    --with-arm)
      packages+=(
        g++-aarch64-linux-gnu qemu-user-static
        {libopenblas-dev,libopenblas-pthread-dev,libtomlplusplus-dev,libzip-dev,libgtest-dev,librapidcheck-dev}:arm64
      ) ;;
    *) echo "install_packages.sh: unknown option $argument (--with-clang, --with-bench, --with-python, --with-arm)" >&2; exit 2 ;;
  esac
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "Not a Debian system: these packages, or what they are called here, have to be there: ${packages[*]}" >&2
  exit 0
fi

# A package may be there for several architectures.
own=$(dpkg --print-architecture)
is_installed() {
  local architecture=$own
  case $1 in *:*) architecture=${1##*:} ;; esac
  dpkg-query -W -f='${Architecture} ${db:Status-Status}\n' "$1" 2>/dev/null | grep -qxE "($architecture|all) installed"
}
missing=() foreign=()
for package in "${packages[@]}"; do
  is_installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
case "${missing[*]}" in *:arm64*) [ "$own" = arm64 ] || foreign=(arm64) ;; esac

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "Missing packages, and neither root nor sudo to install them. As root:" >&2
    for architecture in "${foreign[@]}"; do echo "  dpkg --add-architecture $architecture && apt-get update" >&2; done
    echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "Installing: ${missing[*]}"
for architecture in "${foreign[@]}"; do "${as_root[@]}" dpkg --add-architecture "$architecture"; done
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
