# SPDX-License-Identifier: LGPL-2.1-or-later
"""store.py - what is kept over kill -9, over a full disk, over a restart

Runs in: the stories
"""

import os
import shutil
import signal

from client import request
from story import OTHER, PROGRAM, URI, expect, expect_equal, listens


def _kill_daemon(story):
    story.signal(signal.SIGKILL)
    expect_equal(story.wait_end(), -signal.SIGKILL)


def claims_are_back_after_kill_9(story):
    client = story.start().client()
    client.manage(URI, "a")
    client.manage(OTHER, "b")
    client.wait("a")
    before = client.claims()
    old = story.worker(0, URI)
    _kill_daemon(story)
    old.expect_end()
    client = story.start().client()
    expect_equal(client.wait("a")["worker"], story.worker(1, URI).pid)
    after = client.claims()
    for cid in ("a", "b"):
        for key in ("uri", "uid", "created", "path", "managed"):
            expect_equal(after[cid][key], before[cid][key], key)
    expect_equal(sorted(story.links()), ["a", "b"])


def a_connection_that_departed_is_finished_after_kill_9(story):
    client = story.start().client()
    client.manage(URI, "a")
    client.wait("a")
    story.on_order = listens
    client.unmanage("a")
    story.worker().expect_want("down")
    _kill_daemon(story)
    client = story.start().client()
    expect_equal(client.claims(), {})
    worker = story.worker(1)
    worker.expect_want("down")
    expect_equal(worker.wants(), ["down"])
    expect_equal(len(client.lingering()), 1)
    worker.gone()
    story.poll(lambda: not client.lingering(), "the connection to go")
    _kill_daemon(story)
    client = story.start().client()
    expect_equal(client.lingering(), {})
    story.turn()
    expect_equal(story.count_workers(), 2)


def links_without_a_claim_go_at_the_start(story):
    client = story.start().client()
    client.manage(URI, "a")
    _kill_daemon(story)
    folder = story.path("run", "by-id")
    os.symlink("/nowhere", os.path.join(folder, "stray"))
    os.unlink(os.path.join(folder, "a"))
    os.symlink("/wrong", os.path.join(folder, "a"))
    client = story.start().client()
    expect_equal(story.links(), {"a": client.claims()["a"]["path"]})


def a_manage_that_cannot_be_written_leaves_nothing(story):
    client = story.start().client()
    client.manage(URI, "a")
    client.wait("a")
    story.fill_disk()
    expect_equal(client.refusal("manage", OTHER, "b"), "store-failed")
    expect_equal(client.refusal("manage", URI, "c"), "store-failed")
    expect_equal(list(client.claims()), ["a"])
    expect_equal(list(story.links()), ["a"])
    expect_equal(client.lingering(), {})
    story.turn()
    expect_equal(story.count_workers(), 1)
    story.empty_disk()
    client.manage(OTHER, "b")
    client.wait("b")
    _kill_daemon(story)
    client = story.start().client()
    expect_equal(sorted(client.claims()), ["a", "b"])


def an_unmanage_that_cannot_be_written_leaves_the_claim(story):
    client = story.start().client()
    client.manage(URI, "a")
    client.wait("a")
    story.fill_disk()
    expect_equal(client.refusal("unmanage", "a"), "store-failed")
    story.worker().catch_up()
    expect_equal(client.state("a"), "connected")
    expect_equal(story.worker().wants(), ["up"])
    expect_equal(list(story.links()), ["a"])
    story.empty_disk()
    expect_equal(client.unmanage("a"), {"last": True})
    client.wait("a", **{"for": "gone"})


def a_batch_that_cannot_be_written_is_refused_as_a_whole(story):
    client = story.start().client()
    client.manage(URI, "a")
    client.manage(URI, "b")
    story.fill_disk()
    outcome = client.call_all([
        ("unmanage", "a"), ("manage", OTHER, "a"), ("manage", OTHER, "c"),
        ("unmanage", "b"), ("unmanage", "c"), ("manage", URI, "b")])
    expect_equal({slug for _, slug in outcome}, {"store-failed"})
    claims = client.claims()
    expect_equal({cid: entry["uri"] for cid, entry in claims.items()},
                 {"a": URI, "b": URI})
    expect_equal(client.lingering(), {})
    story.empty_disk()
    outcome = client.call_all([
        ("unmanage", "a"), ("manage", OTHER, "a"), ("manage", OTHER, "c")])
    expect_equal([slug for _, slug in outcome], [None] * 3)


def if_absent_of_a_claim_that_cannot_be_written_is_no_success(story):
    client = story.start().client()
    client.manage(URI, "a")
    story.fill_disk()
    same = {"if_absent": True}
    outcome = client.call_all([("manage", OTHER, "b"),
                               ("manage", OTHER, "b", same)])
    expect_equal([slug for _, slug in outcome], ["store-failed"] * 2)
    expect_equal(list(client.claims()), ["a"])
    expect_equal(client.manage(URI, "a", **same)["created"], False)


def a_full_disk_is_not_asked_for_a_backup_in_every_turn(story):
    client = story.start().client()
    client.call_all([("manage", URI, "cid-%d" % i) for i in range(3)])
    for i in range(80):
        client.manage(URI, "x%d" % i)
    story.fill_disk()
    for i in range(80):
        client.call("list")
        client.refusal("manage", URI, "y%d" % i)
    expect(story.count_lines("no backup") <= 2,
           "%d tries" % story.count_lines("no backup"))


def a_connection_that_goes_while_the_disk_is_full_is_finished(story):
    client = story.start().client()
    client.manage(URI, "a")
    client.wait("a")
    worker = story.worker()
    story.on_order = listens
    client.unmanage("a")
    worker.expect_want("down")
    story.fill_disk()
    worker.gone()
    worker.expect_end()
    story.poll(lambda: not client.lingering(), "the connection to go")
    story.empty_disk()
    story.on_order = lambda other, order, fields: (
        order == "want" and fields["wanted"] == "down" and other.gone())
    _kill_daemon(story)
    client = story.start().client()
    story.poll(lambda: not client.lingering(), "the connection to go again")
    client.manage(URI, "b")
    expect_equal(list(client.claims()), ["b"])


def a_store_that_cannot_be_opened_ends_the_start(story):
    story.start()
    expect_equal(story.stop(), 0)
    os.chmod(story.path("state"), 0o777)
    story.start(expect_ready=False)
    expect(story.wait_end() != 0, "it started")
    story.expect_lines("must be a directory", 1)


def a_damaged_store_is_made_good_from_its_backup_and_says_so(story):
    client = story.start().client()
    client.manage(URI, "a")
    expect_equal(story.stop(), 0)
    with open(story.path("state", "claims.tdb"), "r+b") as file:
        file.write(bytes(4096))
    client = story.start().client()
    expect_equal(list(client.claims()), ["a"])
    expect(client.call("hello")["store"] != "", "nothing was said of it")


def a_batch_takes_one_transaction(story):
    if not shutil.which("strace") or "asan" in PROGRAM or (
            "sanitize" in PROGRAM):
        _answer_many(story.start())
        return
    trace = story.path("trace")
    story.start(wrapper=("strace", "-D", "-e", "trace=fsync,fdatasync",
                         "-o", trace))
    before = _count(trace)
    _answer_many(story)
    flushes = _count(trace) - before
    # 4 flushes a commit; the sending may fall into a few turns.
    expect(0 < flushes <= 40, "%d flushes for 100 claims" % flushes)


def _count(path):
    with open(path, encoding="ascii") as file:
        return sum("sync(" in line for line in file)


def _answer_many(story):
    client = story.client()
    client.send(b"".join(request(i, "manage", URI, "c%d" % i)
                         for i in range(100)))
    for i in range(100):
        expect_equal(client.receive()[:2], [i, None])
    expect_equal(len(client.claims()), 100)
