# SPDX-License-Identifier: LGPL-2.1-or-later
"""stop.py - the daemon's end: soon, and without an end for the connections

Runs in: the stories
"""

import signal
import time

from client import Closed, RPCError
from story import (HOLD, KILL, NO_ANSWER, OTHER, URI, expect, expect_equal,
                   listens)


def sigterm_ends_workers_without_disconnecting(story):
    client = story.start().client()
    client.manage(URI, "a")
    client.wait("a")
    worker = story.worker()
    expect_equal(story.stop(), 0)
    worker.expect_end()
    expect(worker.is_hung_up, "its orders were not ended")
    expect_equal(worker.wants(), ["up"])
    expect_equal(list(story.links()), ["a"])


def sigint_is_as_good(story):
    story.start()
    story.signal(signal.SIGINT)
    expect_equal(story.wait_end(), 0)


def sighup_changes_nothing(story):
    client = story.start().client()
    client.manage(URI, "a")
    story.signal(signal.SIGHUP)
    story.expect_line("SIGHUP")
    client.wait("a")


def sigterm_ends_it_within_2_seconds_whatever_a_worker_does(story):
    client = story.start().client()
    for uri, cid in ((URI, "a"), (OTHER, "b")):
        client.manage(uri, cid)
        client.wait(cid)
    stubborn = story.worker(0, URI)
    stubborn.ignores_end = True
    stubborn.stop_reading()
    began = time.monotonic()
    expect_equal(story.stop(), 0)
    took = time.monotonic() - began
    stubborn.expect_end()
    expect(took < 2, "it took %.1f s" % took)
    expect((KILL, stubborn.slot) in story.requests, "it was not killed")


def sigterm_ends_it_within_2_seconds_whatever_the_launcher_does(story):
    client = story.start().client()
    client.manage(URI, "a")
    client.wait("a")
    story.worker().ignores_end = True
    story.on_request = lambda operation, slot: NO_ANSWER
    began = time.monotonic()
    expect_equal(story.stop(), 0)
    expect(time.monotonic() - began < 2.5, "it took too long")


def a_worker_that_is_being_started_at_the_end_does_not_delay_it(story):
    client = story.start().client()
    story.on_request = lambda operation, slot: (
        HOLD if operation == "start" else 0)
    client.manage(URI, "a")
    story.expect_request("start", 1)
    story.signal(signal.SIGTERM)
    story.expect_line("stopping")
    story.answer_held()
    expect_equal(story.wait_end(), 0)
    expect(KILL not in [name for name, _ in story.requests],
           "nothing was there to be killed")


def no_claim_changes_while_it_stops(story):
    client = story.start().client()
    client.manage(URI, "a")
    client.wait("a")
    story.worker().ignores_end = True
    story.signal(signal.SIGTERM)
    story.expect_line("stopping")
    expect_equal(client.refusal("manage", OTHER, "b"), "shutting-down")
    expect_equal(client.refusal("unmanage", "a"), "shutting-down")
    expect_equal(list(client.claims()), ["a"])
    expect_equal(story.wait_end(), 0)
    client = story.start().client()
    expect_equal(list(client.claims()), ["a"])


def what_waits_at_the_end_is_not_left_waiting(story):
    story.on_order = listens
    client = story.start().client()
    client.manage(URI, "a")
    number = client.begin_wait("a")
    story.turn()
    story.signal(signal.SIGTERM)
    try:
        client.answer(number)
        raise AssertionError("it was answered")
    except (Closed, RPCError):
        pass
    expect_equal(story.wait_end(), 0)


def a_restart_finds_all_as_it_was(story):
    client = story.start().client()
    for number in range(20):
        client.manage("tmpfs://n%d" % (number // 2), "c%d" % number)
    before = client.claims()
    expect_equal(story.stop(), 0)
    client = story.start().client()
    after = client.claims()
    expect_equal({cid: (entry["uri"], entry["path"], entry["created"])
                  for cid, entry in after.items()},
                 {cid: (entry["uri"], entry["path"], entry["created"])
                  for cid, entry in before.items()})
    for cid in after:
        client.wait(cid)
    expect_equal(client.call("hello")["store"], "")
