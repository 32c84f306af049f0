#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The host has lost the address that a connection needs in its kernel: the
connection runs on in the daemon, whoever wants it back is told in words, and it
goes back, exact, when the address is there again."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "lib"), str(HERE / "roundtrip")]

import chimney_client  # noqa: E402
from connections import connected_pair  # noqa: E402
from exchange import end, exchange  # noqa: E402
from lab import Lab, cases  # noqa: E402

ADDRESS = {4: ("10.77.0.1/24",), 6: ("fd77::1/64", "nodad")}


def without_address(lab, session, ip_version):
    host, peer = connected_pair(lab, ip_version)
    host.setblocking(False)
    connection = session.wrap(host)
    connection.offload()
    exchange(connection, peer)
    lab.run(lab.host, "ip", "address", "del", ADDRESS[ip_version][0],
            "dev", "chim0")
    asked = lab.ctl("upload-all", check=False)
    assert asked.returncode == 1, asked
    assert "1 connection could not go back yet" in asked.stderr, asked.stderr
    lab.run(lab.host, "ip", "address", "add", *ADDRESS[ip_version],
            "dev", "chim0")
    session.pump(lambda: connection.state == "in_host", "the way back", 20)
    exchange(connection, peer, seed=1)
    lab.ctl("resume")
    connection.offload()
    exchange(connection, peer, seed=2)
    connection.upload()
    end(connection, host, peer)


def main():
    with Lab(daemon_flags=["--drain_timeout_ms=500"]) as lab, \
            cases() as case, chimney_client.Session(lab) as session:
        for ip_version in (4, 6):
            with case(f"upload-all without the host's address, "
                      f"IPv{ip_version}"):
                without_address(lab, session, ip_version)


if __name__ == "__main__":
    main()
