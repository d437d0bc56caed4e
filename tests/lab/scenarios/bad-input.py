# SPDX-License-Identifier: LGPL-2.1-or-later
"""wrong requests get their slug, wrong bytes end the client, nothing changes"""

import socket
import time

import msgpack

from lab import Client, Closed, RPCError, expect

TIME_LIMIT_S = 150
URI = "nfs://127.0.0.1/vms"
OTHER = "nfs://127.0.0.1/other"
GOOD = "good"       # the claim that there is

# slug (or several, where the documents leave it open), method, parameters
WRONG = (
    ("bad-uri", "manage", "", "c"),
    ("bad-uri", "manage", "gopher://h/x", "c"),
    ("bad-uri", "manage", "nfs://h", "c"),
    ("bad-uri", "manage", "nfs:///x", "c"),
    ("bad-uri", "manage", "nfs://h/a/../b", "c"),
    ("bad-uri", "manage", "nfs://user:secret@h/x", "c"),
    ("bad-uri", "manage", "nfs://h:99999/x", "c"),
    ("bad-uri", "manage", "nfs://h/x%0ay", "c"),
    ("bad-uri bad-option", "manage", "nfs://h/x?frob=1", "c"),
    ("bad-uri bad-option", "manage", "nfs://h/x?vers=4.2&vers=3", "c"),
    ("bad-uri bad-option", "manage", "nfs://h/x?vers=4.2,exec", "c"),
    ("bad-cid", "manage", URI, ""),
    ("bad-cid", "manage", URI, "a/b"),
    ("bad-cid", "manage", URI, "."),
    ("bad-cid", "manage", URI, ".."),
    ("bad-cid", "manage", URI, "a\nb"),
    ("bad-cid", "manage", URI, "a\0b"),
    ("bad-cid", "manage", URI, "c" * 256),
    ("cid-in-use", "manage", URI, GOOD),
    ("cid-in-use", "manage", OTHER, GOOD),
    ("cid-in-use", "manage", OTHER, GOOD, {"if_absent": True}),
    ("no-such-cid", "unmanage", "nope"),
    ("no-such-cid", "status", "nope"),
    ("no-such-cid", "wait", "nope", {"for": "connected", "timeout_ms": 100}),
    ("no-such-method", "frobnicate"),
    ("no-such-method", "", 1),
    ("bad-arguments", "manage"),
    ("bad-arguments", "manage", URI),
    ("bad-arguments", "manage", URI, "c", {}, 1),
    ("bad-arguments", "manage", 1, "c"),
    ("bad-arguments", "manage", URI, 5),
    ("bad-arguments", "manage", URI, None),
    ("bad-arguments", "manage", URI, ["c"]),
    ("bad-arguments", "manage", URI, "c", "if_absent"),
    ("bad-arguments", "unmanage"),
    ("bad-arguments", "unmanage", GOOD, GOOD, GOOD),
    ("bad-arguments", "status"),
    ("bad-arguments bad-option", "list", 5),
    ("bad-option", "manage", URI, "c", {"frob": 1}),
    ("bad-option bad-arguments", "manage", URI, "c", {"if_absent": "yes"}),
    ("bad-option bad-arguments", "wait", GOOD, {"for": "sideways"}),
    ("bad-option bad-arguments", "wait", GOOD, {"timeout_ms": -1}),
)

LONG = msgpack.packb([0, 1, "manage", [URI, "c" * 70000]])
# Bytes after which the daemon must not go on with this client as if nothing
# had been: it answers with an error or closes.
BYTES = {
    "no array": msgpack.packb("list"),
    "an integer": b"\x01",
    "a byte that never is msgpack": b"\xc1" * 16,
    "three elements": msgpack.packb([0, 1, "list"]),
    "five elements": msgpack.packb([0, 1, "list", [], []]),
    "unknown type": msgpack.packb([7, 1, "list", []]),
    "a response unasked": msgpack.packb([1, 1, None, {}]),
    "id is a string": msgpack.packb([0, "1", "list", []]),
    "id is negative": msgpack.packb([0, -1, "list", []]),
    "method is an integer": msgpack.packb([0, 1, 5, []]),
    "parameters are a map": msgpack.packb([0, 1, "list", {}]),
    "deep": b"\x94\x00\x01\xa4list" + b"\x91" * 5000 + b"\xc0",
    "four thousand million elements": b"\xdd\xff\xff\xff\xff",
    "four thousand million pairs": b"\x94\x00\x01\xa6manage\xdf" + b"\xff" * 4,
    "a string of 4 GiB": b"\x94\x00\x01\xdb\xff\xff\xff\xff",
    "a message of 70 KB": LONG,
    "bad UTF-8": b"\x94\x00\x01\xa6manage\x92" + msgpack.packb(URI)
                 + b"\xa2\xff\xfe",
    "a key twice": b"\x94\x00\x01\xa6manage\x93" + msgpack.packb(URI)
                   + b"\xa1c\x82" + 2 * b"\xa9if_absent\xc3",
}


def answer(lab, name, data):
    """Send bytes; they must lead to an error or to the end, not to silence."""
    client = Client(timeout=5)
    try:
        client.send_raw(data)
        reply = client.receive()
        expect(reply[0] == 1 and isinstance(reply[2], str)
               and ": " in reply[2], "%s: the answer is %r" % (name, reply))
        lab.note("%s: %s" % (name, reply[2]))
    except (Closed, ConnectionError):
        lab.note("%s: closed" % name)
    except socket.timeout:
        expect(False, "%s: neither answered nor closed" % name)
    finally:
        client.close()


def snapshot(client, daemon):
    claims = {i: e["connectionInfo"] for i, e in client.list().items()}
    return claims, daemon.pid, sorted(w.pid for w in daemon.workers())


def refusals(client):
    for slugs, method, *params in WRONG:
        what = "%s%r" % (method, tuple(params))
        try:
            result = client.call(method, *params)
            expect(False, "%s is refused, not %r" % (what[:200], result))
        except RPCError as error:
            expect(error.slug in slugs.split(), "%s: %s, not %s"
                   % (what[:200], slugs, error))
            expect("secret" not in error.text, "a password in: %s" % error)


def half_messages(lab, other):
    """Truncated: the client goes away, or just says no more."""
    request = msgpack.packb([0, 1, "manage", [URI, "half"]])
    silent = []
    for end in range(1, len(request), 7):
        gone = Client()
        gone.send_raw(request[:end])
        gone.close()
        waiting = Client()
        waiting.send_raw(request[:end])
        silent.append(waiting)
        begun = time.monotonic()
        other.list()
        expect(time.monotonic() - begun < 1, "others are answered")
    lab.note("%d half messages" % (2 * len(silent)))
    for client in silent:
        client.close()


def run(lab):
    lab.server({"/vms": None})
    daemon = lab.daemon()
    other = daemon.client()
    other.manage(URI, GOOD)
    other.wait(GOOD)
    before = snapshot(other, daemon)

    client = daemon.client()
    refusals(client)
    expect(snapshot(client, daemon) == before, "refusals changed nothing: %r"
           % other.list())
    lab.note("%d wrong requests" % len(WRONG))
    result = client.manage(URI, GOOD, if_absent=True)
    expect(result["created"] is False, "if_absent: %r" % result)
    client.send_raw(msgpack.packb([2, "unknown", []]))
    expect(GOOD in client.list(), "an unknown notification is ignored")

    for name, data in BYTES.items():
        answer(lab, name, data)
        expect(snapshot(other, daemon) == before, "%s changed something: %r"
               % (name, other.list()))
    half_messages(lab, other)
    expect(snapshot(other, daemon) == before, "nothing changed: %r"
           % other.list())
    with daemon.client() as late:
        expect(GOOD in late.list(), "a new client works")
