# SPDX-License-Identifier: BSD-3-Clause
"""A lab of one's own for integration tests (needs root).

    from lab import Lab, cases

    with Lab() as lab, cases() as case:
        with case("ping over IPv4"):
            lab.run(lab.host, "ping", "-c1", lab.PEER_IPV4)

Leaving the `with Lab()` block removes the lab; it raises LabFailure when the
daemon crashed, when a sanitizer reported something, or when anything is left
behind. Frames are in frames.py, connections in connections.py.
"""

import contextlib
import ctypes
import os
import pathlib
import re
import signal
import shlex
import socket
import subprocess
import sys
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[3]
CLONE_NEWNET = 0x40000000
_SANITIZER = re.compile(
    r"(Address|Thread|Leak|Memory|UndefinedBehavior)Sanitizer"
    r"|runtime error:|\*\*\* Check failure|terminate called"
)
_libc = ctypes.CDLL(None, use_errno=True)
_labs_made = 0


class LabFailure(Exception):
    """The lab itself (not a case) went wrong."""


class Skip(Exception):
    """Raised inside a case: it cannot run here; the text says why."""


def wait_until(condition, what, timeout_s=10.0, interval_s=0.02):
    """Polls until condition() is true and returns its value."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise TimeoutError(f"gave up after {timeout_s} s waiting for {what}")
        time.sleep(interval_s)


@contextlib.contextmanager
def namespace(name):
    """Runs the block's own thread in a network namespace: sockets made inside
    stay there for good."""
    with open("/proc/thread-self/ns/net") as here, \
            open(f"/run/netns/{name}") as there:
        if _libc.setns(there.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter namespace {name}")
        try:
            yield
        finally:
            if _libc.setns(here.fileno(), CLONE_NEWNET) != 0:
                os._exit(70)  # in the wrong namespace nothing may go on


class _Cases:
    """Counts cases and prints the lines that tests/run counts."""

    def __init__(self):
        self.failed = 0

    @contextlib.contextmanager
    def __call__(self, name):
        start = time.monotonic()
        try:
            yield
        except Skip as reason:
            print(f"skip {name} {reason}", flush=True)
        except Exception:  # every failure of a case is reported as one
            self.failed += 1
            traceback.print_exc(file=sys.stdout)
            print(f"not ok {name}", flush=True)
        else:
            took_ms = (time.monotonic() - start) * 1000
            print(f"ok {name} ({took_ms:.0f} ms)", flush=True)


@contextlib.contextmanager
def cases():
    """Yields a function that opens one case. When the block ends and a case
    had failed, the process exits with 1 (after the lab is removed, if the lab
    was opened first)."""
    case = _Cases()
    yield case
    if case.failed:
        sys.exit(1)


class Lab:
    """See configs/lab/up for what the arguments mean. `build` defaults to the
    environment's CHIMNEY_BUILD (tests/run sets it), then to build."""

    HOST_IPV4, PEER_IPV4 = "10.77.0.1", "10.77.0.2"
    HOST_IPV6, PEER_IPV6 = "fd77::1", "fd77::2"

    def __init__(self, daemon_flags=(), ports=None, mtu=1500, forwarder=None,
                 build=None, hugepages=0, wait_s=60):
        global _labs_made
        _labs_made += 1
        base = os.environ.get("CHIMNEY_TEST_PREFIX", f"t{os.getpid()}")
        self.prefix = f"{base}x{_labs_made}"
        self.host, self.peer = f"{self.prefix}-host", f"{self.prefix}-peer"
        self.run_dir = pathlib.Path("/run") / self.prefix
        self.socket = str(self.run_dir / "chimneyd.sock")
        self.build = ROOT / (
            build or os.environ.get("CHIMNEY_BUILD") or "build")
        # What the tests themselves load and start: a sanitized library would
        # not go into a plain interpreter.
        self.tools = ROOT / (
            os.environ.get("CHIMNEY_TOOLS_BUILD") or self.build)
        self.forwarder = (forwarder or os.environ.get("CHIMNEY_FORWARDER")
                          or "chimneyd")
        self._options = ["--mtu", str(mtu), "--hugepages", str(hugepages),
                         "--wait", str(wait_s), "--build", str(self.build),
                         "--forwarder", self.forwarder, "--no_build",
                         "--daemon_flags", " ".join(daemon_flags)]
        self.ports = ports or os.environ.get("CHIMNEY_PORTS") or "af_xdp"
        if ports or "CHIMNEY_PORTS" in os.environ:
            self._options += ["--ports", self.ports]
        self._children = []
        self._expected_stop = False

    # Coming and going.

    def __enter__(self):
        up = subprocess.run(
            [ROOT / "configs/lab/up", "--prefix", self.prefix, *self._options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            stdin=subprocess.DEVNULL)
        if up.returncode:
            raise LabFailure(f"configs/lab/up failed:\n{up.stdout}")
        return self

    def __exit__(self, kind, value, trace):
        problems = []
        for child in self._children:
            if child.poll() is None:
                child.kill()
            child.wait()
        if not self._expected_stop and self.forwarder != "none":
            if self.daemon_pid() is None:
                problems.append("the daemon was gone at the end of the test")
        stop = self._stop_and_check_exit()
        if stop:
            problems.append(stop)
        problems += self.sanitizer_reports()
        log = self.log_text() if problems or kind else ""
        down = subprocess.run(
            [ROOT / "configs/lab/down", "--prefix", self.prefix],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            stdin=subprocess.DEVNULL)
        if down.returncode or "did not end" in down.stdout:
            problems.append(f"configs/lab/down: {down.stdout}")
        problems += self.leftovers()
        if problems or kind not in (None, SystemExit):
            print(f"--- end of the log of {self.prefix} ---\n{log[-6000:]}")
        if problems:
            raise LabFailure("; ".join(problems))

    def _stop_and_check_exit(self):
        pid = self.daemon_pid()
        if pid is None:
            return None
        os.kill(pid, signal.SIGTERM)
        try:
            wait_until(lambda: self.daemon_pid() is None, "daemon's end", 20)
        except TimeoutError:
            return "the daemon did not end within 20 s of SIGTERM"
        return None

    def leftovers(self):
        """What is still there of this lab: a list of texts, empty if clean."""
        left = [f"namespace {name} is left" for name in (self.host, self.peer)
                if os.path.exists(f"/run/netns/{name}")]
        if self.run_dir.exists():
            left.append(f"{self.run_dir} is left")
        return left

    # The daemon.

    def daemon_pid(self):
        """The running daemon's process id, None if there is none."""
        try:
            pid, start = (self.run_dir / "chimneyd.pid").read_text().split()
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
        except (OSError, ValueError):
            return None
        state, *fields = stat.rsplit(") ", 1)[1].split()
        # Field 22 of proc(5) is the start time; `fields` begins at field 4.
        return int(pid) if fields[18] == start and state != "Z" else None

    def stop_daemon(self, how=signal.SIGTERM, timeout_s=20):
        """Ends the daemon with a signal and waits until it is gone. The lab
        then no longer minds that it is not running."""
        self._expected_stop = True
        pid = self.daemon_pid()
        if pid is not None:
            os.kill(pid, how)
            wait_until(lambda: self.daemon_pid() is None, "the daemon's end",
                       timeout_s)

    def start_daemon(self, *more_flags, timeout_s=30):
        """Starts the daemon again with the flags of the first time and more."""
        command = shlex.split((self.run_dir / "command").read_text())
        script = (f'CHIMNEY_ROOT={shlex.quote(str(ROOT))}; '
                  'd=$CHIMNEY_ROOT/configs/lab; '
                  '. $d/packages.sh; . $d/names.sh; . $d/daemon.sh; '
                  f'lab_names {self.prefix}; lab_start_process "$@"')
        subprocess.run(["bash", "-euc", script, "lab", *command, *more_flags],
                       check=True)
        wait_until(self.accepts, "the daemon's socket", timeout_s)
        self._expected_stop = False

    def accepts(self):
        """Whether the daemon's socket accepts a connection."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            try:
                s.connect(self.socket)
            except OSError:
                return False
        return True

    def log_text(self):
        try:
            return (self.run_dir / "chimneyd.log").read_text(errors="replace")
        except OSError:
            return ""

    def sanitizer_reports(self):
        found = [line for line in self.log_text().splitlines()
                 if _SANITIZER.search(line)]
        return [f"in the daemon's log: {found[0]}"] if found else []

    # Running things.

    def program(self, name):
        """Path of chimneyctl or chimney-nc."""
        return str(self.build / "hostapi" / name)

    def command(self, where, *args, user=None):
        """The full command line that runs args in a namespace; with `user`
        (a name) without any privilege."""
        prefix = ["ip", "netns", "exec", where]
        if user:
            prefix += ["setpriv", f"--reuid={user}", "--regid=nogroup",
                       "--clear-groups", "--inh-caps=-all"]
        return prefix + [str(arg) for arg in args]

    def run(self, where, *args, user=None, timeout_s=60, check=True, **kwargs):
        """Runs to the end; returns the CompletedProcess, output as text."""
        kwargs.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run(
            self.command(where, *args, user=user), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=timeout_s, **kwargs)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(map(str, args))} failed with "
                                 f"{done.returncode}: {done.stdout}{done.stderr}")
        return done

    def start(self, where, *args, user=None, **kwargs):
        """Starts in the background; killed when the lab ends."""
        child = subprocess.Popen(self.command(where, *args, user=user),
                                 **kwargs)
        self._children.append(child)
        return child

    def ctl(self, *args, check=True):
        """chimneyctl, on this lab's socket."""
        return self.run(self.host, self.program("chimneyctl"), "--socket",
                        self.socket, *args, check=check)
