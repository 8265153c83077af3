#!/usr/bin/env python3
"""Pictures of how cost grows, for docs/performance.md.

    growth_plots.py GROWTH FOLDER     GROWTH: what `bench/growth --json` has printed; FOLDER: where the pictures go
"""
import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

# The same numbers give the same file.
plt.rcParams.update({"svg.hashsalt": "dini", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3})


def picture(rows, where, size_name):
    figure, (time, ratio) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    threads = sorted({r["threads"] for r in rows})
    for n in threads:
        mine = [r for r in rows if r["threads"] == n]
        sizes = [r["size"] for r in mine]
        name = f"Dini, {n} thread{'s' if n > 1 else ''}"
        time.loglog(sizes, [r["us"] for r in mine], marker="o", markersize=3, label=name)
        ratio.semilogx(sizes, [r["us"] / r["us_by_hand"] for r in mine], marker="o", markersize=3, label=name)
    first = [r for r in rows if r["threads"] == threads[0]]
    time.loglog([r["size"] for r in first], [r["us_by_hand"] for r in first], "k--", linewidth=1, label="by hand, 1 thread")
    ratio.axhline(1, color="k", linestyle="--", linewidth=1)
    ratio.set_ylim(bottom=0)
    time.set(xlabel=size_name, ylabel="µs, value and gradient")
    ratio.set(xlabel=size_name, ylabel="time / time by hand")
    time.legend()
    figure.savefig(where, metadata={"Date": None})
    plt.close(figure)


def main(measured, folder):
    rows = [json.loads(line) for line in Path(measured).read_text().splitlines() if line.startswith("{")]
    timed = [r for r in rows if "us" in r]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    picture([r for r in timed if r["work"].endswith("by unknowns")], folder / "growth-unknowns.svg", "unknowns")
    picture([r for r in timed if r["work"].endswith("by lanes")], folder / "growth-lanes.svg", "lanes")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
