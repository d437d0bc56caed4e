# SPDX-License-Identifier: LGPL-2.1-or-later
"""flows.py - many claims at once, prefixes, long lists, and the examples

Runs in: the stories, for each library; on the fake daemon and on the real one
"""

import os
import random
import subprocess
import sys

from libraries import (DEADLINE, HERE, PythonLibrary, each_library,
                       fake_server, refusal)
from story import expect, expect_equal

UP = "nfs://up/one"
EXAMPLE = os.path.join(HERE, "..", "..", "client", "python", "example.py")


def _claims_many(path, uri):
    for library in each_library(path):
        library.manage(uri, "taken")
        failed = refusal(library.manage_many,
                         [(uri, "a"), (uri, "taken"), (uri, "b")])
        expect_equal((failed.slug, failed.number), ("cid-in-use", 478))
        expect_equal(list(library.list(prefix="a")), [])
        answer = library.manage_many(
            [(uri, "a"), (uri, "taken", {"if_absent": True}), (uri, "b")])
        expect_equal(answer, {"claims": {
            "a": {"connection": uri, "created": True},
            "taken": {"connection": uri, "created": False},
            "b": {"connection": uri, "created": True}}})
        for cid in ("a", "b", "taken"):
            library.unmanage(cid)


def many_are_claimed_at_once_or_none(story):
    with fake_server(story) as path:
        _claims_many(path, UP)
    story.start()
    _claims_many(story.path("run", "api.sock"), "tmpfs://one")


def _releases_by_prefix(path, uri):
    for library in each_library(path):
        for cid in ("FLOW_1_1", "FLOW_1_2", "FLOW_10_1", "flow"):
            library.manage(uri, cid)
        expect_equal(library.unmanage_prefix("FLOW_1_"),
                     {"released": ["FLOW_1_1", "FLOW_1_2"]})
        expect_equal(library.unmanage_prefix("FLOW_1_"), {"released": []})
        failed = refusal(library.unmanage_prefix, "")
        expect_equal((failed.slug, failed.number), ("bad-cid", 1004))
        expect_equal([cid for cid, entry in library.list().items()
                      if entry["managed"]], ["FLOW_10_1", "flow"])
        for cid in ("FLOW_10_1", "flow"):
            library.unmanage(cid)


def what_begins_alike_is_released_at_once(story):
    with fake_server(story) as path:
        _releases_by_prefix(path, UP)
    story.start()
    _releases_by_prefix(story.path("run", "api.sock"), "tmpfs://one")


def a_list_of_any_length_comes_whole_and_in_order(story):
    with fake_server(story) as path:
        for library in each_library(path):
            library.set_timeout(DEADLINE)
            # What others connected is listed beside claims, two entries here.
            for count in (0, 1, 997, 998, 999, 1998, 2500):
                library.call("fake_fill", count)
                found = library.list()
                wanted = ["many-%06d" % i for i in range(count)]
                if count:
                    wanted = ["lingering/up:_left", *wanted,
                              "unmanaged/nfs_31"]
                expect_equal(list(found), wanted)
                library.call("fake_fill", 0)
                if count:
                    library.unmanage_prefix("many-")


def pages_that_are_too_big_are_asked_for_smaller(story):
    with fake_server(story) as path:
        for library in each_library(path):
            library.set_timeout(DEADLINE)
            for count, most in ((2500, 999), (2500, 300), (20, 5), (20, 1)):
                library.call("fake_fill", count)
                library.call("fake_most", most)
                expect_equal(list(library.list(prefix="many-")),
                             ["many-%06d" % i for i in range(count)])
                library.unmanage_prefix("many-")
            library.call("fake_fill", 1)
            library.call("fake_most", 0)
            before = library.descriptor()
            failed = refusal(library.list)
            expect_equal((failed.slug, failed.number), ("too-big", 1008))
            expect_equal(library.descriptor(), before)
            library.call("fake_most", 1 << 32)
            library.unmanage_prefix("many-")


def the_daemons_own_pages_are_put_in_order(story):
    client = story.start().client()
    wanted = ["many-%04d" % i for i in range(2250)]
    claimed = random.Random(7).sample(wanted, len(wanted))
    for first in range(0, len(wanted), 250):
        client.call("manage_many", [["tmpfs://one", cid] for cid
                                    in claimed[first:first + 250]])
    for library in each_library(story.path("run", "api.sock")):
        library.set_timeout(DEADLINE)
        expect_equal(list(library.list()), wanted)
        expect_equal(list(library.list(prefix="many-00")), wanted[:100])


def a_list_is_filtered(story):
    with fake_server(story) as path:
        for library in each_library(path):
            library.call("fake_fill", 2000)
            library.manage("nfs://down/x", "other")
            expect_equal(list(library.list(prefix="many-0000",
                                           connection="nfs://up/3")),
                         ["many-%06d" % i for i in range(3, 100, 7)])
            expect_equal(list(library.list(state="backoff")), ["other"])
            found = library.list(uid=1)
            expect_equal((len(found), set(entry["uid"] for entry
                                          in found.values())), (1000, {1}))
            expect_equal(library.list(prefix="nothing"), {})
            failed = refusal(library.list, state="well")
            expect_equal(failed.slug, "bad-option")
            library.unmanage_prefix("many-")
            library.unmanage("other")


def _examples():
    return [[example] for example in os.environ["LIB_EXAMPLES"].split(":")] + [
        [sys.executable, EXAMPLE]]


def _run(example, *args, stdout=subprocess.PIPE):
    return subprocess.run(
        [*example, *args], stdout=stdout, stderr=subprocess.PIPE,
        encoding="utf-8", timeout=DEADLINE, check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.environ["LIB_PYTHON"]})


def _runs_a_flow(path, uri, folder, claims, manage):
    """An example, with what an interrupted run and other flows left."""
    with open(os.path.join(folder, "disk"), "w", encoding="ascii") as file:
        file.write("what is on the disk\n")
    manage(uri, "FLOW_1_1")
    for example in _examples():
        manage(uri, "FLOW_101_1")
        manage(uri, "FLOW_101_7")
        done = _run(example, uri, "101", "disk", path)
        expect_equal((done.returncode, done.stdout, done.stderr), (
            0, "left behind, released: FLOW_101_1\n"
            "left behind, released: FLOW_101_7\n"
            "what is on the disk\n", ""), example[-1])
        expect_equal(claims(), ["FLOW_1_1"])
        # Without the file it fails, and leaves nothing.
        done = _run(example, uri, "101", "none", path)
        expect_equal(done.returncode, 1)
        expect("none" in done.stderr, done.stderr)
        expect_equal(claims(), ["FLOW_1_1"])


def the_examples_touch_no_claim_of_another_flow(story):
    client = story.start().client()
    for flow, other in (("1" * 250, "FLOW_" + "1" * 250),
                        ("1" * 249, "FLOW_" + "1" * 249 + "x"),
                        ("1_2", "FLOW_1_2_1"), ("", "FLOW__1")):
        client.manage("tmpfs://one", other)
        for example in _examples():
            done = _run(example, "tmpfs://one", flow, "disk",
                        story.path("run", "api.sock"))
            expect(done.returncode != 0 and done.stderr, example[-1])
            expect_equal(list(client.claims()), [other], example[-1])
        client.unmanage(other)


def the_examples_tell_what_they_could_not_write(story):
    with fake_server(story) as path:
        os.makedirs(story.path("mounts", "up:_one"))
        with open(story.path("mounts", "up:_one", "disk"), "w",
                  encoding="ascii") as file:
            file.write("x" * 100000)
        library = PythonLibrary(path)
        library.manage("nfs://up/two", "other")
        for example in _examples():
            with open("/dev/full", "w", encoding="ascii") as full:
                done = _run(example, UP, "101", "disk", path, stdout=full)
            expect(done.returncode != 0, example[-1])
            expect("No space left" in done.stderr, done.stderr)
            expect_equal([cid for cid, entry in library.list().items()
                          if entry["managed"]], ["other"])


def the_examples_work_and_clean_up(story):
    with fake_server(story) as path:
        os.makedirs(story.path("mounts", "up:_one"))
        library = PythonLibrary(path)
        _runs_a_flow(path, UP, story.path("mounts", "up:_one"),
                     lambda: [cid for cid, entry in library.list().items()
                              if entry["managed"]], library.manage)
        for example in _examples():
            done = _run(example, UP, "101", "disk", path + "none")
            expect_equal(done.returncode, 1)
            expect("no-daemon" in done.stderr, done.stderr)
    client = story.start().client()
    client.manage("tmpfs://one", "keeps-it")
    folder = client.wait("keeps-it")["path"]
    os.makedirs(folder, exist_ok=True)
    _runs_a_flow(story.path("run", "api.sock"), "tmpfs://one", folder,
                 lambda: sorted(set(client.claims()) - {"keeps-it"}),
                 client.manage)
