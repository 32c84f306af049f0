#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 600
"""How long a hand-over of an idle connection takes, each way, from before the
hold to after the release, and which step takes how much of it. Speed is
printed and never judged.

CHIMNEY_TEST_HANDOVERS: offloads and as many uploads (1000)."""

import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "lib"), str(HERE / "roundtrip")]

import chimney_client  # noqa: E402
from connections import connected_pair  # noqa: E402
from daemon_stats import handovers, percentiles_us  # noqa: E402
from lab import Lab, cases  # noqa: E402
from peer_watch import count_resets, resets  # noqa: E402
from sizes import size  # noqa: E402

HANDOVERS = size("CHIMNEY_TEST_HANDOVERS", 1000, 1000)


def print_steps(lab):
    for name, step in handovers(lab)["steps"].items():
        if step["samples"]:
            print(f"      {name:24} p50 {step['p50_ns'] / 1000:8.1f} us   "
                  f"p99 {step['p99_ns'] / 1000:8.1f} us   max "
                  f"{step['max_ns'] / 1000:8.1f} us")


def measure(ip_version):
    with Lab() as lab:
        count_resets(lab)
        host, peer = connected_pair(lab, ip_version)
        with chimney_client.Session(lab) as session:
            host.setblocking(False)
            connection = session.wrap(host)
            calls = {"offload": [], "upload": []}
            for _ in range(HANDOVERS):
                for name in calls:
                    started = time.monotonic_ns()
                    getattr(connection, name)()
                    calls[name].append(time.monotonic_ns() - started)
            # The connection has come through it all.
            peer.sendall(b"still here")
            assert connection.receive_all(10) == b"still here"
            connection.send_all(b"so am I")
            assert peer.recv(100) == b"so am I"
        for name, daemon_ns in (("offload", connection.offload_ns),
                                ("upload", connection.upload_ns)):
            assert len(daemon_ns) == HANDOVERS
            print(f"    {name}: {percentiles_us(daemon_ns)}; as the caller "
                  f"sees it: {percentiles_us(calls[name])}")
        print_steps(lab)
        assert resets(lab) == (0, 0), resets(lab)


def main():
    with cases() as case:
        for ip_version in (4, 6):
            with case(f"{HANDOVERS} hand-overs each way of an idle "
                      f"connection, IPv{ip_version}"):
                measure(ip_version)


if __name__ == "__main__":
    main()
