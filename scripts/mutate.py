#!/usr/bin/env python3
"""Breaks the rules of ops one by one, and lists the breaks that no test notices.

    scripts/mutate.py [FILE…] [--filter GTEST_FILTER] [--list] [--limit N]

A rule is what follows `.jvp =`, `.transpose =` or `.batch =` in an op's record. In each, one sign is flipped, one factor
or term dropped, one result negated, or one constant changed at a time. Works in a copy under build/mutate; ends with
status 1 where a mutant survives.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RULE = re.compile(r"\.(jvp|transpose|batch\w*)\s*=\s*")
OPERAND = r"(?:[A-Za-z_][\w.]*|\d[\w.]*)(?:\((?:[^()]|\([^()]*\))*\))?"
CHANGES = [
    ("flipped sign", re.compile(r" \+ "), lambda m: " - "),
    ("flipped sign", re.compile(r" - "), lambda m: " + "),
    ("dropped factor", re.compile(r" [*/] " + OPERAND), lambda m: ""),
    ("dropped term", re.compile(r" [+-] " + OPERAND), lambda m: ""),
    ("negated result", re.compile(r"return ((?!\{|none\b|std::)[^;{}]+);"), lambda m: f"return -({m[1]});"),
    ("changed constant", re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)(?![\w.])"), lambda m: f"({m[1]} + 1)"),
    ("flipped flag", re.compile(r"\b(true|false)\b"), lambda m: "false" if m[1] == "true" else "true"),
]


def rules(text):
    """The spans of the rules in a source: from after the `=` to the comma or brace that ends the initialiser."""
    for match in RULE.finditer(text):
        depth, k = 0, match.end()
        while k < len(text):
            c = text[k]
            if c in "({[":
                depth += 1
            elif c in ")}]":
                depth -= 1
            if depth < 0 or (depth == 0 and c in ",;"):
                break
            k += 1
        yield match[1], match.end(), k


def mutants(text):
    seen = set()
    for rule, start, stop in rules(text):
        for what, pattern, replacement in CHANGES:
            for match in pattern.finditer(text, start, stop):
                line_start = text.rfind("\n", 0, match.start()) + 1
                if "//" in text[line_start : match.start()]:
                    continue
                mutant = text[: match.start()] + replacement(match) + text[match.end() :]
                if mutant not in seen:
                    seen.add(mutant)
                    line = text.count("\n", 0, match.start()) + 1
                    yield line, f"{rule}: {what}: {match[0].strip()}", mutant


def run(*command, cwd, timeout=None, quiet=True):
    try:
        return subprocess.run(
            command, cwd=cwd, timeout=timeout, capture_output=quiet, env={**os.environ, "GTEST_FAIL_FAST": "1"}
        ).returncode
    except subprocess.TimeoutExpired:
        return -1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", help="sources, relative to the repository; default: all under dini/ops")
    parser.add_argument("--filter", default="*", help="the tests to run, as --gtest_filter takes them")
    parser.add_argument("--list", action="store_true", help="only list the mutants")
    parser.add_argument("--limit", type=int, help="at most so many mutants, spread evenly")
    options = parser.parse_args()

    files = options.files or sorted(
        str(p.relative_to(ROOT)) for p in (ROOT / "dini/ops").glob("*.cpp") if RULE.search(p.read_text())
    )
    work = [(f, *m) for f in files for m in mutants((ROOT / f).read_text())]
    if options.limit and len(work) > options.limit:
        work = [work[k * len(work) // options.limit] for k in range(options.limit)]
    if options.list:
        for file, line, what, _ in work:
            print(f"{file}:{line}: {what}")
        return 0

    copy, build = ROOT / "build/mutate/source", ROOT / "build/mutate/build"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, tracked.split("\0")):
        source, target = ROOT / name, copy / name
        if source.is_file() and not (target.is_file() and target.read_bytes() == source.read_bytes()):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    # One file at a time: a mutant then costs one compilation.
    configure = ["cmake", "-G", "Ninja", "-S", str(copy), "-B", str(build), "-DCMAKE_BUILD_TYPE=Release"]
    configure += ["-DDINI_UNITY=OFF", "-DDINI_BUILD_APPS=OFF", "-DDINI_BUILD_EXAMPLES=OFF"]
    compile_tests = ["cmake", "--build", str(build), "--target", "dini_tests"]
    test = [str(build / "bin/dini_tests"), "--gtest_brief=1", f"--gtest_filter={options.filter}"]
    if run(*configure, cwd=ROOT, quiet=False) or run(*compile_tests, cwd=ROOT, quiet=False):
        print("mutate: the unchanged sources do not build", file=sys.stderr)
        return 2
    if run(*test, cwd=copy, quiet=False):
        print("mutate: the unchanged sources do not pass their tests", file=sys.stderr)
        return 2

    counts = {"noticed": 0, "does not compile": 0, "SURVIVED": 0}
    for number, (file, line, what, mutant) in enumerate(work, 1):
        target = copy / file
        original = target.read_text()
        try:
            target.write_text(mutant)
            if run(*compile_tests, cwd=ROOT):
                outcome = "does not compile"
            else:
                outcome = "noticed" if run(*test, cwd=copy, timeout=1800) else "SURVIVED"
        finally:
            target.write_text(original)
        counts[outcome] += 1
        print(f"[{number}/{len(work)}] {outcome}: {file}:{line}: {what}", flush=True)
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    return 1 if counts["SURVIVED"] else 0


if __name__ == "__main__":
    sys.exit(main())
