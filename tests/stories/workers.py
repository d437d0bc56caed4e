# SPDX-License-Identifier: LGPL-2.1-or-later
"""workers.py - workers that die, lie, flood and hang, and a bad launcher

Runs in: the stories
"""

import errno
import os
import time

import msgpack

import schema
from story import (END, GARBAGE, HOLD, KILL, NO_ANSWER, OTHER, PREPARE,
                   REMOVE, START, URI, connects, expect, expect_equal,
                   listens)


def _two_connected(story, wrapper=()):
    """A client, and the workers of URI and OTHER."""
    client = story.start(wrapper=wrapper).client()
    client.manage(URI, "a")
    client.manage(OTHER, "b")
    client.wait("a")
    client.wait("b")
    return client, story.worker(0, URI), story.worker(0, OTHER)


def _expect_untouched(story, client, worker):
    """Nobody but its own story has noticed."""
    expect(not worker.is_over, "the other worker has ended")
    entry = client.claims()["b"]
    expect_equal((entry["state"], entry["worker"], entry["error"]),
                 ("connected", worker.pid, None))
    # It may be told to look: the host's table never shows a story's mounts.
    names = [name for name in worker.names() if name != "look"]
    expect_equal(names, ["target", "want"])


def a_worker_that_dies_is_started_again_after_a_pause(story):
    client, worker, other = _two_connected(story)
    worker.kill()
    story.poll(lambda: client.state("a") == "backoff", "the death to show")
    entry = client.claims()["a"]
    expect_equal(entry["error"]["slug"], "worker-died")
    expect_equal((entry["worker"], entry["connected"]), (0, False))
    story.advance(0.2)
    expect_equal(client.wait("a")["worker"], story.worker(1, URI).pid)
    expect_equal(client.claims()["a"]["error"], None)
    _expect_untouched(story, client, other)


def _wait_for_answer(story, worker):
    """To a ping, and until the daemon has it."""
    story.poll(lambda: "pong" in worker.status, "an answer to the ping")
    story.turn()
    story.turn()


def a_worker_that_falls_silent_is_doubted_and_replaced(story):
    client, worker, other = _two_connected(story)
    worker.answers_pings = False
    story.advance(21)
    _wait_for_answer(story, other)
    story.advance(6)
    story.poll(lambda: client.state("a") == "unresponsive", "the doubt")
    expect_equal(client.claims()["a"]["error"]["slug"], "worker-died")
    expect_equal(story.requests.count((KILL, worker.slot)), 0)
    story.advance(31)
    story.expect_request(KILL)
    story.advance(1)
    expect_equal(client.wait("a")["worker"], story.worker(1, URI).pid)
    _expect_untouched(story, client, other)


def a_worker_that_was_only_slow_is_believed_again(story):
    client, worker, _ = _two_connected(story)
    worker.answers_pings = False
    story.advance(21)
    story.turn()
    story.advance(6)
    story.poll(lambda: client.state("a") == "unresponsive", "the doubt")
    worker.answers_pings = True
    worker.report(pong=1)
    client.wait("a")
    story.advance(31)
    expect_equal(client.claims()["a"]["worker"], worker.pid)
    expect_equal(client.state("a"), "connected")


def a_worker_that_is_heard_of_is_not_asked(story):
    client, worker, _ = _two_connected(story)
    worker.answers_pings = False
    for number in range(10):
        worker.report(probe_at_us=number + 1)
        story.poll(lambda: client.claims()["a"]["probe"]["at"] == number + 1,
                   "the report")
        story.advance(15)
    expect_equal(client.state("a"), "connected")


def the_next_worker_is_told_the_number_of_the_last_attempt(story):
    story.on_order = listens
    client = story.start().client()
    client.manage(URI, "a")
    worker = story.worker()
    worker.expect_want("up")
    for _ in range(3):
        worker.begin_attempt()
        worker.failed()
    story.poll(lambda: client.call("status", "a")["attempts"] == 3,
               "three attempts")
    worker.kill()
    worker = story.worker(1)
    worker.expect_want("up")
    name, fields = worker.orders[0]
    expect_equal((name, fields["attempt"], fields["uri"]),
                 ("target", 3, URI))


def workers_that_die_young_are_started_ever_more_rarely(story):
    story.on_order = lambda worker, order, fields: worker.exit(3)
    client = story.start().client()
    client.manage(URI, "a")
    for number, pause in enumerate((0.1, 1, 2, 4, 8, 16, 32, 60, 60)):
        pid = story.worker(number).pid
        story.poll(lambda: str(pid) in _error_text(client), "the death")
        story.advance(0.5 * pause)
        story.turn()
        expect_equal(story.count_workers(), number + 1,
                     "workers after half of %g s" % pause)
        story.advance(0.6 * pause)
        story.expect_request(START, number + 2)
    expect_equal(client.claims()["a"]["error"]["slug"], "worker-died")


def _error_text(client):
    return (client.claims()["a"]["error"] or {"text": ""})["text"]


def a_worker_that_ends_says_how_in_the_error(story):
    client, worker, _ = _two_connected(story)
    worker.exit(7)
    story.poll(lambda: client.state("a") == "backoff", "the end to show")
    text = client.claims()["a"]["error"]["text"]
    expect_equal(text, "worker %d ended with status 7" % worker.pid)


def _lies():
    status = {"state": "connected"}
    good = schema.encode("status", **status)
    values = msgpack.unpackb(good)
    return {
        "garbage": b"\xc1garbage",
        "text": b"hello",
        "a bomb": b"\xdd\xff\xff\xff\xff",
        "a field too many": msgpack.packb(values + [1]),
        "a field too few": msgpack.packb(values[:-1]),
        "an empty array": msgpack.packb([]),
        "an unknown type": msgpack.packb([len(schema.MESSAGES)]),
        "an order": schema.encode("want"),
        "an unknown state": schema.encode("status",
                                          state=len(schema.STATES)),
        "a negative number": schema.encode("status", attempt=-1),
        "a number too great": schema.encode("status", attempt=2**32),
        "a text for a number": schema.encode("status", attempt="1"),
        "bad UTF-8": schema.encode("status", error_text=b"\xff"),
        "a control character": schema.encode("status", error_text="a\nb"),
        "a text too long": schema.encode("status", error_text="x" * 256),
        "two messages": good + good,
        "half a message": good[:-1],
        "more than a packet": good + bytes(5000),
        "an ext": b"\xd4\x01\x00",
        "a scanner's report": schema.encode("scanned", count=1),
    }


def a_worker_that_lies_is_killed_and_its_target_alone_shows_it(story):
    client, _, other = _two_connected(story)
    for number, (what, packet) in enumerate(_lies().items()):
        worker = story.worker(number, URI)
        client.wait("a")
        worker.raw(packet)
        story.expect_request(KILL, number + 1)
        worker.expect_end()
        story.poll(lambda: client.state("a") != "connected", what)
        entry = client.claims()["a"]
        expect_equal(entry["error"]["slug"], "worker-died", what)
        _expect_untouched(story, client, other)
        # It has to have answered before it is asked again.
        other.catch_up()
        story.turn()
        story.advance(61)


def a_lie_that_is_repeated_is_punished_once(story):
    story.on_request = lambda operation, slot: (
        HOLD if operation == KILL else 0)
    client, worker, _ = _two_connected(story)
    worker.flood(schema.encode("scanned", count=1))
    story.expect_request(KILL)
    for _ in range(50):
        story.turn()
    story.expect_lines("said what it may not", 1)
    story.answer_held()
    worker.expect_end()
    expect_equal(sum(name == KILL for name, _ in story.requests), 1, "KILLs")
    story.poll(lambda: client.state("a") == "backoff", "the death")


def the_error_tells_why_a_worker_was_killed(story):
    client, worker, _ = _two_connected(story)
    worker.raw(b"\xc1")
    story.poll(lambda: client.state("a") == "backoff", "the death")
    text = client.claims()["a"]["error"]["text"]
    expect("signal 9" not in text, text)


def _answers_while(client, worker, flood):
    """How often hello is answered while the worker talks without end."""
    worker.flood(flood)
    for _ in range(200):
        client.call("hello")


def a_worker_that_floods_holds_up_no_other(story):
    client, worker, other = _two_connected(story)
    statuses = schema.encode("status", state="connected", has_object=1)
    _answers_while(client, worker, statuses)
    other.report(state="unresponsive")
    story.poll(lambda: client.state("b") == "unresponsive",
               "the other's report")


def a_worker_that_floods_changes_holds_up_no_other(story):
    client, worker, _ = _two_connected(story)
    worker.flood(schema.encode("status", state="connecting", error="io",
                               error_text="x" * 255))
    for _ in range(100):
        client.call("hello")
    client.unmanage("b")
    client.wait("b", **{"for": "gone"})


def a_dead_worker_whose_children_talk_on_holds_up_no_other(story):
    client, worker, _ = _two_connected(story)
    worker.leave_talkers(schema.encode("status", state="connected",
                                      has_object=1))
    client.sock.settimeout(4)   # before the talkers end by themselves
    for _ in range(50):
        client.call("hello")
    worker.expect_end()
    story.poll(lambda: story.count_workers(URI) == 2
               or story.advance(1), "the next worker")


def a_worker_that_reads_no_orders_holds_up_no_other(story):
    client, worker, other = _two_connected(story)
    worker.stop_reading()
    for _ in range(300):
        client.call("retry", "a")
    client.unmanage("a")
    client.call("list")
    _expect_untouched(story, client, other)


def a_worker_that_reads_no_orders_is_replaced_in_the_end(story):
    client, worker, _ = _two_connected(story)
    worker.stop_reading()
    client.unmanage("a")
    for _ in range(20):
        story.advance(30)
    worker.expect_end()


def a_worker_that_closes_its_orders_is_replaced(story):
    client, worker, _ = _two_connected(story)
    worker.close(3)
    client.call("retry", "a")
    for _ in range(20):
        story.advance(30)
    worker.expect_end()


def a_worker_that_closes_its_reports_is_replaced(story):
    _, worker, _ = _two_connected(story)
    worker.close(4)
    for _ in range(20):
        story.advance(30)
    worker.expect_end()


def a_worker_that_ignores_its_end_is_killed(story):
    client, worker, _ = _two_connected(story)
    worker.ignores_end = True
    client.unmanage("a")
    worker.expect_hang_up()
    for _ in range(20):
        story.advance(30)
    story.expect_request(KILL)
    worker.expect_end()
    client.manage(URI, "a")
    client.wait("a")


def a_worker_that_connected_nothing_yet_takes_nothing_from_the_list(story):
    client, worker, _ = _two_connected(story)
    story.on_order = listens
    worker.kill()
    story.poll(lambda: client.state("a") == "backoff", "the death")
    story.advance(1)
    worker = story.worker(1, URI)
    worker.expect_want("up")
    worker.report(state="registered", wanted="up")
    story.turn()
    expect_equal(client.state("a"), "backoff")


def log_lines_of_a_worker_name_its_connection(story):
    _, worker, _ = _two_connected(story)
    worker.log("nfs server nas1 is odd")
    story.expect_line("worker %s: nfs server nas1 is odd" % URI)


def the_launcher_may_answer_late_or_never(story):
    story.on_request = lambda operation, slot: NO_ANSWER
    client = story.start().client()
    client.manage(URI, "a")
    client.manage(OTHER, "b")
    story.expect_request(PREPARE)
    expect_equal(client.claims()["a"]["state"], "registered")
    client.unmanage("a")
    client.call("hello")
    expect_equal(list(client.claims()), ["b"])


def a_late_launcher_is_taken_up_where_it_stands(story):
    story.on_request = lambda operation, slot: HOLD
    client = story.start().client()
    client.manage(URI, "a")
    story.expect_request(PREPARE)
    for _ in range(10):
        client.call("list")
    story.answer_held()
    client.wait("a")
    expect_equal([name for name, _ in story.requests], [PREPARE, START])


def what_was_let_go_while_the_launcher_slept_is_taken_down(story):
    story.on_request = lambda operation, slot: HOLD
    client = story.start().client()
    client.manage(URI, "a")
    story.expect_request(PREPARE)
    client.unmanage("a")
    story.turn()
    story.answer_held()
    client.wait("a", **{"for": "gone"})
    expect_equal(story.worker().wants(), ["down"])


def a_launcher_that_fails_is_asked_again_and_the_reason_shows(story):
    for operation in (PREPARE, START):
        _one_failure(story, operation)
        story.stop()


def _one_failure(story, operation):
    story.requests.clear()
    story.on_request = lambda name, slot: (
        errno.EBUSY if name == operation else 0)
    client = story.start().client()
    cid = "for-%s" % operation
    client.manage("tmpfs://%s" % operation, cid)
    story.poll(lambda: client.state(cid) == "backoff", "the failure")
    error = client.claims()[cid]["error"]
    expect_equal((error["slug"], error["errno"]), ("internal", errno.EBUSY))
    story.on_request = lambda name, slot: 0
    story.advance(2)
    client.wait(cid)


def a_directory_that_cannot_be_given_back_is_looked_at_again(story):
    client, worker, _ = _two_connected(story)
    story.on_request = lambda name, slot: (
        errno.EBUSY if name == REMOVE else 0)
    client.unmanage("a")
    worker.expect_end()
    story.expect_request(REMOVE)
    story.poll(lambda: client.lingering(), "what lingers")
    story.poll(lambda: list(client.lingering().values())[0]["error"],
               "the reason")
    entry = list(client.lingering().values())[0]
    expect_equal(entry["error"]["errno"], errno.EBUSY)
    story.on_request = lambda name, slot: 0
    story.advance(2)
    client.wait("a", **{"for": "gone"})
    expect_equal(client.lingering(), {})


def an_unmanage_does_not_wait_out_the_pause_of_a_dying_worker(story):
    story.on_order = lambda worker, order, fields: worker.exit(3)
    client = story.start().client()
    client.manage(URI, "a")
    for number in range(6):
        story.worker(number).expect_end()
        story.poll(lambda: client.claims()["a"]["worker"] == 0, "the death")
        if number < 5:
            story.advance(61)
    story.on_order = connects
    client.unmanage("a")
    story.advance(2)
    client.wait("a", **{"for": "gone", "timeout_ms": 1000})


def the_end_of_the_launcher_is_the_end_with_status_1(story):
    client, worker, _ = _two_connected(story)
    story.on_request = lambda operation, slot: END
    client.manage("tmpfs://three", "c")
    expect_equal(story.wait_end(), 1)
    worker.expect_end()
    story.expect_lines("launcher: it has ended", 1)
    story.on_request = lambda operation, slot: 0
    client = story.start().client()
    expect_equal(sorted(client.claims()), ["a", "b", "c"])


def a_launcher_that_answers_garbage_is_no_launcher(story):
    story.on_request = lambda operation, slot: GARBAGE
    client = story.start().client()
    client.manage(URI, "a")
    expect_equal(story.wait_end(), 1)


def many_targets_are_started_and_taken_down(story):
    client = story.start().client()
    uris = ["tmpfs://n%d" % i for i in range(60)]
    outcome = client.call_all([("manage", uri, uri[8:]) for uri in uris])
    expect_equal({slug for _, slug in outcome}, {None})
    for uri in uris:
        client.wait(uri[8:])
    client.call_all([("unmanage", uri[8:]) for uri in uris])
    for uri in uris:
        client.wait(uri[8:], **{"for": "gone"})
    expect_equal(client.lingering(), {})
    expect_equal(os.listdir(story.path("run", "mnt")), [])


def _switches(story):
    """How often the daemon has gone to sleep."""
    with open("/proc/%d/status" % story.process.pid,
              encoding="ascii") as file:
        return sum(int(line.split()[1]) for line in file
                   if "ctxt_switches" in line)


def _wakes_in_half_a_second(story):
    before = _switches(story)
    time.sleep(0.5)             # here time itself is what is looked at
    return _switches(story) - before


def a_daemon_with_nothing_to_do_sleeps(story):
    """Among mounts of its own: a change of the host's would wake it."""
    to_be = () if os.getuid() == 0 else ("--user", "--map-current-user")
    client, worker, other = _two_connected(story,
                                           ("unshare", "--mount", *to_be))
    worker.close(3)
    worker.close(4)
    other.stop_reading()
    client.call_all([("manage", URI, "cid-%d" % i) for i in range(300)])
    for _ in range(70):
        client.call("retry", "b")
    deaf = story.client()
    deaf.send(b"".join(msgpack.packb([0, i, "list", []])
                       for i in range(200)))
    half = story.client()
    half.begin_wait("a", **{"for": "gone"})
    half.send(b"\x94\x00")
    for _ in range(5):
        story.turn()
    wakes = [_wakes_in_half_a_second(story)]
    while wakes[-1] >= 10 and len(wakes) < 10:
        wakes.append(_wakes_in_half_a_second(story))
    expect(wakes[-1] < 10, "it woke %r times" % wakes)
