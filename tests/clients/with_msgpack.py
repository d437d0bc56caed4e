#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""with_msgpack.py - the scenario in Python, by python3-msgpack alone

usage: with_msgpack.py SOCKET claim|release

Runs in: tests/run-clients, which says what has to be printed.
"""

import json
import socket
import sys

import msgpack

LONG, SLOW = "tmpfs://a-name-beyond-thirty-one-bytes", "tmpfs://slow"
sock = socket.socket(socket.AF_UNIX)
sock.connect(sys.argv[1])
unpacker = msgpack.Unpacker()
count = 0


def say(step, value):
    print(step, json.dumps(value))


def send(method, *params):
    global count
    count += 1
    sock.sendall(msgpack.packb([0, count, method, params]))
    return count


def receive():
    while True:
        for message in unpacker:
            return message
        data = sock.recv(65536)
        if not data:
            raise ConnectionError("the daemon closed the connection")
        unpacker.feed(data)


def call(method, *params):
    number = send(method, *params)
    _, answered, error, result = receive()
    assert answered == number
    if error:
        raise RuntimeError(error)
    return result


def refusal(method, *params):
    try:
        return call(method, *params)
    except RuntimeError as error:
        return str(error)


def claim():
    say("hello", call("hello"))
    say("manage", [call("manage", LONG, "größe-ü", {"if_absent": True}),
                   call("manage", "tmpfs://two", "plain")])
    say("wait", [call("wait", cid, {"timeout_ms": 20000})["state"]
                 for cid in ("größe-ü", "plain")])
    say("list", call("list", {"prefix": "größe"}))
    say("status", call("status", "größe-ü"))
    say("refused", refusal("manage", "tmpfs://two", "größe-ü"))
    say("unknown", refusal("no_such_thing", 1, "x"))
    say("events", call("events", 0))

    call("subscribe")
    call("manage", "tmpfs://two", "told")
    say("event", receive())
    call("unsubscribe")

    call("manage", SLOW, "slow")
    asked = {send("wait", "slow"): "wait", send("list"): "list",
             send("status", "plain"): "status"}
    order = []
    while asked:
        _, number, error, result = receive()
        order.append(asked.pop(number))
        if order[-1] == "status":
            asked[send("manage", "tmpfs://key", "key")] = "manage"
    say("order", [order, result["state"]])


if sys.argv[2] == "claim":
    claim()
else:
    say("release", [call("unmanage", cid)
                    for cid in ("größe-ü", "plain", "told", "slow", "key")])
    say("gone", call("wait", "größe-ü", {"for": "gone"})["state"])
