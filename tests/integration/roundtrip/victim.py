# SPDX-License-Identifier: BSD-3-Clause
"""The host process of roundtrip_kill_test: sends a seeded stream over one
connection that changes hands again and again, and notes in a shared file how
much of it the library has taken, until it is killed or, when standard input
ends, until all has arrived.

    victim.py BUILD SOCKET ADDRESS PORT SEED FILE PAUSE_MS
"""

import mmap
import pathlib
import random
import select
import socket
import struct
import sys
import time
import types

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent),
                str(pathlib.Path(__file__).resolve().parents[1] / "lib")]

import chimney_client  # noqa: E402
from sink import Source  # noqa: E402

CHUNK_BYTES = 32 << 10


class Victim:
    def __init__(self, lab, address, port, seed, note):
        self._note = note
        self._source = Source(lab, seed)
        self._sock = socket.create_connection((address, port), timeout=10)
        self._sock.setblocking(False)
        self._session = chimney_client.Session(lab)
        self._connection = self._session.wrap(self._sock)
        self._pending = b""
        self._taken = 0

    def work(self, until_s):
        """Sends and receives until a moment."""
        while time.monotonic() < until_s:
            self.send()
            while self._connection.receive():
                pass
            self._session.poll(1)

    def send(self):
        if not self._pending:
            self._pending = self._source.read(CHUNK_BYTES)
        count = self._connection.send(self._pending)
        self._pending = self._pending[count:]
        self._taken += count
        struct.pack_into("=Q", self._note, 0, self._taken)

    def hand_over(self):
        connection = self._connection
        if connection.state == "in_host":
            connection.start_offload()
        elif connection.state == "offloaded":
            connection.start_upload()

    def finish(self):
        """What was taken arrives, then both directions end."""
        self._session.pump(lambda: self._connection.state in
                           ("in_host", "offloaded"), "the hand-over", 20)
        self._connection.shutdown()
        self._connection.receive_all(None, 30)
        self._session.pump(lambda: self._connection.unsent == 0,
                           "acknowledgements", 30)
        self._connection.destroy()
        self._session.close()
        self._source.close()


def main():
    build, path, address, port, seed, file, pause_ms = sys.argv[1:]
    lab = types.SimpleNamespace(tools=pathlib.Path(build), socket=path)
    noise = random.Random(int(seed))
    with open(file, "r+b") as opened:
        note = mmap.mmap(opened.fileno(), 8)
    victim = Victim(lab, address, int(port), int(seed), note)
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0)[0]:
        victim.hand_over()
        victim.work(time.monotonic() + noise.random() * int(pause_ms) / 1000)
    victim.finish()


if __name__ == "__main__":
    main()
