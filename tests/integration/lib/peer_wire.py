# SPDX-License-Identifier: BSD-3-Clause
"""The wire program between peer and daemon, put there on demand:

    P-peer                                              P-host
    wirep ──── wirem [ integration_wire ] wire ──────── wire0

The peer's addresses move from `wire` to `wirep`, and so does the MAC, so that
nobody else notices. Everything goes with the lab; one wire can follow another
in the same lab.
"""

import json
import socket
import subprocess
import tempfile

from lab import wait_until
from peer_watch import nft

_OFFLOADS = ("tx", "rx", "sg", "tso", "gso", "gro", "txvlan", "rxvlan")


class Wire:
    """`flags` are those of integration_wire: loss=1, seed=7, ..."""

    def __init__(self, lab, **flags):
        self._lab = lab
        self._flags = flags
        self._process = None
        self._orders = 0
        self._folder = tempfile.TemporaryDirectory(prefix="chimney-wire-")
        self._path = self._folder.name + "/control"

    def __enter__(self):
        self._plumb()
        flags = [f"--{name}={value}" for name, value in self._flags.items()]
        program = self._lab.tools / "tests/integration/wire/integration_wire"
        self._process = self._lab.start(
            self._lab.peer, program, "--a=wirem", "--b=wire",
            f"--control={self._path}", *flags, stdout=subprocess.PIPE,
            text=True)
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError("integration_wire did not start")
        wait_until(self._passes, "traffic through the wire", 20)
        return self

    def __exit__(self, *_):
        self.end()
        self._folder.cleanup()

    def _passes(self):
        return all(self._lab.run(self._lab.host, "ping", "-nqc1", "-W1",
                                 address, check=False).returncode == 0
                   for address in (self._lab.PEER_IPV4, self._lab.PEER_IPV6))

    def _plumb(self):
        lab = self._lab

        def peer(*command):
            lab.run(lab.peer, *command)

        if lab.run(lab.peer, "ip", "link", "show", "wirep",
                   check=False).returncode == 0:
            return  # an earlier wire of this lab has done it
        mac = lab.run(lab.peer, "cat", "/sys/class/net/wire/address")
        mtu = lab.run(lab.peer, "cat", "/sys/class/net/wire/mtu")
        mac, mtu = mac.stdout.strip(), mtu.stdout.strip()
        peer("ip", "link", "add", "wirep", "address", mac, "mtu", mtu,
             "type", "veth", "peer", "name", "wirem", "mtu", mtu)
        for device in ("wirep", "wirem"):
            peer("ethtool", "-K", device,
                 *(word for name in _OFFLOADS for word in (name, "off")))
        peer("ip", "addr", "flush", "dev", "wire")
        for device in ("wire", "wirem"):
            peer("sysctl", "-qw", f"net.ipv6.conf.{device}.disable_ipv6=1")
            peer("ip", "link", "set", device, "arp", "off")
        peer("ip", "link", "set", "wire", "address", "02:00:00:00:77:fe")
        # Packet sockets see frames before this; the peer's stack must not.
        nft(lab, lab.peer, """
table netdev chimney_wire {
  chain ends {
    type filter hook ingress devices = { wire, wirem } priority 0
    policy drop
  }
}""")
        peer("ip", "addr", "add", f"{lab.PEER_IPV4}/24", "dev", "wirep")
        peer("ip", "addr", "add", f"{lab.PEER_IPV6}/64", "dev", "wirep",
             "nodad")
        for device in ("wirem", "wirep"):
            peer("ip", "link", "set", device, "up")

    def order(self, text):
        """Gives an order of integration_wire's control.h; returns the answer."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asker:
            # A path, since abstract names do not cross namespaces.
            asker.bind(f"{self._folder.name}/asker{self._orders}")
            self._orders += 1
            asker.settimeout(10)
            asker.sendto(text.encode(), self._path)
            answer = asker.recv(65536).decode()
        if answer.startswith("error"):
            raise RuntimeError(f"{text}: {answer}")
        return answer

    def counters(self):
        """{"from_a": {...}, "from_b": {...}}: what the peer sent is from_a."""
        return json.loads(self.order("counters"))

    def end(self):
        """Stops the wire, for good; returns its counters."""
        if self._process is None:
            return None
        process, self._process = self._process, None
        process.terminate()
        return json.loads(process.communicate(timeout=20)[0])
