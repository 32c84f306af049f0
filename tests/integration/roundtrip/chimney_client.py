# SPDX-License-Identifier: BSD-3-Clause
"""libchimney from Python, so that a test can drive a connection step by step
and look at the same socket itself. One thread uses a Session."""

import ctypes
import os
import time
from ctypes import (POINTER, Structure, byref, c_char_p, c_int, c_int32,
                    c_size_t, c_ssize_t, c_uint32, c_uint64, c_void_p)

OFFLOADED, OFFLOAD_FAILED, UPLOADED, UPLOAD_FAILED = 1, 2, 3, 4
READABLE, WRITABLE, SEND_COMPLETE = 5, 6, 7
PEER_DISCONNECT, DISCONNECT_COMPLETE, ABORT, RETRIEVE = 10, 11, 12, 13
RESUME, UPLOAD_ALL, DAEMON_GONE = 33, 34, 37

E_AGAIN, E_RESET = -2, -9

_STATES = {1: "in_host", 2: "offloading", 3: "offloaded", 4: "uploading",
           5: "lost"}


class _Options(Structure):
    _fields_ = [("size", c_size_t), ("socket_path", c_char_p),
                ("name", c_char_p), ("arena_bytes", c_uint64),
                ("receive_bytes", c_uint64), ("ring_entries", c_uint32),
                ("max_connections", c_uint32),
                ("send_buffer_bytes", c_uint32), ("flags", c_uint32)]


class _Info(Structure):
    """struct chimney_conn_info."""
    _fields_ = [("size", c_size_t)] + [(name, c_uint32) for name in (
        "state", "tcp_state", "rcv_nxt", "snd_una", "snd_nxt", "snd_max",
        "snd_wnd_bytes", "rcv_wnd_bytes", "cwnd_bytes", "ssthresh_bytes",
        "srtt_us", "rttvar_us", "path_mtu_bytes")]


class Event(Structure):
    """struct chimney_event."""
    _fields_ = [("type", c_uint32), ("status", c_uint32), ("conn", c_void_p),
                ("cookie", c_uint64), ("id", c_uint64), ("data", c_void_p),
                ("bytes", c_uint64), ("token", c_uint64), ("text", c_char_p),
                ("reason", c_uint32), ("refusal", c_uint32),
                ("system_errno", c_int32), ("elapsed_ns", c_uint32),
                ("reserved", c_uint64 * 4)]

    def __str__(self):
        text = self.text.decode() if self.text else ""
        return (f"event {self.type} status {self.status} reason {self.reason} "
                f"refusal {self.refusal} errno {self.system_errno}: {text}")


class ChimneyError(Exception):
    def __init__(self, what, code, text):
        super().__init__(f"{what}: {text} ({code})")
        self.code = code


def _load(path):
    library = ctypes.CDLL(str(path), use_errno=True)
    shapes = {
        "session_open": (c_int, [POINTER(_Options), POINTER(c_void_p),
                                 c_char_p, c_size_t]),
        "session_close": (None, [c_void_p]),
        "session_fd": (c_int, [c_void_p]),
        "session_poll": (c_int, [c_void_p, POINTER(Event), c_size_t, c_int]),
        "conn_create": (c_int, [c_void_p, c_int, c_uint64, c_uint32,
                                POINTER(c_void_p)]),
        "conn_destroy": (None, [c_void_p]),
        "conn_offload": (c_int, [c_void_p]),
        "conn_upload": (c_int, [c_void_p]),
        "conn_abort": (c_int, [c_void_p]),
        "conn_state": (c_uint32, [c_void_p]),
        "conn_query": (c_int, [c_void_p, POINTER(_Info), c_int]),
        "stream_send": (c_ssize_t, [c_void_p, c_void_p, c_size_t]),
        "stream_recv": (c_ssize_t, [c_void_p, c_void_p, c_size_t]),
        "stream_shutdown": (c_int, [c_void_p]),
        "stream_unsent": (c_uint64, [c_void_p]),
        "strerror": (c_char_p, [c_int]),
    }
    for name, (result, arguments) in shapes.items():
        function = getattr(library, "chimney_" + name)
        function.restype, function.argtypes = result, arguments
    return library


class Session:
    """A session with the daemon of a lab; `options` as in chimney.h."""

    def __init__(self, lab, **options):
        self.library = _load(lab.tools / "hostapi" / "libchimney.so")
        filled = _Options(size=ctypes.sizeof(_Options),
                          socket_path=lab.socket.encode(), **options)
        why = ctypes.create_string_buffer(256)
        self._handle = c_void_p()
        code = self.library.chimney_session_open(
            byref(filled), byref(self._handle), why, len(why))
        if code:
            raise ChimneyError("session_open", code, why.value.decode())
        self._events = (Event * 256)()
        self.connections = {}
        self.events = []  # of the session itself

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self._handle:
            self.library.chimney_session_close(self._handle)
            self._handle = None

    def check(self, what, code):
        """Returns `code` unless it is an error."""
        if code < 0:
            text = self.library.chimney_strerror(code).decode()
            if code == -13:
                text += f": {os.strerror(ctypes.get_errno())}"
            raise ChimneyError(what, code, text)
        return code

    def wrap(self, sock, flags=0):
        """A Connection around a connected socket, which the caller keeps."""
        cookie = len(self.connections) + 1
        handle = c_void_p()
        self.check("conn_create", self.library.chimney_conn_create(
            self._handle, sock.fileno(), cookie, flags, byref(handle)))
        connection = Connection(self, sock, handle)
        self.connections[cookie] = connection
        return connection

    def poll(self, timeout_ms=0):
        """Takes events in; returns how many came."""
        count = self.library.chimney_session_poll(
            self._handle, self._events, len(self._events), timeout_ms)
        self.check("session_poll", count)
        for event in self._events[:count]:
            kept = Event.from_buffer_copy(event)
            if kept.conn:
                self.connections[kept.cookie].take(kept)
            else:
                self.events.append(kept)
        return count

    def pump(self, condition, what, timeout_s=10.0, slice_ms=100):
        """Polls until condition() is true; returns its value."""
        end = time.monotonic() + timeout_s
        while True:
            value = condition()
            if value:
                return value
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"gave up after {timeout_s} s waiting for "
                                   f"{what}")
            self.poll(min(slice_ms, int(left * 1000) + 1))


class Connection:
    """One connection. Hand-overs wait for their end unless told otherwise."""

    def __init__(self, session, sock, handle):
        self.session, self.sock, self._handle = session, sock, handle
        self._library = session.library
        self.events = []
        self.outcome = None  # the last hand-over's event
        self.offload_ns, self.upload_ns = [], []
        self.peer_finished = self.was_reset = False
        self.shutdown_status = None
        self._buffer = ctypes.create_string_buffer(1 << 18)

    def take(self, event):
        self.events.append(event.type)
        if event.type in (OFFLOADED, OFFLOAD_FAILED, UPLOADED, UPLOAD_FAILED):
            self.outcome = event
            if event.type == OFFLOADED:
                self.offload_ns.append(event.elapsed_ns)
            elif event.type == UPLOADED:
                self.upload_ns.append(event.elapsed_ns)
        elif event.type == PEER_DISCONNECT:
            self.peer_finished = True
        elif event.type == ABORT:
            self.was_reset = True
        elif event.type == DISCONNECT_COMPLETE:
            self.shutdown_status = event.status

    @property
    def state(self):
        return _STATES[self._library.chimney_conn_state(self._handle)]

    @property
    def unsent(self):
        return self._library.chimney_stream_unsent(self._handle)

    def start_offload(self):
        self.outcome = None
        self.session.check("offload",
                           self._library.chimney_conn_offload(self._handle))

    def start_upload(self):
        self.outcome = None
        self.session.check("upload",
                           self._library.chimney_conn_upload(self._handle))

    def _await(self, wanted, what, timeout_s):
        self.session.pump(lambda: self.outcome is not None, what, timeout_s)
        if self.outcome.type != wanted:
            raise AssertionError(f"{what}: {self.outcome}")

    def offload(self, timeout_s=10.0):
        self.start_offload()
        self._await(OFFLOADED, "the offload", timeout_s)

    def upload(self, timeout_s=10.0):
        self.start_upload()
        self._await(UPLOADED, "the upload", timeout_s)

    def round_trip(self):
        self.offload()
        self.upload()

    def send(self, data):
        """How many bytes were taken; 0 when none now."""
        count = self._library.chimney_stream_send(self._handle, data,
                                                  len(data))
        return 0 if count == E_AGAIN else self.session.check("send", count)

    def send_all(self, data, timeout_s=20.0):
        view, done = memoryview(data), 0

        def more():
            nonlocal done
            done += self.send(bytes(view[done:done + (1 << 18)]))
            return done == len(view)
        self.session.pump(more, "room to send", timeout_s)

    def receive(self, limit=1 << 18):
        """Bytes; None when there are none now, b"" at the peer's end."""
        count = self._library.chimney_stream_recv(
            self._handle, self._buffer, min(limit, len(self._buffer)))
        if count == E_AGAIN:
            return None
        return ctypes.string_at(self._buffer,
                                self.session.check("receive", count))

    def receive_all(self, size=None, timeout_s=20.0):
        """`size` bytes, or everything up to the peer's end."""
        parts, done = [], 0

        def more():
            nonlocal done
            while size is None or done < size:
                limit = 1 << 18 if size is None else size - done
                part = self.receive(limit)
                if part is None:
                    return False
                if not part:
                    if size is not None:
                        raise AssertionError(
                            f"the peer's end after {done} of {size} bytes")
                    return True
                parts.append(part)
                done += len(part)
            return True
        try:
            self.session.pump(more, "data", timeout_s)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; {done} bytes had come") from None
        return b"".join(parts)

    def shutdown(self):
        self.session.check("shutdown",
                           self._library.chimney_stream_shutdown(self._handle))

    def query(self):
        """What whoever has the connection says of it: an object with the
        members of struct chimney_conn_info."""
        info = _Info(size=ctypes.sizeof(_Info))
        self.session.check("query", self._library.chimney_conn_query(
            self._handle, byref(info), 5000))
        return info

    def abort(self):
        self.session.check("abort",
                           self._library.chimney_conn_abort(self._handle))

    def destroy(self):
        self._library.chimney_conn_destroy(self._handle)
        self._handle = None
