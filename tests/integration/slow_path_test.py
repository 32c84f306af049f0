#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""With nothing offloaded the daemon is a wire: frames of any kind pass
unchanged and in order, both ways. With CHIMNEY_FORWARDER=testpmd the same
cases run against dpdk-testpmd, which shows that the lab itself is sound."""

import pathlib
import socket
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))

from connections import Reader, Sender, connected_pair, make_socket  # noqa: E402
from frames import (ETHERTYPE_TEST, SOMEONE, RawPort, ethernet, ipv4,  # noqa
                    ipv6, mac)
from lab import Lab, Skip, cases  # noqa: E402

SRC4, DST4, SRC6, DST6 = "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"
TCP = 6


def tcp(flags=0x10, offset_words=5, body=b"x" * 10):
    """A TCP segment of no connection; header fields may be nonsense."""
    return struct.pack("!HHIIBBHHH", 7, 9, 1, 1, offset_words << 4, flags, 512,
                       0, 0) + body


def pattern(size, seed=1):
    return bytes((seed + i * 7) & 0xFF for i in range(size))


def kinds_of_frames():
    """(name, frame) of everything that has to pass."""
    yield from ((f"{size} bytes", ethernet(pattern(size - 14)))
                for size in (15, 20, 42, 59, 60, 61, 64, 128, 1000, 1513, 1514))
    q, ad = 0x8100, 0x88A8
    yield "802.1Q", ethernet(pattern(46), tags=[(q, 0x0064)])
    yield "802.1Q, priority and DEI", ethernet(pattern(46), tags=[(q, 0xFFFE)])
    yield "802.1Q, VLAN 0", ethernet(pattern(46), tags=[(q, 0)])
    yield "802.1Q, full size", ethernet(pattern(1500), tags=[(q, 5)])
    yield "802.1ad", ethernet(pattern(46), tags=[(ad, 7)])
    yield "802.1ad with 802.1Q", ethernet(pattern(46), tags=[(ad, 7), (q, 8)])
    yield "802.1Q twice", ethernet(pattern(46), tags=[(q, 7), (q, 8)])
    yield "LLC (length, not type)", ethernet(pattern(40), 40)
    yield "broadcast", ethernet(pattern(50), dst=b"\xff" * 6)
    yield "multicast", ethernet(pattern(50), dst=mac("01:80:c2:00:00:0e"))
    yield "source is a group", ethernet(pattern(50), src=b"\x01" + SOMEONE[1:])
    yield from packets_of_frames()


def packets_of_frames():
    def v4(payload, protocol=17, **kwargs):
        return ethernet(ipv4(payload, SRC4, DST4, protocol, **kwargs), 0x0800)

    def v6(payload, next_header):
        return ethernet(ipv6(payload, SRC6, DST6, next_header), 0x86DD)

    yield "IPv4 UDP, padded", v4(pattern(9)) + pattern(40)
    yield "IPv4 TCP, padded", v4(tcp(), TCP) + pattern(40)
    yield "IPv4 with options", v4(tcp(), TCP, options=b"\x94\x04\0\0")
    yield "IPv4 first fragment", v4(tcp() + b"y" * 6, TCP, flags_offset=0x2000)
    yield "IPv4 later fragment", v4(pattern(64), TCP, flags_offset=0x0010)
    yield "IPv4 too long for its frame", v4(tcp(), TCP, total_length=1500)
    yield "IPv4 shorter than its header", v4(tcp(), TCP, total_length=8)
    yield "IPv4 header length 4 words", ethernet(b"\x44" + pattern(40), 0x0800)
    yield "IPv4 cut off", ethernet(b"\x45\0\0", 0x0800)
    yield "IPv4 with version 7", ethernet(b"\x75" + pattern(40), 0x0800)
    good = ipv4(tcp(), SRC4, DST4, TCP)
    yield "IPv4 bad header checksum", ethernet(
        good[:10] + b"\xde\xad" + good[12:], 0x0800)
    yield "TCP, all flags", v4(tcp(flags=0xFF), TCP)
    yield "TCP, no flags", v4(tcp(flags=0), TCP)
    yield "TCP, data offset 0", v4(tcp(offset_words=0), TCP)
    yield "TCP, data offset past the end", v4(tcp(offset_words=15, body=b""),
                                              TCP)
    yield "TCP, header cut off", v4(tcp()[:11], TCP)
    yield "TCP, option of length 0", v4(tcp(offset_words=6, body=b"\x08\0\0\0"),
                                        TCP)
    yield "IPv6 TCP", v6(tcp(), TCP)
    yield "IPv6 hop-by-hop", v6(b"\x06\0\x01\x04\0\0\0\0" + tcp(),
                                next_header=0)
    yield "IPv6 fragment header", v6(b"\x06\0\0\x01\0\0\0\x07" + tcp(),
                                     next_header=44)
    yield "IPv6 routing header cut off", v6(b"\x06", next_header=43)
    yield "IPv6 cut off", ethernet(b"\x60" + pattern(20), 0x86DD)
    yield "MPLS", ethernet(pattern(60), 0x8847)
    yield "ARP cut off", ethernet(pattern(5), 0x0806)


def skip_what_af_packet_changes(lab, changes):
    """configs/lab/af_packet.flags says what, and why."""
    if changes and lab.ports.startswith("af_packet"):
        raise Skip("DPDK's af_packet port changes such frames")


def check_unchanged(sender, receiver, frame):
    sender.send(frame)
    got = receiver.capture(1, lambda f: f[6:12] == frame[6:12], timeout_s=2)
    assert got, "the frame did not arrive"
    assert got[0] == frame, f"sent {frame.hex()}\n got {got[0].hex()}"


def check_order(sender, receiver, count=2000, burst=50):
    """Numbered frames of changing size arrive complete and in order."""
    expected = [ethernet(struct.pack("!I", n) + pattern(20 + n % 1400))
                for n in range(count)]
    got = []
    for first in range(0, count, burst):
        part = expected[first:first + burst]
        for frame in part:
            sender.send(frame)
        got += receiver.capture(len(part), lambda f: f[6:12] == SOMEONE, 2)
    assert got == expected, f"{len(got)} of {count} arrived, or not in order"


def check_nothing_else(sender, receiver):
    """One frame in, one frame out: no copy, no loop, no echo."""
    frame = ethernet(b"once" + pattern(60))
    sender.send(frame)
    got = receiver.capture(9, lambda f: f[6:12] == SOMEONE, timeout_s=0.5)
    assert got == [frame], f"{len(got)} copies"
    back = sender.capture(9, lambda f: f[6:12] == SOMEONE, timeout_s=0.2)
    assert not back, f"{len(back)} frames came back to where they were sent"


def raw_cases(lab, case):
    with RawPort(lab.host, "chim0") as host, RawPort(lab.peer, "wire") as peer:
        for name, way in (("peer to host", (peer, host)),
                          ("host to peer", (host, peer))):
            for kind, frame in kinds_of_frames():
                with case(f"{name}: {kind}"):
                    skip_what_af_packet_changes(
                        lab, "802.1ad" in kind or "fragment" in kind)
                    check_unchanged(*way, frame)
            with case(f"{name}: order of 2,000 frames"):
                check_order(*way)
            with case(f"{name}: one in, one out"):
                check_nothing_else(*way)


def check_udp(lab, ip_version, size):
    host, peer = ((lab.HOST_IPV4, lab.PEER_IPV4) if ip_version == 4
                  else (lab.HOST_IPV6, lab.PEER_IPV6))
    with make_socket(lab.host, ip_version, socket.SOCK_DGRAM) as a, \
            make_socket(lab.peer, ip_version, socket.SOCK_DGRAM) as b:
        a.bind((host, 0))
        b.bind((peer, 0))
        for sock in (a, b):
            sock.settimeout(5)
        for sender, receiver in ((a, b), (b, a)):
            data = pattern(size, seed=size)
            sender.sendto(data, receiver.getsockname()[:2])
            assert receiver.recv(65536) == data


def check_tcp(lab, ip_version, size=8 << 20):
    """A connection that nobody offloads: every byte both ways at once."""
    host, peer = connected_pair(lab, ip_version)
    with host, peer:
        readers = [Reader(host), Reader(peer)]
        senders = [Sender(host, size, 1), Sender(peer, size, 2)]
        for thread in senders + readers:
            thread.join(60)
        for sender, reader in ((senders[0], readers[1]),
                               (senders[1], readers[0])):
            assert reader.error is None and sender.error is None
            assert reader.count == size, f"{reader.count} of {size} bytes"
            assert reader.sha256 == sender.sha256


def neighbour_is_fresh(lab, where, interface, address):
    """Forgets a neighbor and finds it again: ARP or neighbor discovery."""
    lab.run(where, "ip", "neigh", "flush", "dev", interface)
    lab.run(where, "ping", "-n", "-c1", "-W2", address)
    table = lab.run(where, "ip", "neigh", "show", address, "dev", interface)
    assert "lladdr" in table.stdout, table.stdout


def kernel_cases(lab, case):
    ways = (("host", lab.host, "chim0", {4: lab.PEER_IPV4, 6: lab.PEER_IPV6}),
            ("peer", lab.peer, "wire", {4: lab.HOST_IPV4, 6: lab.HOST_IPV6}))
    for name, where, interface, addresses in ways:
        for version, address in addresses.items():
            with case(f"neighbor resolution from {name}, IPv{version}"):
                neighbour_is_fresh(lab, where, interface, address)
            with case(f"ping from {name}, IPv{version}"):
                lab.run(where, "ping", "-n", "-c5", "-i0.05", "-W2", address)
            with case(f"ping of 4,000 bytes from {name}, IPv{version}"):
                skip_what_af_packet_changes(lab, version == 4)
                out = lab.run(where, "ping", "-n", "-c5", "-i0.05", "-W2",
                              "-s4000", address).stdout
                assert " 0% packet loss" in out, out
    for version in (4, 6):
        for size in (0, 1, 1400, 1452, 8000):
            with case(f"UDP of {size} bytes, IPv{version}"):
                skip_what_af_packet_changes(lab, version == 4 and size > 1500)
                check_udp(lab, version, size)
        with case(f"TCP of 8 MiB both ways, IPv{version}"):
            check_tcp(lab, version)


def main():
    with Lab() as lab, cases() as case:
        raw_cases(lab, case)
        kernel_cases(lab, case)


main()
