#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# sanitized: yes
# timeout: 1800
"""Data both ways at once over a wire that loses, doubles and reorders frames
in both directions, while the connection changes hands every 20 ms. Every byte
is compared.

CHIMNEY_TEST_BYTES: bytes each way (8 MiB, full 64 MiB)."""

import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "lib"), str(HERE / "roundtrip")]

from lab import Lab, cases  # noqa: E402
from netcat import Netcat, Transfer  # noqa: E402
from peer_watch import TimeoutWatch  # noqa: E402
from peer_wire import Wire  # noqa: E402
from sizes import FULL, MIB, size  # noqa: E402

BYTES = size("CHIMNEY_TEST_BYTES", 8 * MIB, 64 * MIB)
TIMEOUT_S = 600 if FULL else 120

WIRES = (
    ("1 % loss", 4, "connect", {"loss": 1, "seed": 1}),
    ("5 % loss", 6, "accept", {"loss": 5, "seed": 2}),
    ("1 % duplication", 4, "accept", {"dup": 1, "seed": 3}),
    ("2 % reordering", 6, "connect", {"reorder": 2, "seed": 4}),
    ("1 % loss, 1 % duplication, 1 % reordering, 2 ms delay", 4, "connect",
     {"loss": 1, "dup": 1, "reorder": 1, "delay_us": 2000, "seed": 5}),
)


def transfer(lab, netcat, ip_version, role, flags):
    with Wire(lab, **flags) as wire:
        watch = TimeoutWatch(lab, ip_version)
        started = time.monotonic()
        stats = Transfer(lab, netcat, role, ip_version, BYTES,
                         timeout_s=TIMEOUT_S).finish()
        took_s = time.monotonic() - started
        timeouts, retransmissions = watch.stop()
        counters = wire.end()
    print(f"    {BYTES >> 20} MiB each way in {took_s:.1f} s, "
          f"{stats['offloads']} offloads, {stats['uploads']} uploads; peer: "
          f"{timeouts} timeouts, {retransmissions} retransmissions")
    for way, name in (("from_a", "from the peer"), ("from_b", "to the peer")):
        seen = {key: value for key, value in counters[way].items() if value}
        print(f"    {name}: {seen}")
    assert stats["offloads"] and stats["uploads"], stats


def main():
    with Lab() as lab, Netcat(lab) as netcat, cases() as case:
        for name, ip_version, role, flags in WIRES:
            with case(f"{name}, IPv{ip_version}, the host {role}s"):
                transfer(lab, netcat, ip_version, role, flags)


if __name__ == "__main__":
    main()
