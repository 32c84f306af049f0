# SPDX-License-Identifier: BSD-3-Clause
"""Two kernels and the wire program between them:

    P-a                      P-w                      P-b
    eth0 ──── a [ integration_wire ] b ──── eth0
    10.78.0.1/24                            10.78.0.2/24

Nothing but what the test sends is on the wire: neighbors are permanent and
there is no IPv6. No metrics of one connection are kept for the next, and
buffers may grow to 16 MiB, so that no window limits before the path does.
"""

import json
import os
import pathlib
import socket
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
ADDRESSES = {"a": "10.78.0.1", "b": "10.78.0.2"}
_MACS = {"a": "02:00:00:00:78:01", "b": "02:00:00:00:78:02"}
_OFFLOADS = ("tx", "rx", "sg", "tso", "gso", "gro")
_SETTINGS = {
    "net.ipv4.tcp_no_metrics_save": "1",
    "net.ipv4.tcp_rmem": "4096 4194304 16777216",
    "net.ipv4.tcp_wmem": "4096 4194304 16777216",
    "net.ipv6.conf.all.disable_ipv6": "1",
    "net.ipv6.conf.default.disable_ipv6": "1",
}


def _run(*command):
    subprocess.run([str(word) for word in command], check=True,
                   stdin=subprocess.DEVNULL, capture_output=True, text=True)


def tools():
    """The build folder with what the tests themselves start."""
    return ROOT / (os.environ.get("CHIMNEY_TOOLS_BUILD") or "build")


class KernelPath:
    """`flags` are those of integration_wire: rate=100000000, queue=165, ..."""

    def __init__(self, number, **flags):
        base = os.environ.get("CHIMNEY_TEST_PREFIX", f"t{os.getpid()}")
        self._prefix = f"{base}g{number}"
        self._flags = [f"--{name}={value}" for name, value in flags.items()]
        self._folder = tempfile.TemporaryDirectory(prefix="chimney-path-")
        self._path = self._folder.name + "/control"
        self._process = None
        self._orders = 0

    def name(self, side):
        return f"{self._prefix}-{side}"

    def __enter__(self):
        try:
            self._plumb()
            self._start_wire()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._process is not None:
            self._process.terminate()
            self._process.communicate(timeout=20)
        for side in "awb":
            subprocess.run(["ip", "netns", "del", self.name(side)],
                           stdin=subprocess.DEVNULL, capture_output=True,
                           check=False)
        self._folder.cleanup()

    def _plumb(self):
        for side in "awb":
            _run("ip", "netns", "add", self.name(side))
            for key, value in _SETTINGS.items():
                _run("ip", "netns", "exec", self.name(side), "sysctl", "-qw",
                     f"{key}={value}")
        for side in "ab":
            _run("ip", "-n", self.name(side), "link", "add", "eth0", "address",
                 _MACS[side], "type", "veth", "peer", "name", side, "netns",
                 self.name("w"))
            for where, device in ((side, "eth0"), ("w", side)):
                _run("ip", "netns", "exec", self.name(where), "ethtool", "-K",
                     device, *(word for name in _OFFLOADS
                               for word in (name, "off")))
            _run("ip", "-n", self.name("w"), "link", "set", "dev", side, "arp",
                 "off", "up")
        for side, other in ("ab", "ba"):
            ip = ("ip", "-n", self.name(side))
            _run(*ip, "addr", "add", f"{ADDRESSES[side]}/24", "dev", "eth0")
            _run(*ip, "link", "set", "eth0", "up")
            _run(*ip, "neigh", "replace", ADDRESSES[other], "lladdr",
                 _MACS[other], "dev", "eth0", "nud", "permanent")

    def _start_wire(self):
        program = tools() / "tests/integration/wire/integration_wire"
        # Ahead of everybody: it stands for a network, which nobody slows down.
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", self.name("w"), "chrt", "--rr", "10",
             program, "--a=a", "--b=b", f"--control={self._path}",
             *self._flags],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError("integration_wire did not start")

    def order(self, text):
        """Gives an order of integration_wire's control.h; returns the answer."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asker:
            asker.bind(f"{self._folder.name}/asker{self._orders}")
            self._orders += 1
            asker.settimeout(10)
            asker.sendto(text.encode(), self._path)
            answer = asker.recv(65536).decode()
        if answer.startswith("error"):
            raise RuntimeError(f"{text}: {answer}")
        return answer

    def counters(self):
        """{"from_a": {...}, "from_b": {...}}."""
        return json.loads(self.order("counters"))
