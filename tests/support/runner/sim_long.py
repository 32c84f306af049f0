# SPDX-License-Identifier: BSD-3-Clause
"""Suite sim-long: the simulator's random connections by the hundred thousand,
cut into ranges of seeds that run beside each other, and their totals."""

import collections
import concurrent.futures
import dataclasses

import programs
from results import FAILED, PASSED, Case, Result

# Both have the engine in them; a run of two models proves nothing about it.
_PAIRINGS = ("EngineAndModel", "EngineAndEngine")
_SHARD_RUNS = 2500
_SHARD_TIMEOUT_S = 4 * 3600
# Of a violation: what the wire carried.
_CAPTURES = "build/sim-long"


def run(arguments, reporter):
    (programs.ROOT / _CAPTURES).mkdir(parents=True, exist_ok=True)
    sim, = (p for p in programs.introspect(programs.RELEASE)
            if p.name == "sim")
    if not arguments.no_build:
        error = programs.build(programs.RELEASE, [sim])
        if error:
            reporter.add(Result("build", programs.RELEASE.folder,
                                [Case("sim compiles", FAILED)], 0.0, error))
            return
    totals = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for result in pool.map(
                lambda shard: programs.run(shard, programs.RELEASE,
                                           "sim-long"),
                list(_shards(sim, arguments.runs))):
            reporter.add(result)
            totals.update({name: int(number)
                           for name, number in result.properties.items()})
    reporter.add(_verdict(totals, arguments.runs))


def _shards(sim, runs):
    """The simulator with a pairing and a range of seeds: half of the runs for
    each pairing, both from seed 1 on."""
    half = runs // 2
    for pairing, count in zip(_PAIRINGS, (half, runs - half)):
        for first in range(1, count + 1, _SHARD_RUNS):
            last = min(first + _SHARD_RUNS - 1, count)
            yield dataclasses.replace(
                sim, name=f"{pairing}, seeds {first} to {last}",
                command=(*sim.command, f"--gtest_filter=*/{pairing}"),
                environment={**sim.environment,
                             "CHIMNEY_SIM_SEED": str(first),
                             "CHIMNEY_SIM_RUNS": str(last - first + 1),
                             "CHIMNEY_SIM_PCAP": _CAPTURES},
                timeout_s=_SHARD_TIMEOUT_S)


def _verdict(totals, runs):
    hours = totals["virtual_ms"] / 3_600_000
    with_handovers = totals["runs_with_handovers"]
    print(f"sim-long: {totals['runs']} runs, {hours:.1f} virtual hours, "
          f"{totals['segments']} segments, {totals['handovers']} hand-overs, "
          f"{with_handovers} runs with hand-overs, "
          f"{totals['violations']} violations", flush=True)
    checks = {
        "every run was made": totals["runs"] == runs,
        "no violation": totals["violations"] == 0,
        "hand-overs in at least half of the runs": with_handovers * 2 >= runs,
    }
    return Result("sim-long", "totals",
                  [Case(name, PASSED if holds else FAILED)
                   for name, holds in checks.items()], 0.0)
