# SPDX-License-Identifier: BSD-3-Clause
"""What passed an interface, through tcpdump: TCP headers with their times."""

import contextlib
import pathlib
import socket
import struct
import subprocess
import tempfile
import time
from dataclasses import dataclass

from lab import wait_until


@dataclass
class Segment:
    time_s: float
    source_port: int
    destination_port: int
    seq: int
    ack: int
    flags: int
    payload_bytes: int
    tsval: int | None
    tsecr: int | None


class Capture:
    """Captures TCP on an interface while the block runs; afterwards
    `segments` has what passed. `filter_words`: tcpdump's."""

    def __init__(self, lab, where, interface, *filter_words):
        self._command = (lab, where, interface, filter_words or ("tcp",))
        self.segments = []

    def __enter__(self):
        lab, where, interface, words = self._command
        self._folder = tempfile.TemporaryDirectory(prefix="chimney-capture-")
        self._path = pathlib.Path(self._folder.name) / "capture"
        self._process = lab.start(
            where, "tcpdump", "-i", interface, "-s", "128", "-B", "65536",
            "-U", "--immediate-mode", "-Z", "root", "-w", self._path, *words,
            stderr=subprocess.DEVNULL)
        wait_until(lambda: self._path.exists() and self._path.stat().st_size,
                   "tcpdump")
        return self

    def __exit__(self, *_):
        time.sleep(0.1)  # what is still between the kernel and tcpdump
        self._process.terminate()
        self._process.wait(20)
        self.segments = list(_segments(self._path.read_bytes()))
        with contextlib.suppress(OSError):
            self._folder.cleanup()


def _segments(data):
    if len(data) < 24:
        return
    at = 24  # the file's header
    while at + 16 <= len(data):
        seconds, micros, length, _ = struct.unpack_from("=IIII", data, at)
        frame = data[at + 16:at + 16 + length]
        at += 16 + length
        segment = _parse(seconds + micros / 1e6, frame)
        if segment:
            yield segment


def _parse(time_s, frame):
    (kind,) = struct.unpack_from("!H", frame, 12)
    if kind == 0x0800 and frame[23] == socket.IPPROTO_TCP:
        start = 14 + (frame[14] & 15) * 4
        (total,) = struct.unpack_from("!H", frame, 16)
        end = 14 + total
    elif kind == 0x86DD and frame[20] == socket.IPPROTO_TCP:
        start = 54
        (total,) = struct.unpack_from("!H", frame, 18)
        end = 54 + total
    else:
        return None
    source, destination, seq, ack, offset, flags = struct.unpack_from(
        "!HHIIBB", frame, start)
    payload = start + (offset >> 4) * 4
    tsval, tsecr = _timestamps(frame[start + 20:payload])
    return Segment(time_s, source, destination, seq, ack, flags,
                   end - payload, tsval, tsecr)


def _timestamps(options):
    at = 0
    while at < len(options) and options[at] != 0:
        if options[at] == 1:
            at += 1
            continue
        if at + 1 >= len(options) or options[at + 1] < 2:
            break
        if options[at] == 8 and at + 10 <= len(options):
            return struct.unpack_from("!II", options, at + 2)
        at += options[at + 1]
    return None, None
