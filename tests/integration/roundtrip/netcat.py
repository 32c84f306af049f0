# SPDX-License-Identifier: BSD-3-Clause
"""chimney-nc as an unprivileged user, against unmodified and other peers."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from peer_programs import Piped, StreamPeer, await_listener, check_result

_USER = "nobody"


class Netcat:
    """chimney-nc where the user may read it: copied, if the build folder is
    closed to others."""

    def __init__(self, lab):
        self._lab = lab
        self._folder = tempfile.TemporaryDirectory(prefix="chimney-nc-")
        os.chmod(self._folder.name, 0o755)
        self._program = lab.program("chimney-nc")
        libraries = pathlib.Path(self._program).parent
        readable = subprocess.run(
            ["setpriv", f"--reuid={_USER}", "--regid=nogroup",
             "--clear-groups", "test", "-x", self._program], check=False)
        if readable.returncode:
            shutil.copy(self._program, self._folder.name)
            for library in libraries.glob("libchimney.so*"):
                if library.is_file():
                    shutil.copy(library, self._folder.name)
            self._program = self._folder.name + "/chimney-nc"
            libraries = self._folder.name
        self._environment = {**os.environ, "LD_LIBRARY_PATH": str(libraries)}
        self._runs = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._folder.cleanup()

    def start(self, *arguments, send, receive):
        """Starts it in the host's namespace, fed and checked by
        integration_stream. finish() of what is returned also gives --stats."""
        self._runs += 1
        stats = pathlib.Path(self._folder.name) / f"stats{self._runs}"
        stats.touch()
        stats.chmod(0o666)
        piped = Piped(self._lab, self._lab.host,
                      [self._program, "--socket", self._lab.socket, "--stats",
                       stats, *arguments],
                      send, receive, _USER, self._environment)
        piped.stats = stats
        return piped


def finish_netcat(piped, timeout_s):
    """(stats, report of what was sent, of what arrived); raises unless all
    ended well."""
    status, errors, sent, arrived = piped.finish(timeout_s)
    problems = [text for text in (
        f"chimney-nc ended with {status}" if status else "",
        f"sent: {sent['error']}" if sent["error"] else "",
        f"arrived: {arrived['error']}" if arrived["error"] else "") if text]
    if problems:
        raise AssertionError("; ".join(problems) + "\n" + errors[-2000:])
    return json.loads(piped.stats.read_text()), sent, arrived


class Transfer:
    """`size` bytes each way at once between chimney-nc and integration_peer.
    role: what chimney-nc does, "connect" or "accept"."""

    def __init__(self, lab, netcat, role, ip_version, size, **options):
        self._size = size
        self._timeout_s = options.pop("timeout_s", 120)
        port = options.pop("port", 9000)
        cycle_ms = options.pop("cycle_ms", 20)
        seed = options.pop("seed", 100)
        host, peer = ((lab.HOST_IPV4, lab.PEER_IPV4) if ip_version == 4
                      else (lab.HOST_IPV6, lab.PEER_IPV6))
        streams = {"send": (size, seed + 1), "receive": (size, seed)}
        peer_flags = {"port": port, "send_bytes": size, "send_seed": seed,
                      "receive_seed": seed + 1}
        cycle = ("--cycle", cycle_ms) if cycle_ms else ()
        if role == "connect":
            self._peer = StreamPeer(lab, listen=peer, **peer_flags)
            self._netcat = netcat.start(*cycle, peer, port, **streams)
        else:
            self._netcat = netcat.start(*cycle, "-l", host, port, **streams)
            await_listener(lab, lab.host, port)
            self._peer = StreamPeer(lab, connect=host, **peer_flags)

    def finish(self):
        """chimney-nc's statistics; raises unless every byte was right."""
        stats, _, _ = finish_netcat(self._netcat, self._timeout_s)
        check_result(self._peer.result(self._timeout_s), self._size,
                     self._size)
        return stats
