# SPDX-License-Identifier: LGPL-2.1-or-later
"""hostile.py - the libraries, and a daemon that lies, is silent or babbles

Runs in: the stories, for each library
"""

import socket
import time

import msgpack
from libraries import (CLibrary, PythonLibrary, closing, drivers,
                       each_library, fake_server, refusal)
from story import expect, expect_equal

SOON = 0.4              # of a call that is to end by its deadline
SLACK = 20              # how much later that shows on a busy machine: less than
                        # the libraries' own deadline

# What may come in the place of an answer.
MALFORMED = {
    "garbage": b"\xc1\xc1\xc1",
    "an ext type": b"\xd4\x01\x00",
    "a number": b"\x07",
    "a text": msgpack.packb("hello"),
    "a map": msgpack.packb({"result": 1}),
    "a request": msgpack.packb([0, 1, "hello", []]),
    "too few elements": msgpack.packb([1, 1, None]),
    "too many elements": msgpack.packb([1, 1, None, 1, 1]),
    "an id that is no number": msgpack.packb([1, "1", None, 1]),
    "an answer to another request": msgpack.packb([1, 999999, None, 1]),
    "an error that is a map": b"\x94\x01\xce\xff\xff\xff\xfe\x80\xc0",
    "an array of 2^32-1 elements": b"\xdd\xff\xff\xff\xff",
    "a map of 2^32-1 pairs": b"\x94\x01\x01\xc0\xdf\xff\xff\xff\xff",
    "arrays within each other": b"\x91" * 1500,
    "an element of a notification that is a number":
        b"\x93\x02\x01\x01" + b"\xc1",
}


def _timed(function, *args, **kwargs):
    """(Failed, seconds)"""
    begin = time.monotonic()
    failed = refusal(function, *args, **kwargs)
    return failed, time.monotonic() - begin


def what_is_no_answer_is_refused_and_the_next_call_is_good(story):
    with fake_server(story) as path:
        for library in each_library(path):
            for what, data in MALFORMED.items():
                failed = refusal(library.call, "fake_raw", data.hex())
                expect_equal((failed.slug, failed.number),
                             ("bad-message", 1000), what)
                expect_equal(library.call("fake_echo", what), [what])


def a_text_that_is_only_announced_is_given_up(story):
    """4 GiB: msgpack for Python waits for them, up to the deadline."""
    data = b"\x94\x01\x01\xc0\xdb\xff\xff\xff\xff"
    with fake_server(story) as path:
        for library in each_library(path):
            failed, took = _timed(library.call, "fake_raw", data.hex(),
                                  timeout=SOON)
            expect_equal(failed.slug, "timeout" if isinstance(
                library, PythonLibrary) else "bad-message")
            expect(took < SOON + SLACK, "it took %g s" % took)
            expect_equal(library.call("fake_echo", 1), [1])


def a_truncated_answer_is_no_answer(story):
    whole = msgpack.packb([1, 1, None, {"key": ["value"] * 20}])
    with fake_server(story) as path:
        for library in each_library(path):
            for length in (1, 3, len(whole) // 2, len(whole) - 1):
                data = whole[:length].hex()
                failed = refusal(library.call, "fake_cut", data)
                expect_equal(failed.slug, "no-daemon", failed.text)
                failed, took = _timed(library.call, "fake_raw", data,
                                      timeout=SOON)
                expect_equal(failed.slug, "timeout", failed.text)
                expect(SOON * 0.9 < took < SOON + SLACK,
                       "%g s instead of %g s" % (took, SOON))
                expect_equal(library.call("fake_echo", 1), [1])


def a_call_ends_by_its_deadline_whatever_comes(story):
    note = msgpack.packb([2, "event", [{"number": 1}]])
    whole = msgpack.packb([1, 99, None, "x" * 1500])
    with fake_server(story) as path:
        for library in each_library(path):
            for method, *params in (("fake_silence",),
                                    ("fake_flood", 50000),
                                    ("fake_trickle", note.hex()),
                                    ("fake_trickle", whole[:1500].hex())):
                failed, took = _timed(library.call, method, *params,
                                      timeout=SOON)
                expect_equal((failed.slug, failed.number), ("timeout", 1010))
                expect(SOON * 0.9 < took < SOON + SLACK,
                       "%s: %g s instead of %g s" % (method, took, SOON))
                expect_equal(library.call("fake_echo", 1), [1])
            library.set_timeout(SOON)
            failed, took = _timed(library.call, "fake_silence")
            expect_equal(failed.slug, "timeout")
            expect(took < SOON + SLACK, "the client's own timeout")


def a_notification_that_nobody_wants_is_passed_over(story):
    with fake_server(story) as path:
        for library in each_library(path):
            expect_equal(library.call("fake_slowly", {"a": ["b", "", "c"]}),
                         {"a": ["b", "", "c"]})


def what_stands_behind_an_answer_does_not_spoil_it(story):
    note = msgpack.packb([2, "event", [{"number": 1}]])
    answer = msgpack.packb([1, 5, None, "stray"])
    with fake_server(story) as path:
        for driver in drivers():
            with closing(CLibrary(driver, path)) as library:
                for data in (note, note * 3, answer, b"\xc1"):
                    expect_equal(library.call("fake_behind", data.hex()),
                                 "good")
                    expect_equal(library.call("fake_echo", 1), [1])


def a_server_that_takes_nothing_raises_no_signal(story):
    """Sending to it fails with EPIPE, while nothing shows that it is so."""
    with fake_server(story) as path:
        for library in each_library(path):
            library.call("fake_deaf")
            failed = refusal(library.call, "fake_echo", 1, timeout=SOON)
            expect(failed.slug in ("timeout", "no-daemon"), failed.text)
            expect_equal(library.call("fake_echo", 1), [1])


def texts_of_all_sizes_come_whole(story):
    sizes = [0, 1, 31, 32, 255, 256, 4000]
    params = ["x" * size for size in sizes]
    params += ["\u00fc", {"key": ["", "", "end"]}]
    with fake_server(story) as path:
        for library in each_library(path):
            expect_equal(library.call("fake_echo", *params), params)
            expect_equal(library.call("fake_echo", None, True, -5, 2**40, 1.5),
                         [None, True, -5, 2**40, 1.5])


def an_answer_of_several_megabytes_comes_whole(story):
    with fake_server(story) as path:
        for library in each_library(path):
            library.set_timeout(60)
            expect_equal(library.call("fake_fill", 500), 500)
            found = library.call("list", {"max": 500})
            expect_equal(len(found), 500)


def _nested(depth):
    value = []
    for _ in range(depth - 1):
        value = [value]
    return value


def a_request_beyond_the_limits_is_told(story):
    """The daemon would close the connection without an answer."""
    story.start()
    for library in each_library(story.path("run", "api.sock")):
        before = library.descriptor()
        for params in (["x" * 4097], ["\u00fc" * 2049], [{"x" * 4097: 1}],
                       [[0] * 1020], [{i: 0 for i in range(510)}],
                       [_nested(7)], ["x" * 4000] * 20):
            failed = refusal(library.call, "fake", *params)
            expect_equal((failed.slug, failed.number),
                         ("bad-arguments", 1001), failed.text)
        # What is just within them gets there.
        for params in (["x" * 4096], ["\u00fc" * 2048], [[0] * 1019],
                       [_nested(6)], ["x" * 4000] * 16):
            failed = refusal(library.call, "fake", *params)
            expect_equal(failed.slug, "no-such-method", failed.text)
        expect_equal(library.descriptor(), before)


def what_is_no_array_of_msgpack_is_told(story):
    story.start()
    path = story.path("run", "api.sock")
    for driver in drivers():
        with closing(CLibrary(driver, path)) as library:
            before = library.descriptor()
            for raw in ("c0", "80", "91", "9090", "dd00"):
                failed = refusal(library.do, "call", "fake", 0, raw)
                expect_equal(failed.slug, "bad-arguments", raw)
            failed = refusal(library.do, "call", "fake", 0, "9101")
            expect_equal(failed.slug, "no-such-method")
            expect_equal(library.descriptor(), before)


def what_python_cannot_send_is_the_callers_fault(story):
    story.start()
    path = story.path("run", "api.sock")
    with closing(PythonLibrary(path)) as library:
        before = library.descriptor()
        for odd in ("\udcff", 2**64, -2**63 - 1, object(), {1, 2},
                    msgpack.ExtType(1, b""), msgpack.Timestamp(1),
                    _nested(2000)):
            failed = refusal(library.status, odd)
            expect_equal((failed.slug, failed.number),
                         ("bad-arguments", 1001), failed.text)
            expect("daemon's answer" not in failed.text, failed.text)
        expect_equal(library.descriptor(), before)
    for odd in ("/" + "x" * 200, "\ud800"):
        with closing(PythonLibrary(odd, greets=False)) as library:
            expect_equal(refusal(library.hello).slug, "bad-arguments", odd)


def a_daemon_that_accepts_nobody_is_given_up(story):
    """Its backlog is full: connect(2) would wait for ever."""
    path = story.path("full.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(0)
        for driver in drivers():
            with closing(CLibrary(driver, path)) as library:
                listener.accept()[0].close()
                _expect_given_up(library, path, listener)
        with closing(PythonLibrary(path, greets=False)) as library:
            _expect_given_up(library, path, listener)


def _expect_given_up(library, path, listener):
    library.set_timeout(SOON)
    with socket.socket(socket.AF_UNIX) as first:
        first.connect(path)
        failed, took = _timed(library.hello)
        expect_equal(failed.slug, "timeout", failed.text)
        expect(took < SOON + SLACK, "it took %g s" % took)
        listener.accept()[0].close()


def lists_that_do_not_go_on_are_refused(story):
    """Else there would be no end to them."""
    with fake_server(story) as path:
        for library in each_library(path):
            library.call("fake_fill", 1500)
            for kind in ("again", "beyond", "backwards", "odd", "nameless",
                         "long"):
                library.call("fake_list", kind)
                failed = refusal(library.list)
                expect_equal((failed.slug, failed.number),
                             ("bad-message", 1000), kind)
            library.call("fake_list", "")
