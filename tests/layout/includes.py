# SPDX-License-Identifier: BSD-3-Clause
"""The "may use" table of the design: which room may include what."""

import re

from rules import PURE_ROOMS
from tree import Violation

_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

_ROOMS = ("base", "packet", "tcp", "offload", "worker", "abi", "ring",
          "kernel", "dpdkio")
# Every room may use lib/base and itself. `daemon` may use everything.
MAY_USE = {
    "lib/base": (),
    "lib/packet": (),
    "lib/tcp": ("packet",),
    "lib/offload": ("tcp",),
    "lib/worker": ("packet", "tcp", "offload"),
    "lib/abi": (),
    "lib/ring": ("abi",),
    "lib/kernel": ("packet", "offload"),
    "lib/dpdkio": (),
    "hostapi": ("abi", "ring"),
}
_DPDK_ROOMS = {"lib/dpdkio", "daemon", "tests"}
_GOOGLE = re.compile(r"^(gflags|glog|absl)/")
_GOOGLE_ROOMS = {"daemon", "hostapi", "tests"}


def includes(files):
    for f in files:
        if not f.is_cpp or not (f.room in MAY_USE or f.room in (
                "daemon", "tests")):
            continue
        for number, line in enumerate(f.lines, 1):
            match = _INCLUDE.match(line)
            if match:
                for text, fix in _judge(f, match[1] == "<", match[2]):
                    yield Violation(f.path, number, text, fix)


def _judge(f, angle, name):
    """(text, fix) of everything that is wrong with one include."""
    first = name.split("/")[0]
    base_name = name.split("/")[-1]
    if base_name.startswith("rte_"):
        if f.room == "lib/ring" and base_name.startswith("rte_ring"):
            return
        if f.room not in _DPDK_ROOMS:
            yield (f"{f.room} may not include {name}",
                   "DPDK belongs to lib/dpdkio (lib/ring: rte_ring only)")
        return
    if _GOOGLE.match(name):
        if f.room not in _GOOGLE_ROOMS:
            yield (f"{f.room} may not include {name}",
                   "gflags, glog and Abseil belong to daemon and hostapi")
        elif f.path.startswith("hostapi/include/"):
            yield (f"a public header may not include {name}",
                   "use std types at the border")
        return
    if angle:
        if f.room in PURE_ROOMS and name.endswith(".h"):
            yield (f"a pure room may not include <{name}>",
                   "use the C++ standard library alone (D7)")
        return
    yield from _judge_own(f, name, first)


def _judge_own(f, name, first):
    if f.room in ("daemon", "tests"):
        return
    if f.path.startswith("hostapi/include/"):
        if first != "chimney":
            yield (f"a public header may not include \"{name}\"",
                   "only standard headers and chimney/*")
        return
    if first in ("daemon", "tests"):
        yield (f"{f.room} may not include \"{name}\"",
               "rooms do not use the daemon or the tests")
        return
    if first not in _ROOMS:
        if first not in ("hostapi", "chimney") or f.room != "hostapi":
            yield (f"\"{name}\" does not say its room",
                   "write #include \"room/file.h\"")
        return
    own = f.room.split("/")[-1]
    if first not in (own, "base", *MAY_USE[f.room]):
        yield (f"{f.room} may not use lib/{first}",
               "see the table of rooms: move the code or the type")
