# SPDX-License-Identifier: BSD-3-Clause
"""Raw Ethernet frames: building, sending, capturing."""

import select
import socket
import struct
import time

from lab import namespace

ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_AUXDATA = 8
PACKET_OUTGOING = 4
TP_STATUS_VLAN_VALID = 1 << 4
TP_STATUS_VLAN_TPID_VALID = 1 << 6
ETHERTYPE_TEST = 0x88B5  # IEEE 802 "local experimental"


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


# Nobody's addresses: the kernel sees such frames, but answers none of them.
SOMEONE, SOMEONE_ELSE = mac("02:00:00:00:00:98"), mac("02:00:00:00:00:99")


def ethernet(payload, ethertype=ETHERTYPE_TEST, dst=SOMEONE_ELSE, src=SOMEONE,
             tags=()):
    """A frame; `tags` is a list of (tpid, tci), outermost first."""
    head = dst + src
    for tpid, tci in tags:
        head += struct.pack("!HH", tpid, tci)
    return head + struct.pack("!H", ethertype) + payload


def checksum(data):
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(payload, src, dst, protocol=17, ttl=64, ident=1, flags_offset=0,
         options=b"", total_length=None):
    """An IPv4 packet with a right header checksum; `total_length` may lie."""
    words = 5 + len(options) // 4
    length = words * 4 + len(payload) if total_length is None else total_length
    head = struct.pack("!BBHHHBBH4s4s", 0x40 | words, 0, length, ident,
                       flags_offset, ttl, protocol, 0,
                       socket.inet_aton(src), socket.inet_aton(dst)) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ipv6(payload, src, dst, next_header=17, hop_limit=64):
    return struct.pack("!IHBB", 6 << 28, len(payload), next_header, hop_limit) \
        + socket.inet_pton(socket.AF_INET6, src) \
        + socket.inet_pton(socket.AF_INET6, dst) + payload


class RawPort:
    """A packet socket on one interface: sends frames as they are, and
    captures those that arrive there."""

    def __init__(self, where, interface):
        with namespace(where):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            # Buffers first, then bind: nothing that arrives is lost.
            self._socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)
            self._socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
            self._socket.bind((interface, ETH_P_ALL))
            self.mac = self._socket.getsockname()[4]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, frame):
        self._socket.send(frame)

    def _receive(self):
        """One captured frame, None for one that left here. The kernel takes
        the outer VLAN tag out of the frame; it is put back."""
        frame, ancillary, _, address = self._socket.recvmsg(65536, 128)
        if address[2] == PACKET_OUTGOING:
            return None
        for level, kind, data in ancillary:
            if level == SOL_PACKET and kind == PACKET_AUXDATA:
                status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH",
                                                              data[:20])
                if status & TP_STATUS_VLAN_VALID:
                    if not status & TP_STATUS_VLAN_TPID_VALID:
                        tpid = 0x8100
                    frame = (frame[:12] + struct.pack("!HH", tpid, tci)
                             + frame[12:])
        return frame

    def capture(self, count, wanted=lambda frame: True, timeout_s=5.0):
        """Up to `count` frames for which wanted(frame) is true; fewer if no
        more came in time."""
        frames, end = [], time.monotonic() + timeout_s
        while len(frames) < count:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._socket], [], [], left)[0]:
                break
            frame = self._receive()
            if frame is not None and wanted(frame):
                frames.append(frame)
        return frames
