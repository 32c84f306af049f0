#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a program can see of its socket after a round trip: every getsockopt
says what it said before but for the list in lib/kernel/handover.h, a listener
can be restarted on the port, and the connection's timestamp clock goes on as if
nothing had happened."""

import ctypes
import os
import pathlib
import random
import socket
import struct
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "lib"), str(HERE / "roundtrip")]

import chimney_client  # noqa: E402
from connections import connected_pair, connect, listen  # noqa: E402
from exchange import end, exchange  # noqa: E402
from lab import Lab, cases  # noqa: E402
from peer_capture import Capture  # noqa: E402

HANDOVERS = 100
_libc = ctypes.CDLL(None, use_errno=True)

LEVELS = {"SOL_SOCKET": (socket.SOL_SOCKET, 100),
          "IPPROTO_TCP": (socket.IPPROTO_TCP, 64),
          "IPPROTO_IP": (socket.IPPROTO_IP, 64),
          "IPPROTO_IPV6": (socket.IPPROTO_IPV6, 90)}

# Not read: reading changes something, or means something else.
NOT_READ = {("SOL_SOCKET", socket.SO_ERROR), ("IPPROTO_TCP", 35)}
# Documented in lib/kernel/handover.h.
DOCUMENTED = {
    ("IPPROTO_TCP", 11): "TCP_INFO",
    ("IPPROTO_TCP", 26): "TCP_CC_INFO",
    ("IPPROTO_TCP", 28): "TCP_SAVED_SYN",
    ("IPPROTO_IPV6", 26): "IPV6_V6ONLY",
}
# Not the connection's, but of the moment: they differ between any two looks.
OF_THE_MOMENT = {
    ("SOL_SOCKET", 49): "SO_INCOMING_CPU",
    ("SOL_SOCKET", 55): "SO_MEMINFO",
    ("SOL_SOCKET", 56): "SO_INCOMING_NAPI_ID",
    ("IPPROTO_TCP", 12): "TCP_QUICKACK",
    ("IPPROTO_TCP", 24): "TCP_TIMESTAMP",
}
# Auto-tuned, and documented to grow.
MAY_GROW = {("SOL_SOCKET", socket.SO_RCVBUF), ("SOL_SOCKET", socket.SO_SNDBUF),
            ("IPPROTO_TCP", 10)}  # TCP_WINDOW_CLAMP follows the buffer


def look(sock):
    """{(level, option): bytes, or the errno}."""
    seen = {}
    for level, (number, count) in LEVELS.items():
        for option in range(1, count):
            if (level, option) in NOT_READ:
                continue
            buffer = ctypes.create_string_buffer(512)
            length = ctypes.c_uint32(len(buffer))
            result = _libc.getsockopt(sock.fileno(), number, option, buffer,
                                      ctypes.byref(length))
            seen[level, option] = (
                ctypes.get_errno() if result else
                buffer.raw[:min(length.value, len(buffer))])
    return seen


def text(value):
    return os.strerror(value) if isinstance(value, int) else value.hex()


def number(value):
    return int.from_bytes(value, "little") if isinstance(value, bytes) else -1


def compare(before, after):
    """(differences that are not allowed, names of those that are)."""
    wrong, allowed = [], []
    for key, was in before.items():
        now = after[key]
        if now == was or key in OF_THE_MOMENT:
            continue
        grows = key in MAY_GROW and number(now) >= number(was) > 0
        if key in DOCUMENTED or grows:
            allowed.append(DOCUMENTED.get(key, f"{key[0]} {key[1]} grew"))
        else:
            wrong.append(f"{key[0]} {key[1]}: {text(was)} -> {text(now)}")
    return wrong, allowed


def set_many(sock, ip_version):
    """Values that no option has by itself."""
    s, tcp = socket.SOL_SOCKET, socket.IPPROTO_TCP
    values = [
        (s, socket.SO_KEEPALIVE, 1), (s, socket.SO_OOBINLINE, 1),
        (s, socket.SO_PRIORITY, 3), (s, socket.SO_MARK, 77),
        (s, socket.SO_RCVLOWAT, 5), (s, socket.SO_RCVBUF, 100000),
        (s, socket.SO_SNDBUF, 90000), (s, socket.SO_REUSEADDR, 1),
        (s, socket.SO_LINGER, struct.pack("=ii", 1, 9)),
        (s, socket.SO_RCVTIMEO, struct.pack("=qq", 3, 4000)),
        (s, socket.SO_SNDTIMEO, struct.pack("=qq", 5, 8000)),
        (s, 29, 1),  # SO_TIMESTAMP
        (s, 47, 1 << 26),  # SO_MAX_PACING_RATE
        (tcp, socket.TCP_NODELAY, 1), (tcp, socket.TCP_KEEPIDLE, 71),
        (tcp, socket.TCP_KEEPINTVL, 13), (tcp, socket.TCP_KEEPCNT, 4),
        (tcp, socket.TCP_SYNCNT, 5), (tcp, socket.TCP_LINGER2, 17),
        (tcp, socket.TCP_USER_TIMEOUT, 54321),
        (tcp, socket.TCP_NOTSENT_LOWAT, 65000),
    ]
    if ip_version == 4:
        values += [(socket.IPPROTO_IP, socket.IP_TOS, 0x48),
                   (socket.IPPROTO_IP, socket.IP_TTL, 61)]
    else:
        values += [(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, 0x48),
                   (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 61)]
    for level, option, value in values:
        sock.setsockopt(level, option, value)


def options(lab, session, ip_version, from_host, many):
    host, peer = connected_pair(lab, ip_version, from_host)
    if many:
        set_many(host, ip_version)
    host.setblocking(False)
    connection = session.wrap(host)
    exchange(connection, peer)
    before, allowed = look(host), set()
    for _ in range(3):
        connection.offload()
        exchange(connection, peer)
        connection.upload()
        exchange(connection, peer)
        wrong, documented = compare(before, look(host))
        allowed |= set(documented)
        assert not wrong, "; ".join(wrong)
    read = sum(isinstance(value, bytes) for value in before.values())
    print(f"    {read} options compared; changed as documented: "
          f"{', '.join(sorted(allowed)) or 'none'}")
    end(connection, host, peer)


def restart(lab, session, ip_version):
    address = lab.HOST_IPV4 if ip_version == 4 else lab.HOST_IPV6
    with listen(lab.host, address) as listener:
        port = listener.getsockname()[1]
        peer = connect(lab.peer, address, port)
        host, _ = listener.accept()
        host.setblocking(False)
        connection = session.wrap(host)
        exchange(connection, peer)
        connection.offload()
        exchange(connection, peer)
        # Another accepted connection while the first is away.
        with connect(lab.peer, address, port), listener.accept()[0]:
            pass
    with listen(lab.host, address, port):  # while it is away
        pass
    connection.upload()
    with listen(lab.host, address, port) as listener:
        with connect(lab.peer, address, port), listener.accept()[0]:
            pass
        exchange(connection, peer)
    end(connection, host, peer)


def clock(lab, session, ip_version):
    """TSval (RFC 7323) over many hand-overs, as the wire sees it."""
    host, peer = connected_pair(lab, ip_version)
    host.setblocking(False)
    connection = session.wrap(host)
    port = host.getsockname()[1]
    noise = random.Random(5)
    with Capture(lab, lab.peer, "wire") as capture:
        for _ in range(HANDOVERS):
            for move in (connection.offload, connection.upload):
                move()
                exchange(connection, peer, 10)
                time.sleep(noise.random() * 0.004)
    ours = [s for s in capture.segments if s.source_port == port]
    steps = [(later.tsval - earlier.tsval) & 0xFFFFFFFF
             for earlier, later in zip(ours, ours[1:])]
    backwards = sum(step >= 1 << 31 for step in steps)
    # How far the clock is ahead of real time, in ms: the largest of some
    # samples is the one whose segment was delayed least.
    first = ours[0]
    ahead = [((s.tsval - first.tsval) & 0xFFFFFFFF)
             - (s.time_s - first.time_s) * 1000 for s in ours]
    tenth = max(1, len(ahead) // 10)
    at_start, at_end = max(ahead[:tenth]), max(ahead[-tenth:])
    took_ms = (ours[-1].time_s - first.time_s) * 1000
    print(f"    {len(ours)} segments in {took_ms:.0f} ms over {HANDOVERS} "
          f"hand-overs each way: {backwards} went backwards; the clock gained "
          f"{at_end - at_start:.2f} ms")
    assert backwards == 0
    assert abs(at_end - at_start) < 3, "the rate of TSval changed"
    end(connection, host, peer)


def main():
    with Lab() as lab, cases() as case, \
            chimney_client.Session(lab) as session:
        for ip_version in (4, 6):
            for from_host in (True, False):
                for many in (False, True):
                    name = (f"getsockopt, IPv{ip_version}, "
                            f"{'connected' if from_host else 'accepted'}, "
                            f"{'many options set' if many else 'defaults'}")
                    with case(name):
                        options(lab, session, ip_version, from_host, many)
            with case(f"a listener restarts on the port, IPv{ip_version}"):
                restart(lab, session, ip_version)
            with case(f"TSval over {HANDOVERS} hand-overs, "
                      f"IPv{ip_version}"):
                clock(lab, session, ip_version)


if __name__ == "__main__":
    main()
