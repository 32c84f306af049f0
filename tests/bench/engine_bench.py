#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 1800
"""What each call of the engine costs, in cycles of the time stamp counter
(median of batches of 32, whose memory is asked for together first, as a
worker does with a burst) and in instructions (counted by callgrind, which
needs valgrind), on crowds of 1 to 1,000,000 connections visited at random.
Prints a JSON array; `peer_value` is what is aimed at, `ratio` the value by
that. Judges nothing but that all of them ran.

CHIMNEY_BENCH_SECONDS (0.5): how long each one is measured.
CHIMNEY_BENCH_FILTER: a regular expression of names such as pure_ack/1000."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = (pathlib.Path(os.environ.get("CHIMNEY_BUILD") or ROOT / "build") /
           "tests/bench/engine_bench")
SECONDS = os.environ.get("CHIMNEY_BENCH_SECONDS") or "0.5"
FILTER = os.environ.get("CHIMNEY_BENCH_FILTER") or "."
# Batches that callgrind counts: it runs fifty times slower.
COUNTED_BATCHES = 400
# Cycles aimed at with 1,000 connections, and so many times as many at most
# with 1,000,000.
AIMS = {"pure_ack": 150, "in_order_64": 250, "in_order_1448": 300,
        "send_64": 250, "send_1448": 250}
CROWD, LARGE_CROWD, LARGE_FACTOR = 1_000, 1_000_000, 3


def aim_of(name, crowd):
    if name not in AIMS or crowd not in (CROWD, LARGE_CROWD):
        return None
    return AIMS[name] * (1 if crowd == CROWD else LARGE_FACTOR)


def measure():
    """The program's own report, parsed."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as report:
        subprocess.run(
            [PROGRAM, f"--benchmark_filter={FILTER}",
             f"--benchmark_min_time={SECONDS}", "--benchmark_out_format=json",
             f"--benchmark_out={report.name}"],
            check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        return json.load(report)


def instructions(name, crowd):
    """Of one operation, None without valgrind."""
    if shutil.which("valgrind") is None:
        return None
    with tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--collect-atstart=no",
             f"--callgrind-out-file={scratch}/out", PROGRAM,
             f"--benchmark_filter=^{name}/{crowd}/",
             "--benchmark_format=json"],
            env={**os.environ,
                 "CHIMNEY_BENCH_ITERATIONS": str(COUNTED_BATCHES)},
            check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
    counted = int(re.search(r"Collected : (\d+)", done.stderr)[1])
    report = json.loads(done.stdout[done.stdout.index("{"):])
    return counted / report["benchmarks"][0]["operations"]


def result(entry, context):
    name, crowd = entry["name"].split("/")[:2]
    crowd = int(crowd)
    cycles = round(entry["cycles"], 1)
    aim = aim_of(name, crowd)
    counted = instructions(name, crowd) if crowd == CROWD else None
    return {"name": f"engine/{name}/{crowd}", "value": cycles,
            "unit": "cycles", "better": "lower",
            "peer": "aim" if aim else None, "peer_value": aim,
            "ratio": round(cycles / aim, 2) if aim else None,
            "context": {
                "mean_cycles": round(entry["cycles_mean"], 1),
                "instructions": counted and round(counted, 1),
                **context}}


def main():
    report = measure()
    seen = report["context"]
    context = {"load": seen["load_avg"], "mhz": seen["mhz_per_cpu"]}
    results = [result(entry, context) for entry in report["benchmarks"]]
    results += [{"name": f"engine/{key}", "value": int(seen[key]),
                 "unit": "bytes", "better": "lower", "peer": None,
                 "peer_value": None, "ratio": None, "context": {}}
                for key in ("bytes_idle_connection", "bytes_control_block",
                            "bytes_timer")]
    print(json.dumps(results, indent=1))
    return 0 if report["benchmarks"] else 1


if __name__ == "__main__":
    sys.exit(main())
