#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# sanitized: yes
"""A router on the path lowers its MTU while the connection is offloaded: the
transfer goes on within a second. A forged "too big" whose quoted sequence
number is not in flight changes nothing (RFC 5927)."""

import json
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "lib"), str(HERE / "roundtrip")]

import chimney_client  # noqa: E402
from connections import connect  # noqa: E402
from daemon_stats import difference, handovers, stats  # noqa: E402
from lab import Lab, cases, wait_until  # noqa: E402
from peer_programs import StreamPeer, check_result  # noqa: E402
from peer_wire import Wire  # noqa: E402
from sink import Source  # noqa: E402

# No IPv6 link carries less than 1280 bytes, and no sender believes an error that
# says so (RFC 8200 section 5, RFC 8201 section 4).
ROUTER_MTU = {4: 1200, 6: 1280}
FAR_AWAY = 1 << 30


class Flow:
    """An offloaded connection through which the host sends a stream."""

    def __init__(self, lab, session, ip_version):
        address = lab.PEER_IPV4 if ip_version == 4 else lab.PEER_IPV6
        self.lab = lab
        self.peer = StreamPeer(lab, listen=address, port=9000, receive_seed=2)
        self.sock = connect(lab.host, address, 9000)
        self.sock.setblocking(False)
        self.connection = session.wrap(self.sock)
        self.source = Source(lab, seed=2)
        self.pending = b""
        self.connection.offload()

    def send_some(self):
        if not self.pending:
            self.pending = self.source.read(1 << 16)
        self.pending = self.pending[self.connection.send(self.pending):]

    def acknowledged(self):
        """Bytes that the peer has acknowledged."""
        return self.source.count - len(self.pending) - self.connection.unsent

    def flow(self, wanted_bytes, timeout_s):
        """Sends until so many more bytes are acknowledged; how long it took."""
        goal = self.acknowledged() + wanted_bytes
        started = time.monotonic()

        def reached():
            self.send_some()
            return self.acknowledged() >= goal
        self.connection.session.pump(reached, "acknowledgements", timeout_s)
        return time.monotonic() - started

    def path_mtu(self):
        text = self.lab.ctl("--json", "connections").stdout
        return json.loads(text)["connections"][0]["path_mtu_bytes"]

    def finish(self):
        def sent():
            self.pending = self.pending[self.connection.send(self.pending):]
            return not self.pending
        self.connection.session.pump(sent, "room for the last bytes")
        self.connection.upload()
        self.connection.shutdown()
        self.connection.receive_all()
        result = self.peer.result(30)
        self.source.close()
        check_result(result, received=self.source.count)
        self.connection.destroy()
        self.sock.close()


def lowered(lab, session, wire, ip_version):
    flow = Flow(lab, session, ip_version)
    before = handovers(lab)
    flow.flow(4 << 20, 20)
    mtu_before = flow.path_mtu()
    wire.order(f"mtu {ROUTER_MTU[ip_version]}")
    # Until all that was under way then, and something new, has arrived.
    stalled_s = flow.flow(flow.connection.unsent + 1, 20)
    mtu_after = flow.path_mtu()
    flow.flow(2 << 20, 20)
    flow.finish()
    wire.order("mtu 0")
    dropped = wire.counters()["from_b"]["too_big"]
    print(f"    new data acknowledged {stalled_s * 1000:.0f} ms after the router's change; "
          f"path MTU {mtu_before} -> {mtu_after}; {dropped} frames were too "
          f"big; {difference(before, handovers(lab))}")
    assert dropped, "nothing met the router"
    assert mtu_after == ROUTER_MTU[ip_version], mtu_after
    assert stalled_s < 1, f"stalled for {stalled_s:.2f} s"


def outside_flight(lab):
    return sum(worker["icmp_outside_flight"]
               for worker in stats(lab)["workers"])


def forged(lab, session, wire, ip_version):
    wire.order("remember")
    flow = Flow(lab, session, ip_version)
    flow.flow(4 << 20, 20)
    before, mtu_before = handovers(lab), flow.path_mtu()
    ignored_before = outside_flight(lab)
    for shift in (FAR_AWAY, 2 * FAR_AWAY, 3 * FAR_AWAY):
        wire.order(f"forge b 1280 {shift}")
    wait_until(lambda: outside_flight(lab) - ignored_before >= 3,
               "three ignored errors")
    flow.flow(1 << 20, 20)
    counted = difference(before, handovers(lab))
    print(f"    path MTU {mtu_before} -> {flow.path_mtu()}; {counted}")
    assert flow.path_mtu() == mtu_before
    assert "icmp_accepted" not in counted, counted
    flow.finish()


def main():
    with Lab() as lab, Wire(lab) as wire, cases() as case, \
            chimney_client.Session(lab) as session:
        for ip_version in (4, 6):
            with case(f"forged too-big errors, IPv{ip_version}"):
                forged(lab, session, wire, ip_version)
            with case(f"a router's MTU drops to "
                      f"{ROUTER_MTU[ip_version]}, IPv{ip_version}"):
                lowered(lab, session, wire, ip_version)


if __name__ == "__main__":
    main()
