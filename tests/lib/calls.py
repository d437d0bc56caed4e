# SPDX-License-Identifier: LGPL-2.1-or-later
"""calls.py - the libraries' calls, on the real supervisor

Runs in: the stories, for each library
"""

import contextlib
import os
import re
import threading

import schema
from libraries import (CLibrary, closing, drivers, each_library, holdfast,
                       refusal)
from story import OTHER, URI, connects, expect, expect_equal, listens

ISCSI = "iscsi://san1/iqn.2024-01.com.example:db"
JOE = {"username": "joe", "password": "canary of joe",
       "username_in": "array", "password_in": "canary of the array"}


@contextlib.contextmanager
def _failing(worker):
    """Its attempts begin and fail, one after the other, for a while."""
    is_over = threading.Event()

    def fail():
        for _ in range(1000):
            if is_over.wait(0.02):
                return
            worker.begin_attempt()
            worker.failed("access-denied", "not for this host")
    thread = threading.Thread(target=fail)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _socket(story):
    return story.path("run", "api.sock")


def a_claim_is_made_waited_for_and_released(story):
    story.start()
    for library in each_library(_socket(story)):
        expect("wait" in library.hello()["methods"], "hello")
        expect_equal(library.manage(URI, "a"),
                     {"connection": URI, "created": True})
        entry = library.wait("a")
        expect_equal((entry["state"], entry["healthy"]), ("connected", True))
        expect_equal(entry, {key: value for key, value
                             in story.client().call("status", "a").items()
                             if key in entry})
        expect("history" in library.status("a"), "status")
        expect_equal(library.retry("a"),
                     {"connection": URI, "state": "connected"})
        expect_equal(library.manage(URI, "a", if_absent=True),
                     {"connection": URI, "created": False})
        expect_equal(library.unmanage("a"), {"last": True})
        expect_equal(library.wait("a", "gone")["state"], "gone")
        expect_equal(story.client().claims(), {})


def a_failure_has_slug_number_and_text_and_keeps_the_connection(story):
    story.on_order = listens
    story.start()
    client = story.client()
    client.manage(URI, "taken")
    for library in each_library(_socket(story)):
        before = library.descriptor()
        for slug, number, call in [
                ("no-such-cid", 479, lambda lib: lib.status("none")),
                ("cid-in-use", 478, lambda lib: lib.manage(OTHER, "taken")),
                ("bad-uri", 1003, lambda lib: lib.manage("no uri", "b")),
                ("bad-cid", 1004, lambda lib: lib.manage(URI, "a/b")),
                ("bad-option", 1002,
                 lambda lib: lib.manage(URI, "b", username="joe")),
                ("bad-option", 1002, lambda lib: lib.wait("taken", "else")),
                ("bad-arguments", 1001, lambda lib: lib.call("status")),
                ("no-such-method", 1005, lambda lib: lib.call("dance")),
                ("timeout", 1010,
                 lambda lib: lib.wait("taken", timeout=0.05))]:
            failed = refusal(call, library)
            expect_equal((failed.slug, failed.number), (slug, number))
            expect(failed.text and slug not in failed.text.split(":")[0],
                   "a text without its slug: %r" % failed.text)
        expect_equal(library.descriptor(), before)
        expect_equal(list(story.client().claims()), ["taken"])


def settled_tells_an_attempt_that_failed(story):
    story.on_order = listens
    story.start()
    story.client().manage(URI, "a")
    worker = story.worker()
    worker.expect_want("up")
    for library in each_library(_socket(story)):
        with _failing(worker):
            entry = library.wait("a", "settled")
        expect_equal((entry["state"], entry["lastError"],
                      entry["error"]["slug"]),
                     ("backoff", 469, "access-denied"))


def what_has_failed_since_it_was_asked_for_is_settled(story):
    story.on_order = listens
    client = story.start().client()
    for number, library in enumerate(each_library(_socket(story))):
        library.manage(URI, "a")
        worker = story.worker(number)
        worker.expect_want("up")
        for attempt in (1, 2):
            worker.begin_attempt()
            worker.failed("not-found", "no such export")
            story.poll(lambda attempt=attempt: (client.call("status", "a")[
                "error"] or {}).get("attempt") == attempt, "the failure")
            # However late it is waited for.
            entry = library.wait("a", "settled")
            expect_equal(entry["error"]["attempt"], attempt)
            library.call("retry", "a")
        story.on_order = connects
        library.unmanage("a")
        worker.gone()
        client.wait("a", **{"for": "gone"})
        story.on_order = listens


def a_temporary_connection_may_be_tried_once(story):
    def fails(worker, order, fields):
        if fields.get("wanted") == "up":
            worker.begin_attempt()
            worker.failed("not-found", "no such export")
        elif order == "want":
            worker.gone()
    story.on_order = fails
    client = story.start().client()
    with holdfast.Client(_socket(story)) as library:
        try:
            with library.managed(URI, "FLOW_1_1", once=True):
                raise AssertionError("it is not connected")
        except holdfast.Error as error:
            expect_equal((error.slug, error.text, error.number),
                         ("not-found", "no such export", 1022))
        expect_equal(client.claims(), {})
        story.on_order = connects
        client.wait("FLOW_1_1", **{"for": "gone"})
        with library.managed(URI, "FLOW_1_1", once=True) as entry:
            expect_equal(entry["state"], "connected")


def credentials_reach_the_worker(story):
    story.start()
    for number, library in enumerate(each_library(_socket(story))):
        library.manage(ISCSI, "a", **JOE)
        worker = story.worker(number, ISCSI)
        worker.expect_order("credentials")
        expect_equal(worker.fields("credentials")[0],
                     {**JOE, "is_missing": 0})
        library.unmanage("a")
        library.wait("a", "gone")


def no_password_stays_in_memory_that_was_freed(story):
    """The shared library's, with a watch on free()."""
    story.start()
    secret = "canary " + "x" * 200
    watched = {"LD_PRELOAD": os.environ["LIB_WATCH"], "SECRET": secret}
    with closing(CLibrary(drivers()[0], _socket(story),
                          **watched)) as library:
        # Behind the password there is enough to make the request grow.
        library.manage(ISCSI, "a", **{**JOE, "password": secret,
                                      "password_in": "y" * 255,
                                      "username_in": "z" * 255})
        failed = refusal(library.manage, ISCSI, "b", password=secret)
        expect_equal(failed.slug, "bad-option")
        library.call("hello")
        refusal(library.call, "status", secret)
    library = CLibrary(drivers()[0], _socket(story), **watched)
    try:
        library.do("leave", secret)
        raise AssertionError("the watch does not see what is left")
    except AssertionError as error:
        expect("the driver ended: 87" in str(error), str(error))


def a_daemon_that_is_restarted_is_found_by_the_next_call(story):
    story.start()
    for library in each_library(_socket(story)):
        library.manage(URI, "a")
        expect_equal(story.stop(), 0)
        failed = refusal(library.hello)
        expect_equal((failed.slug, failed.number), ("no-daemon", 0))
        story.start()
        library.status("a")
        # Twice, without a call while there is none.
        expect_equal(story.stop(), 0)
        story.start()
        library.unmanage("a")


def a_restart_is_found_though_events_are_unread(story):
    client = story.start().client()
    for library in each_library(_socket(story)):
        library.call("subscribe")
        client.manage(URI, "a")
        client.unmanage("a")
        client.wait("a", **{"for": "gone"})
        expect_equal(story.stop(), 0)
        client = story.start().client()
        library.hello()


def the_connection_is_not_inherited(story):
    story.start()
    for library in each_library(_socket(story)):
        expect(not library.is_inherited(), "an executed program would have it")


def events_are_told_by_number(story):
    client = story.start().client()
    for library in each_library(_socket(story)):
        library.manage(URI, "a")
        library.wait("a")
        library.unmanage("a")
        library.wait("a", "gone")
        whole = client.call("events", 0)["events"]
        expect_equal(library.events(0), whole)
        expect_equal(library.events(whole[-3]["number"]), whole[-2:])
        expect_equal(library.next_event(whole[0]["number"]), whole[1])


def the_iterator_goes_on_with_what_comes(story):
    client = story.start().client()
    library = holdfast.Client(_socket(story))
    client.manage(URI, "a")
    client.wait("a")
    events = library.events(timeout=30)
    seen = [next(events)]
    while seen[-1]["state"] != "connected":
        seen.append(next(events))
    number = client.begin("unmanage", "a")
    while seen[-1]["kind"] != "gone":
        seen.append(next(events))
    client.answer(number)
    expect_equal(seen, client.call("events", 0)["events"][:len(seen)])
    expect_equal(list(library.events(seen[-1]["number"], timeout=0.05)), [])
    library.close()


def a_temporary_connection_is_gone_behind_its_block(story):
    client = story.start().client()
    with holdfast.Client(_socket(story)) as library:
        with library.managed(URI, "FLOW_1_1") as entry:
            expect_equal(entry["state"], "connected")
            expect_equal(list(client.claims()), ["FLOW_1_1"])
        expect_equal(client.claims(), {})
        try:
            with library.managed(URI, "FLOW_1_1", wait=None):
                raise KeyError("of the block")
            raise AssertionError("the block's failure was swallowed")
        except KeyError:
            pass
        expect_equal(client.claims(), {})
        # Released by somebody else: the block's own failure is what is told.
        try:
            with library.managed(URI, "FLOW_1_1"):
                client.unmanage("FLOW_1_1")
                raise KeyError("of the block")
            raise AssertionError("the block's failure was swallowed")
        except KeyError:
            pass
        try:
            with library.managed(URI, "FLOW_1_1"):
                client.unmanage("FLOW_1_1")
            raise AssertionError("nobody told that it was released")
        except holdfast.Error as error:
            expect_equal(error.slug, "no-such-cid")


def one_that_does_not_come_up_is_released(story):
    story.on_order = listens
    client = story.start().client()
    with holdfast.Client(_socket(story)) as library:
        client.manage(OTHER, "theirs")
        try:
            with library.managed(URI, "FLOW_1_1", wait=0.05):
                raise AssertionError("it is not connected")
        except holdfast.Timeout as error:
            expect_equal((error.slug, error.number), ("timeout", 1010))
        expect_equal(list(client.claims()), ["theirs"])
        # One that is another's is not released.
        try:
            with library.managed(URI, "theirs"):
                raise AssertionError("it is in use")
        except holdfast.Error as error:
            expect_equal(error.slug, "cid-in-use")
        expect_equal(list(client.claims()), ["theirs"])


def the_modules_numbers_are_those_of_the_schema(story):
    with open(os.path.join(schema.ROOT, "proto", "error.def"),
              encoding="utf-8") as file:
        rows = re.findall(r'^ERROR\([A-Z_]+, "([a-z-]+)", (\d+),',
                          file.read(), re.MULTILINE)
    expect(len(rows) > 20, "the schema was not understood")
    expect_equal(holdfast.NUMBERS, {slug: int(number)
                                    for slug, number in rows})


def a_subscription_tells_each_event_once(story):
    client = story.start().client()
    client.manage(OTHER, "before")
    client.wait("before")
    for driver in drivers():
        with closing(CLibrary(driver, _socket(story))) as library:
            start = client.call("events", 0)["events"][-1]["number"]
            library.do("subscribe", "")
            expect_equal(library.number("dispatch", 0), 0)
            expect_equal(library.number("readable"), 0)
            client.manage(URI, "a")
            client.wait("a")
            story.poll(lambda: library.number("readable"), "something to read")
            told = _dispatch_until(library, "state", 2)
            # Behind the answer to a call of its own, too.
            library.unmanage("a")
            told += _dispatch_until(library, "gone")
            expect_equal(told, _since(client, start))
            library.do("unsubscribe")
            client.manage(URI, "a")
            client.unmanage("a")
            library.hello()
            expect_equal(library.do("told")["events"], [])
            expect_equal(refusal(library.do, "dispatch", 0).slug,
                         "bad-arguments")
            client.wait("a", **{"for": "gone"})


def a_subscription_goes_on_over_a_restart(story):
    story.start()
    for driver in drivers():
        with closing(CLibrary(driver, _socket(story))) as library:
            library.do("subscribe", 0)
            library.manage(URI, "a")
            _dispatch_until(library, "claimed")
            expect_equal(story.stop(), 0)
            library.do("told")
            failed = refusal(_dispatch_until, library, "none")
            expect_equal(failed.slug, "no-daemon")
            expect_equal(library.number("fd"), 0)
            last = library.do("told")["events"]
            story.start()
            # Numbers are left out, and that is told.
            told = last + _dispatch_until(library, "gap")
            library.unmanage("a")
            told += _dispatch_until(library, "released")
            numbers = [number for number, _ in told]
            expect_equal(numbers, sorted(set(numbers)))
            library.wait("a", "gone")


def a_lost_connection_tells_no_event_twice(story):
    client = story.start().client()
    for driver in drivers():
        with closing(CLibrary(driver, _socket(story))) as library:
            start = client.call("events", 0)["events"]
            start = start[-1]["number"] if start else 0
            library.do("subscribe", start)
            library.manage(URI, "a")
            told = _dispatch_until(library, "state", 2)
            library.do("cut")
            client.unmanage("a")
            client.wait("a", **{"for": "gone"})
            told += _dispatch_until(library, "gone")
            expect_equal(told, _since(client, start))


def a_callback_may_not_use_its_handle(story):
    story.start()
    for driver in drivers():
        with closing(CLibrary(driver, _socket(story))) as library:
            library.do("greedy")
            library.do("subscribe", 0)
            library.manage(URI, "a")
            _dispatch_until(library, "claimed")
            library.unmanage("a")
            expect_equal(library.do("told")["greedy"], "bad-arguments")
            library.wait("a", "gone")


def _dispatch_until(library, kind, count=1):
    """What was told until so many of that kind were."""
    told = library.do("told")["events"]
    for _ in range(100):
        if sum(one[1] == kind for one in told) >= count:
            return told
        library.number("dispatch", 5000)
        told += library.do("told")["events"]
    raise AssertionError("no event of kind %s: %r" % (kind, told))


def _since(client, number):
    return [[event["number"], event["kind"]]
            for event in client.call("events", number)["events"]]
