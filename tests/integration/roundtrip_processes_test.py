#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# sanitized: yes
"""The daemon's other processes are killed: with a porter ends its session and
nothing else, and the session's connections go back into their sockets; without
its gate the daemon gives all of them back and ends, to be started anew."""

import json
import os
import pathlib
import signal
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "lib"), str(HERE / "roundtrip")]

import chimney_client  # noqa: E402
from connections import connected_pair  # noqa: E402
from exchange import end, exchange  # noqa: E402
from lab import Lab, cases, wait_until  # noqa: E402

PORTER, GATE = "chimneyd-porter", "chimneyd-gate"


def processes(lab, name):
    """The process ids of this daemon's processes of that name."""
    parents, names = {}, {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            head, tail = (folder / "stat").read_text().rsplit(") ", 1)
        except OSError:
            continue  # it has just ended
        state, parent = tail.split()[:2]
        if state != "Z":
            parents[int(folder.name)] = int(parent)
            names[int(folder.name)] = head.split("(", 1)[1]
    daemon = lab.daemon_pid()

    def is_ours(pid):
        while pid in parents and pid != daemon:
            pid = parents[pid]
        return pid == daemon
    return {pid for pid, its_name in names.items()
            if its_name == name and is_ours(pid)}


def connections(lab):
    return json.loads(lab.ctl("--json", "status").stdout)["connections"]


def offloaded(lab, session, ip_version):
    host, peer = connected_pair(lab, ip_version)
    host.setblocking(False)
    connection = session.wrap(host)
    connection.offload()
    exchange(connection, peer)
    return connection, host, peer


def session_lost(session):
    def seen():
        try:
            session.poll(50)
        except chimney_client.ChimneyError:
            return True
        return any(event.type == chimney_client.DAEMON_GONE
                   for event in session.events)
    return seen


def kill_a_porter(lab, ip_version):
    with chimney_client.Session(lab) as kept:
        connection, host, peer = offloaded(lab, kept, ip_version)
        # Of the sessions before only this one is left.
        wait_until(lambda: len(processes(lab, PORTER)) == 1, "one porter")
        others = processes(lab, PORTER)
        with chimney_client.Session(lab) as lost:
            _, lost_host, lost_peer = offloaded(lab, lost, ip_version)
            for pid in processes(lab, PORTER) - others:
                os.kill(pid, signal.SIGKILL)
            wait_until(session_lost(lost), "the session's end")
            # The process lives, and so does its connection: in its socket.
            wait_until(lambda: connections(lab) == 1, "the way back")
            lost_peer.settimeout(10)
            lost_host.send(b"by the kernel")
            assert lost_peer.recv(20) == b"by the kernel"
            lost_host.close()
            lost_peer.close()
        exchange(connection, peer, seed=1)
        connection.upload()
        connection.offload()
        exchange(connection, peer, seed=2)
        connection.upload()
        end(connection, host, peer)
    with chimney_client.Session(lab) as another:
        connection, host, peer = offloaded(lab, another, ip_version)
        connection.upload()
        end(connection, host, peer)


def kill_the_gate(lab):
    with chimney_client.Session(lab) as session:
        pairs = [offloaded(lab, session, version) for version in (4, 6)]
        gates = processes(lab, GATE)
        assert len(gates) == 1, gates
        os.kill(gates.pop(), signal.SIGKILL)
        for connection, _, _ in pairs:
            session.pump(lambda c=connection: c.state == "in_host",
                         "the way back")
        wait_until(lambda: lab.daemon_pid() is None, "the daemon's end")
        assert "the process that accepts sessions has ended" in lab.log_text()
        lab.start_daemon()  # without one no frame goes from or to the kernel
        for connection, host, peer in pairs:
            exchange(connection, peer, seed=3)
            end(connection, host, peer)


def main():
    with cases() as case:
        with Lab() as lab:
            for ip_version in (4, 6):
                with case(f"a porter is killed, IPv{ip_version}"):
                    kill_a_porter(lab, ip_version)
            with case("the gate is killed"):
                kill_the_gate(lab)


if __name__ == "__main__":
    main()
