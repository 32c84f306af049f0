# SPDX-License-Identifier: BSD-3-Clause
"""A connection brought into a chosen TCP state, with a chosen amount of data
on its way, and to its end from there."""

import hashlib
import random
import socket
import threading

from chimney_client import ChimneyError
from connections import Reader, connected_pair
from lab import wait_until
from peer_watch import nft

# As tcp_info and chimney.h number them.
NUMBERS = {"ESTABLISHED": 1, "FIN_WAIT1": 4, "FIN_WAIT2": 5, "CLOSE_WAIT": 8,
           "LAST_ACK": 9, "CLOSING": 11}
# Who has shut down, in that order, and whether the peer has heard of it all.
_BOTH_CLOSED = {9, 11}
_INITIAL_WINDOW = 10 * 1400  # what a new connection may send unanswered
_STEPS = {"ESTABLISHED": ((), True), "FIN_WAIT1": (("host",), False),
          "FIN_WAIT2": (("host",), True), "CLOSE_WAIT": (("peer",), True),
          "CLOSING": (("host", "peer"), False),
          "LAST_ACK": (("peer", "host"), False)}


class Deafness:
    """While on, the peer's kernel hears no TCP: what the host sends stays
    unacknowledged."""

    def __init__(self, lab):
        self._lab = lab
        nft(lab, lab.peer, """
table inet chimney_deaf {
  chain in {
    type filter hook prerouting priority -500;
  }
}
""")

    def on(self):
        nft(self._lab, self._lab.peer, "add rule inet chimney_deaf in "
            "iifname \"wire\" meta l4proto tcp counter drop\n")

    def off(self):
        nft(self._lab, self._lab.peer, "flush chain inet chimney_deaf in\n")


class StateCase:
    """`amount`: bytes that the host has sent without an answer, and bytes that
    it has not read; None: more than the window."""

    def __init__(self, lab, session, deafness, ip_version, amount):
        self._host, self._peer = connected_pair(lab, ip_version)
        self._host.setblocking(False)
        self._peer.settimeout(60)
        self.connection = session.wrap(self._host)
        self._session, self._deafness = session, deafness
        self._fits = amount is not None
        noise = random.Random(7)
        size = amount if self._fits else 1 << 20
        self._to_peer = noise.randbytes(size)
        self._to_host = noise.randbytes(size)
        self._sent = 0
        self._got = []
        self._got_all = False
        self._ended = set()
        self._reader = None
        self._sender = threading.Thread(
            target=lambda: self._peer.sendall(self._to_host), daemon=True)

    def _push(self):
        """Lets the library take what it can; True when it has it all."""
        if self._sent < len(self._to_peer):
            self._sent += self.connection.send(self._to_peer[self._sent:])
        return self._sent == len(self._to_peer)

    def reach(self, state):
        """Sends the data and shuts down as the state wants it."""
        order, heard = _STEPS[state]
        self._sender.start()
        self._sender.join(20 if "peer" in order else 0.05)
        if state == "FIN_WAIT2":
            self._reader = Reader(self._peer)
        if not heard:
            self._deafness.on()
        try:
            self._session.pump(self._push, "room to send",
                               10 if self._fits or self._reader else 0.1)
        except TimeoutError:
            if self._fits or self._reader:
                raise
            if "host" in order:  # the FIN follows what was taken
                self._to_peer = self._to_peer[:self._sent]
        for who in order:
            self._shut_down(who)
        self.await_state(state)

    def _shut_down(self, who):
        self._ended.add(who)
        if who == "host":
            before = self.state_number()
            self.connection.shutdown()
            # In the daemon that takes its turn; the peer's FIN comes after it.
            self._await(lambda: self.state_number() != before,
                        "the host's FIN")
            return
        self._peer.shutdown(socket.SHUT_WR)
        # The host has it before its own FIN follows.
        self._await(lambda: self.state_number() not in
                    (NUMBERS["ESTABLISHED"], NUMBERS["FIN_WAIT1"]),
                    "the peer's FIN")

    def _await(self, condition, what):
        def met():
            self._session.poll(1)
            return condition()
        wait_until(met, what, 10)

    def state_number(self):
        if self.connection.state == "in_host":
            return self._host.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO,
                                         1)[0]
        try:
            return self.connection.query().tcp_state
        except ChimneyError:
            return None  # on its way back, and nobody has told us yet

    def await_state(self, state):
        def there():
            number = self.state_number()
            # Our FIN may still wait behind data; then nobody can tell which of
            # the two closed first.
            return number == NUMBERS[state] or (
                {number, NUMBERS[state]} == _BOTH_CLOSED and
                len(self._to_peer) > _INITIAL_WINDOW)
        try:
            self._await(there, state)
        except (TimeoutError, ChimneyError) as error:
            raise AssertionError(f"{error}; the state is number "
                                 f"{self.state_number()}") from error

    def finish(self):
        """Both directions to their ends; every byte is compared."""
        self._deafness.off()
        if self._reader is None:
            self._reader = Reader(self._peer)

        def over():
            if self._push() and "host" not in self._ended:
                self._shut_down("host")
            if "peer" not in self._ended and not self._sender.is_alive():
                self._ended.add("peer")
                self._peer.shutdown(socket.SHUT_WR)
            while not self._got_all and \
                    (part := self.connection.receive()) is not None:
                self._got.append(part)
                self._got_all = not part
            return self._got_all and not self._reader.is_alive()
        try:
            self._session.pump(over, "both ends", 20, slice_ms=10)
        except TimeoutError as error:
            raise AssertionError(
                f"{error}; the host sent {self._sent} of "
                f"{len(self._to_peer)}, the peer got {self._reader.count}; "
                f"the host got {sum(map(len, self._got))} of "
                f"{len(self._to_host)}, and its end: {self._got_all}"
                ) from None
        assert self._reader.error is None, self._reader.error
        assert b"".join(self._got) == self._to_host, \
            f"{sum(map(len, self._got))} bytes instead of {len(self._to_host)}"
        assert self._reader.count == len(self._to_peer), self._reader.count
        assert self._reader.sha256 == \
            hashlib.sha256(self._to_peer).hexdigest()

    def close(self):
        self._deafness.off()
        self.connection.destroy()
        self._host.close()
        self._peer.close()
