# SPDX-License-Identifier: BSD-3-Clause
"""Test programs that meson knows: configuring, building, running them."""

import dataclasses
import json
import os
import pathlib
import subprocess
import tempfile
import time
import xml.etree.ElementTree

from results import FAILED, PASSED, SKIPPED, Case, Result

ROOT = pathlib.Path(__file__).resolve().parents[3]

# Optimised a little, so that the tests stay fast; line tables only, so that
# the build does.
_SANITIZED = ["--buildtype=custom", "-Ddebug=false", "-Doptimization=1",
              "-Db_lundef=false"]


@dataclasses.dataclass(frozen=True)
class Variant:
    """One build of the tree."""
    folder: str
    label: str
    options: tuple
    environment: dict = dataclasses.field(default_factory=dict)
    # The kernel's address randomisation can be wider than ThreadSanitizer's
    # run time allows.
    launcher: tuple = ()


RELEASE = Variant("build", "", ("--buildtype=release",))
ADDRESS = Variant(
    "build-asan", "address",
    (*_SANITIZED, "-Db_sanitize=address,undefined",
     "-Dcpp_args=-g1 -fno-omit-frame-pointer -fno-sanitize-recover=all"),
    {"ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:"
                     "detect_stack_use_after_return=1",
     # libxdp keeps two objects of each socket that DPDK's driver has closed.
     "LSAN_OPTIONS": f"suppressions={ROOT}/tests/support/leaks.supp:"
                     "print_suppressions=0",
     "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"})
THREAD = Variant(
    "build-tsan", "thread",
    (*_SANITIZED, "-Db_sanitize=thread", "-Dcpp_args=-g1"),
    {"TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1"},
    ("setarch", "-R"))


@dataclasses.dataclass(frozen=True)
class Program:
    """One test() of a meson.build."""
    name: str
    suites: tuple
    command: tuple
    environment: dict
    timeout_s: int
    is_parallel: bool


def configure(variant, environment=None):
    """meson setup, or what has changed since; returns an error text, empty
    when fine. `environment` is added for the setup (CXX)."""
    command = ["meson", "setup", variant.folder, *variant.options]
    if (ROOT / variant.folder / "build.ninja").exists():
        command = ["ninja", "-C", variant.folder, "build.ninja"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    return done.stdout if done.returncode else ""


def introspect(variant):
    """The programs that meson.build files declare as tests."""
    done = subprocess.run(
        ["meson", "introspect", "--tests", variant.folder], cwd=ROOT,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    return [
        Program(entry["name"],
                tuple(suite.split(":")[-1] for suite in entry["suite"]),
                tuple(entry["cmd"]), entry["env"],
                entry["timeout"] or 300, entry["is_parallel"])
        for entry in json.loads(done.stdout)]


def build(variant, programs=None, daemon=False):
    """Builds the given programs, everything when None, and what a lab starts
    if `daemon`. Goes on past errors. Returns what ninja said if it failed."""
    command = ["ninja", "-C", variant.folder, "-k", "0", "--quiet"]
    if programs is not None:
        folder = (ROOT / variant.folder).resolve()
        targets = sorted({os.path.relpath(arg, folder)
                          for program in programs for arg in program.command
                          if arg.startswith(f"{folder}/")})
        if daemon:
            targets += ["daemon/chimneyd", "hostapi/chimneyctl",
                        "hostapi/chimney-nc"]
        if not targets:
            return ""
        command += targets
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    return done.stdout if done.returncode else ""


def run(program, variant, suite):
    """Runs one program and reads its cases from the JUnit file that
    GoogleTest writes; a program that writes none is one case."""
    label = f" ({variant.label})" if variant.label else ""
    environment = {**os.environ, **program.environment, **variant.environment}
    with tempfile.TemporaryDirectory(prefix="chimney-test-") as scratch:
        report = pathlib.Path(scratch) / "report.xml"
        environment["GTEST_OUTPUT"] = f"xml:{report}"
        environment["TMPDIR"] = scratch
        start = time.monotonic()
        status, output = _run(
            [*variant.launcher, *program.command], environment,
            program.timeout_s)
        seconds = time.monotonic() - start
        cases = _cases_of(report)
        properties = _properties_of(report)
    if status and not any(case.outcome == FAILED for case in cases):
        cases.append(Case(f"{program.name} as a whole", FAILED, status))
    elif not cases and not status:
        cases.append(Case(program.name, PASSED))
    # A failed expectation's text stands in its case; what the program printed
    # is of use when it ended without giving a verdict.
    crashed = bool(cases) and cases[-1].name.endswith("as a whole")
    return Result(suite, program.name + label, cases, seconds,
                  output if crashed else "", properties)


def _run(command, environment, timeout_s):
    """(empty text or what went wrong, output)"""
    try:
        done = subprocess.run(
            command, env=environment, cwd=ROOT, timeout=timeout_s,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired as expired:
        output = (expired.stdout or b"").decode(errors="replace")
        return f"gave up after {timeout_s} s", output
    except OSError as error:
        return f"cannot be started: {error}", ""
    output = done.stdout.decode(errors="replace")
    if done.returncode < 0:
        return f"ended by signal {-done.returncode}", output
    if done.returncode:
        return f"exit code {done.returncode}", output
    return "", output


def _elements_of(report, tag):
    try:
        root = xml.etree.ElementTree.parse(report).getroot()
    except (OSError, xml.etree.ElementTree.ParseError):
        return []
    return list(root.iter(tag))


def _properties_of(report):
    """What the cases noted with RecordProperty."""
    return {element.get("name"): element.get("value")
            for element in _elements_of(report, "property")}


def _cases_of(report):
    cases = []
    for element in _elements_of(report, "testcase"):
        name = f"{element.get('classname')}.{element.get('name')}"
        failures = [f.get("message", "") for f in element.findall("failure")]
        if failures:
            cases.append(Case(name, FAILED, "\n".join(failures)))
        elif element.get("status") == "notrun":
            continue
        elif (element.get("result") == "skipped"
              or element.find("skipped") is not None):
            cases.append(Case(name, SKIPPED))
        else:
            cases.append(Case(name, PASSED))
    return cases
