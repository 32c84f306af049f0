#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# sanitized: yes
# timeout: 1200
"""Data both ways at once over live connections that change hands every 20 ms.
Every byte is compared and both SHA-256 are; there is no reset on the wire and
no retransmission timeout at the peer.

CHIMNEY_TEST_BYTES: bytes each way (64 MiB, full 1 GiB)."""

import contextlib
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "lib"), str(HERE / "roundtrip")]

from lab import Lab, cases  # noqa: E402
from netcat import Netcat, Transfer, finish_netcat  # noqa: E402
from peer_programs import Piped, await_listener  # noqa: E402
from peer_watch import (TimeoutWatch, count_resets, drop_invalid,  # noqa
                        invalid, resets)
from sizes import FULL, MIB, size  # noqa: E402

BYTES = size("CHIMNEY_TEST_BYTES", 64 * MIB, 1024 * MIB)
CYCLE_MS = 20
TIMEOUT_S = 600 if FULL else 120
WANTED_HANDOVERS = 200 if FULL else 1


@contextlib.contextmanager
def watched(lab, ip_version):
    """Fails on a reset or, at the peer, a retransmission timeout."""
    before = resets(lab)
    watch = TimeoutWatch(lab, ip_version)
    yield
    timeouts, retransmissions = watch.stop()
    after = resets(lab)
    print(f"    peer: {timeouts} timeouts, {retransmissions} retransmissions "
          f"in {watch.samples} samples; resets: {after[0] - before[0]} on the "
          f"wire, {after[1] - before[1]} in the host's kernel")
    assert watch.samples, "the peer's sockets were not sampled"
    assert after[0] == before[0], "there was a reset on the wire"
    assert timeouts == 0, f"{timeouts} retransmission timeouts at the peer"


def report(stats):
    print(f"    {stats['offloads']} offloads {stats['offload_us']}, "
          f"{stats['uploads']} uploads {stats['upload_us']} (us)")
    assert stats["offloads"] >= WANTED_HANDOVERS, stats
    assert stats["uploads"] >= WANTED_HANDOVERS, stats


def cycle(lab, netcat, role, ip_version):
    with watched(lab, ip_version):
        report(Transfer(lab, netcat, role, ip_version, BYTES,
                        timeout_s=TIMEOUT_S, cycle_ms=CYCLE_MS).finish())


def against_program(lab, netcat, role, ip_version, command):
    """An unmodified program at the peer, fed and checked through pipes."""
    port = 9001
    host, peer = ((lab.HOST_IPV4, lab.PEER_IPV4) if ip_version == 4
                  else (lab.HOST_IPV6, lab.PEER_IPV6))
    to_host, to_peer = (BYTES, 11), (BYTES, 12)
    command = [word.format(host=host, peer=peer, port=port)
               for word in command]

    def start_netcat(*more):
        return netcat.start("--cycle", CYCLE_MS, *more, port,
                            send=to_peer, receive=to_host)

    def start_program():
        return Piped(lab, lab.peer, command, to_host, to_peer)

    with watched(lab, ip_version):
        if role == "connect":
            program = start_program()
            await_listener(lab, lab.peer, port)
            ours = start_netcat(peer)
        else:
            ours = start_netcat("-l", host)
            await_listener(lab, lab.host, port)
            program = start_program()
        stats, sent, arrived = finish_netcat(ours, TIMEOUT_S)
        status, errors, peer_sent, peer_arrived = program.finish(TIMEOUT_S)
        assert status == 0, f"{command[0]} ended with {status}: {errors}"
        for way, one, other in (("to the peer", sent, peer_arrived),
                                ("to the host", peer_sent, arrived)):
            assert not other["error"], f"{way}: {other['error']}"
            assert one["sha256"] == other["sha256"], way
            print(f"    {way}: {one['bytes']} bytes, SHA-256 "
                  f"{one['sha256'][:16]}... twice")
        report(stats)


PYTHON = """
import socket, sys, threading
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def send():
    while data := sys.stdin.buffer.read1(1 << 16):
        s.sendall(data)
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=send).start()
while data := s.recv(1 << 16):
    sys.stdout.buffer.write(data)
sys.stdout.buffer.flush()
"""

PROGRAMS = (
    ("socat listening, IPv4", "connect", 4,
     ("socat", "-t600", "-", "TCP4-LISTEN:{port},bind={peer}")),
    ("nc connecting, IPv6", "accept", 6, ("nc", "-N", "{host}", "{port}")),
    ("python connecting, IPv4", "accept", 4,
     ("python3", "-c", PYTHON.replace("{", "{{").replace("}", "}}"),
      "{host}", "{port}")),
)


def main():
    with Lab() as lab, Netcat(lab) as netcat, cases() as case:
        count_resets(lab)
        for ip_version in (4, 6):
            for role in ("connect", "accept"):
                with case(f"{BYTES >> 20} MiB each way, IPv{ip_version}, "
                          f"the host {role}s"):
                    cycle(lab, netcat, role, ip_version)
        for name, role, ip_version, command in PROGRAMS:
            with case(f"an unmodified peer: {name}"):
                against_program(lab, netcat, role, ip_version, command)
        drop_invalid(lab)
        for ip_version, role in ((4, "connect"), (6, "accept")):
            with case(f"with ct state invalid drop, IPv{ip_version}, "
                      f"the host {role}s"):
                cycle(lab, netcat, role, ip_version)
                print(f"    dropped as invalid: {invalid(lab)}")


if __name__ == "__main__":
    main()
