# SPDX-License-Identifier: BSD-3-Clause
"""The far end of a connection: integration_peer, and unmodified programs fed
by integration_stream."""

import json
import signal
import subprocess

from lab import wait_until


def tool(lab, name):
    return str(lab.tools / "tests/integration/roundtrip" / name)


def listens(lab, where, port):
    """Whether something listens on a TCP port."""
    return bool(lab.run(where, "ss", "-Hltn", f"sport = :{port}").stdout)


def await_listener(lab, where, port, timeout_s=20):
    wait_until(lambda: listens(lab, where, port), f"port {port}", timeout_s)


class StreamPeer:
    """integration_peer in the peer's namespace. `flags` as it takes them."""

    def __init__(self, lab, **flags):
        self._listens = "listen" in flags
        self.process = lab.start(
            lab.peer, tool(lab, "integration_peer"),
            *(f"--{name}={value}" for name, value in flags.items()),
            stdout=subprocess.PIPE, text=True)
        if self._listens and self.process.stdout.readline() != "ready\n":
            raise RuntimeError("integration_peer did not start")

    def stop_sending(self):
        self.process.send_signal(signal.SIGUSR1)

    def result(self, timeout_s=120):
        """Waits for its end; returns its JSON object."""
        try:
            text, _ = self.process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            text, _ = self.process.communicate(timeout=20)
        return json.loads(text)


def check_result(result, sent=None, received=None):
    """Raises unless every connection of a StreamPeer ended well."""
    for index, each in enumerate(result["each"]):
        text = f"peer's connection {index}: {each}"
        assert not each["wrong"] and not each["error"], text
        assert sent is None or each["sent"] == sent, text
        assert received is None or each["received"] == received, text
    assert result["unfinished"] == 0, result


class Piped:
    """A netcat-like program whose standard input is one seeded stream and
    whose standard output is compared with another."""

    def __init__(self, lab, where, command, send, receive, user=None,
                 environment=None):
        """`send`, `receive`: (bytes, seed)."""
        self._stages = []

        def stream(verb, size, seed, **pipes):
            process = subprocess.Popen(
                [tool(lab, "integration_stream"), verb, f"--bytes={size}",
                 f"--seed={seed}"], stderr=subprocess.PIPE, text=True, **pipes)
            self._stages.append(process)
            return process

        source = stream("write", *send, stdout=subprocess.PIPE)
        self.process = lab.start(
            where, *command, user=user, stdin=source.stdout,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        source.stdout.close()
        stream("compare", *receive, stdin=self.process.stdout)
        self.process.stdout.close()

    def finish(self, timeout_s):
        """Waits for the end of all. Returns (exit code, what it wrote to
        standard error, report of what was sent, of what arrived)."""
        try:
            status = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            self.process.wait(10)
            status = f"gave up after {timeout_s} s"
        errors = self.process.stderr.read().decode(errors="replace")
        reports = []
        for stage in self._stages:
            try:
                text = stage.communicate(timeout=20)[1]
            except subprocess.TimeoutExpired:
                stage.kill()
                text = stage.communicate()[1]
            reports.append(json.loads(text) if text else
                           {"error": "no report"})
        return status, errors, *reports
