#!/usr/bin/env python3
"""Writes tests/data/print_table.json: arrays, and how NumPy (2.4 or newer) prints them.

Usage: scripts/make_print_table.py > tests/data/print_table.json
"""
import json

import numpy as np

rng = np.random.default_rng(7)
f4, f8, i4, i8, b1 = np.float32, np.float64, np.int32, np.int64, np.bool_
nan, inf = np.nan, np.inf
arrays = [np.array(v, f4) for v in [3.6371896, 1, -0.0, 0.1, 1e5, 999999, 1e6, 1e7, 1e-4, 2e-4, 1e-5, 3.4e38, 1e-45, nan, -inf]]
arrays += [np.array(v, f8) for v in [0.1, 1 / 3, -2.5, 0.0, 1e15, 1e16, 1e22, 123456789.123456789, 1e-4, 9.9e-5, 5e-324,
                                     1.7976931348623157e308, inf]]
arrays += [np.array(7, i4), np.array(-9223372036854775808, i8), np.array(True), np.array(False)]
arrays += [np.array(v, f4) for v in [
    [0.00649598, -0.7015958, -0.984715, -0.04196562, -0.61522174, -0.4818382, 0.5783123, 0.9556705, -0.08373147, 0.8447805],
    [0.1, 0.2], [1, 2, 3], [99999.99, 1000], [1e6], [1234567, 7e5], [16777216, 1], [1e-4, 1e-3], [9e-5], [1, 1000], [1, 1001],
    [1e-45, 1], [3.4e38, -1e-38], [nan, 1.5], [inf, nan, -inf], [-inf, 1], [nan], [0.0, -0.0], [0, 1e-10]]]
arrays += [np.array(v, f8) for v in [
    [1 / 3, 2 / 3, 1], [1 / 3, -200 / 3], [1e-5, 1], [1e8], [99999999.5], [1e100, 1e-100], [1e-300, 2.5], [123456.789, 1000],
    [0.123456785, 0.5], [0.999999999, 1], [9.9999999999, 0.5], [1.0000000001], [1e10, 1.5], [nan, 1e10], [nan, -inf, 1e-10],
    [5e-324], [0, 0, 0], [-1.5, 2], [2.5e-5, -nan, 0], [1.00000000005, 0.000123456789123], [1e22, 1]]]
arrays += [np.array(v, i8) for v in [[1, 20, -300], [0], [9223372036854775807, -9223372036854775808]]]
arrays += [np.array([[1, 2], [-30, 4]], i4), np.array([True, False, True]), np.array([[True, True]]), np.array([False])]
arrays += [np.zeros(0, f8), np.zeros((3, 0), f4), np.zeros((0, 2, 5), i8), np.zeros((1, 1, 1), f8)]
arrays += [rng.normal(size=(3, 4)), rng.normal(size=(2, 3, 4)).astype(f4), rng.normal(size=(2, 2, 2, 3)), rng.normal(size=(2, 30)),
           rng.normal(size=23) * 1e-7, rng.integers(-50, 5000, size=40), rng.normal(size=(1, 12)).astype(f4) * 1e7,
           rng.integers(0, 2, size=(2, 20)).astype(bool)]
arrays += [np.arange(1000), np.arange(1001), np.arange(1200.0).reshape(300, 4), np.arange(1200).reshape(4, 300),
           np.arange(1536, dtype=f4).reshape(8, 8, 24) / 7, np.arange(1029).reshape(7, 3, 49), np.arange(1024) % 3 == 0,
           np.arange(2001.0) * 1e5]

cases = [(a, {}) for a in arrays]
a = rng.normal(size=(5, 9))
cases += [(a, {"precision": p}) for p in [0, 2, 3, 17]] + [(a[0] * 1e-6, {"precision": p}) for p in [0, 3, 17]]
cases += [(a, {"linewidth": 30}), (a, {"linewidth": 5}), (a, {"threshold": 10}), (a, {"threshold": 10, "edgeitems": 1}),
          (a, {"threshold": 10, "edgeitems": 4}), (np.arange(12), {"threshold": 3, "edgeitems": 2})]


def word(v):
    return repr(float(v)) if a.dtype.kind == "f" else int(v)


table = []
for a, options in cases:
    with np.printoptions(**options):
        table.append({"dtype": a.dtype.name, "shape": a.shape, "data": [word(v) for v in a.ravel()], "options": options,
                      "text": str(a)})
print("[" + ",\n".join(json.dumps(row) for row in table) + "]")
