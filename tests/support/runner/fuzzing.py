# SPDX-License-Identifier: BSD-3-Clause
"""Suite fuzz: every libFuzzer target for a while, each from an empty corpus.
What it finds stays in build-fuzz/findings/TARGET; a finding that was mended
goes into tests/fuzz/corpus/TARGET, which suite fuzz-corpus replays."""

import concurrent.futures
import os
import re
import subprocess
import tempfile
import time

import programs
from results import FAILED, PASSED, Case, Result

# The libraries are instrumented too: without that the fuzzer would see no
# path but those of its own target.
_VARIANT = programs.Variant(
    "build-fuzz", "fuzz",
    (*programs.ADDRESS.options[:-1],
     programs.ADDRESS.options[-1] + " -fsanitize=fuzzer-no-link"),
    programs.ADDRESS.environment)
_INPUT_TIMEOUT_S = 20
# libFuzzer's own 100 keeps to the shortest inputs for too long: a connection
# or a session needs some hundred bytes to get anywhere.
_LENGTH_CONTROL = 20
_MAX_MEMORY_MB = 2048
_SUITE = "fuzz"
CORPUS_SUITE = "fuzz-corpus"


def names(declared):
    """The targets, as --list shows them."""
    return [_target_of(p) for p in declared if CORPUS_SUITE in p.suites]


def run(arguments, reporter):
    error = programs.configure(_VARIANT, {"CXX": "clang++"})
    if error:
        reporter.add(Result("build", _VARIANT.folder,
                            [Case("meson setup", FAILED)], 0.0, error))
        return
    targets = [p for p in programs.introspect(_VARIANT)
               if CORPUS_SUITE in p.suites
               and _is_selected(_target_of(p), arguments.selected)]
    if not arguments.no_build:
        error = programs.build(_VARIANT, targets)
        if error:
            reporter.add(Result("build", _VARIANT.folder,
                                [Case("targets compile", FAILED)], 0.0, error))
            return
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for result in pool.map(lambda p: _fuzz(p, arguments.seconds), targets):
            reporter.add(result)


def _target_of(program):
    """fuzz_frame_corpus is the test that replays target frame."""
    return program.name.removeprefix("fuzz_").removesuffix("_corpus")


def _is_selected(target, selected):
    return _SUITE in selected or f"{_SUITE}/{target}" in selected


def _fuzz(program, seconds):
    target = _target_of(program)
    findings = programs.ROOT / _VARIANT.folder / "findings" / target
    findings.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chimney-fuzz-") as corpus, \
            tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [program.command[0], corpus, f"-max_total_time={seconds}",
             "-print_final_stats=1", f"-len_control={_LENGTH_CONTROL}",
             f"-timeout={_INPUT_TIMEOUT_S}",
             f"-rss_limit_mb={_MAX_MEMORY_MB}",
             f"-artifact_prefix={findings}/"],
            cwd=programs.ROOT, stdin=subprocess.DEVNULL, stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **_VARIANT.environment})
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        inputs = len(os.listdir(corpus))
        log.seek(0)
        output = log.read().decode(errors="replace")
    cpu_minutes = (usage.ru_utime + usage.ru_stime) / 60
    print(f"{_SUITE}/{target}: {_summary(output)}, {inputs} inputs kept, "
          f"{cpu_minutes:.1f} CPU-minutes, "
          f"{'a finding' if process.returncode else 'no finding'}", flush=True)
    return Result(_SUITE, target,
                  [_verdict(target, process.returncode, output)],
                  time.monotonic() - start, output)


def _summary(output):
    executions = re.findall(r"stat::number_of_executed_units: (\d+)", output)
    reached = re.findall(r"cov: (\d+) ft: (\d+)", output)
    edges, features = reached[-1] if reached else ("no", "no")
    return (f"{executions[-1] if executions else 'unknown'} executions, "
            f"{edges} edges, {features} features")


def _verdict(target, status, output):
    if status == 0:
        return Case(f"{target} finds nothing", PASSED)
    written = re.findall(r"Test unit written to (\S+)", output)
    how = [f"repeat with: {_VARIANT.folder}/tests/fuzz/fuzz_{target} {path}"
           for path in written]
    return Case(f"{target} finds nothing", FAILED, "\n".join(how))
