# SPDX-License-Identifier: BSD-3-Clause
"""Proof that a connection works, whoever has it."""

import random


def exchange(connection, peer, size=1000, seed=0):
    """Some bytes from the peer's socket to the host's connection and back."""
    data = random.Random(seed).randbytes(size)
    peer.sendall(data)
    assert connection.receive_all(size) == data
    connection.send_all(data)
    got = b""
    while len(got) < size:
        part = peer.recv(size - len(got))
        assert part, f"the end after {len(got)} of {size} bytes"
        got += part
    assert got == data


def end(connection, host, peer):
    """Lets go of all of them."""
    connection.destroy()
    host.close()
    peer.close()
