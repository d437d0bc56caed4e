# SPDX-License-Identifier: LGPL-2.1-or-later
"""the clock is set back an hour, and on again: nothing waits for it"""

import time

from lab import Pinned, RPCError, expect, wait_until

NEEDS = ("nfs", "netem", "daemon")
TIME_LIMIT_S = 200
HOUR = 3600


def shift_clock(seconds):
    time.clock_settime(time.CLOCK_REALTIME, time.time() + seconds)


def expect_a_wait_to_end(client):
    begun = time.monotonic()
    try:
        client.wait("down", timeout=2)
    except RPCError as error:
        took = time.monotonic() - begun
        expect(error.slug == "timeout" and 1.5 < took < 5,
               "a wait takes its time: %s after %.1f s" % (error.slug, took))
        return
    expect(False, "it is down")


def ride_out(lab, client, server, shift):
    """Of one server: a mount that is there, and one that cannot be made."""
    client.manage(server.uri("/vms"), "up")
    pin = Pinned(client.wait("up")["path"])
    server.drop()
    client.manage(server.uri("/vms", "vers=3"), "down")
    wait_until(lambda: client.state("down") == "backoff"
               and client.state("up") == "unresponsive", 40, "an outage")
    attempts = client.list()["down"]["attempts"]
    shift_clock(shift)
    begun = time.monotonic()
    expect_a_wait_to_end(client)
    wait_until(lambda: client.list()["down"]["attempts"] > attempts, 20,
               lambda: "it is tried as ever: %r" % client.list()["down"])
    entry = client.list()["down"]
    expect(abs(entry["attempt"]["at"] / 1e6 - time.time()) < 60,
           "an instant is of the clock as it is now: %r" % entry)
    server.undrop()
    for cid in ("up", "down"):
        client.wait(cid, timeout=40)
    pin.expect_there("the same mount")
    pin.close()
    lab.note("shifted by %d s: connected after %.1f s"
             % (shift, time.monotonic() - begun))
    for cid in ("up", "down"):
        client.unmanage(cid)
        client.wait(cid, until="gone", timeout=20)


def run(lab):
    server = lab.server({"/vms": None}, isolated=True)
    client = lab.daemon().client()
    for shift in (-HOUR, HOUR, -HOUR):
        ride_out(lab, client, server, shift)
