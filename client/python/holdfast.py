# SPDX-License-Identifier: LGPL-2.1-or-later
"""holdfast.py - the client API of holdfastd(8), in Python

Runs in: whoever imports it; takes python3-msgpack
Trusts: nobody: what the daemon sends is bounded and checked for its shape
Invariant: no call takes longer than its deadline. After a failure that is not
  the daemon's answer there is no connection; the next call makes a new one.

    import holdfast

    with holdfast.Client() as client:
        with client.managed("nfs://nas1/vms", "FLOW_101_1") as entry:
            print(os.listdir(entry["path"]))

What the methods mean, and what their results hold, stands in PROTOCOL.md.
Results are dicts. A client is used by one thread at a time. Times are seconds.
"""

import contextlib
import re
import select
import socket
import time

import msgpack

__all__ = ["Client", "Error", "NoDaemon", "Timeout", "DEFAULT_SOCKET"]

DEFAULT_SOCKET = "/run/holdfast/api.sock"
CALL_TIMEOUT = 30
TRIAL_TIMEOUT = 90      # manage, with credentials: they may be tried first
GRACE = 5               # how much later than the daemon a wait is given up
POLL = 20               # events: one call's wait
PAGE = 1000             # list: entries a call

# What msgpack may make of an answer, which is 64 MiB at most.
_LIMITS = {"max_buffer_size": 128 << 20, "max_str_len": 1 << 20,
           "max_bin_len": 1 << 20, "max_array_len": 1 << 20,
           "max_map_len": 1 << 20, "max_ext_len": 0}

# What the daemon takes of a request; it hangs up on more without an answer.
REQUEST_MAX = 65536
ELEMENTS_MAX = 1024
DEPTH_MAX = 8
STRING_MAX = 4096

# As in PROTOCOL.md, whose errors are stable.
NUMBERS = {
    "bad-message": 1000, "bad-arguments": 1001, "bad-option": 1002,
    "bad-uri": 1003, "bad-cid": 1004, "no-such-method": 1005,
    "cid-in-use": 478, "no-such-cid": 479, "denied": 1006, "too-many": 1007,
    "too-big": 1008, "timeout": 1010, "store-failed": 1011,
    "shutting-down": 1012, "internal": 1013, "name-lookup": 1020,
    "unreachable": 451, "timed-out": 1021, "login-failed": 464,
    "auth-failed": 476, "access-denied": 469, "not-found": 1022,
    "mount-failed": 477, "unsupported": 1023, "stale": 1024, "busy": 1025,
    "io": 1026, "vanished": 1027, "worker-died": 1028, "stuck": 1029,
}


class Error(Exception):
    """A call failed: slug (stable), number (0 of a slug that PROTOCOL.md does
    not have), text (for a person). Whether it was carried out is not known if
    the slug is no-daemon, timeout, bad-message or internal; otherwise nothing
    has changed. This module's own slugs are no-daemon and timeout, see below,
    denied (no access to the socket), bad-message (a malformed answer) and
    bad-arguments (what cannot be sent, and was not)."""

    def __init__(self, slug, text):
        super().__init__("%s: %s" % (slug, text))
        self.slug = slug
        self.text = text
        self.number = NUMBERS.get(slug, 0)


class NoDaemon(Error):
    """None answers, or the connection was lost: slug "no-daemon"."""

    def __init__(self, text):
        super().__init__("no-daemon", text)


class Timeout(Error):
    """Slug "timeout": what was waited for did not happen in time, or the daemon
    did not answer."""


def _error_of(message):
    """The exception for a daemon's `slug: text`."""
    found = re.fullmatch(r"([a-z0-9-]{1,63}): (.*)", message, re.DOTALL)
    slug, text = found.groups() if found else ("unknown", message)
    return Timeout(slug, text) if slug == "timeout" else Error(slug, text)


def _count(value, depth=1):
    """The elements in it, as the daemon counts them; ValueError if they are
    not for it."""
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, (bytes, bytearray)) and len(value) > STRING_MAX:
        raise ValueError("a text is longer than %d bytes" % STRING_MAX)
    if isinstance(value, (msgpack.ExtType, msgpack.Timestamp)):
        raise ValueError("it holds an ext type")
    if isinstance(value, dict):
        value = [part for pair in value.items() for part in pair]
    if not isinstance(value, (list, tuple)):
        return 0
    if depth > DEPTH_MAX:
        raise ValueError("it is nested deeper than %d" % DEPTH_MAX)
    return len(value) + sum(_count(part, depth + 1) for part in value)


def _pack(request):
    """Its bytes. What cannot be sent is the caller's fault, and costs no
    connection."""
    try:
        if _count(request) > ELEMENTS_MAX:
            raise ValueError("it has more than %d elements" % ELEMENTS_MAX)
        data = msgpack.packb(request)
        if len(data) > REQUEST_MAX:
            raise ValueError("it is longer than %d bytes" % REQUEST_MAX)
    except (ValueError, TypeError, OverflowError) as odd:
        raise Error("bad-arguments",
                    "the request cannot be sent: %s" % odd) from odd
    return data


class _Deadline:
    def __init__(self, seconds):
        self.seconds = seconds
        self.end = time.monotonic() + seconds

    def left(self):
        """Above 0, or Timeout."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class Client:
    """A connection to the daemon. timeout, of each call, includes connecting
    anew; None: 30 s, of manage with credentials 90 s. wait() goes by its own
    time alone."""

    def __init__(self, path=DEFAULT_SOCKET, timeout=None):
        self.path = path
        self.timeout = timeout
        self._sock = None
        self._unpacker = None
        self._last_id = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """A call makes a new connection."""
        if self._sock is not None:
            self._sock.close()
        self._sock = None
        self._unpacker = None

    # The wire

    def _has_hung_up(self):
        """A daemon that was restarted since the last call has, even if it
        left something that is not read yet."""
        poller = select.poll()
        poller.register(self._sock, select.POLLRDHUP)
        return bool(poller.poll(0))

    def _connect(self, deadline):
        if self._sock is not None and self._has_hung_up():
            self.close()
        if self._sock is not None:
            return
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._connect_socket(sock, deadline)
        except BaseException:
            sock.close()
            raise
        self._sock = sock
        self._unpacker = msgpack.Unpacker(raw=False, strict_map_key=True,
                                          **_LIMITS)

    def _connect_socket(self, sock, deadline):
        """A full backlog is no wait for a socket that does not block."""
        while True:
            sock.settimeout(deadline.left())
            try:
                sock.connect(self.path)
                return
            except BlockingIOError:
                time.sleep(0.02)
            except PermissionError as error:
                raise Error("denied", "no access to %s: not in the group "
                            "holdfast, or SELinux refuses it"
                            % self.path) from error
            except TimeoutError:
                raise
            except (OSError, ValueError) as error:
                # One that the system was not even asked about.
                if getattr(error, "errno", None) is None:
                    raise Error("bad-arguments", "no path of a socket: %s"
                                % error) from error
                raise NoDaemon("no daemon at %s: %s" % (
                    self.path, error.strerror or error)) from error

    def _send(self, data, deadline):
        self._sock.settimeout(deadline.left())
        try:
            self._sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass                # why it hung up can still be read

    def _receive(self, deadline):
        """The next message."""
        while True:
            try:
                return next(self._unpacker)
            except StopIteration:
                pass
            self._sock.settimeout(deadline.left())
            try:
                data = self._sock.recv(1 << 16)
            except ConnectionResetError:
                data = b""
            if not data:
                raise NoDaemon("the daemon at %s closed the connection "
                               "without an answer" % self.path)
            self._unpacker.feed(data)

    def _await(self, ident, deadline):
        """(error, result) of the response to that request."""
        while True:
            message = self._receive(deadline)
            if not isinstance(message, list):
                raise ValueError("no response")
            if len(message) == 3 and message[0] == 2:
                continue        # a notification, which nobody has asked for
            if len(message) != 4 or message[0] != 1:
                raise ValueError("no response")
            if message[1] != ident:
                raise ValueError("it is to another request")
            if message[2] is not None and not isinstance(message[2], str):
                raise ValueError("its error is no string")
            return message[2:]

    def _exchange(self, data, deadline):
        self._connect(deadline)
        self._send(data, deadline)
        return self._await(self._last_id, deadline)

    def call(self, method, *params, timeout=None):
        """Any method: its result, or Error."""
        if timeout is None:
            timeout = CALL_TIMEOUT if self.timeout is None else self.timeout
        self._last_id = self._last_id % (2**32 - 1) + 1
        data = _pack([0, self._last_id, method, params])
        try:
            error, result = self._exchange(data, _Deadline(timeout))
        except Error:
            self.close()
            raise
        except TimeoutError as late:
            self.close()
            raise Timeout("timeout", "the daemon at %s did not answer in %gs"
                          % (self.path, timeout)) from late
        except OSError as lost:
            self.close()
            raise NoDaemon("the daemon at %s: %s" % (self.path, lost)) from lost
        except (ValueError, msgpack.UnpackException) as odd:
            self.close()
            raise Error("bad-message", "the daemon's answer is malformed: %s"
                        % odd) from odd
        except BaseException:
            self.close()        # the answer may come yet, and is to no one
            raise
        if error is not None:
            raise _error_of(error)
        return result

    # The methods

    def hello(self):
        return self.call("hello")

    def manage(self, uri, cid, *, if_absent=False, auth=None, username=None,
               password=None, username_in=None, password_in=None):
        """Claims the connection: {connection, created}."""
        options = {"auth": auth, "username": username, "password": password,
                   "username_in": username_in, "password_in": password_in}
        options = {key: value for key, value in options.items()
                   if value is not None}
        if if_absent:
            options["if_absent"] = True
        timeout = self.timeout
        if timeout is None and (auth is not None or username is not None):
            timeout = TRIAL_TIMEOUT
        return self.call("manage", uri, cid, *([options] if options else []),
                         timeout=timeout)

    def manage_many(self, claims):
        """All of [(uri, cid) or (uri, cid, {if_absent: True})], or, with an
        error, none: {claims: {cid: {connection, created}}}."""
        return self.call("manage_many", [list(claim) for claim in claims])

    def unmanage(self, cid):
        """{last}"""
        return self.call("unmanage", cid)

    def unmanage_prefix(self, prefix):
        """All claims whose ID begins so, or, with an error, none:
        {released}."""
        return self.call("unmanage_prefix", prefix)

    def list(self, *, prefix=None, state=None, connection=None, uid=None):
        """{id: entry}, by the bytes of the IDs. It is fetched in portions: what
        changes meanwhile may or may not show."""
        options = {"prefix": prefix, "state": state, "connection": connection,
                   "uid": uid}
        options = {key: value for key, value in options.items()
                   if value is not None}
        deadline = _Deadline(CALL_TIMEOUT if self.timeout is None
                             else self.timeout)
        entries = {}
        most = PAGE
        while True:
            try:
                page = self._page({**options, "max": most}, deadline)
            except Error as error:
                if error.slug != "too-big" or most == 1:
                    raise
                most //= 2
                continue
            ids = self._ids(page, options.get("after"), most)
            entries.update((ident, page[ident]) for ident in ids)
            if len(ids) < most:
                return entries
            options["after"] = ids[-1]

    def _page(self, options, deadline):
        try:
            left = deadline.left()
        except TimeoutError:
            raise Timeout("timeout", "the list took longer than %gs"
                          % deadline.seconds) from None
        return self.call("list", options, timeout=left)

    def _ids(self, page, after, most):
        """Of a page, in order, which the daemon's own says nothing about; all
        after the page before: there might be no end otherwise. Python has
        texts in the order of their bytes in UTF-8."""
        if not isinstance(page, dict) or len(page) > most:
            self.close()
            raise Error("bad-message", "the daemon's list is no map of %d "
                        "entries at most" % most)
        if not all(isinstance(ident, str)
                   and 0 < len(ident.encode()) <= STRING_MAX
                   for ident in page):
            self.close()
            raise Error("bad-message",
                        "the daemon's list has something that is no ID")
        if after is not None and any(ident <= after for ident in page):
            self.close()
            raise Error("bad-message", "the daemon's pages are not in order")
        return sorted(page)

    def status(self, cid):
        return self.call("status", cid)

    def wait(self, cid, what="connected", timeout=30):
        """The entry, once it is `connected`, `settled` or `gone`; Timeout if
        that takes longer. Settled is what is connected, or has failed in an
        attempt that began after it was last managed or had tried again, by
        whomever. A daemon that does not answer is given up 5 s after that."""
        options = {"for": what, "timeout_ms": int(timeout * 1000)}
        if what == "settled":
            options["asked"] = True
        return self.call("wait", cid, options, timeout=timeout + GRACE)

    def retry(self, cid):
        """{connection, state}"""
        return self.call("retry", cid)

    def events(self, since=0, timeout=None):
        """Yields each event after that number: all that is kept, then as they
        come. Ends when none came for timeout seconds; None: never. A daemon
        that goes away ends it with NoDaemon, one that does not answer with
        Timeout, 20 s later than any other call would: go on with the last
        number."""
        while True:
            end = None if timeout is None else time.monotonic() + timeout
            events = []
            while not events:
                wait = POLL if end is None else max(
                    0, min(POLL, end - time.monotonic()))
                events, since = self._poll_events(since, wait)
                if not events and end is not None and time.monotonic() >= end:
                    return
            yield from events

    def _poll_events(self, since, wait):
        """(events, where to go on)"""
        answer = self.call(
            "events", since, {"timeout_ms": int(wait * 1000)},
            timeout=wait + (CALL_TIMEOUT if self.timeout is None
                            else self.timeout))
        try:
            events, since = list(answer["events"]), answer["next"]
        except (KeyError, TypeError):
            events, since = [], None
        if not isinstance(since, int):
            self.close()
            raise Error("bad-message", "the daemon's events are none")
        return events, since

    def _wait_once(self, cid, timeout):
        entry = self.wait(cid, "settled", timeout)
        error = entry.get("error")
        if not entry.get("healthy") and isinstance(error, dict):
            raise Error(str(error.get("slug")), str(error.get("text")))
        return entry

    @contextlib.contextmanager
    def managed(self, uri, cid, wait=30, once=False, **credentials):
        """A temporary connection: claims it, waits until it is connected (None:
        does not wait), and releases it at the end of the block, of which it is
        the entry. With once the first attempt decides: the error that it failed
        with is raised, and not waited for a server that may come back. Where
        the claim could not be released because the block failed, that failure
        is raised; unmanage_prefix() cleans up then, and when manage() was not
        answered in time."""
        self.manage(uri, cid, **credentials)
        try:
            yield (self.status(cid) if wait is None
                   else self._wait_once(cid, wait) if once
                   else self.wait(cid, timeout=wait))
        except BaseException:
            with contextlib.suppress(Error):
                self.unmanage(cid)
            raise
        self.unmanage(cid)
