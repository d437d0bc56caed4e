# SPDX-License-Identifier: LGPL-2.1-or-later
"""holders.py - who is asked before a session goes, and what the worker is told

Runs in: the stories
"""

from story import expect_equal, listens

IQN = "iqn.2024-01.com.example:db"
URI = "iscsi://192.0.2.7/" + IQN


def _waits_for_clearance(worker, order, fields):
    """Session 3 is up, or is to go as soon as it may."""
    if order == "want" and fields["wanted"] == "up":
        worker.begin_attempt()
        worker.logged_in(3)
    elif order == "want":
        worker.report(state="disconnecting", wanted="down", has_object=1)


def _leaving(story):
    """A client, and the worker that waits for word of the session's users."""
    story.sysfs.add(3, IQN, {0: "sda"})
    story.on_order = _waits_for_clearance
    client = story.start().client()
    client.manage(URI, "a")
    client.wait("a")
    client.unmanage("a")
    return client, story.worker()


def _told(worker):
    worker.expect_order("holders")
    return worker.fields("holders")


def a_session_is_asked_about_before_it_goes(story):
    _, worker = _leaving(story)
    scanner = story.scanner()
    expect_equal(scanner.orders, [("scan_session", {"session": 3})])
    worker.catch_up()
    expect_equal(worker.fields("holders"), [])
    scanner.scanned()
    expect_equal(_told(worker), [{"count": 0, "is_complete": 1}])


def holders_are_listed_and_told(story):
    client, worker = _leaving(story)
    story.scanner().scanned(("dm", 0, "dm-0 (vg-lv)"), ("file", 77, "sh"))
    expect_equal(_told(worker), [{"count": 2, "is_complete": 1}])
    entry = list(client.lingering().values())[0]
    expect_equal(entry["holders"], [
        {"pid": 0, "command": "dm-0 (vg-lv)", "kind": "device mapper"},
        {"pid": 77, "command": "sh", "kind": "open file"}])


def that_not_all_could_be_seen_is_told(story):
    _, worker = _leaving(story)
    story.scanner().scanned(is_complete=0)
    expect_equal(_told(worker), [{"count": 0, "is_complete": 0}])


def a_session_stays_for_a_connection_by_another_name(story):
    client, worker = _leaving(story)
    other = "iscsi://san/" + IQN
    client.manage(other, "b")
    client.wait("b")
    story.scanner().scanned()
    expect_equal(_told(worker), [{"count": 1, "is_complete": 1}])
    story.on_order = listens
    client.unmanage("b")
    story.worker(uri=other).gone()
    story.advance(2)
    story.scanner(1).scanned()
    worker.expect_order("holders", 2)
    expect_equal(worker.fields("holders")[1], {"count": 0, "is_complete": 1})


def a_scanner_that_dies_is_followed_by_another(story):
    _, worker = _leaving(story)
    story.scanner().kill()
    story.scanner().expect_end()
    worker.catch_up()
    expect_equal(worker.fields("holders"), [])
    story.advance(2)
    story.scanner(1).scanned()
    expect_equal(_told(worker), [{"count": 0, "is_complete": 1}])


def a_scanner_that_says_nothing_is_killed(story):
    _, worker = _leaving(story)
    story.scanner()
    story.advance(13)
    story.scanner().expect_end()
    story.advance(2)
    story.scanner(1).scanned()
    expect_equal(_told(worker), [{"count": 0, "is_complete": 1}])


def what_was_seen_before_a_claim_came_and_went_is_void(story):
    client, worker = _leaving(story)
    scanner = story.scanner()
    client.manage(URI, "b")
    client.wait("b")
    client.unmanage("b")
    story.poll(lambda: client.lingering(), "what departs again")
    scanner.scanned()
    scanner.expect_end()
    story.scanner(1)
    worker.catch_up()
    expect_equal(worker.fields("holders"), [])
    story.scanner(1).scanned(("mount", 0, "/mnt"))
    expect_equal(_told(worker), [{"count": 1, "is_complete": 1}])


def even_if_its_worker_did_not_notice(story):
    client, worker = _leaving(story)
    scanner = story.scanner()
    story.on_order = listens
    client.manage(URI, "b")
    client.unmanage("b")
    scanner.scanned()
    scanner.expect_end()
    story.advance(2)
    story.scanner(1)
    worker.catch_up()
    expect_equal(worker.fields("holders"), [])
    story.scanner(1).scanned(("mount", 0, "/mnt"))
    expect_equal(_told(worker), [{"count": 1, "is_complete": 1}])


def a_line_of_a_scanner_is_logged_once(story):
    _leaving(story)
    for number in range(3):
        story.scanner(number).log("not all could be looked at: maps")
        story.scanner(number).exit()
        story.scanner(number).expect_end()
        story.turn()
        story.advance(2)
    story.scanner(3)
    story.expect_lines("not all could be looked at", 1)
