#!/usr/bin/env python3
"""Runs what the documentation shows of the command-line tool.

    documentation.py TOOL PAGE...

In a page, a `json` or `toml` block with a `kind` is a problem: it is kept as problem.json or problem.toml, and solved. A
`json` block with a `status` is the result of the problem before it: the same keys, and the same values but for those that
depend on the machine or on how a solver goes about it, or fails. A `console` block has commands after `$ ` and what they print, where `…`
stands for anything in a line. An indented block of README that begins with `dini` has commands that succeed. All of a page is run
in the working folder, which has the files of examples/data.
"""
import json
import os
import re
import subprocess
import sys

VARYING = {"message", "steps", "evaluations", "residual_norm", "error_estimate", "seconds"}


def differences(got, want, where=""):
    if isinstance(want, dict):
        if not isinstance(got, dict) or set(got) != set(want):
            yield f"{where or 'result'}: {got}, documented {want}"
            return
        for key in want:
            if key not in VARYING:
                yield from differences(got[key], want[key], f"{where}.{key}")
    elif isinstance(want, list):
        if not isinstance(got, list) or len(got) != len(want):
            yield f"{where}: {got}, documented {want}"
            return
        for k, item in enumerate(want):
            yield from differences(got[k], item, f"{where}[{k}]")
    elif isinstance(want, float) and isinstance(got, float):
        if not abs(got - want) <= 1e-9 * max(abs(want), 1e-3):
            yield f"{where}: {got}, documented {want}"
    elif got != want:
        yield f"{where}: {got!r}, documented {want!r}"


def comparable(result):
    """A result in which the failed lanes' ways to fail are left out."""
    status = result["status"]
    if not isinstance(status, list):
        return result
    good = [s == "converged" for s in status]
    return {**result, "status": good, "z": [row if fine else None for row, fine in zip(result["z"], good)]}


def shell(command):
    run = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
                         stdin=subprocess.DEVNULL)
    return run.returncode, run.stdout


class Page:
    def __init__(self, path):
        self.path = path
        self.failures = []
        self.blocks = 0
        self.result = None

    def fail(self, line, what):
        self.failures.append(f"{os.path.basename(self.path)}, line {line}: {what}")

    def run(self):
        with open(self.path, encoding="utf-8") as file:
            lines = file.read().split("\n")
        at = 0
        while at < len(lines):
            fence = re.match(r"```(\w+)", lines[at])
            first = at + 1
            if fence:
                at = lines.index("```", first)
                self.block(fence.group(1), first + 1, lines[first:at])
            elif lines[at].startswith("    dini "):
                while at < len(lines) and lines[at].startswith("    "):
                    at += 1
                self.commands(first, "\n".join(line[4:] for line in lines[first - 1:at]))
            at += 1
        return self.failures

    def block(self, language, line, text):
        if language in ("json", "toml"):
            content = json.loads("\n".join(text)) if language == "json" else {"kind": None}
            if "status" in content:
                self.compare(line, content)
            elif "kind" in content:
                self.solve(line, f"problem.{language}", "\n".join(text))
            else:
                self.fail(line, "neither a problem nor a result")
        elif language == "console":
            self.console(line, text)
        else:
            return
        self.blocks += 1

    def solve(self, line, name, text):
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
        status, out = shell(f"dini solve {name} --json 2>/dev/null")
        self.result = json.loads(out)
        failed = 3 if isinstance(self.result["status"], list) and set(self.result["status"]) != {"converged"} else 0
        if status != failed:
            self.fail(line, f"status {status}: {out}")

    def compare(self, line, documented):
        for difference in differences(comparable(self.result), comparable(documented)):
            self.fail(line, difference)

    def console(self, line, text):
        commands = []  # and what each prints
        for row in text:
            if row.startswith("$ "):
                commands.append((row[2:], []))
            else:
                commands[-1][1].append(row)
        for command, output in commands:
            printed = shell(command)[1].rstrip("\n").split("\n")
            pattern = [re.escape(row).replace("…", ".*") for row in output] or [""]
            if len(printed) != len(pattern) or not all(map(re.fullmatch, pattern, printed)):
                self.fail(line, f"{command}\nprints\n" + "\n".join(printed))

    def commands(self, line, text):
        status, out = shell("set -e\n" + text)
        self.blocks += 1
        if status != 0:
            self.fail(line, f"status {status}: {text}\n{out}")


def main():
    tool, *pages = sys.argv[1:]
    os.environ["PATH"] = os.path.dirname(os.path.abspath(tool)) + os.pathsep + os.environ["PATH"]
    os.environ["LC_ALL"] = "C.UTF-8"
    failures = []
    for path in pages:
        page = Page(path)
        failures += page.run()
        if page.blocks == 0:
            failures.append(f"{path}: nothing that could be run")
        print(f"{os.path.basename(path)}: {page.blocks} blocks")
    for failure in failures:
        print("FAILED:", failure)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
