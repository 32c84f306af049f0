# SPDX-License-Identifier: BSD-3-Clause
"""Tests that are scripts: tests/integration/*_test.{sh,py}, tests/layout and
tests/bench/*_bench.py.

A script prints `ok NAME`, `not ok NAME` or `skip NAME REASON`, one line a
case; one that prints none of these is one case, judged by its exit code (77:
skipped). Comment lines among its first ten may say:

    # timeout: SECONDS        instead of 300
    # suite: NAME             instead of the folder's; such a suite only runs
                              when it is named
    # sanitized: yes          run it a second time with a daemon (and its
                              programs) that has sanitizers
"""

import os
import pathlib
import re
import signal
import subprocess
import time

from results import FAILED, PASSED, SKIPPED, Case, Result

ROOT = pathlib.Path(__file__).resolve().parents[3]
_LINE = re.compile(r"^(ok|not ok|skip) (.+)$")
_OUTCOMES = {"ok": PASSED, "not ok": FAILED, "skip": SKIPPED}
_DEFAULT_TIMEOUT_S = 300


class Script:
    def __init__(self, path, suite, needs_root):
        self.path, self.name, self.needs_root = path, path.name, needs_root
        head = path.read_text(errors="replace").splitlines()[:10]
        self.suite = _declared(head, "suite") or suite
        self.timeout_s = int(_declared(head, "timeout") or _DEFAULT_TIMEOUT_S)
        self.long = self.suite != suite
        self.sanitized = _declared(head, "sanitized") == "yes"


def _declared(head, word):
    for line in head:
        if line.startswith(f"# {word}: "):
            return line.split(": ", 1)[1].strip()
    return None


def find():
    """All scripts, sorted by name within their suite."""
    found = []
    for folder, kind, needs_root in (("layout", "test", False),
                                     ("integration", "test", True),
                                     ("bench", "bench", True)):
        for path in sorted((ROOT / "tests" / folder).glob(f"*_{kind}.*")):
            if path.suffix in (".sh", ".py"):
                found.append(Script(path, folder, needs_root))
    return found


def run(script, variant, tools_folder):
    """With the daemon of a variant; what the test itself loads and starts is
    in `tools_folder`."""
    name = script.name + (f" ({variant.label})" if variant.label else "")
    if script.needs_root and os.geteuid() != 0:
        return Result(script.suite, name,
                      [Case(script.name, SKIPPED, "needs root")], 0.0)
    # Everything a test makes carries this prefix, so that what it leaves
    # behind can be found.
    prefix = f"t{os.getpid()}n{run.count}"
    run.count += 1
    environment = {**os.environ, **variant.environment,
                   "CHIMNEY_TEST_PREFIX": prefix,
                   "CHIMNEY_BUILD": str(ROOT / variant.folder),
                   "CHIMNEY_TOOLS_BUILD": str(ROOT / tools_folder),
                   "PYTHONDONTWRITEBYTECODE": "1"}
    start = time.monotonic()
    status, output = _run(script, environment)
    seconds = time.monotonic() - start
    cases = [Case(match[2], _OUTCOMES[match[1]])
             for match in map(_LINE.match, output.splitlines()) if match]
    if not cases:
        outcome = {"": PASSED, "exit code 77": SKIPPED}.get(status, FAILED)
        cases.append(Case(script.name, outcome, status))
    elif status and not any(case.outcome == FAILED for case in cases):
        cases.append(Case(f"{script.name} as a whole", FAILED, status))
    for text in _leftovers(prefix):
        cases.append(Case(f"{script.name} leaves nothing", FAILED, text))
    return Result(script.suite, name, cases, seconds, output)


run.count = 0


def _run(script, environment):
    interpreter = {".py": "python3", ".sh": "bash"}[script.path.suffix]
    process = subprocess.Popen(
        [interpreter, script.path], cwd=ROOT, env=environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=script.timeout_s)
        status = f"exit code {process.returncode}" if process.returncode else ""
    except subprocess.TimeoutExpired:
        # SIGTERM first: the script's own clean-up is the best one.
        os.killpg(process.pid, signal.SIGTERM)
        try:
            output, _ = process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
        status = f"gave up after {script.timeout_s} s"
    return status, output.decode(errors="replace")


def _leftovers(prefix):
    """Finds what a test left, removes it, and says what it was."""
    left = []
    mark = f"CHIMNEY_TEST_PREFIX={prefix}".encode()
    for process in pathlib.Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                command = (process / "cmdline").read_bytes()
                os.kill(int(process.name), signal.SIGKILL)
                text = command.replace(b"\0", b" ").decode(errors="replace")
                left.append(f"process {process.name} was left: {text[:200]}")
        except OSError:
            continue
    pattern = re.compile(rf"({prefix}[a-z0-9]*)(-host|-peer)?")
    labs = set()
    for folder in ("/run/netns", "/run"):
        if not os.path.isdir(folder):
            continue
        for name in os.listdir(folder):
            match = pattern.fullmatch(name)
            if match:
                left.append(f"{folder}/{name} was left")
                labs.add(match[1])
    for lab in labs:
        subprocess.run([ROOT / "configs/lab/down", "--prefix", lab],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    return left
