# SPDX-License-Identifier: BSD-3-Clause
"""What a test came to, and how it is printed."""

import dataclasses
import sys
import threading

PASSED, FAILED, SKIPPED = "pass", "FAIL", "skip"


@dataclasses.dataclass
class Case:
    name: str
    outcome: str
    detail: str = ""


@dataclasses.dataclass
class Result:
    """One program or script: its cases, what it printed, how long it took."""
    suite: str
    name: str
    cases: list
    seconds: float
    output: str = ""
    # What the program noted about its cases, by name.
    properties: dict = dataclasses.field(default_factory=dict)

    def count(self, outcome):
        return sum(case.outcome == outcome for case in self.cases)

    @property
    def outcome(self):
        if self.count(FAILED):
            return FAILED
        return PASSED if self.count(PASSED) or not self.cases else SKIPPED


class Reporter:
    """Prints results as they come (from any thread) and adds them up."""

    MAX_OUTPUT_LINES = 60

    def __init__(self, verbose=False):
        self.passed = self.failed = self.skipped = 0
        self._verbose = verbose
        self._failures = []
        self._lock = threading.Lock()

    def add(self, result):
        with self._lock:
            self.passed += result.count(PASSED)
            self.failed += result.count(FAILED)
            self.skipped += result.count(SKIPPED)
            self._print(result)

    def _print(self, result):
        parts = [f"{result.count(outcome)} {word}" for outcome, word in (
            (PASSED, "passed"), (FAILED, "failed"), (SKIPPED, "skipped"))
            if result.count(outcome)]
        print(f"{result.outcome}  {result.suite}/{result.name}  "
              f"{', '.join(parts) or 'no cases'}  {result.seconds:.2f} s")
        for case in result.cases:
            if case.outcome == FAILED:
                self._failures.append(f"{result.suite}/{result.name}: "
                                      f"{case.name}")
            if case.outcome != PASSED or self._verbose:
                print(f"    {case.outcome}  {case.name}")
            if case.detail and case.outcome != PASSED:
                print(_indented(case.detail))
        if result.suite == "bench":  # what it printed is the result
            print(_indented(result.output))
        elif result.outcome == FAILED and result.output:
            lines = result.output.splitlines()
            if len(lines) > self.MAX_OUTPUT_LINES:
                print(f"      ... {len(lines) - self.MAX_OUTPUT_LINES} lines "
                      "left out")
            print(_indented("\n".join(lines[-self.MAX_OUTPUT_LINES:])))
        sys.stdout.flush()

    def finish(self):
        """Prints the closing lines; returns the exit code."""
        if self._failures:
            print("failed:")
            for failure in self._failures:
                print(f"    {failure}")
        line = f"{self.passed} passed, {self.failed} failed"
        if self.skipped:
            line += f", {self.skipped} skipped"
        print(line, flush=True)
        return 1 if self.failed or not self.passed else 0


def _indented(text):
    return "\n".join("      " + line for line in text.rstrip().splitlines())
