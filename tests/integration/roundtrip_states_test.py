#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# sanitized: yes
# timeout: 1200
"""Hand-overs in every state that a connection can be handed over in (R43),
with unacknowledged, unsent and unread data of 0 and 1 bytes, 64 KiB and more
than the window: the stream stays exact and both ends reach their end."""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "lib"), str(HERE / "roundtrip")]

import chimney_client  # noqa: E402
from lab import Lab, cases, wait_until  # noqa: E402
from peer_watch import count_resets, resets  # noqa: E402
from sizes import FULL  # noqa: E402
from tcp_states import NUMBERS, Deafness, StateCase  # noqa: E402

AMOUNTS = (("0 bytes", 0), ("1 byte", 1), ("64 KiB", 64 << 10),
           ("more than the window", None))
# A FIN cannot have passed a window that is full.
BEHIND_THE_PEERS_FIN = ("CLOSE_WAIT", "CLOSING", "LAST_ACK")


def ends_in_daemon(case, state):
    case.reach(state)
    case.connection.offload()
    case.await_state(state)
    case.finish()


def there_and_back(case, state):
    case.reach(state)
    case.connection.offload()
    case.await_state(state)
    case.connection.upload()
    case.await_state(state)
    case.finish()


def reached_in_daemon(case, state):
    case.connection.offload()
    case.reach(state)
    case.connection.upload()
    case.await_state(state)
    case.finish()


PATHS = (("offloaded, ends in the daemon", ends_in_daemon),
         ("offloaded and uploaded", there_and_back),
         ("reached in the daemon, uploaded", reached_in_daemon))


class Bench:
    def __init__(self, lab, session):
        self.lab, self.session = lab, session
        self.deafness = Deafness(lab)

    def run(self, path, state, ip_version, amount):
        before = resets(self.lab)
        case = StateCase(self.lab, self.session, self.deafness, ip_version,
                         amount)
        try:
            path(case, state)
        finally:
            case.close()
        after = resets(self.lab)
        assert after[0] == before[0], "there was a reset on the wire"
        wait_until(self._nothing_lives, "both sockets' end", 10)

    def _nothing_lives(self):
        for where in (self.lab.host, self.lab.peer):
            if self.lab.run(where, "ss", "-Htn", "state", "connected",
                            "exclude", "time-wait").stdout:
                return False
        text = self.lab.ctl("--json", "connections").stdout
        return not json.loads(text)["connections"]


def main():
    with Lab() as lab, cases() as case, \
            chimney_client.Session(lab) as session:
        count_resets(lab)
        bench = Bench(lab, session)
        for state in NUMBERS:
            for path_name, path in PATHS:
                for index, (amount_name, amount) in enumerate(AMOUNTS):
                    if amount is None and state in BEHIND_THE_PEERS_FIN:
                        continue
                    versions = (4, 6) if FULL else ((4, 6)[index % 2],)
                    for ip_version in versions:
                        with case(f"{state}, {amount_name}, {path_name}, "
                                  f"IPv{ip_version}"):
                            bench.run(path, state, ip_version, amount)


if __name__ == "__main__":
    main()
