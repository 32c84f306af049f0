#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 900
"""What the daemon costs a host that offloads nothing: iperf3 through chimneyd
and through dpdk-testpmd in io mode, between the same two ports, in turn.
Prints one JSON object; judges nothing but that all rounds ran.

CHIMNEY_BENCH_ROUNDS (5), CHIMNEY_BENCH_SECONDS (4): rounds of each, and how
long iperf3 sends in a round."""

import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "integration" / "lib")]

from lab import Lab, cases, wait_until  # noqa: E402

ROUNDS = int(os.environ.get("CHIMNEY_BENCH_ROUNDS") or 5)
SECONDS = int(os.environ.get("CHIMNEY_BENCH_SECONDS") or 4)
FORWARDERS = ("chimneyd", "testpmd")
PORT = 5201


def listening(lab):
    return f":{PORT} " in lab.run(lab.peer, "ss", "-Hltn").stdout


def gbit_per_s(forwarder, ip_version, reverse):
    """Of one iperf3 run in a lab of its own."""
    with Lab(forwarder=forwarder) as lab:
        address = lab.PEER_IPV4 if ip_version == 4 else lab.PEER_IPV6
        server = lab.start(lab.peer, "iperf3", "-s", "-1", "-p", str(PORT),
                           stdout=subprocess.DEVNULL)
        wait_until(lambda: listening(lab), "iperf3")
        options = ["-R"] if reverse else []
        report = json.loads(lab.run(
            lab.host, "iperf3", "-J", "-c", address, "-p", str(PORT), "-t",
            str(SECONDS), *options).stdout)
        server.wait(10)
    return report["end"]["sum_received"]["bits_per_second"] / 1e9


def measure(ip_version, reverse):
    seen = {name: [] for name in FORWARDERS}
    for index in range(ROUNDS):
        # In turn, and each first as often as the other.
        for name in FORWARDERS[::-1 if index % 2 else 1]:
            seen[name].append(gbit_per_s(name, ip_version, reverse))
    median = {name: statistics.median(values)
              for name, values in seen.items()}
    return {"ip_version": ip_version,
            "direction": "peer to host" if reverse else "host to peer",
            "gbit_per_s": {name: [round(value, 2) for value in values]
                           for name, values in seen.items()},
            "ratio_of_medians": round(
                median["chimneyd"] / median["testpmd"], 3)}


def main():
    results = []
    with cases() as case:
        for ip_version, reverse in ((4, False), (4, True), (6, False)):
            with case(f"slow path, IPv{ip_version}, "
                      f"{'peer to host' if reverse else 'host to peer'}"):
                results.append(measure(ip_version, reverse))
    print(json.dumps({"benchmark": "slow_path", "rounds": ROUNDS,
                      "seconds": SECONDS, "results": results}))


if __name__ == "__main__":
    main()
