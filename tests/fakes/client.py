# SPDX-License-Identifier: LGPL-2.1-or-later
"""client.py - a client that checks all it is told, and may lie itself

Runs in: the stories
Trusts: nothing: every reply is checked against the rules of the API
Invariant: no wait without a deadline.
"""

import select
import socket
import time

import msgpack

DEADLINE = 30


class RPCError(Exception):
    """The answer was an error, `slug: text`."""

    def __init__(self, error):
        super().__init__(error)
        self.slug, self.text = error.split(": ", 1)


class Broken(Exception):
    """The answer breaks a rule of the API."""


class Closed(Exception):
    """The daemon closed the connection."""


def check_value(value):
    """Only what every client of msgpack-RPC can take."""
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, int):
        if not -2**53 < value < 2**53:
            raise Broken("an integer beyond 2^53: %d" % value)
    elif isinstance(value, str):
        # Metrics are the one text of lines.
        if any(ord(c) < 0x20 or ord(c) == 0x7f for c in value) \
                and not value.startswith("# TYPE "):
            raise Broken("a control character in %r" % value)
    elif isinstance(value, list):
        for item in value:
            check_value(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not key:
                raise Broken("a key that is no text: %r" % (key,))
            check_value(key)
            check_value(item)
    else:
        raise Broken("neither nil, bool, int, str, array nor map: %r"
                     % (value,))


def request(number, method, *params):
    return msgpack.packb([0, number, method, list(params)])


class Client:
    def __init__(self, path, timeout=DEADLINE):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        self.sock.connect(path)
        self._number = 0
        self._early = {}        # answers that came before they were asked for
        self._unpacker = msgpack.Unpacker(
            raw=False, strict_map_key=True, max_buffer_size=1 << 28)

    def close(self):
        self.sock.close()

    def fileno(self):
        return self.sock.fileno()

    # Bytes

    def send(self, data):
        self.sock.sendall(data)

    def receive_raw(self):
        """The next message, whatever it is."""
        while True:
            try:
                message = next(self._unpacker)
                break
            except StopIteration:
                pass
            try:
                data = self.sock.recv(1 << 16)
            except ConnectionResetError:
                data = b""
            if not data:
                raise Closed("the daemon closed the connection")
            self._unpacker.feed(data)
        check_value(message)
        return message

    def receive(self):
        """The next answer, as [id, error, result]."""
        message = self.receive_raw()
        if not isinstance(message, list) or len(message) != 4:
            raise Broken("no answer: %r" % (message,))
        kind, number, error, result = message
        if kind != 1 or (error is not None and result is not None):
            raise Broken("no answer: %r" % (message,))
        if error is not None and (not isinstance(error, str)
                                  or ": " not in error):
            raise Broken("not `slug: text`: %r" % (error,))
        return [number, error, result]

    def is_quiet(self):
        """Nothing has come that was not read."""
        return not self._early and not select.select([self.sock], [], [], 0)[0]

    def expect_closed(self):
        try:
            answer = self.receive()
        except Closed:
            return
        raise Broken("an answer instead of the end: %r" % (answer,))

    # Calls

    def begin(self, method, *params):
        """Sends a request; its number is for answer()."""
        self._number += 1
        self.send(request(self._number, method, *params))
        return self._number

    def answer(self, number):
        """The result of that request, or RPCError; others are kept."""
        while number not in self._early:
            got, error, result = self.receive()
            if got in self._early:
                raise Broken("two answers to %d" % got)
            self._early[got] = (error, result)
        error, result = self._early.pop(number)
        if error is not None:
            raise RPCError(error)
        return result

    def call(self, method, *params):
        return self.answer(self.begin(method, *params))

    def call_all(self, calls):
        """Pipelined in one piece: [(result, slug)], in the calls' order."""
        first = self._number + 1
        self._number += len(calls)
        data = b"".join(request(first + i, *call)
                        for i, call in enumerate(calls))
        self.send_while_reading(data)
        outcomes = []
        for i in range(len(calls)):
            try:
                outcomes.append((self.answer(first + i), None))
            except RPCError as error:
                outcomes.append((None, error.slug))
        return outcomes

    def send_while_reading(self, data):
        """For more than the daemon takes while its answers are not read."""
        end = time.monotonic() + DEADLINE
        while data:
            if time.monotonic() > end:
                raise TimeoutError("the daemon takes no more")
            readable, writable, _ = select.select(
                [self.sock], [self.sock], [], 1)
            if writable:
                sent = self.sock.send(data[:1 << 16], socket.MSG_DONTWAIT)
                data = data[sent:]
            if readable:
                number, error, result = self.receive()
                self._early[number] = (error, result)

    def error(self, method, *params):
        """The RPCError that the call must end in."""
        try:
            result = self.call(method, *params)
        except RPCError as error:
            return error
        raise AssertionError("%s%r was not refused: %r"
                             % (method, params, result))

    def refusal(self, method, *params):
        """Its slug."""
        return self.error(method, *params).slug

    def manage(self, uri, cid, **options):
        return self.call("manage", uri, cid, *([options] if options else []))

    def unmanage(self, cid):
        return self.call("unmanage", cid)

    def claims(self):
        """list(), of what is claimed alone."""
        return {cid: entry for cid, entry in self.call("list").items()
                if entry["managed"]}

    def lingering(self):
        return {name: entry for name, entry in self.call("list").items()
                if name.startswith("lingering/")}

    def state(self, cid):
        return self.call("status", cid)["state"]

    def wait(self, cid, **options):
        return self.call("wait", cid, options)

    def begin_wait(self, cid, **options):
        return self.begin("wait", cid, options)
