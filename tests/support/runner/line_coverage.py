# SPDX-License-Identifier: BSD-3-Clause
"""Suite coverage: lines and branches of lib/packet and lib/tcp that the pure
suites run, in a build of their own. Every line that none of them runs has to
be in tests/support/coverage_reasons.txt, and nothing else may be."""

import collections
import dataclasses
import json
import pathlib
import subprocess
import tempfile

import programs
from results import FAILED, PASSED, Case, Result

_VARIANT = programs.Variant(
    "build-coverage", "coverage",
    ("--buildtype=custom", "-Ddebug=false", "-Doptimization=0",
     "-Db_coverage=true", "-Dcpp_args=-g1"))
_SUITES = ("property", "script", "sim", "fuzz-corpus")
# The rooms whose tests go through the two folders.
_UNITS = ("unit_base", "unit_packet", "unit_tcp", "unit_worker")
_FOLDERS = ("lib/packet", "lib/tcp")
_LEAST_LINES, _LEAST_BRANCHES = 97.0, 90.0
_REASONS = "tests/support/coverage_reasons.txt"
# Unoptimised and counted, a program takes many times its time.
_TIMEOUT_FACTOR = 10


@dataclasses.dataclass
class Share:
    """How many of something were run."""
    run: int = 0
    all: int = 0

    def add(self, other):
        self.run += other.run
        self.all += other.all

    @property
    def percent(self):
        return 100.0 * self.run / self.all if self.all else 100.0

    def __str__(self):
        return f"{self.percent:6.2f} % ({self.run}/{self.all})"


@dataclasses.dataclass
class File:
    """What gcovr says of one file; lines by number."""
    path: str
    lines: Share
    branches: Share
    missed: list
    missed_branches: list


def run(arguments, reporter):
    error = programs.configure(_VARIANT)
    if error:
        reporter.add(Result("build", _VARIANT.folder,
                            [Case("meson setup", FAILED)], 0.0, error))
        return
    chosen = [p for p in programs.introspect(_VARIANT)
              if set(_SUITES) & set(p.suites) or p.name in _UNITS]
    if not arguments.no_build:
        error = programs.build(_VARIANT, chosen)
        if error:
            reporter.add(Result("build", _VARIANT.folder,
                                [Case("programs compile", FAILED)], 0.0,
                                error))
            return
    for counts in (programs.ROOT / _VARIANT.folder).rglob("*.gcda"):
        counts.unlink()
    # One by one: two programs that end together may count a library's lines
    # into the same files.
    for program in chosen:
        reporter.add(programs.run(
            dataclasses.replace(
                program, timeout_s=program.timeout_s * _TIMEOUT_FACTOR),
            _VARIANT, "coverage"))
    reporter.add(_judge(_measure(arguments.jobs)))


def _measure(jobs):
    """Branches that only an exception takes, and those in code that cannot be
    reached, are the compiler's and not counted."""
    with tempfile.TemporaryDirectory(prefix="chimney-coverage-") as scratch:
        report = pathlib.Path(scratch) / "report.json"
        subprocess.run(
            ["gcovr", "--root", programs.ROOT,
             *(f"--filter={folder}/" for folder in _FOLDERS),
             "--exclude-throw-branches", "--exclude-unreachable-branches",
             "-j", str(jobs), "--json", report,
             f"{_VARIANT.folder}/lib", f"{_VARIANT.folder}/tests"],
            cwd=programs.ROOT, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, check=True)
        files = json.loads(report.read_text())["files"]
    return [_read_file(entry) for entry in files]


def _read_file(entry):
    lines = [line for line in entry["lines"] if not line["gcovr/noncode"]]
    branches = [(line["line_number"], branch["count"])
                for line in lines for branch in line["branches"]]
    missed = [line["line_number"] for line in lines if not line["count"]]
    return File(
        entry["file"], Share(len(lines) - len(missed), len(lines)),
        Share(sum(count > 0 for _, count in branches), len(branches)), missed,
        sorted({number for number, count in branches
                if not count and number not in missed}))


def _judge(files):
    """Prints the table and what is missing; the result has a case a demand."""
    reasons, used = _read_reasons(), collections.Counter()
    lines, branches = Share(), Share()
    unexplained = 0
    print("coverage: lines, branches")
    for file in sorted(files, key=lambda f: f.path):
        lines.add(file.lines)
        branches.add(file.branches)
        print(f"  {file.path:32} {file.lines}  {file.branches}")
        source = (programs.ROOT / file.path).read_text().splitlines()
        for number in file.missed:
            key = (file.path, source[number - 1].strip())
            used[key] += 1
            unexplained += key not in reasons
            print(f"    line {number}: {key[1]}\n"
                  f"      {reasons.get(key, 'NO REASON GIVEN')}")
        if file.missed_branches:
            print("    a branch not taken in line",
                  ", ".join(map(str, file.missed_branches)))
    print(f"  {'total':32} {lines}  {branches}", flush=True)
    stale = [f"{path}: {text}" for path, text in reasons
             if (path, text) not in used]
    return Result("coverage", "totals", [
        _case(f"at least {_LEAST_LINES:g} % of the lines",
              lines.percent >= _LEAST_LINES, str(lines)),
        _case(f"at least {_LEAST_BRANCHES:g} % of the branches",
              branches.percent >= _LEAST_BRANCHES, str(branches)),
        _case("a reason for every line that is not run", not unexplained,
              f"{unexplained} without one"),
        _case("no reason for a line that is run", not stale,
              "\n".join(stale))], 0.0)


def _case(name, holds, detail):
    return Case(name, PASSED) if holds else Case(name, FAILED, detail)


def _read_reasons():
    """(path, text of the line) -> reason. Each stands in three lines: path,
    the source line, the reason; blank lines between, # for comments."""
    reasons = {}
    text = (programs.ROOT / _REASONS).read_text()
    for block in text.split("\n\n"):
        rows = [row.strip() for row in block.splitlines()
                if row.strip() and not row.startswith("#")]
        if len(rows) == 3:
            reasons[rows[0], rows[1]] = rows[2]
        elif rows:
            raise ValueError(f"{_REASONS}: not three lines: {rows}")
    return reasons
