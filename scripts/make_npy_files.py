#!/usr/bin/env python3
"""Writes tests/data/npy/: small files as NumPy writes them, for tests/io/npy_test.cpp."""
import pathlib

import numpy as np
from numpy.lib import format

folder = pathlib.Path(__file__).parent.parent / "tests/data/npy"
folder.mkdir(exist_ok=True)

# Every array holds these numbers, converted: row i, column j has 10 i + j - 1.
numbers = np.array([[-1, 0, 1], [9, 10, 11]])
for dtype in "<f2 >f2 <f4 >f4 <f8 >f8 <i2 >i2 <i4 >i4 <i8 >i8 |i1".split():
    np.save(folder / f"{'big_' if dtype[0] == '>' else ''}{dtype[1:]}.npy", numbers.astype(dtype))
for dtype in "|u1 <u2 >u2 <u4 >u4".split():
    np.save(folder / f"{'big_' if dtype[0] == '>' else ''}{dtype[1:]}.npy", (numbers + 1).astype(dtype))
np.save(folder / "b1.npy", numbers > 0)

cube = np.arange(24.0).reshape(2, 3, 4)
np.save(folder / "fortran.npy", np.asfortranarray(cube))
np.save(folder / "scalar.npy", np.array(2.5))
np.save(folder / "empty.npy", np.zeros((3, 0, 2), np.float32))
np.save(folder / "half_special.npy", np.array([1e-7, -6e-8, 65504, np.inf, -np.inf, -0.0, 0.333], np.float16))
for version in (2, 3):
    with open(folder / f"version{version}.npy", "wb") as f:
        format.write_array(f, cube, (version, 0))

# What cannot be read.
np.save(folder / "bad_complex.npy", np.array([1j]))
np.save(folder / "bad_u8.npy", np.array([1], np.uint64))
np.save(folder / "bad_string.npy", np.array(["a", "bc"]))
np.save(folder / "bad_bytes.npy", np.array([b"a", b"bc"]))
np.save(folder / "bad_object.npy", np.array([None, 1], object), allow_pickle=True)
np.save(folder / "bad_date.npy", np.array(["2020-01-01"], "M8[D]"))
np.save(folder / "bad_structured.npy", np.array([(1, 2.0)], [("a", "<i4"), ("b", "<f8")]))
np.save(folder / "bad_longdouble.npy", np.array([1], np.longdouble))

np.savez(folder / "stored.npz", W=cube, b=numbers, **{"a name": np.array(True)})
np.savez_compressed(folder / "deflated.npz", W=cube, zeros=np.zeros(3000))
