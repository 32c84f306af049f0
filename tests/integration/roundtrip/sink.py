# SPDX-License-Identifier: BSD-3-Clause
"""Where received bytes go to be compared, outside this process."""

import json
import subprocess

from peer_programs import tool


class Sink:
    """Compares what is written to it with a seeded stream."""

    def __init__(self, lab, seed):
        self._process = subprocess.Popen(
            [tool(lab, "integration_stream"), "compare", f"--seed={seed}"],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        self.count = 0

    def write(self, data):
        self._process.stdin.write(data)
        self.count += len(data)

    def finish(self):
        """Raises if a byte was wrong; returns how many there were."""
        report = json.loads(self._process.communicate(timeout=60)[1])
        if report["error"]:
            raise AssertionError(report["error"])
        return report["bytes"]
