#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# sanitized: yes
# timeout: 1800
"""A peer that sends without pause while the connection changes hands again
and again, one hand-over right after the other. Every byte is compared; the
share of hand-overs that the fence made repeat is printed.

CHIMNEY_TEST_HANDOVERS: offloads and as many uploads (300, full 10000)."""

import pathlib
import socket
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "lib"), str(HERE / "roundtrip")]

import chimney_client  # noqa: E402
from connections import connect  # noqa: E402
from daemon_stats import difference, handovers, percentiles_us  # noqa: E402
from lab import Lab, cases  # noqa: E402
from peer_programs import StreamPeer, check_result  # noqa: E402
from peer_watch import (  # noqa: E402
    TimeoutWatch, count_resets, resets, window_probes)
from sink import Sink  # noqa: E402
from sizes import size  # noqa: E402

HANDOVERS = size("CHIMNEY_TEST_HANDOVERS", 300, 10000)


class Hammer:
    """Hands one connection over and over while it receives."""

    def __init__(self, lab, connection):
        self.connection = connection
        self.sink = Sink(lab, seed=1)
        self.failures = {}
        self.stalled_s = 0.0

    def drain(self):
        """Takes in what is there, but not for ever: the peer may be as fast as
        this. True at the peer's end."""
        for _ in range(64):
            data = self.connection.receive()
            if data is None:
                break
            if not data:
                return True
            self.sink.write(data)
        return False

    def hand_over(self, start):
        """One hand-over, receiving meanwhile; True if it took place."""
        start()

        def over():
            self.drain()
            return self.connection.outcome is not None
        self.connection.session.pump(over, "a hand-over", 20)
        outcome = self.connection.outcome
        if outcome.type in (chimney_client.OFFLOADED, chimney_client.UPLOADED):
            return True
        text = str(outcome)
        self.failures[text] = self.failures.get(text, 0) + 1
        return False

    def flow(self, wanted_bytes):
        """Receives at least so much before the next hand-over."""
        goal = self.sink.count + wanted_bytes
        started = time.monotonic()

        def enough():
            assert not self.drain(), "the peer ended early"
            return self.sink.count >= goal
        self.connection.session.pump(enough, "data after a hand-over", 20)
        self.stalled_s = max(self.stalled_s, time.monotonic() - started)


def hammer(lab, ip_version):
    address = lab.PEER_IPV4 if ip_version == 4 else lab.PEER_IPV6
    peer = StreamPeer(lab, listen=address, port=9000, send_bytes=-1,
                      send_seed=1)
    before = handovers(lab)
    resets_before = resets(lab)
    probes_before = window_probes(lab)
    watch = TimeoutWatch(lab, ip_version)
    with connect(lab.host, address, 9000) as sock, \
            chimney_client.Session(lab) as session:
        sock.setblocking(False)
        # The window is always full, and what waits in it is little: otherwise
        # most of the time would go into comparing bytes.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 128 << 10)
        connection = session.wrap(sock)
        ours = Hammer(lab, connection)
        started = time.monotonic()
        while len(connection.upload_ns) < HANDOVERS:
            if ours.hand_over(connection.start_offload):
                ours.flow(1)
                while not ours.hand_over(connection.start_upload):
                    pass
            ours.flow(1)
        took_s = time.monotonic() - started
        peer.stop_sending()
        session.pump(ours.drain, "the peer's end", 30)
        connection.shutdown()
        session.pump(lambda: connection.unsent == 0, "the end of sending")
        result = peer.result(60)
    received = ours.sink.finish()
    after = handovers(lab)
    timeouts, retransmissions = watch.stop()
    check_result(result, received=0)
    counted = difference(before, after)
    print(f"    {HANDOVERS} offloads and uploads in {took_s:.1f} s while "
          f"{received >> 20} MiB came; longest wait for data "
          f"{ours.stalled_s * 1000:.0f} ms")
    print(f"    offload {percentiles_us(connection.offload_ns)}; upload "
          f"{percentiles_us(connection.upload_ns)}")
    repeated = (counted.get("fence_timeouts", 0)
                + counted.get("freeze_retries", 0))
    print(f"    repeated because of the fence: {repeated} of "
          f"{counted.get('offloads', 0)}; counted: {counted}; failures: "
          f"{ours.failures}")
    probes = window_probes(lab) - probes_before
    print(f"    peer: {timeouts} timeouts, {retransmissions} retransmissions, "
          f"{probes} window probes")
    assert received == result["each"][0]["sent"], (received, result)
    assert resets(lab) == resets_before, "there was a reset"
    # A window that opens is announced, so the peer need not ask for it.
    assert probes < HANDOVERS / 10, probes


def main():
    with Lab() as lab, cases() as case:
        count_resets(lab)
        for ip_version in (4, 6):
            with case(f"{HANDOVERS} hand-overs each way under fire, "
                      f"IPv{ip_version}"):
                hammer(lab, ip_version)


if __name__ == "__main__":
    main()
