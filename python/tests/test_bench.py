"""bench/python_calls.py runs, and prints its rows; how fast is a benchmark's business."""
import pathlib
import re
import subprocess
import sys

BENCH = pathlib.Path(__file__).parents[2] / "bench" / "python_calls.py"
# Without the others, which take long to start.
ALONE = "import sys, runpy; sys.modules.update({'jax': None, 'torch': None}); sys.argv = [%r, '--quick']; sys.path.insert(0, %r); runpy.run_path(%r, run_name='__main__')"


def test_python_calls():
    out = subprocess.run([sys.executable, "-c", ALONE % (str(BENCH), str(BENCH.parent), str(BENCH))], capture_output=True, text=True, timeout=120)
    assert out.returncode in (0, 1) and not out.stderr, out.stderr
    rows = re.findall(r"^(.{46})(.{8})\s*(\d[\d.e+-]*)", out.stdout, re.M)
    assert len(rows) == 21 and all(float(took) > 0 for _, _, took in rows), out.stdout
    assert "scipy.optimize.root" in out.stdout and "failed" not in out.stdout, out.stdout
