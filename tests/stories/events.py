# SPDX-License-Identifier: LGPL-2.1-or-later
"""events.py - numbered events: asked for, waited for, subscribed to

Runs in: the stories
"""

import os
import signal
import time

import msgpack

from client import RPCError
from story import OTHER, URI, expect, expect_equal, listens

KEYS = {"number", "at", "kind", "state", "before", "slug", "attempt",
        "connection", "subject", "text"}


def _short(event):
    return (event["kind"], event["before"], event["state"], event["slug"],
            event["subject"])


def _all(client, since=0):
    return client.call("events", since)["events"]


def every_state_change_has_one(story):
    story.on_order = listens
    client = story.start().client()
    client.manage(URI, "a")
    worker = story.worker()
    worker.expect_want("up")
    for _ in range(3):
        worker.begin_attempt()
        worker.failed()
    worker.begin_attempt()
    worker.connected()
    worker.report(state="unresponsive", error="timed-out", error_text="late")
    worker.report(error="unreachable", error_text="refused")
    worker.connected()
    story.poll(lambda: len(_all(client)) == 12, "all of that")
    client.unmanage("a")
    worker.expect_want("down")
    worker.report(state="disconnecting", wanted="down")
    worker.gone()
    client.wait("a", **{"for": "gone"})
    tries = [("state", "connecting", "backoff", "unreachable", ""),
             ("state", "backoff", "connecting", "unreachable", "")]
    found = [_short(event) for event in _all(client)
             if event["kind"] != "claimed"]
    expect_equal(found, [
        ("state", "registered", "connecting", "ok", ""), *tries, *tries,
        *tries,
        ("state", "connecting", "connected", "ok", ""),
        ("state", "connected", "unresponsive", "timed-out", ""),
        ("error", "", "unresponsive", "unreachable", ""),
        ("state", "unresponsive", "connected", "ok", ""),
        ("released", "", "connected", "ok", "a"),
        ("state", "connected", "disconnecting", "ok", ""),
        ("state", "disconnecting", "registered", "ok", ""),
        ("gone", "", "registered", "ok", "")])


def an_event_has_every_key_and_the_next_number(story):
    client = story.start().client()
    before = int(time.time() * 1e6)
    client.manage(URI, "a")
    client.wait("a")
    events = _all(client)
    for event in events:
        expect_equal(set(event), KEYS)
        expect(before <= event["at"] <= time.time() * 1e6, "when it was")
    expect_equal([event["number"] for event in events],
                 list(range(1, len(events) + 1)))
    first = events[0]
    expect_equal((first["kind"], first["connection"], first["subject"]),
                 ("claimed", URI, "a"))


def events_are_told_from_a_number_on_and_only_so_many(story):
    client = story.start().client()
    for number in range(10):
        client.manage(URI, "c%d" % number)
    client.wait("c0")
    whole = _all(client)
    answer = client.call("events", 3, {"max": 2})
    expect_equal((answer["events"], answer["next"]), (whole[3:5], 5))
    last = whole[-1]["number"]
    expect_equal(client.call("events", last),
                 {"events": [], "next": last})


def numbers_go_on_over_kill_and_restart(story):
    client = story.start().client()
    client.manage(URI, "a")
    client.wait("a")
    last = _all(client)[-1]["number"]
    for end in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        story.signal(end)
        story.wait_end()
        story.start()
        client = story.client()
        client.wait("a")
        gap, *events = _all(client, last)
        expect_equal((gap["kind"], gap["number"]),
                     ("gap", events[0]["number"] - 1))
        expect(str(last + 1) in gap["text"], "from where: %r" % gap)
        expect(events[0]["number"] > last, "a number was given twice")
        last = events[-1]["number"]


def numbers_go_on_when_their_file_is_damaged(story):
    client = story.start().client()
    client.manage(URI, "a")
    client.wait("a")
    last = _all(client)[-1]["number"]
    story.stop()
    path = story.path("state", "events")
    for text in ("rubbish", "", "-5\n", 30 * "9", None):
        os.unlink(path)
        if text is None:
            os.symlink("/dev/zero", path)
        else:
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
        before = story.count_lines("the file of their numbers is damaged")
        client = story.start().client()
        client.wait("a")
        expect_equal(
            story.count_lines("the file of their numbers is damaged"),
            before + 1)
        now = _all(client)[-1]["number"]
        expect(now > last, "%r: %d behind %d" % (text, now, last))
        last = now
        story.stop()


def numbers_go_on_where_they_cannot_be_written_down(story):
    story.start()
    os.mkdir(story.path("state", "events.new"))
    client = story.client()
    client.manage(URI, "a")
    client.wait("a")
    expect(len(_all(client)) >= 3, "events")
    story.expect_line("numbers cannot be written down")
    os.rmdir(story.path("state", "events.new"))
    # A FIFO would keep who opens it.
    os.mkfifo(story.path("state", "events.new"))
    story.advance(11)
    client.unmanage("a")
    last = _all(client)[-1]["number"]
    story.signal(signal.SIGKILL)
    story.wait_end()
    client = story.start().client()
    client.manage(URI, "a")
    client.wait("a")
    expect(_all(client)[-1]["number"] > last, "a number was given twice")


def what_is_not_kept_any_more_is_a_gap(story):
    client = story.start(limits_events=16).client()
    for number in range(20):
        client.manage(URI, "c%d" % number)
    client.wait("c0")
    answer = client.call("events", 2)
    gap, *events = answer["events"]
    expect_equal((gap["kind"], gap["number"] + 1, len(events)),
                 ("gap", events[0]["number"], 16))
    expect("events 3 to %d are not kept" % gap["number"] in gap["text"],
           "what is missing: %r" % gap)
    # Whoever goes on from there misses nothing more.
    client.unmanage("c1")
    more = client.call("events", answer["next"])["events"]
    expect_equal([_short(event) for event in more],
                 [("released", "", "connected", "ok", "c1")])


def a_number_that_was_never_given_is_a_gap_too(story):
    client = story.start().client()
    client.manage(URI, "a")
    client.wait("a")
    gap, *events = _all(client, 10**9)
    expect_equal((gap["kind"], gap["number"], events[0]["number"]),
                 ("gap", 0, 1))


def a_call_waits_for_the_next_event(story):
    client = story.start().client()
    number = client.begin("events", 0, {"timeout_ms": 60000})
    story.turn()
    expect(client.is_quiet(), "it was answered too early")
    story.client().manage(URI, "a")
    answer = client.answer(number)
    expect_equal([_short(event) for event in answer["events"]][0],
                 ("claimed", "", "registered", "ok", "a"))


def a_call_that_waits_in_vain_is_told_so(story):
    client = story.start().client()
    number = client.begin("events", 0, {"timeout_ms": 5000})
    story.turn()
    story.advance(6)
    expect_equal(client.answer(number), {"events": [], "next": 0})


def a_client_that_leaves_waits_no_longer(story):
    client = story.start().client()
    client.begin("events", 0, {"timeout_ms": 60000})
    story.turn()
    client.close()
    story.turn()
    story.client().manage(URI, "a")
    story.client().wait("a")


def a_client_may_wait_for_much_and_not_for_all(story):
    client = story.start().client()
    for _ in range(16):
        client.begin("events", 0, {"timeout_ms": 60000})
    client.call("hello")
    expect(client.is_quiet(), "so many do not wait")
    expect_equal(client.refusal("events", 0, {"timeout_ms": 60000}),
                 "too-many")
    expect_equal(story.client().call("events", 0),
                 {"events": [], "next": 0})


def _memory_mib(story):
    with open("/proc/%d/status" % story.process.pid, encoding="ascii") as file:
        for line in file:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return 0


def _pass_over(client, unpacker):
    """One message: there are too many to look at each."""
    while True:
        try:
            unpacker.skip()
            return
        except msgpack.OutOfData:
            data = client.sock.recv(1 << 20)
        expect(data, "it was closed")
        unpacker.feed(data)


def calls_that_wait_do_not_fill_the_memory(story):
    """All are woken by the same event, and each is told all that came."""
    uri = "nfs://nas1/" + 900 * "x"
    main = story.start().client()
    for number in range(200):
        main.manage("%s%d" % (uri, number), "c%d" % number)
    for number in range(200):
        main.wait("c%d" % number)
    last = main.call("events", 0)["next"]
    clients = [story.client() for _ in range(30)]
    for client in clients:
        for _ in range(16):
            client.begin("events", last, {"timeout_ms": 60000})
        client.begin("hello")
    story.turn()
    before = _memory_mib(story)
    main.call_all([("unmanage", "c%d" % number) for number in range(200)])
    story.turn()
    # In turn: who does not read for 30 s is closed. 17 with that to hello.
    unpackers = [msgpack.Unpacker(max_buffer_size=1 << 28) for _ in clients]
    for _ in range(17):
        for client, unpacker in zip(clients, unpackers):
            _pass_over(client, unpacker)
    told = sum(unpacker.tell() for unpacker in unpackers) >> 20
    grown = _memory_mib(story) - before
    # All at once, of 200 to 600 KB, they would be 80 to 250 MiB.
    expect(grown < 70 < told, "the daemon has grown by %d MiB to tell %d MiB"
           % (grown, told))


def one_connection_does_not_make_others_forgotten(story):
    client = story.start(limits_events=1000).client()
    client.manage(OTHER, "victim")
    client.wait("victim")
    client.manage(URI, "a")
    client.wait("a")
    worker = story.worker(0, URI)
    # More than are kept, in less time than brings it another 500.
    for number in range(1200):
        worker.report(state="unresponsive" if number % 2 else "connected",
                      probe_at_us=number + 1)
        if number % 100 == 99:
            story.poll(lambda number=number: client.call(
                "status", "a")["probe"]["at"] == number + 1, "the report")
    kinds = [event["kind"] for event in _all(client)]
    expect("gap" not in kinds, "the victim's are kept")
    story.advance(11)
    story.poll(lambda: "skipped" in [event["kind"] for event
                                     in _all(client)], "how many were not")
    expect(len(story.lines) < 200, "%d lines of log" % len(story.lines))


def how_many_claims_were_not_told_is_told_before_it_goes(story):
    client = story.start().client()
    other = story.client()
    last = other.call("subscribe")["last"]
    for _ in range(2):
        client.call("manage_many",
                    [[URI, "c%03d" % i] for i in range(256)])
        client.call("unmanage_prefix", "c")
    story.poll(lambda: not client.call("list"), "its end")
    events = []
    while not events or events[-1]["kind"] != "gone":
        events.append(other.receive_raw()[2][0])
    kinds = [event["kind"] for event in events]
    told = kinds.count("claimed") + kinds.count("released")
    skipped = sum(int(event["text"].split()[0]) for event in events
                  if event["kind"] == "skipped")
    expect_equal(told + skipped, 1024)
    expect(skipped > 0 and kinds.index("skipped") < kinds.index("gone"),
           "before it goes: %r" % kinds[490:])
    expect_equal([event["number"] for event in events],
                 list(range(last + 1, last + 1 + len(events))))


def claims_do_not_hide_what_becomes_of_a_connection(story):
    story.on_order = listens
    client = story.start().client()
    client.manage(URI, "kept")
    for _ in range(2):
        client.call("manage_many", [[URI, "c%03d" % i] for i in range(256)])
        client.call("unmanage_prefix", "c")
    worker = story.worker(0, URI)
    worker.expect_want("up")
    worker.begin_attempt()
    worker.connected()
    client.wait("kept")
    expect("connected" in [event["state"] for event in _all(client)
                           if event["kind"] == "state"], "it is told")
    # And what was not told is told when its time is over, whatever happens.
    expect("skipped" not in [event["kind"] for event in _all(client)],
           "too early")
    story.advance(11)
    story.poll(lambda: "skipped" in [event["kind"] for event
                                     in _all(client)], "how many were not")


def bad_arguments_are_refused(story):
    client = story.start().client()
    for slug, call in (
            ("bad-arguments", ("events",)),
            ("bad-arguments", ("events", "1")),
            ("bad-arguments", ("events", -1)),
            ("bad-arguments", ("events", 2**60)),
            ("bad-option", ("events", 0, {"max": 0})),
            ("bad-option", ("events", 0, {"max": 1001})),
            ("bad-option", ("events", 0, {"timeout_ms": 86400001})),
            ("bad-option", ("events", 0, {"since": 1})),
            ("bad-option", ("subscribe", {"since": "1"})),
            ("bad-arguments", ("subscribe", 1, 2)),
            ("bad-arguments", ("unsubscribe", 1, 2))):
        expect_equal(client.refusal(*call), slug, "%r" % (call,))


# Subscriptions

def _notifications(client, count):
    found = []
    while len(found) < count:
        kind, method, params = client.receive_raw()
        expect_equal((kind, method, len(params)), (2, "event", 1))
        found.append(params[0])
    return found


def nothing_is_sent_before_it_is_asked_for(story):
    client = story.start().client()
    story.client().manage(URI, "a")
    story.client().wait("a")
    story.turn()
    expect(client.is_quiet(), "something was sent")


def a_subscriber_is_told_each_event_once(story):
    client = story.start().client()
    expect_equal(client.call("subscribe"), {"last": 0})
    other = story.client()
    other.manage(URI, "a")
    other.wait("a")
    found = _notifications(client, 3)
    expect_equal(found, _all(other))
    story.turn()
    expect(client.is_quiet(), "more was sent")


def a_subscriber_may_begin_with_what_was(story):
    other = story.start().client()
    other.manage(URI, "a")
    other.wait("a")
    client = story.client()
    expect_equal(client.call("subscribe", {"since": 1}), {"last": 3})
    expect_equal(_notifications(client, 2), _all(other, 1))


def events_wait_for_room_behind_an_answer(story):
    story.narrow_output(65536)
    other = story.start().client()
    other.call("manage_many", [["nfs://h/" + 320 * "ä", "c%d" % i]
                               for i in range(14)])
    client = story.client()
    (last, _), (listed, _) = client.call_all(
        [("subscribe", {"since": 0}), ("list", {"prefix": "c"})])
    expect_equal(len(listed), 14)
    found = _notifications(client, last["last"])
    expect_equal([event["number"] for event in found],
                 list(range(1, last["last"] + 1)))


def who_waits_for_events_that_do_not_fit_is_told_so(story):
    story.narrow_output(65536)
    client = story.start().client()
    number = client.begin("events", 0, {"timeout_ms": 60000})
    story.turn()
    story.client().call(
        "manage_many", [["nfs://h/" + 320 * "ä", "%03d" % i + 250 * "c"]
                        for i in range(29)])
    try:
        client.answer(number)
    except RPCError as error:
        expect_equal(error.slug, "too-big")
    else:
        expect(False, "it did fit")
    expect_equal(len(client.call("events", 0, {"max": 9})["events"]), 9)


def what_a_client_caused_is_told_behind_the_answer(story):
    client = story.start().client()
    client.call("subscribe")
    client.begin("manage", URI, "a")
    expect_equal(client.receive_raw()[0], 1)
    expect_equal(_notifications(client, 1)[0]["kind"], "claimed")


def who_unsubscribes_is_told_no_more(story):
    client = story.start().client()
    client.call("subscribe")
    expect_equal(client.call("unsubscribe"), {})
    story.client().manage(URI, "a")
    story.client().wait("a")
    story.turn()
    expect(client.is_quiet(), "something was sent")


def a_subscriber_that_falls_behind_is_told_of_a_gap(story):
    client = story.start(limits_events=16).client()
    client.call("subscribe")
    other = story.client()
    # Many at once: one that does not read for 30 s is closed.
    for first in range(0, 3000, 100):
        numbers = range(first, first + 100)
        other.call_all([("manage", OTHER, "b%d" % n) for n in numbers])
        other.call_all([("unmanage", "b%d" % n) for n in numbers])
    kinds = {}
    last = _all(other)[-1]["number"]
    expected = 1
    while expected <= last:
        event = _notifications(client, 1)[0]
        kinds[event["kind"]] = kinds.get(event["kind"], 0) + 1
        if event["kind"] != "gap":
            expect_equal(event["number"], expected)
        expect(event["number"] >= expected, "numbers go back")
        expected = event["number"] + 1
    expect(kinds.get("gap", 0) >= 1, "no gap: %r" % kinds)


def settled_is_not_an_attempt_that_began_before_the_call(story):
    story.on_order = listens
    client = story.start().client()
    client.manage(URI, "a")
    worker = story.worker()
    worker.expect_want("up")
    # It has begun, but nobody has heard of it yet.
    worker.began_us = story.boot_us()
    time.sleep(0.001)
    number = client.begin_wait("a", **{"for": "settled"})
    story.turn()
    worker.status["attempt"] = 1
    worker.failed()
    story.expect_line("backoff")
    story.turn()
    expect(client.is_quiet(), "an old error was told")
    worker.begin_attempt()
    worker.failed("not-found", "no such export")
    expect_equal(client.answer(number)["error"]["slug"], "not-found")


def settled_goes_by_when_an_attempt_began_not_by_its_number(story):
    """A worker that was taken over may have used up all numbers."""
    story.on_order = listens
    client = story.start().client()
    client.manage(URI, "a")
    worker = story.worker()
    worker.expect_want("up")
    last = 2 ** 32 - 1
    worker.report(state="backoff", wanted="up", attempt=last,
                  failed_attempt=last, failed_began_us=1,
                  error="unreachable", error_text="no answer")
    story.poll(lambda: client.state("a") == "backoff", "the failure")
    number = client.begin_wait("a", **{"for": "settled",
                                       "timeout_ms": 60000})
    story.turn()
    worker.report(failed_began_us=story.boot_us(), error_text="again")
    expect_equal(client.answer(number)["error"]["text"], "again")


def third_parties_read_notifications_as_they_are(story):
    client = story.start().client()
    client.call("subscribe")
    story.client().manage(URI, "a")
    unpacker = msgpack.Unpacker(raw=False, strict_map_key=True)
    while True:
        unpacker.feed(client.sock.recv(4096))
        message = next(unpacker, None)
        if message:
            break
    expect_equal(message[:2], [2, "event"])
