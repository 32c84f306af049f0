# SPDX-License-Identifier: BSD-3-Clause
"""Where received bytes go to be compared, and where bytes to send come from,
outside this process."""

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


class Source:
    """The bytes of a seeded stream, as many as one asks for."""

    def __init__(self, lab, seed):
        self._process = subprocess.Popen(
            [tool(lab, "integration_stream"), "write", f"--bytes={1 << 50}",
             f"--seed={seed}"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        self.count = 0

    def read(self, size):
        data = self._process.stdout.read(size)
        self.count += len(data)
        return data

    def close(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
