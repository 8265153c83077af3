# For 64-bit ARM on another machine, by Debian's cross compiler (scripts/install_packages.sh --with-arm); qemu runs what is built. The
# libraries for ARM stand beside the machine's own, in folders that the compiler knows.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static)
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig)
