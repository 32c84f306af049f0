#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 1200
"""Goodput under random loss at 100 Mbit/s and 20 ms: the engine in the
simulator against two Linux kernels over the wire program, everything CUBIC,
with the same rate, delay, queue (one bandwidth-delay product), loss and bytes,
in one run. Both paths lose the n-th frame of a way by the same draws, so a
pair of runs with one seed meets the same losses until the two senders differ;
the ratio given is the median of the pairs' ratios.

Loss is on both ways. Time is from the first write to the last byte at the
receiver. A pair whose wire was late for more than one frame in a hundred by
more than a millisecond is measured again, up to twice, and then told of.

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
# Percent, bytes for about ten seconds, and the least that is aimed at.
LOSSES = ((0.1, 40_000_000, 0.95), (1, 10_000_000, 0.9), (5, 4_000_000, 0.8))
SEEDS = int(os.environ.get("CHIMNEY_BENCH_SEEDS") or 9)
LANES = int(os.environ.get("CHIMNEY_BENCH_LANES") or 3)
ATTEMPTS = 3
PORT = 5001
TCP_CONGESTION = 13
SEND_MSS_OFFSET = 16  # tcpi_snd_mss in struct tcp_info
RETRANS_OFFSET = 100  # tcpi_total_retrans


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


def receive(receiver, wanted):
    """When the last byte has been read."""
    receiver.settimeout(60)
    buffer = bytearray(1 << 20)
    while wanted > 0:
        got = receiver.recv_into(buffer, min(len(buffer), wanted))
        if got == 0:
            raise RuntimeError("the stream ended early")
        wanted -= got
    return time.monotonic()


def info(sender, offset):
    raw = sender.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
    return int.from_bytes(raw[offset:offset + 4], sys.byteorder)


def kernel_transfer(path, loss, seed, size):
    sender, receiver = connect(path)
    with sender, receiver, \
            concurrent.futures.ThreadPoolExecutor(1) as reader:
        time.sleep(0.1)  # the handshake's last ACK has passed
        path.order(f"restart {loss} {seed}")
        last_byte = reader.submit(receive, receiver, size)
        started = time.monotonic()
        sender.settimeout(120)
        sender.sendall(bytes(size))
        seconds = last_byte.result() - started
        counters = path.counters()
        resent, mss = info(sender, RETRANS_OFFSET), info(sender,
                                                        SEND_MSS_OFFSET)
        path.order("restart 0 1")  # the end is not measured
    ways = counters.values()
    return {"mbit_per_s": size * 8 / seconds / 1e6, "resent": resent,
            "mss": mss,
            "queue_full": sum(way["queue_full"] for way in ways),
            "late_share": max(way["late_1ms"] / way["received"]
                              for way in ways),
            "latest_us": max(way["latest_us"] for way in ways)}


def undisturbed_transfer(path, loss, seed, size):
    best = None
    for _ in range(ATTEMPTS):
        seen = kernel_transfer(path, loss, seed, size)
        if best is None or seen["late_share"] < best["late_share"]:
            best = seen
        if best["late_share"] <= 0.01:
            break
    return best


def engine_transfer(loss, seed, size):
    text = subprocess.run(
        [tools() / "tests/sim/sim_goodput", f"--rate={RATE}",
         f"--delay_us={DELAY_US}", f"--queue={QUEUE}", f"--loss={loss}",
         f"--seed={seed}", f"--bytes={size}", "--congestion_control=cubic"],
        check=True, capture_output=True, text=True, timeout=120).stdout
    seen = json.loads(text)
    return {"mbit_per_s": seen["kbit_per_s"] / 1000, "resent": seen["resent"]}


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
            "resent": {"engine": median(engine, "resent"),
                       "kernel": median(kernel, "resent")},
            "wire": {"latest_us": max(run["latest_us"]
                                      for run in kernel.values()),
                     "late_share": round(max(run["late_share"]
                                             for run in kernel.values()), 4),
                     "disturbed_pairs": sum(run["late_share"] > 0.01
                                            for run in kernel.values())}}}


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
