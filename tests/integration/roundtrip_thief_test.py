#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 1800
"""Another process that tries without pause to bind and connect the very
4-tuple that is being handed over: the connection is never lost; what had to be
repeated is counted.

CHIMNEY_TEST_HANDOVERS: offloads and as many uploads (200, full 10000)."""

import json
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "lib"), str(HERE / "roundtrip")]

import chimney_client  # noqa: E402
from connections import connected_pair  # noqa: E402
from daemon_stats import difference, handovers, percentiles_us  # noqa: E402
from exchange import end, exchange  # noqa: E402
from lab import Lab, cases  # noqa: E402
from sizes import size  # noqa: E402

HANDOVERS = size("CHIMNEY_TEST_HANDOVERS", 200, 10000)

# Tries until standard input ends, then says how often it got where.
THIEF = """
import json, select, socket, sys
address, port, peer, peer_port = sys.argv[1:5]
family = socket.AF_INET6 if ":" in address else socket.AF_INET
counts = {"tried": 0, "bound": 0, "connected": 0}
while True:
    if counts["tried"] % 256 == 0 and select.select([sys.stdin], [], [], 0)[0]:
        break
    counts["tried"] += 1
    thief = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        thief.bind((address, int(port)))
        counts["bound"] += 1
        thief.connect((peer, int(peer_port)))
    except BlockingIOError:
        counts["connected"] += 1
    except OSError:
        pass
    thief.close()
print(json.dumps(counts))
"""


def beset(lab, session, ip_version):
    host, peer = connected_pair(lab, ip_version)
    host.setblocking(False)
    connection = session.wrap(host)
    before = handovers(lab)
    thief = lab.start(
        lab.host, sys.executable, "-c", THIEF, *map(str, (
            *host.getsockname()[:2], *peer.getsockname()[:2])),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    started = time.monotonic()
    for index in range(HANDOVERS):
        for move in (connection.offload, connection.upload):
            move()
            exchange(connection, peer, 4, index)
    took_s = time.monotonic() - started
    counts = json.loads(thief.communicate("\n", timeout=60)[0])
    print(f"    {HANDOVERS} hand-overs each way in {took_s:.1f} s; the thief: "
          f"{counts}; counted: {difference(before, handovers(lab))}")
    print(f"    offload {percentiles_us(connection.offload_ns)}; upload "
          f"{percentiles_us(connection.upload_ns)}")
    assert counts["tried"] > 0, counts
    end(connection, host, peer)


def main():
    with Lab() as lab, cases() as case, \
            chimney_client.Session(lab) as session:
        for ip_version in (4, 6):
            with case(f"{HANDOVERS} hand-overs each way beset by a thief, "
                      f"IPv{ip_version}"):
                beset(lab, session, ip_version)


if __name__ == "__main__":
    main()
