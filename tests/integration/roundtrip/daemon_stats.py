# SPDX-License-Identifier: BSD-3-Clause
"""The daemon's counters, and how times are printed."""

import json


def stats(lab):
    return json.loads(lab.ctl("--json", "stats").stdout)


def handovers(lab):
    return stats(lab)["handovers"]


def difference(before, after):
    """What was counted in between, without the zeros."""
    return {name: after[name] - before[name] for name in after
            if isinstance(after[name], int) and after[name] != before[name]}


def percentiles_us(times_ns):
    """p50, p99 and max as a text."""
    ordered = sorted(times_ns)
    if not ordered:
        return "no samples"
    at = {name: ordered[min(len(ordered) - 1, len(ordered) * part // 100)]
          for name, part in (("p50", 50), ("p99", 99))}
    return (f"p50 {at['p50'] / 1000:.1f} us, p99 {at['p99'] / 1000:.1f} us, "
            f"max {ordered[-1] / 1000:.1f} us")
