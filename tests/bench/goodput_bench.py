#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 1200
"""Goodput under random loss at 100 Mbit/s and 20 ms: the engine in the
simulator against two Linux kernels over the wire program, everything CUBIC,
with the same rate, delay, queue (one bandwidth-delay product), loss and bytes,
in one run. Both paths lose the n-th frame of a way by the same draws, so a
pair of runs with one seed meets the same losses until the two senders differ;
the ratio given is the median of the pairs' ratios.

Loss is on both ways. The time is that from the first quarter of the bytes at
the receiver to the last of them: the first one is decided by slow start.
`whole` counts all of it. A transfer is disturbed if the wire let a frame in a
hundred leave a millisecond late, or any frame by half a round trip: then it is
measured again, up to twice, and what is left of that is told.

What to expect: with the same losses both recover alike; what differs is how a
window grows. The engine follows RFC 9438 section 4.3 in bytes, as fast as Reno
once the window of the last cut is reached; the kernel counts whole segments,
stays at the slope below that point, and looks at its slope 32 times a second.

CHIMNEY_BENCH_SEEDS (9), CHIMNEY_BENCH_LANES (3): pairs for each loss, and how
many of the kernel's transfers run at once, each in namespaces of its own."""

import concurrent.futures
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "integration" / "lib"),
                str(HERE / "kernel")]

from lab import cases, namespace  # noqa: E402
from path import ADDRESSES, KernelPath, tools  # noqa: E402

RATE = 100_000_000
DELAY_US = 10_000
FRAME_BYTES = 1514
QUEUE = RATE * 2 * DELAY_US // 1_000_000 // 8 // FRAME_BYTES
# Percent, bytes for ten seconds and more, and the least that is aimed at.
LOSSES = ((0.1, 40_000_000, 0.95), (1, 13_000_000, 0.9), (5, 4_500_000, 0.8))
SEEDS = int(os.environ.get("CHIMNEY_BENCH_SEEDS") or 9)
LANES = int(os.environ.get("CHIMNEY_BENCH_LANES") or 3)
ATTEMPTS = 3
PORT = 5001
TCP_CONGESTION = 13
# In struct tcp_info, 4 bytes each.
INFO = {"mss": 16, "rtt_us": 68, "resent": 100}


def be_urgent():
    """The thread that calls. One that has to wait for a processor while it
    holds a socket keeps its segments waiting too."""
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(5))


def tcp_socket(path, side):
    with namespace(path.name(side)):
        result = socket.socket()
    result.setsockopt(socket.IPPROTO_TCP, TCP_CONGESTION, b"cubic")
    return result


def connect(path):
    with tcp_socket(path, "b") as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ADDRESSES["b"], PORT))
        listener.listen(1)
        sender = tcp_socket(path, "a")
        sender.settimeout(30)
        sender.connect(listener.getsockname())
        listener.settimeout(30)
        receiver, _ = listener.accept()
    return sender, receiver


def receive(receiver, size):
    """When a quarter of the bytes has been read, and when all have been."""
    receiver.settimeout(60)
    buffer = bytearray(1 << 16)
    seen, times = 0, []
    for goal in (size // 4, size):
        while seen < goal:
            got = receiver.recv_into(buffer, min(len(buffer), goal - seen))
            if got == 0:
                raise RuntimeError("the stream ended early")
            seen += got
        times.append(time.monotonic())
    return times


def info(sender):
    raw = sender.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
    return {name: int.from_bytes(raw[offset:offset + 4], sys.byteorder)
            for name, offset in INFO.items()}


def kernel_transfer(path, loss, seed, size):
    sender, receiver = connect(path)
    with sender, receiver, concurrent.futures.ThreadPoolExecutor(
            2, initializer=be_urgent) as ends:
        path.order(f"restart {loss} {seed}")
        arrived = ends.submit(receive, receiver, size)
        started = time.monotonic()
        sender.settimeout(120)
        ends.submit(sender.sendall, bytes(size))
        round_trips = []
        while not arrived.done():
            concurrent.futures.wait([arrived], 0.1)
            told = info(sender)
            round_trips.append(told["rtt_us"])
        quarter, end = arrived.result()
        ways = path.counters().values()
        path.order("restart 0 1")  # the end is not measured
    return {"mbit_per_s": (size - size // 4) * 8 / (end - quarter) / 1e6,
            "whole": size * 8 / (end - started) / 1e6, **told,
            "rtt_us": statistics.median(round_trips),
            "queue_full": sum(way["queue_full"] for way in ways),
            "late_share": max(way["late_1ms"] / way["received"]
                              for way in ways),
            "latest_us": max(way["latest_us"] for way in ways)}


def disturbed(run):
    return run["late_share"] > 0.01 or run["latest_us"] > DELAY_US


def undisturbed_transfer(path, loss, seed, size):
    runs = []
    while len(runs) < ATTEMPTS:
        runs.append(kernel_transfer(path, loss, seed, size))
        if not disturbed(runs[-1]):
            break
    return min(runs, key=lambda run: (disturbed(run), run["latest_us"]))


def engine_transfer(loss, seed, size):
    text = subprocess.run(
        [tools() / "tests/sim/sim_goodput", f"--rate={RATE}",
         f"--delay_us={DELAY_US}", f"--queue={QUEUE}", f"--loss={loss}",
         f"--seed={seed}", f"--bytes={size}", "--congestion_control=cubic"],
        check=True, capture_output=True, text=True, timeout=120).stdout
    seen = json.loads(text)
    return {"mbit_per_s": seen["steady_kbit_per_s"] / 1000,
            "whole": seen["kbit_per_s"] / 1000, **seen}


def kernel_transfers(paths, loss, size):
    """By seed; lane n takes every n-th seed."""
    def lane(index):
        return {seed: undisturbed_transfer(paths[index], loss, seed, size)
                for seed in range(1 + index, SEEDS + 1, len(paths))}

    found = {}
    with concurrent.futures.ThreadPoolExecutor(len(paths)) as pool:
        for part in pool.map(lane, range(len(paths))):
            found.update(part)
    return found


def measure(paths, loss, size):
    kernel = kernel_transfers(paths, loss, size)
    engine = {seed: engine_transfer(loss, seed, size) for seed in kernel}
    ratios = {seed: engine[seed]["mbit_per_s"] / kernel[seed]["mbit_per_s"]
              for seed in kernel}

    def median(runs, key="mbit_per_s"):
        return statistics.median(run[key] for run in runs.values())

    return {
        "name": f"goodput_loss_{loss}_percent",
        "value": round(median(engine), 2), "unit": "Mbit/s",
        "better": "higher", "peer": "linux, cubic",
        "peer_value": round(median(kernel), 2),
        "ratio": round(statistics.median(ratios.values()), 3),
        "context": {
            "rate_mbit_per_s": RATE / 1e6, "round_trip_ms": DELAY_US * 2 / 1e3,
            "queue_frames": QUEUE, "bytes": size, "pairs": len(kernel),
            "ratios": [round(ratios[seed], 2) for seed in sorted(ratios)],
            "engine": [round(engine[seed]["mbit_per_s"], 2)
                       for seed in sorted(engine)],
            "kernel": [round(kernel[seed]["mbit_per_s"], 2)
                       for seed in sorted(kernel)],
            "whole": {"engine": round(median(engine, "whole"), 2),
                      "kernel": round(median(kernel, "whole"), 2)},
            "resent": {"engine": median(engine, "resent"),
                       "kernel": median(kernel, "resent")},
            "engine_timeouts": median(engine, "timeouts"),
            "kernel_rtt_us": median(kernel, "rtt_us"),
            "kernel_mss": median(kernel, "mss"),
            "wire": {"latest_us": max(run["latest_us"]
                                      for run in kernel.values()),
                     "late_share": round(max(run["late_share"]
                                             for run in kernel.values()), 4),
                     "disturbed_pairs": sum(map(disturbed,
                                                kernel.values()))}}}


def main():
    paths = [KernelPath(index, rate=RATE, delay_us=DELAY_US, queue=QUEUE)
             for index in range(LANES)]
    results = []
    with cases() as case:
        entered = []
        try:
            for path in paths:
                entered.append(path.__enter__())
            for loss, size, aim in LOSSES:
                with case(f"goodput at {loss} % loss, aim {aim}"):
                    results.append(measure(entered, loss, size))
        finally:
            for path in entered:
                path.__exit__()
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
