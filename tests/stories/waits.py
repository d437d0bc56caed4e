# SPDX-License-Identifier: LGPL-2.1-or-later
"""waits.py - wait: for connected, for settled, for gone, and for nothing

Runs in: the stories
"""

from client import RPCError
from story import OTHER, URI, expect, expect_equal, listens

GONE = {"for": "gone"}
SETTLED = {"for": "settled"}


def _quiet_target(story):
    """A client and a worker that does nothing by itself."""
    story.on_order = listens
    client = story.start().client()
    client.manage(URI, "a")
    worker = story.worker()
    worker.expect_want("up")
    return client, worker


def _slug(client, number):
    try:
        return client.answer(number)["state"]
    except RPCError as error:
        return error.slug


def _expect_waiting(story, client):
    story.turn()
    expect(client.is_quiet(), "it was answered too early")


def wait_is_answered_once_it_is_connected(story):
    client, worker = _quiet_target(story)
    number = client.begin_wait("a")
    _expect_waiting(story, client)
    worker.begin_attempt()
    story.poll(lambda: client.state("a") == "connecting", "the attempt")
    _expect_waiting(story, client)
    worker.connected()
    entry = client.answer(number)
    expect_equal((entry["state"], entry["healthy"]), ("connected", True))


def wait_for_what_is_so_already_is_answered_at_once(story):
    client, worker = _quiet_target(story)
    worker.begin_attempt()
    worker.connected()
    client.wait("a")
    for options in ({}, SETTLED, {"timeout_ms": 0}):
        expect_equal(client.wait("a", **options)["state"], "connected")


def settled_is_the_failure_of_an_attempt_begun_after_the_call(story):
    client, worker = _quiet_target(story)
    worker.begin_attempt()
    story.poll(lambda: client.state("a") == "connecting", "the attempt")
    number = client.begin_wait("a", **SETTLED)
    worker.failed()
    story.poll(lambda: story.count_lines("backoff") > 0, "the failure")
    _expect_waiting(story, client)
    worker.begin_attempt()
    worker.failed("not-found", "no such export")
    entry = client.answer(number)
    expect_equal((entry["state"], entry["error"]["slug"],
                  entry["error"]["attempt"]), ("backoff", "not-found", 2))


def settled_counts_attempts_since_it_was_asked_for(story):
    client, worker = _quiet_target(story)
    asked = dict(SETTLED, asked=True)
    worker.begin_attempt()
    worker.failed("not-found", "no such export")
    story.poll(lambda: client.state("a") == "backoff", "the failure")
    expect_equal(client.wait("a", **asked)["error"]["attempt"], 1)
    for again in (lambda: client.call("retry", "a"),
                  lambda: client.manage(URI, "b"),
                  lambda: client.call("manage_many", [[URI, "c"]])):
        again()
        number = client.begin_wait("a", **asked)
        _expect_waiting(story, client)
        worker.begin_attempt()
        worker.failed()
        attempt = client.answer(number)["error"]["attempt"]
        expect_equal(client.wait("a", **asked)["error"]["attempt"], attempt)
    expect_equal(attempt, 4)
    for options in ({"asked": True}, {"asked": True, "for": "gone"},
                    {"asked": 1, "for": "settled"}):
        expect_equal(client.refusal("wait", "a", options), "bad-option")


def settled_comes_with_the_first_attempt_of_a_new_claim(story):
    story.on_order = listens
    client = story.start().client()
    manage = client.begin("manage", URI, "a")
    number = client.begin_wait("a", **SETTLED)
    client.answer(manage)
    worker = story.worker()
    worker.expect_want("up")
    worker.begin_attempt()
    worker.failed()
    expect_equal(client.answer(number)["state"], "backoff")


def settled_is_connected_too(story):
    client, worker = _quiet_target(story)
    number = client.begin_wait("a", **SETTLED)
    worker.begin_attempt()
    worker.connected()
    expect_equal(client.answer(number)["state"], "connected")


def settled_comes_when_the_worker_dies_in_every_attempt(story):
    client, worker = _quiet_target(story)
    number = client.begin_wait("a", **SETTLED)
    for i in range(3):
        worker = story.worker(i)
        worker.expect_want("up")
        worker.begin_attempt()
        story.poll(lambda: client.state("a") == "connecting", "the attempt")
        worker.kill()
        worker.expect_end()
        story.poll(lambda: client.state("a") == "backoff", "the death")
        story.advance(5)
    expect_equal(client.answer(number)["state"], "backoff")


def wait_ends_at_its_deadline(story):
    client, _ = _quiet_target(story)
    number = client.begin_wait("a", timeout_ms=60000)
    _expect_waiting(story, client)
    story.advance(59)
    expect(client.is_quiet(), "it was answered too early")
    story.advance(2)
    expect_equal(_slug(client, number), "timeout")
    expect_equal(client.refusal("wait", "a", {"timeout_ms": 0}), "timeout")


def wait_ends_after_half_a_minute_unless_told_otherwise(story):
    client, _ = _quiet_target(story)
    number = client.begin_wait("a")
    _expect_waiting(story, client)
    story.advance(29)
    expect(client.is_quiet(), "it was answered too early")
    story.advance(2)
    expect_equal(_slug(client, number), "timeout")


def what_waits_is_told_that_the_claim_was_let_go(story):
    client, _ = _quiet_target(story)
    client.manage(URI, "b")
    waits = [client.begin_wait("a"), client.begin_wait("a", **SETTLED)]
    other = client.begin_wait("b")
    gone = client.begin_wait("a", **GONE)
    story.client().unmanage("a")
    expect_equal([_slug(client, number) for number in waits],
                 ["no-such-cid"] * 2)
    _expect_waiting(story, client)
    story.worker().connected()
    expect_equal(_slug(client, other), "connected")
    client.unmanage("b")
    story.worker().gone()
    expect_equal(_slug(client, gone), "gone")


def gone_is_answered_when_the_connection_is(story):
    client, worker = _quiet_target(story)
    worker.begin_attempt()
    worker.connected()
    client.wait("a")
    early = client.begin_wait("a", **GONE)
    client.unmanage("a")
    late = client.begin_wait("a", **GONE)
    worker.expect_want("down")
    _expect_waiting(story, client)
    worker.report(state="disconnecting", wanted="down")
    story.poll(lambda: [entry["state"] for entry
                        in client.lingering().values()] == ["disconnecting"],
               "the report")
    _expect_waiting(story, client)
    worker.gone()
    for number in (early, late):
        entry = client.answer(number)
        expect_equal((entry["state"], entry["connected"], entry["managed"]),
                     ("gone", False, False))


def gone_is_answered_at_once_when_nothing_is_there(story):
    client = story.start().client()
    expect_equal(client.wait("never", **GONE)["state"], "gone")


def gone_of_a_claim_that_was_not_the_last_is_said_at_once(story):
    client, _ = _quiet_target(story)
    client.manage(URI, "b")
    number = client.begin_wait("a", **GONE)
    _expect_waiting(story, client)
    client.unmanage("a")
    expect_equal(_slug(client, number), "gone")
    number = client.begin_wait("a", **GONE)
    expect_equal(_slug(client, number), "gone")
    expect_equal(list(client.claims()), ["b"])


def gone_is_not_said_of_what_was_taken_back(story):
    client, worker = _quiet_target(story)
    client.unmanage("a")
    number = client.begin_wait("a", **GONE)
    worker.expect_want("down")
    client.manage(URI, "a")
    worker.connected()
    client.wait("a")
    _expect_waiting(story, client)
    story.advance(31)
    expect_equal(_slug(client, number), "timeout")


def a_client_that_leaves_waits_no_longer(story):
    client, worker = _quiet_target(story)
    leaving = story.client()
    for options in ({}, SETTLED, GONE):
        leaving.begin_wait("a", **options)
    _expect_waiting(story, leaving)
    leaving.close()
    story.turn()
    worker.begin_attempt()
    worker.connected()
    client.wait("a")
    story.advance(31)
    client.unmanage("a")
    worker.gone()
    client.wait("a", **GONE)


def a_client_may_wait_for_much_and_not_for_all(story):
    client, worker = _quiet_target(story)
    numbers = [client.begin_wait("a") for _ in range(256)]
    expect_equal(client.refusal("wait", "a"), "too-many")
    other = story.client()
    another = other.begin_wait("a")
    worker.connected()
    expect_equal({_slug(client, number) for number in numbers},
                 {"connected"})
    expect_equal(_slug(other, another), "connected")


def waits_of_one_client_are_answered_as_they_come_true(story):
    client, worker = _quiet_target(story)
    client.manage(OTHER, "b")
    first = client.begin_wait("a")
    second = client.begin_wait("b")
    other = story.worker(0, OTHER)
    other.expect_want("up")
    other.connected()
    expect_equal(client.receive()[0], second)
    worker.connected()
    expect_equal(client.receive()[0], first)
