# SPDX-License-Identifier: LGPL-2.1-or-later
"""flows.py - many claims at once, prefixes, long lists, and the examples

Runs in: the stories, for each library; as root: only root can be another user,
  too. What the daemon itself does is asked of the real one.
"""

import os
import random
import subprocess
import sys

from libraries import (DEADLINE, HERE, PythonLibrary, each_library,
                       fake_server, refusal)
from story import OTHER_UID, URI, connects, expect, expect_equal

DOWN = "tmpfs://down"
EXAMPLE = os.path.join(HERE, "..", "..", "client", "python", "example.py")

UP = "nfs://up/one"      # the fake daemon is connected to that


def _socket(story):
    return story.path("run", "api.sock")


def many_are_claimed_at_once_or_none(story):
    for library in each_library(_socket(story.start())):
        library.manage(URI, "taken")
        failed = refusal(library.manage_many,
                         [(URI, "a"), (URI, "taken"), (URI, "b")])
        expect_equal((failed.slug, failed.number), ("cid-in-use", 478))
        expect_equal(list(library.list(prefix="a")), [])
        answer = library.manage_many(
            [(URI, "a"), (URI, "taken", {"if_absent": True}), (URI, "b")])
        expect_equal(answer, {"claims": {
            "a": {"connection": URI, "created": True},
            "taken": {"connection": URI, "created": False},
            "b": {"connection": URI, "created": True}}})
        for cid in ("a", "b", "taken"):
            library.unmanage(cid)


def what_begins_alike_is_released_at_once(story):
    for library in each_library(_socket(story.start())):
        for cid in ("FLOW_1_1", "FLOW_1_2", "FLOW_10_1", "flow"):
            library.manage(URI, cid)
        expect_equal(library.unmanage_prefix("FLOW_1_"),
                     {"released": ["FLOW_1_1", "FLOW_1_2"]})
        expect_equal(library.unmanage_prefix("FLOW_1_"), {"released": []})
        failed = refusal(library.unmanage_prefix, "")
        expect_equal((failed.slug, failed.number), ("bad-cid", 1004))
        expect_equal([cid for cid, entry in library.list().items()
                      if entry["managed"]], ["FLOW_10_1", "flow"])
        for cid in ("FLOW_10_1", "flow"):
            library.unmanage(cid)


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


def _claim(client, uris, cids):
    """Each of the IDs, on each of the connections in turn; how many."""
    claims = [[uris[i % len(uris)], cid] for i, cid in enumerate(cids)]
    for first in range(0, len(claims), 250):
        client.call("manage_many", claims[first:first + 250])
    return len(claims)


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
    _claim(client, [URI], random.Random(7).sample(wanted, len(wanted)))
    for library in each_library(_socket(story)):
        library.set_timeout(DEADLINE)
        expect_equal(list(library.list()), wanted)
        expect_equal(list(library.list(prefix="many-00")), wanted[:100])


def _all_but_down(worker, order, fields):
    if worker.uri != DOWN:
        connects(worker, order, fields)
    elif order == "want":
        worker.begin_attempt()
        worker.failed()


def a_list_is_filtered(story):
    """What fits is more than a page, or stands on several."""
    story.on_order = _all_but_down
    client = story.start().client()
    ours = ["many-%04d" % i for i in range(2000)]
    theirs = ["theirs-%04d" % i for i in range(1100)]
    uris = ["tmpfs://u%d" % i for i in range(7)]
    _claim(client, uris, ours)
    expect_equal(story.as_other_user(
        lambda other: _claim(other, uris, theirs)), len(theirs))
    client.manage(DOWN, "other")
    story.poll(lambda: client.state("other") == "backoff", "the failure")
    for library in each_library(_socket(story)):
        library.set_timeout(DEADLINE)
        expect_equal(list(library.list(prefix="many-00",
                                       connection=uris[3])), ours[3:100:7])
        expect_equal(list(library.list(connection="TMPFS://U3",
                                       uid=os.getuid())), ours[3::7])
        expect_equal(list(library.list(state="backoff")), ["other"])
        expect_equal(list(library.list(uid=OTHER_UID)), theirs)
        expect_equal(library.list(prefix="nothing"), {})
        expect_equal(library.list(uid=OTHER_UID, state="backoff"), {})
        failed = refusal(library.list, state="well")
        expect_equal((failed.slug, failed.number), ("bad-option", 1002))


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
    client = story.start().client()
    client.manage(URI, "keeps-it")
    folder = client.wait("keeps-it")["path"]
    os.makedirs(folder, exist_ok=True)
    _runs_a_flow(_socket(story), URI, folder,
                 lambda: sorted(set(client.claims()) - {"keeps-it"}),
                 client.manage)


def the_examples_say_when_there_is_no_daemon(story):
    for example in _examples():
        done = _run(example, URI, "101", "disk", story.path("none.sock"))
        expect_equal(done.returncode, 1)
        expect("no-daemon" in done.stderr, done.stderr)
