#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# sanitized: yes
# timeout: 1800
"""The host process dies by SIGKILL, or stops for a while, at any moment of
traffic and hand-over. The peer gets every byte that the library had taken and
a clean end, or a reset where the kernel would send one; the daemon serves on
and keeps nothing.

CHIMNEY_TEST_KILLS: how many of each kind (10, full 100)."""

import json
import pathlib
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "lib"), str(HERE / "roundtrip")]

from daemon_stats import difference, handovers  # noqa: E402
from lab import Lab, cases, wait_until  # noqa: E402
from peer_programs import StreamPeer, check_result  # noqa: E402
from sizes import size  # noqa: E402

KILLS = size("CHIMNEY_TEST_KILLS", 10, 100)
PAUSE_MS = 20
LONGEST_LIFE_S = 0.25
STOP_S = 0.3  # three times as long as a hold may last
VICTIM = HERE / "roundtrip" / "victim.py"


def census(lab):
    """What the daemon holds: connections, sessions, descriptors, and per
    worker flows, frames and records."""
    status = json.loads(lab.ctl("--json", "status").stdout)
    workers = [{name: value for name, value in worker.items()}
               for worker in status["workers"]]
    data = [s for s in status["sessions"] if s["kind"] == "data"]
    return {"connections": status["connections"],
            "descriptors": status["open_descriptors"],
            "sessions": len(data), "workers": workers}


class Run:
    """One victim and its peer. `peer_sends`: the peer streams too."""

    def __init__(self, lab, ip_version, seed, peer_sends):
        address = lab.PEER_IPV4 if ip_version == 4 else lab.PEER_IPV6
        self.peer = StreamPeer(
            lab, listen=address, port=9000, receive_seed=seed, send_seed=1,
            send_bytes=-1 if peer_sends else 0)
        self._file = tempfile.NamedTemporaryFile()
        self._file.write(bytes(8))
        self._file.flush()
        self.process = lab.start(
            lab.host, sys.executable, VICTIM, lab.tools, lab.socket, address,
            9000, seed, self._file.name, PAUSE_MS, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("the victim did not start")

    def taken(self):
        with open(self._file.name, "rb") as file:
            return struct.unpack("=Q", file.read(8))[0]

    def close(self):
        self._file.close()


def killed(lab, ip_version, seed, peer_sends):
    """Returns (bytes taken, bytes that arrived, how it ended)."""
    run = Run(lab, ip_version, seed, peer_sends)
    time.sleep(random.Random(seed).random() * LONGEST_LIFE_S)
    run.process.send_signal(signal.SIGKILL)
    run.process.wait(10)
    taken = run.taken()
    if peer_sends:
        run.peer.stop_sending()
    result = run.peer.result(60)
    run.close()
    each = result["each"][0]
    text = f"seed {seed}: {taken} bytes were taken, the peer: {each}"
    assert not each["wrong"], text
    # close() with unread data resets, and what was not yet sent is lost.
    may_reset = peer_sends
    was_reset = "reset" in each["error"].lower() or \
        "pipe" in each["error"].lower()
    assert not result["unfinished"], f"{text}: no end"
    assert not each["error"] or (may_reset and was_reset), text
    if not was_reset:
        assert each["received"] >= taken, text
    return taken, each["received"], "reset" if was_reset else "clean"


def kills(lab, ip_version, peer_sends):
    # What the daemon opens once, for the first offload, counts as there.
    killed(lab, ip_version, 999, peer_sends)
    wait_until(lambda: census(lab)["connections"] == 0, "the first one's end")
    before, counted = census(lab), handovers(lab)
    ends, taken_total = {}, 0
    for index in range(KILLS):
        taken, _, end = killed(lab, ip_version, 1000 + index, peer_sends)
        taken_total += taken
        ends[end] = ends.get(end, 0) + 1
    print(f"    {KILLS} kills, {taken_total >> 10} KiB taken; ends: {ends}; "
          f"{difference(counted, handovers(lab))}")
    await_census(lab, before)


def await_census(lab, before):
    try:
        wait_until(lambda: census(lab) == before, "the census", 15, 0.1)
    except TimeoutError:
        raise AssertionError(f"before: {before}\nafter: {census(lab)}") \
            from None


def stops(lab, ip_version):
    before, counted = census(lab), handovers(lab)
    noise = random.Random(3)
    arrived = 0
    for index in range(KILLS):
        run = Run(lab, ip_version, 2000 + index, peer_sends=True)
        time.sleep(noise.random() * LONGEST_LIFE_S)
        run.process.send_signal(signal.SIGSTOP)
        time.sleep(STOP_S)
        run.process.send_signal(signal.SIGCONT)
        time.sleep(0.1)
        run.peer.stop_sending()
        run.process.stdin.close()  # it finishes
        result = run.peer.result(60)
        assert run.process.wait(60) == 0, "the victim failed"
        check_result(result, received=run.taken())
        arrived += run.taken()
        run.close()
    print(f"    {KILLS} stops of {STOP_S * 1000:.0f} ms, {arrived >> 10} KiB "
          f"arrived; {difference(counted, handovers(lab))}")
    await_census(lab, before)


def main():
    with Lab() as lab, cases() as case:
        with case(f"{KILLS} times SIGKILL while only the host sends, IPv4"):
            kills(lab, 4, peer_sends=False)
        with case(f"{KILLS} times SIGKILL while both send, IPv6"):
            kills(lab, 6, peer_sends=True)
        with case(f"{KILLS} times SIGSTOP while both send, IPv4"):
            stops(lab, 4)


if __name__ == "__main__":
    main()
