#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Sockets whose last close waits for a minute are left to the daemon, in a
request that it refuses and in messages that it never reads: it serves everybody
else meanwhile, and stops when it is told to."""

import contextlib
import os
import pathlib
import signal
import socket
import struct
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "lib"), str(HERE / "roundtrip")]

import chimney_client  # noqa: E402
from connections import connected_pair  # noqa: E402
from exchange import end, exchange  # noqa: E402
from lab import Lab, cases  # noqa: E402

SO_LOCK_FILTER = 44
LINGER_S = 60
SOCKETS = 6


def lingering(lab):
    """A socket with unsent data that is not eligible, and its peer."""
    host, peer = connected_pair(lab)
    host.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            host.send(bytes(1 << 16))
    host.setsockopt(socket.SOL_SOCKET, SO_LOCK_FILTER, 1)
    host.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, LINGER_S))
    return host, peer


@contextlib.contextmanager
def standing_still(lab):
    """What is left to the daemon in here it finds all at once."""
    pid = lab.daemon_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def in_requests(lab, pairs):
    session = chimney_client.Session(lab)
    with standing_still(lab):
        for host, _ in pairs:
            session.wrap(host).start_offload()
            os.close(host.detach())
    return session


def in_messages(lab, pairs):
    stranger = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    stranger.connect(lab.socket)
    with standing_still(lab):
        stranger.send(b"this is no hello")
        for host, _ in pairs:
            socket.send_fds(stranger, [b"never read"], [host.fileno()])
            os.close(host.detach())
    return stranger


def nobody_waits(lab, leave):
    pairs = [lingering(lab) for _ in range(SOCKETS)]
    left = leave(lab, pairs)
    began = time.monotonic()
    with chimney_client.Session(lab) as session:
        host, peer = connected_pair(lab)
        host.setblocking(False)
        connection = session.wrap(host)
        connection.offload()
        exchange(connection, peer)
        connection.upload()
        end(connection, host, peer)
    left.close()
    lab.ctl("status")
    took_s = time.monotonic() - began
    assert took_s < LINGER_S / 4, f"{took_s:.1f} s"
    for _, peer in pairs:
        peer.close()


def main():
    with Lab() as lab, cases() as case:
        for leave in (in_requests, in_messages):
            with case(f"{SOCKETS} sockets that linger, "
                      f"left {leave.__name__.replace('_', ' ')}"):
                nobody_waits(lab, leave)


if __name__ == "__main__":
    main()
