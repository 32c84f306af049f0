# SPDX-License-Identifier: BSD-3-Clause
"""TCP and UDP endpoints in the namespaces of a lab, made by this process."""

import hashlib
import random
import socket
import threading

from lab import namespace

_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


def make_socket(where, ip_version=4, kind=socket.SOCK_STREAM):
    """A socket that belongs to the namespace `where`."""
    with namespace(where):
        return socket.socket(_FAMILIES[ip_version], kind)


def listen(where, address, port=0, backlog=16):
    """A listening TCP socket; its port is getsockname()[1]."""
    listener = make_socket(where, 6 if ":" in address else 4)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(backlog)
    return listener


def connect(where, address, port, timeout_s=10):
    """A connected TCP socket."""
    sock = make_socket(where, 6 if ":" in address else 4)
    sock.settimeout(timeout_s)
    sock.connect((address, port))
    return sock


def connected_pair(lab, ip_version=4, from_host=True):
    """(host's socket, peer's socket) of one connection; the host connects, or
    the peer does."""
    host, peer = ((lab.HOST_IPV4, lab.PEER_IPV4) if ip_version == 4
                  else (lab.HOST_IPV6, lab.PEER_IPV6))
    listening, address, connecting = (
        (lab.peer, peer, lab.host) if from_host
        else (lab.host, host, lab.peer))
    with listen(listening, address) as listener:
        first = connect(connecting, address, listener.getsockname()[1])
        second, _ = listener.accept()
    second.settimeout(10)
    return (first, second) if from_host else (second, first)


class Reader(threading.Thread):
    """Reads a socket to its end. After join(): `count`, `sha256`, `error`."""

    def __init__(self, sock):
        super().__init__(daemon=True)
        self._sock, self._hash = sock, hashlib.sha256()
        self.count, self.error = 0, None
        self.start()

    def run(self):
        try:
            while chunk := self._sock.recv(1 << 18):
                self._hash.update(chunk)
                self.count += len(chunk)
        except OSError as error:
            self.error = error

    @property
    def sha256(self):
        return self._hash.hexdigest()


class Sender(threading.Thread):
    """Writes `size` bytes that follow from `seed`, then half-closes. After
    join(): `sha256`, `error`."""

    def __init__(self, sock, size, seed):
        super().__init__(daemon=True)
        self._sock, self._size, self._seed = sock, size, seed
        self._hash = hashlib.sha256()
        self.error = None
        self.start()

    def run(self):
        random_bytes = random.Random(self._seed)
        left = self._size
        try:
            while left:
                chunk = random_bytes.randbytes(min(left, 1 << 16))
                self._hash.update(chunk)
                self._sock.sendall(chunk)
                left -= len(chunk)
            self._sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            self.error = error

    @property
    def sha256(self):
        return self._hash.hexdigest()
