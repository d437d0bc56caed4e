#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""with_pynvim.py - the scenario in Python, by pynvim's msgpack-RPC session

usage: with_pynvim.py SOCKET claim|release

Runs in: tests/run-clients, which says what has to be printed.
"""

import json
import sys

from pynvim.msgpack_rpc import socket_session

LONG, SLOW = "tmpfs://a-name-beyond-thirty-one-bytes", "tmpfs://slow"
session = socket_session(sys.argv[1])
session.error_wrapper = RuntimeError    # of what an error is
call = session.request


def say(step, value):
    print(step, json.dumps(value))


def refusal(method, *params):
    try:
        return call(method, *params)
    except RuntimeError as error:
        return str(error)


def flight():
    """Requests in flight: the session below gives each its answer."""
    below = session._async_session
    order = []

    def send(method, *params):
        def answered(error, result):
            order.append(method)
            if method == "status":
                send("manage", "tmpfs://key", "key")
            if method == "wait":
                say("order", [order, error or result["state"]])
                below.stop()
        below.request(method, params, answered)

    send("wait", "slow")
    send("list")
    send("status", "plain")
    below.run(None, None)


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
    _, method, params = session.next_message()
    say("event", [2, method, params])
    call("unsubscribe")

    call("manage", SLOW, "slow")
    flight()


if sys.argv[2] == "claim":
    claim()
else:
    say("release", [call("unmanage", cid)
                    for cid in ("größe-ü", "plain", "told", "slow", "key")])
    say("gone", call("wait", "größe-ü", {"for": "gone"})["state"])
session.close()
