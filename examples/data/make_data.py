#!/usr/bin/env python3
"""Writes W.npy and x.npy, the matrix and the vector of examples/layer.json, beside this script.

They are the draws of examples/notebook.cpp: threefry2x32 bits, made uniform on (-1, 1), then normal by the inverse error
function. The last step is done in double here, so an entry may differ from the notebook's in its last bit. Standard
library only.
"""
import math
import pathlib
import struct

MASK = 0xFFFFFFFF


def threefry2x32(key, count):
    """The block cipher of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011), 20 rounds."""
    ks = [key[0], key[1], key[0] ^ key[1] ^ 0x1BD11BDA]
    x = [(count[0] + ks[0]) & MASK, (count[1] + ks[1]) & MASK]
    rotations = [[13, 15, 26, 6], [17, 29, 16, 24]]
    for group in range(5):
        for r in rotations[group % 2]:
            x[0] = (x[0] + x[1]) & MASK
            x[1] = ((x[1] << r | x[1] >> (32 - r)) & MASK) ^ x[0]
        x[0] = (x[0] + ks[(group + 1) % 3]) & MASK
        x[1] = (x[1] + ks[(group + 2) % 3] + group + 1) & MASK
    return x


def bits(key, n):
    """n words of 32 bits: the counters 0 … n - 1, a zero appended where n is odd, are ciphered half against half."""
    counts = list(range(n)) + [0] * (n % 2)
    half = len(counts) // 2
    pairs = [threefry2x32(key, (counts[k], counts[half + k])) for k in range(half)]
    return ([p[0] for p in pairs] + [p[1] for p in pairs])[:n]


def float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def erfinv(y):
    """Winitzki's approximation, then Newton's method on erf."""
    log = math.log1p(-y * y)
    t = 2 / (math.pi * 0.147) + log / 2
    z = math.copysign(math.sqrt(math.sqrt(t * t - log / 0.147) - t), y)
    for _ in range(4):
        z -= (math.erf(z) - y) * math.sqrt(math.pi) / 2 * math.exp(z * z)
    return z


def normal(seed, n):
    low = struct.unpack("<f", struct.pack("<I", 0xBF7FFFFF))[0]  # the float32 after -1
    draws = []
    for word in bits((0, seed), n):
        unit = struct.unpack("<f", struct.pack("<I", word >> 9 | 0x3F800000))[0] - 1
        uniform = max(low, float32(float32(unit * float32(1 - low)) + low))
        draws.append(float32(float32(math.sqrt(2)) * float32(erfinv(uniform))))
    return draws


def save(path, values, shape):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"  # Python writes a tuple as NumPy does
    header += " " * (-(len(header) + 11) % 64) + "\n"
    data = struct.pack(f"<{len(values)}f", *values)
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data)


if __name__ == "__main__":
    here = pathlib.Path(__file__).parent
    n = 10
    scale = float32(math.sqrt(n))
    save(here / "W.npy", [float32(w / scale) for w in normal(0, n * n)], (n, n))
    save(here / "x.npy", normal(1, n), (n,))
