# SPDX-License-Identifier: LGPL-2.1-or-later
"""client.py - a client of holdfastd's API, from the public specification

Runs in: a lab guest
Trusts: nothing that the daemon sends: every reply's form is checked
Invariant: one request is outstanding at a time.
"""

import socket
import time

import msgpack

SOCKET = "/run/holdfast/api.sock"


class RPCError(Exception):
    """The daemon's answer was an error, `slug: text`."""

    def __init__(self, slug, text):
        super().__init__("%s: %s" % (slug, text))
        self.slug = slug
        self.text = text


class ProtocolError(Exception):
    """The daemon's answer breaks the protocol."""


class Closed(Exception):
    """The daemon closed the connection."""


class Client:
    def __init__(self, path=SOCKET, timeout=30):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        self.sock.connect(path)
        self.timings = []       # (method, begun, seconds)
        self._unpacker = msgpack.Unpacker(raw=False, strict_map_key=True)
        self._last_id = 0

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # Bytes

    def send_raw(self, data):
        self.sock.sendall(data)

    def receive(self):
        """The next whole message."""
        while True:
            for message in self._unpacker:
                return message
            data = self.sock.recv(65536)
            if not data:
                raise Closed("the daemon closed the connection")
            self._unpacker.feed(data)

    # Calls

    def call(self, method, *params):
        self._last_id += 1
        begun = time.monotonic()
        self.send_raw(msgpack.packb([0, self._last_id, method, list(params)]))
        reply = self.receive()
        self.timings.append((method, begun, time.monotonic() - begun))
        return self._result(reply)

    def _result(self, reply):
        if (not isinstance(reply, list) or len(reply) != 4 or reply[0] != 1
                or reply[1] != self._last_id):
            raise ProtocolError("not an answer to %d: %r"
                                % (self._last_id, reply))
        error, result = reply[2:]
        if error is None:
            return result
        if not isinstance(error, str) or ": " not in error:
            raise ProtocolError("not `slug: text`: %r" % (error,))
        raise RPCError(*error.split(": ", 1))

    def manage(self, uri, cid, **options):
        return self.call("manage", uri, cid, *([options] if options else []))

    def unmanage(self, cid):
        return self.call("unmanage", cid)

    def list(self):
        return self.call("list")

    def status(self, cid):
        return self.call("status", cid)

    def wait(self, cid, until="connected", timeout=20):
        """The entry once it is connected, settled or gone; timeout in s."""
        before = self.sock.gettimeout()
        self.sock.settimeout(timeout + 10)
        try:
            return self.call("wait", cid, {"for": until, "timeout_ms":
                                           int(timeout * 1000)})
        finally:
            self.sock.settimeout(before)

    def state(self, cid):
        """The state that is listed; None if the CID is not."""
        return self.list().get(cid, {}).get("state")
