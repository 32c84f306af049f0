#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# sanitized: yes
# timeout: 900
"""Many connections of one process, all carrying data both ways at once:
offloaded, all given back by `chimneyctl upload-all`, resumed, offloaded again.
Every byte of each is compared.

CHIMNEY_TEST_CONNECTIONS: how many (1000). CHIMNEY_TEST_BYTES: bytes each way
on each (64 KiB, full 256 KiB)."""

import hashlib
import json
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "lib"), str(HERE / "roundtrip")]

import chimney_client  # noqa: E402
from connections import connect  # noqa: E402
from daemon_stats import difference, handovers  # noqa: E402
from lab import Lab, cases, wait_until  # noqa: E402
from peer_programs import StreamPeer, check_result, tool  # noqa: E402
from peer_watch import count_resets, resets  # noqa: E402
from sizes import size  # noqa: E402

CONNECTIONS = size("CHIMNEY_TEST_CONNECTIONS", 1000, 1000)
BYTES = size("CHIMNEY_TEST_BYTES", 64 << 10, 256 << 10)
PARTS = 4  # one after each change of hands
# A session takes over what waits in the sockets: both ways, if it comes to it.
MEMORY_MB = 64 if BYTES <= 64 << 10 else 2 * CONNECTIONS * BYTES >> 20
SEND_SEED, RECEIVE_SEED = 100000, 200000


def stream(lab, seed):
    """The first BYTES bytes of a seeded stream."""
    return subprocess.run(
        [tool(lab, "integration_stream"), "write", f"--bytes={BYTES}",
         f"--seed={seed}"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        check=True).stdout


class Member:
    """One of the many: what it sends, and a hash of what it got."""

    def __init__(self, lab, session, address, index):
        self.sock = connect(lab.host, address, 9000, timeout_s=30)
        self.sock.setblocking(False)
        self.connection = session.wrap(self.sock)
        self.data = stream(lab, SEND_SEED + index)
        self.sent = self.received = 0
        self.hash = hashlib.sha256()
        self.ended = False

    def move(self, send_limit):
        """Sends up to an offset and takes what is there; True if that was
        all, both ways."""
        if self.sent < send_limit:
            self.sent += self.connection.send(self.data[self.sent:send_limit])
        while not self.ended:
            part = self.connection.receive()
            if part is None:
                break
            self.ended = not part
            self.hash.update(part)
            self.received += len(part)
        return self.sent == send_limit


class Crowd:
    def __init__(self, lab, session):
        self.lab, self.session = lab, session
        self.peer = StreamPeer(
            lab, listen=lab.PEER_IPV4, port=9000, connections=CONNECTIONS,
            send_bytes=BYTES, send_seed=RECEIVE_SEED, receive_seed=SEND_SEED)
        self.members = [Member(lab, session, lab.PEER_IPV4, index)
                        for index in range(CONNECTIONS)]

    def all_are(self, state):
        return all(m.connection.state == state for m in self.members)

    def pump(self, condition, what, limit, timeout_s=120):
        """Moves data until all of it up to `limit` was sent and condition()
        holds."""
        def done():
            moved = [m.move(limit) for m in self.members]
            return all(moved) and condition()
        try:
            self.session.pump(done, what, timeout_s)
        except TimeoutError as error:
            states = {}
            for m in self.members:
                states[m.connection.state] = \
                    states.get(m.connection.state, 0) + 1
            raise TimeoutError(f"{error}; states {states}") from None

    def offload(self, limit):
        """Offloads all, with data under way; returns how long it took."""
        started = time.monotonic()
        for member in self.members:
            member.connection.start_offload()

        def settled():
            for m in self.members:
                outcome = m.connection.outcome
                if outcome is not None and \
                        outcome.type == chimney_client.OFFLOAD_FAILED:
                    raise AssertionError(f"an offload failed: {outcome}")
            return self.all_are("offloaded")
        self.pump(settled, "all offloads", limit)
        return time.monotonic() - started

    def upload_all(self, limit):
        """`chimneyctl upload-all`, with data under way."""
        started = time.monotonic()
        ctl = self.lab.start(
            self.lab.host, self.lab.program("chimneyctl"), "--socket",
            self.lab.socket, "--json", "upload-all", stdout=subprocess.PIPE)
        self.pump(lambda: self.all_are("in_host"), "all uploads", limit)
        answer, _ = ctl.communicate(timeout=60)
        assert ctl.returncode == 0, answer
        print(f"    chimneyctl upload-all: {answer.decode().strip()}")
        return time.monotonic() - started

    def finish(self):
        self.pump(lambda: True, "the last of the data", BYTES)
        for member in self.members:
            member.connection.shutdown()
        self.pump(lambda: all(m.ended for m in self.members),
                  "the end of all", BYTES)
        check_result(self.peer.result(60), BYTES, BYTES)
        for index, member in enumerate(self.members):
            assert member.received == BYTES, (index, member.received)
            wanted = hashlib.sha256(stream(self.lab, RECEIVE_SEED + index))
            assert member.hash.digest() == wanted.digest(), \
                f"connection {index}: the bytes are not those sent"


def many(lab):
    before = handovers(lab)
    with chimney_client.Session(lab, max_connections=CONNECTIONS) as session:
        started = time.monotonic()
        crowd = Crowd(lab, session)
        print(f"    {CONNECTIONS} connections made in "
              f"{time.monotonic() - started:.1f} s")
        part = BYTES // PARTS
        first_s = crowd.offload(part)
        upload_s = crowd.upload_all(2 * part)
        lab.ctl("resume")
        again_s = crowd.offload(3 * part)
        crowd.finish()
        print(f"    all offloaded in {first_s:.2f} s, given back in "
              f"{upload_s:.2f} s, offloaded again in {again_s:.2f} s")
        for member in crowd.members:
            member.connection.destroy()
            member.sock.close()
    counted = difference(before, handovers(lab))
    print(f"    {counted}")
    assert counted["offloads"] >= 2 * CONNECTIONS, counted
    assert resets(lab)[0] == 0, f"resets on the wire: {resets(lab)}"
    wait_until(lambda: json.loads(lab.ctl("--json", "status").stdout)
               ["connections"] == 0, "the daemon to forget them", 20)


def main():
    with Lab(daemon_flags=[f"--session_arena_mb={MEMORY_MB}",
                           f"--session_receive_mb={MEMORY_MB}"]) as lab, \
            cases() as case:
        for side in (lab.host, lab.peer):
            # Overrun by a thousand senders, BBR goes on at a few kilobytes a
            # second for minutes.
            lab.run(side, "sysctl", "-qw",
                    "net.ipv4.tcp_congestion_control=reno")
        count_resets(lab)
        with case(f"{CONNECTIONS} connections, {BYTES >> 10} KiB each way "
                  "each"):
            many(lab)


if __name__ == "__main__":
    main()
