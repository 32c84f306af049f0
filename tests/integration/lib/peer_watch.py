# SPDX-License-Identifier: BSD-3-Clause
"""What the kernels saw: retransmission timeouts by inet_diag while a
connection lives, resets on the wire, packets that conntrack found invalid."""

import json
import socket
import struct
import threading

from lab import namespace

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST_DUMP = 0x301
_NLMSG_DONE = 3
_INET_DIAG_INFO = 2
# Of struct tcp_info (kernel 6.7 on); older headers end before it.
_TOTAL_RTO_OFFSET = 240
_TOTAL_RETRANS_OFFSET = 100


def tcp_info(where_socket, family):
    """{(source port, destination port): tcp_info bytes} of every TCP socket in
    the namespace of a NETLINK_SOCK_DIAG socket, but listeners."""
    states = 0xFFF & ~(1 << 10)
    request = struct.pack("=BBBBI48x", family, socket.IPPROTO_TCP,
                          1 << (_INET_DIAG_INFO - 1), 0, states)
    header = struct.pack("=IHHII", 16 + len(request), _SOCK_DIAG_BY_FAMILY,
                         _NLM_F_REQUEST_DUMP, 1, 0)
    where_socket.send(header + request)
    found = {}
    while True:
        data = where_socket.recv(1 << 20)
        while data:
            length, kind = struct.unpack_from("=IH", data)
            if kind == _NLMSG_DONE:
                return found
            ports = struct.unpack_from("!HH", data, 16 + 4)
            at = 16 + 72
            while at + 4 <= length:
                size, attribute = struct.unpack_from("=HH", data, at)
                if attribute == _INET_DIAG_INFO:
                    found[ports] = data[at + 4:at + size]
                at += (size + 3) & ~3
            data = data[(length + 3) & ~3:]


class TimeoutWatch(threading.Thread):
    """Samples the peer's sockets until stop(): `timeouts` is the largest
    tcpi_total_rto of each connection, `retransmissions` likewise."""

    def __init__(self, lab, ip_version=4, interval_s=0.05):
        super().__init__(daemon=True)
        self._family = socket.AF_INET if ip_version == 4 else socket.AF_INET6
        with namespace(lab.peer):
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                                         _NETLINK_SOCK_DIAG)
        self._interval_s = interval_s
        self._ended = threading.Event()
        self.timeouts, self.retransmissions, self.samples = {}, {}, 0
        self.start()

    def run(self):
        while not self._ended.wait(self._interval_s):
            for ports, info in tcp_info(self._socket, self._family).items():
                if len(info) < _TOTAL_RTO_OFFSET + 2:
                    continue
                self.samples += 1
                (rto,) = struct.unpack_from("=H", info, _TOTAL_RTO_OFFSET)
                (again,) = struct.unpack_from("=I", info,
                                              _TOTAL_RETRANS_OFFSET)
                self.timeouts[ports] = max(rto, self.timeouts.get(ports, 0))
                self.retransmissions[ports] = max(
                    again, self.retransmissions.get(ports, 0))

    def stop(self):
        """(timeouts, retransmissions) of all connections together."""
        self._ended.set()
        self.join()
        self._socket.close()
        return sum(self.timeouts.values()), sum(self.retransmissions.values())


def window_probes(lab):
    """How often the peer's kernel has asked for an open window."""
    text = lab.run(lab.peer, "cat", "/proc/net/netstat").stdout
    names, values = (line.split()[1:] for line in text.splitlines()
                     if line.startswith("TcpExt:"))
    return int(dict(zip(names, values))["TCPWinProbe"])


def nft(lab, where, text):
    """Carries out an nftables script in a namespace."""
    lab.run(where, "nft", "-f", "/dev/stdin", stdin=None, input=text)


def count_resets(lab):
    """Counts RST from now on, both ways, where they enter and leave the
    peer; also where they enter and leave the host's kernel."""
    for where in (lab.peer, lab.host):
        nft(lab, where, """
table inet chimney_resets {
  counter arrived { }
  counter left { }
  chain pre {
    type filter hook prerouting priority -400;
    tcp flags & rst == rst counter name arrived
  }
  chain out {
    type filter hook output priority -400;
    tcp flags & rst == rst counter name left
  }
}""")


def drop_invalid(lab):
    """`ct state invalid drop` in both chains of both kernels."""
    for where in (lab.peer, lab.host):
        nft(lab, where, """
table inet chimney_invalid {
  counter arrived { }
  counter left { }
  chain in {
    type filter hook input priority 0;
    ct state invalid counter name arrived drop
  }
  chain out {
    type filter hook output priority 0;
    ct state invalid counter name left drop
  }
}""")


def _counters(lab, where, table):
    text = lab.run(where, "nft", "-j", "list", "counters", "table", "inet",
                   table).stdout
    return {entry["counter"]["name"]: entry["counter"]["packets"]
            for entry in json.loads(text)["nftables"] if "counter" in entry}


def resets(lab):
    """(on the wire, in the host's kernel) since count_resets."""
    wire = _counters(lab, lab.peer, "chimney_resets")
    host = _counters(lab, lab.host, "chimney_resets")
    return sum(wire.values()), sum(host.values())


def invalid(lab):
    """Packets dropped as invalid since drop_invalid: {name: packets}."""
    return {f"{place}_{name}": packets
            for place, where in (("peer", lab.peer), ("host", lab.host))
            for name, packets in _counters(lab, where,
                                           "chimney_invalid").items()}
