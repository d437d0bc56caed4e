# SPDX-License-Identifier: LGPL-2.1-or-later
"""credentials.py - what a connection logs in with: given, named, replaced

Runs in: the stories
"""

import errno
import os
import signal

from client import RPCError
from story import (CREDENTIAL, HOLD, NO_ANSWER, OTHER_UID, connects, expect,
                   expect_equal, hash_text, listens)

IQN = "iqn.2024-01.com.example:db"
URI = "iscsi://san1/" + IQN
ONE = {"username": "joe", "password": "canary of joe"}
TWO = {"username": "jim", "password": "canary of jim"}
MUTUAL = {"username": "joe", "password": "canary of joe",
          "username_in": "array", "password_in": "canary of the array"}
EMPTY = {"username": "", "password": "", "username_in": "", "password_in": ""}

NAMED = "username = joe\npassword = canary of joe\n"
RENEWED = "username = joe\npassword = canary of today\n"


def _all(given):
    """As an order has them."""
    return {**EMPTY, **given}


def _ordered(given):
    """As the order `credentials` has them, when there are any."""
    return {**_all(given), "is_missing": 0}


def _tries(error="ok", text=""):
    """What a worker does that tries credentials at once."""
    def on_order(worker, order, fields):
        connects(worker, order, fields)
        if order == "trial":
            worker.tried(fields["number"], error, text)
    return on_order


def _managed(story, given, on_order=connects, **settings):
    """A client, and the worker of URI, connected under CID a."""
    story.on_order = on_order
    client = story.start(**settings).client()
    client.manage(URI, "a", **given)
    client.wait("a")
    return client, story.worker()


def _expect_credentials(worker, *expected):
    """All that it was ever given, in order."""
    count = len(expected)
    worker.expect_order("credentials", count)
    worker.catch_up()
    expect_equal(worker.fields("credentials"), [_ordered(one)
                                                for one in expected])


def _restart(story, client_too=True):
    """The next daemon and its worker."""
    expect_equal(story.stop(), 0)
    count = story.count_workers()
    story.start()
    story.worker(count).expect_want("up")
    return story.client() if client_too else None, story.worker(count)


def _kept(story):
    """Names and texts of the files of credentials."""
    folder = story.path("state", "credentials")
    found = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            found[name] = file.read()
    return found


def _expect_error(client, number, slug, part=""):
    try:
        result = client.answer(number)
    except RPCError as error:
        expect_equal(error.slug, slug, error.text)
        expect(part in error.text, error.text)
        expect("canary" not in error.text, error.text)
        return
    raise AssertionError("no error: %r" % (result,))


# Given in the call

def credentials_come_before_the_wish_to_connect(story):
    _, worker = _managed(story, MUTUAL)
    expect_equal(worker.names()[:3], ["target", "credentials", "want"])
    _expect_credentials(worker, MUTUAL)


def without_credentials_nothing_is_said_of_them(story):
    _, worker = _managed(story, {})
    worker.catch_up()
    expect_equal(worker.names()[:2], ["target", "want"])
    expect_equal(worker.fields("credentials"), [])


def no_secret_is_listed_logged_or_in_the_store(story):
    client, worker = _managed(story, MUTUAL, _tries("auth-failed", "no"))
    client.refusal("manage", URI, "a", {"if_absent": True, **TWO})
    worker.kill()
    worker.expect_end()
    story.advance(1)
    client.wait("a")
    shown = repr([client.call("list"), client.call("status", "a"),
                  client.call("hello")])
    expect("canary" not in shown, shown)
    story.stop()
    story.expect_lines("canary", 0)
    for name in os.listdir(story.path("state")):
        path = story.path("state", name)
        if os.path.isfile(path):
            with open(path, "rb") as file:
                expect(b"canary" not in file.read(), name)


def the_file_of_a_connection_s_credentials_is_ours_alone(story):
    _managed(story, ONE)
    folder = story.path("state", "credentials")
    expect_equal(os.stat(folder).st_mode & 0o7777, 0o700)
    name = "%016x" % hash_text(URI)
    expect_equal(list(_kept(story)), [name])
    expect_equal(os.stat(os.path.join(folder, name)).st_mode & 0o7777, 0o600)


def credentials_are_back_after_kill_9(story):
    _managed(story, MUTUAL)
    story.signal(signal.SIGKILL)
    story.wait_end()
    story.start()
    worker = story.worker(1)
    worker.expect_want("up")
    expect_equal(worker.names()[:3], ["target", "credentials", "want"])
    _expect_credentials(worker, MUTUAL)


def the_next_worker_is_told_them_too(story):
    _, worker = _managed(story, ONE)
    worker.kill()
    worker.expect_end()
    story.advance(1)
    story.worker(1).expect_want("up")
    expect_equal(story.worker(1).names()[:3],
                 ["target", "credentials", "want"])


def the_last_unmanage_takes_the_credentials_with_it(story):
    client, _ = _managed(story, ONE)
    client.manage(URI, "b")
    client.unmanage("a")
    story.turn()
    expect_equal(len(_kept(story)), 1)
    client.unmanage("b")
    client.wait("b", **{"for": "gone"})
    story.poll(lambda: _kept(story) == {}, "the end of the file")
    client.manage(URI, "a")
    client.wait("a")
    expect_equal(story.worker(1).fields("credentials"), [])


def what_a_crash_left_of_an_unknown_connection_is_swept(story):
    folder = story.path("state", "credentials")
    os.mkdir(folder, 0o700)
    for suffix in ("", ".new", ".tmp"):
        with open(os.path.join(folder, "0123456789abcdef" + suffix), "w",
                  encoding="ascii") as file:
            file.write("canary")
    story.start()
    expect_equal(_kept(story), {})


def a_damaged_file_is_told_and_there_is_no_login_without(story):
    _managed(story, ONE)
    story.stop()
    path = story.path("state", "credentials", "%016x" % hash_text(URI))
    with open(path, "r+b") as file:
        file.seek(20)
        file.write(b"X")
    story.start()
    story.worker(1).expect_want("up")
    expect_equal(story.worker(1).fields("credentials"),
                 [{**EMPTY, "is_missing": 1}])
    story.expect_lines("credentials cannot be read", 1)


def credentials_that_cannot_be_written_leave_no_claim(story):
    client = story.start().client()
    folder = story.path("state", "credentials")
    os.rmdir(folder)
    outcome = client.call_all([("manage", "tmpfs://one", "b"),
                               ("manage", URI, "a", ONE)])
    expect_equal([slug for _, slug in outcome], [None, "store-failed"])
    expect_equal(list(client.claims()), ["b"])
    story.stop()
    client = story.start().client()
    expect_equal(list(client.claims()), ["b"])


def a_full_disk_leaves_the_old_credentials(story):
    client, worker = _managed(story, ONE, _tries())
    story.fill_disk()
    expect_equal(client.refusal("manage", URI, "a",
                                {"if_absent": True, **TWO}), "store-failed")
    story.empty_disk()
    worker.catch_up()
    expect_equal(len(worker.fields("credentials")), 1)
    _, worker = _restart(story)
    _expect_credentials(worker, ONE)


def a_claim_that_may_yet_be_undone_is_none_to_credentials(story):
    client, _ = _managed(story, ONE)
    story.fill_disk()
    outcome = client.call_all([
        ("manage", URI, "b"),
        ("manage", URI, "b", {"if_absent": True, **ONE})])
    expect_equal([slug for _, slug in outcome], ["store-failed"] * 2)
    story.empty_disk()
    expect_equal(list(client.claims()), ["a"])


# By name

def a_named_credential_is_fetched_by_the_launcher(story):
    story.write_credential("san1", NAMED)
    _, worker = _managed(story, {"auth": "san1"})
    expect_equal(worker.names()[:3], ["target", "credentials", "want"])
    _expect_credentials(worker, ONE)


def of_a_named_credential_the_name_alone_is_kept(story):
    story.write_credential("san1", NAMED)
    _managed(story, {"auth": "san1"})
    kept = list(_kept(story).values())
    expect_equal(len(kept), 1)
    expect("canary" not in kept[0] and "joe" not in kept[0], kept[0])
    expect("name = san1\n" in kept[0], kept[0])


def a_named_credential_is_read_anew_for_each_worker(story):
    story.write_credential("san1", NAMED)
    _, worker = _managed(story, {"auth": "san1"})
    story.write_credential("san1", RENEWED)
    worker.kill()
    worker.expect_end()
    story.advance(1)
    worker = story.worker(1)
    worker.expect_want("up")
    expect_equal(worker.fields("credentials")[-1]["password"],
                 "canary of today")
    expect(worker.names().index("credentials")
           < worker.names().index("want"), "want came first")


def a_named_credential_is_read_anew_after_a_restart(story):
    story.write_credential("san1", NAMED)
    _managed(story, {"auth": "san1"})
    story.write_credential("san1", RENEWED)
    _, worker = _restart(story)
    expect_equal([order["password"] for order in
                  worker.fields("credentials")], ["canary of today"])
    expect_equal(worker.names()[:3], ["target", "credentials", "want"])


def a_named_credential_is_read_anew_when_the_target_refuses_it(story):
    story.write_credential("san1", NAMED)
    story.on_order = listens
    client = story.start().client()
    client.manage(URI, "a", auth="san1")
    worker = story.worker()
    worker.expect_want("up")
    worker.begin_attempt()
    story.write_credential("san1", RENEWED)
    _refuse(worker)
    worker.expect_order("credentials", 2)
    expect_equal(worker.fields("credentials")[1]["password"],
                 "canary of today")
    worker.expect_order("retry", 1)


def one_refusal_has_a_named_credential_read_once(story):
    story.write_credential("san1", NAMED)
    story.on_order = listens
    client = story.start().client()
    client.manage(URI, "a", auth="san1")
    worker = story.worker()
    worker.expect_want("up")
    before = _fetches(story)
    worker.begin_attempt()
    _refuse(worker)
    story.until(lambda: _fetches(story) > before, "the fetch")
    for number in range(1, 6):
        worker.report(next_retry_us=number)
        story.poll(lambda: client.call("status", "a")["next_retry"] == number,
                   "the report")
    expect_equal(_fetches(story) - before, 1)


def _refuse(worker):
    """The end of its attempt: the target did not take the credentials."""
    attempt = worker.status["attempt"]
    worker.report(state="blocked", operation="none", error="auth-failed",
                  error_text="no", error_attempt=attempt,
                  failed_attempt=attempt)


def _fetches(story):
    with story.changed:
        return sum(name == CREDENTIAL for name, _ in story.requests)


def retry_has_a_named_credential_read(story):
    story.write_credential("san1", NAMED)
    client, worker = _managed(story, {"auth": "san1"})
    worker.failed()
    story.poll(lambda: client.state("a") == "backoff", "the failure")
    story.write_credential("san1", RENEWED)
    client.call("retry", "a")
    worker.expect_order("credentials", 2)
    expect_equal(worker.fields("credentials")[1]["password"],
                 "canary of today")


def a_named_credential_that_is_gone_at_a_restart_stops_no_other(story):
    story.write_credential("san1", NAMED)
    client, _ = _managed(story, {"auth": "san1"})
    story.write_credential("san1", None)
    client, worker = _restart(story)
    story.expect_line('there is no credential "san1"')
    client.manage("tmpfs://one", "b")
    client.wait("b")
    worker.expect_order("credentials")
    story.write_credential("san1", NAMED)
    worker.failed()
    story.poll(lambda: client.state("a") == "backoff", "the failure")
    client.call("retry", "a")
    expect_equal(worker.fields("credentials")[0],
                 {**EMPTY, "is_missing": 1})
    story.until(lambda: worker.fields("credentials")[-1:] == [_ordered(ONE)],
                "the credentials once they are back")


def _refused_name(story, slug, part, name="san1"):
    client = story.client()
    number = client.begin("manage", URI, "a", {"auth": name})
    _expect_error(client, number, slug, part)
    expect_equal(client.claims(), {})
    expect_equal(_kept(story), {})
    expect_equal(story.count_workers(), 0)
    story.turn()
    story.expect_lines("canary", 0)


def a_named_credential_that_is_missing_is_refused(story):
    story.start()
    _refused_name(story, "bad-option", "credentials.d/san1")


def a_named_credential_that_others_can_read_is_refused(story):
    story.write_credential("san1", NAMED)
    story.on_request = lambda operation, slot: (
        errno.EPERM if operation == CREDENTIAL else 0)
    story.start()
    _refused_name(story, "bad-option", "not for root alone")


def a_named_credential_that_cannot_be_opened_is_refused(story):
    story.on_request = lambda operation, slot: (
        errno.EIO if operation == CREDENTIAL else 0)
    story.start()
    _refused_name(story, "internal", "cannot be opened")


def a_named_credential_with_wrong_content_is_refused(story):
    story.start()
    for text in ("", "username = joe\n", "canary\n", NAMED + NAMED,
                 NAMED + "password_in = canary 2\n", "#" * 8192):
        story.write_credential("san1", text)
        _refused_name(story, "bad-option", "san1")


def a_named_credential_is_for_whom_its_file_names(story):
    story.write_credential("san1", NAMED)
    story.start()
    if os.getuid() != 0:
        return                  # there is no other user to be

    def manage(other):
        try:
            return other.manage(URI, "a", auth="san1")["created"]
        except RPCError as error:
            return error.slug
    expect_equal(story.as_other_user(manage), "denied")
    expect_equal(story.client().claims(), {})
    story.write_credential("san1", NAMED + "users = 1 %d\n" % OTHER_UID)
    expect_equal(story.as_other_user(manage), True)
    story.worker().expect_order("credentials")
    _expect_credentials(story.worker(), ONE)


def what_the_launcher_is_asked_is_answered_in_order(story):
    for name in ("a", "b", "c"):
        story.write_credential(name, NAMED.replace("joe", name))
    client = story.start().client()
    story.on_request = lambda operation, slot: HOLD
    clients = [story.client() for _ in range(3)]
    numbers = [one.begin("manage", "iscsi://san-%s/%s" % (name, IQN), name,
                         {"auth": name})
               for one, name in zip(clients, "abc")]
    story.expect_request(CREDENTIAL, 1)
    story.turn()
    clients[1].close()          # its answer is nobody's
    story.turn()
    story.answer_held()
    for index in (0, 2):
        expect_equal(clients[index].answer(numbers[index])["created"], True)
    expect_equal(sorted(client.claims()), ["a", "c"])
    for name in "ac":
        worker = story.worker(0, "iscsi://san-%s/%s" % (name, IQN))
        worker.expect_order("credentials")
        expect_equal(worker.fields("credentials")[0]["username"], name)


def a_launcher_that_never_answers_holds_up_no_other(story):
    story.on_request = lambda operation, slot: (
        NO_ANSWER if operation == CREDENTIAL else 0)
    client = story.start().client()
    waiting = story.client()
    number = waiting.begin("manage", URI, "a", {"auth": "san1"})
    story.expect_request(CREDENTIAL)
    client.manage("tmpfs://one", "b")
    client.wait("b")
    expect(waiting.is_quiet(), "it was answered")
    expect(number, "no number")


# On a connection that has others

def _expect_heard(story, client, worker):
    """What the worker has said so far has been read."""
    mark = worker.status.get("next_retry_us", 0) + 1
    worker.report(next_retry_us=mark)
    story.poll(lambda: client.call("status", "a")["next_retry"] == mark,
               "the report")


def _replace(client, given, cid="a"):
    """A call of manage that has to wait for a trial."""
    return client.begin("manage", URI, cid, {"if_absent": True, **given})


def other_credentials_are_tried_and_then_taken(story):
    client, worker = _managed(story, ONE)
    number = _replace(client, MUTUAL)
    worker.expect_order("trial")
    trial = worker.fields("trial")[0]
    expect_equal({key: trial[key] for key in EMPTY}, MUTUAL)
    worker.catch_up()
    expect(client.is_quiet(), "it was answered before the trial was")
    expect_equal(len(worker.fields("credentials")), 1)
    worker.tried(trial["number"])
    expect_equal(client.answer(number),
                 {"connection": URI, "created": False})
    _expect_credentials(worker, ONE, MUTUAL)
    expect_equal(story.count_workers(), 1)
    _, worker = _restart(story)
    _expect_credentials(worker, MUTUAL)


def another_id_may_bring_the_new_credentials(story):
    client, worker = _managed(story, ONE, _tries())
    expect_equal(client.manage(URI, "b", **TWO)["created"], True)
    _expect_credentials(worker, ONE, TWO)
    expect_equal(sorted(client.claims()), ["a", "b"])
    client, worker = _restart(story)
    expect_equal(sorted(client.claims()), ["a", "b"])
    _expect_credentials(worker, TWO)


def credentials_may_come_to_a_connection_that_had_none(story):
    client, worker = _managed(story, {}, _tries())
    client.manage(URI, "a", if_absent=True, **ONE)
    _expect_credentials(worker, ONE)


def what_the_target_refuses_changes_nothing(story):
    client, worker = _managed(story, ONE, _tries("auth-failed", "san1: no"))
    for cid in ("a", "b"):
        _expect_error(client, _replace(client, TWO, cid), "auth-failed",
                      "san1: no; nothing was changed")
    expect_equal(list(client.claims()), ["a"])
    expect_equal(list(story.links()), ["a"])
    _expect_credentials(worker, ONE)
    _, worker = _restart(story)
    _expect_credentials(worker, ONE)


def the_same_credentials_need_no_trial(story):
    client, worker = _managed(story, MUTUAL)
    expect_equal(client.manage(URI, "a", if_absent=True,
                               **MUTUAL)["created"], False)
    expect_equal(client.manage(URI, "b", **MUTUAL)["created"], True)
    expect_equal(client.refusal("manage", URI, "b", MUTUAL), "cid-in-use")
    worker.catch_up()
    expect_equal(worker.fields("trial"), [])
    expect_equal(len(worker.fields("credentials")), 1)


def no_credentials_leave_those_that_are_there(story):
    client, worker = _managed(story, ONE)
    client.manage(URI, "b")
    client.manage(URI, "a", if_absent=True)
    worker.catch_up()
    expect_equal(len(worker.fields("credentials")), 1)
    _, worker = _restart(story)
    _expect_credentials(worker, ONE)


def a_name_takes_the_place_of_what_was_given(story):
    story.write_credential("san1", RENEWED)
    client, worker = _managed(story, ONE, _tries())
    client.manage(URI, "a", if_absent=True, auth="san1")
    expect_equal(worker.fields("trial")[0]["password"], "canary of today")
    worker.expect_order("credentials", 2)
    expect("canary" not in "".join(_kept(story).values()),
           "the old secret is on disk")


def a_trial_that_is_never_answered_ends_at_its_deadline(story):
    client, worker = _managed(story, ONE, operation_connect_ms=1000)
    number = _replace(client, TWO, "b")
    worker.expect_order("trial")
    story.advance(15)
    expect(client.is_quiet(), "its time was not up")
    story.advance(2)
    _expect_error(client, number, "timed-out", "nothing was changed")
    worker.tried(worker.fields("trial")[0]["number"])
    _expect_heard(story, client, worker)
    expect_equal(list(client.claims()), ["a"])
    _expect_credentials(worker, ONE)


def a_late_answer_does_not_decide_the_next_trial(story):
    client, worker = _managed(story, ONE, operation_connect_ms=1000)
    number = _replace(client, TWO)
    worker.expect_order("trial")
    story.advance(17)
    _expect_error(client, number, "timed-out")
    number = _replace(client, MUTUAL)
    worker.expect_order("trial", 2)
    first, second = [order["number"] for order in worker.fields("trial")]
    worker.tried(first, "auth-failed", "no")
    worker.tried(second)
    expect_equal(client.answer(number)["created"], False)
    _expect_credentials(worker, ONE, MUTUAL)


def a_worker_that_dies_in_a_trial_leaves_it_to_the_next(story):
    client, worker = _managed(story, ONE)
    number = _replace(client, TWO)
    worker.expect_order("trial")
    worker.kill()
    worker.expect_end()
    story.advance(1)
    worker = story.worker(1)
    worker.expect_order("trial")
    expect_equal(worker.names()[:4],
                 ["target", "credentials", "want", "trial"])
    story.turn()
    expect(client.is_quiet(), "it was answered")
    worker.tried(worker.fields("trial")[0]["number"])
    expect_equal(client.answer(number)["created"], False)
    _expect_credentials(worker, ONE, TWO)


def a_client_that_leaves_in_a_trial_takes_it_with_it(story):
    client, worker = _managed(story, ONE)
    leaving = story.client()
    _replace(leaving, TWO, "b")
    worker.expect_order("trial")
    leaving.close()
    story.turn()
    worker.tried(worker.fields("trial")[0]["number"])
    _expect_heard(story, client, worker)
    expect_equal(list(client.claims()), ["a"])
    _expect_credentials(worker, ONE)
    number = _replace(client, TWO)
    worker.expect_order("trial", 2)
    worker.tried(worker.fields("trial")[1]["number"])
    expect_equal(client.answer(number)["created"], False)


def a_client_that_sends_no_more_is_answered_all_the_same(story):
    import socket
    client, worker = _managed(story, ONE)
    number = _replace(client, TWO)
    client.sock.shutdown(socket.SHUT_WR)
    worker.expect_order("trial")
    worker.tried(worker.fields("trial")[0]["number"])
    expect_equal(client.answer(number)["created"], False)
    client.expect_closed()


def a_second_trial_at_the_same_time_is_refused(story):
    client, worker = _managed(story, ONE)
    number = _replace(client, TWO)
    worker.expect_order("trial")
    other = story.client()
    _expect_error(other, _replace(other, MUTUAL), "too-many")
    worker.catch_up()
    expect_equal(len(worker.fields("trial")), 1)
    worker.tried(worker.fields("trial")[0]["number"])
    expect_equal(client.answer(number)["created"], False)
    _expect_credentials(worker, ONE, TWO)


def what_is_pipelined_behind_a_trial_waits_for_it(story):
    client, worker = _managed(story, ONE)
    manage = _replace(client, TWO, "b")
    wait = client.begin_wait("b")
    listing = client.begin("list")
    worker.expect_order("trial")
    story.turn()
    expect(client.is_quiet(), "something was answered")
    worker.tried(worker.fields("trial")[0]["number"])
    expect_equal(client.answer(manage)["created"], True)
    expect_equal(client.answer(wait)["state"], "connected")
    expect("b" in client.answer(listing), "the list lacks the claim")


def what_is_pipelined_behind_a_fetch_waits_for_it(story):
    story.write_credential("san1", NAMED)
    client = story.start().client()
    story.on_request = lambda operation, slot: HOLD
    manage = client.begin("manage", URI, "a", {"auth": "san1"})
    listing = client.begin("list")
    story.expect_request(CREDENTIAL)
    story.turn()
    expect(client.is_quiet(), "something was answered")
    story.answer_held()
    expect_equal(client.answer(manage)["created"], True)
    expect("a" in client.answer(listing), "the list lacks the claim")


def others_are_served_while_a_trial_lasts(story):
    client, worker = _managed(story, ONE)
    _replace(client, TWO)
    worker.expect_order("trial")
    other = story.client()
    other.manage(URI, "b")
    other.manage("tmpfs://one", "c")
    other.wait("c")
    other.unmanage("b")


def an_id_that_is_taken_during_a_trial_stays_with_whom_took_it(story):
    client, worker = _managed(story, ONE)
    number = client.begin("manage", URI, "b", TWO)
    worker.expect_order("trial")
    story.client().manage("tmpfs://one", "b")
    worker.tried(worker.fields("trial")[0]["number"])
    _expect_error(client, number, "cid-in-use")
    expect_equal(client.claims()["b"]["uri"], "tmpfs://one")
    _expect_credentials(worker, ONE)


def the_last_unmanage_during_a_trial_leaves_no_claim_unasked(story):
    client, worker = _managed(story, ONE)
    number = _replace(client, TWO, "b")
    worker.expect_order("trial")
    story.client().unmanage("a")
    _expect_error(client, number, "unreachable", "try again")
    story.poll(lambda: _kept(story) == {}, "the end of the credentials")
    expect_equal(client.claims(), {})


def a_trial_ends_with_the_daemon(story):
    client, worker = _managed(story, ONE)
    _replace(client, TWO)
    worker.expect_order("trial")
    _, worker = _restart(story, client_too=False)
    _expect_credentials(worker, ONE)


def nobody_else_replaces_a_user_s_credentials(story):
    client, worker = _managed(story, ONE, _tries())
    if os.getuid() != 0:
        return
    expect_equal(story.as_other_user(
        lambda other: other.refusal("manage", URI, "b", TWO)), "denied")
    worker.catch_up()
    expect_equal(worker.fields("trial"), [])
    expect_equal(list(client.claims()), ["a"])
    # To share the connection needs none, or the same.
    expect_equal(story.as_other_user(
        lambda other: [other.manage(URI, "b")["created"],
                       other.manage(URI, "c", **ONE)["created"],
                       other.refusal("manage", URI, "b",
                                     {"if_absent": True, **TWO})]),
        [True, True, "denied"])
    _expect_credentials(worker, ONE)


def root_replaces_what_another_user_gave(story):
    client = story.start().client()
    if os.getuid() != 0:
        return
    story.on_order = _tries()
    story.as_other_user(lambda other: other.manage(URI, "a", **ONE))
    worker = story.worker()
    worker.expect_order("credentials")
    client.manage(URI, "b", **TWO)
    _expect_credentials(worker, ONE, TWO)


def a_worker_that_answers_no_trial_changes_nothing(story):
    client, worker = _managed(story, ONE)
    for number in (0, 1, 2, 2**32 - 1):
        worker.tried(number)
    _expect_heard(story, client, worker)
    _expect_credentials(worker, ONE)
    expect(not worker.is_over, "it was killed")
    client.manage("tmpfs://one", "b")
    client.wait("b")
    story.worker(0, "tmpfs://one").tried(1)
    story.worker(0, "tmpfs://one").expect_end()


# What is refused

def credentials_are_for_iscsi_alone(story):
    client = story.start().client()
    story.write_credential("san1", NAMED)
    for uri in ("nfs://nas1/e", "tmpfs://one"):
        for given in (ONE, {"auth": "san1"}):
            expect_equal(client.refusal("manage", uri, "a", given),
                         "bad-option")
    expect_equal(story.requests, [])


def a_call_that_gives_and_names_credentials_is_refused(story):
    story.write_credential("san1", NAMED)
    client = story.start().client()
    expect_equal(client.refusal("manage", URI, "a",
                                {"auth": "san1", **ONE}), "bad-option")
    expect_equal(client.refusal("manage", URI, "a",
                                {"auth": "san1", "username": "joe"}),
                 "bad-option")


def _bad_options():
    yield {"username": "joe"}
    yield {"password": "canary"}
    yield {"username_in": "a", "password_in": "canary"}
    yield {**ONE, "username_in": "array"}
    yield {**ONE, "password_in": "canary 2"}
    yield {**ONE, "username_in": "array", "password_in": ONE["password"]}
    for key in MUTUAL:
        for bad in ("", "canary\n", "canary\0", "\x7fcanary", b"canary\xff",
                    b"\xc3", " canary", "canary ", "x" * 256, 1, None, True,
                    ["canary"], {"canary": 1}):
            yield {**MUTUAL, key: bad}
    for bad in ("", ".", "..", ".hidden", "a/b", "../san1", "a b", "ä",
                "x" * 65, "a\0", b"\xff", 1, None, [], {}):
        yield {"auth": bad}
    yield {**ONE, "passwort": "canary"}


def each_bad_option_is_refused_without_a_secret(story):
    client = story.start().client()
    for given in _bad_options():
        number = client.begin("manage", URI, "a", given)
        try:
            _expect_error(client, number, "bad-option")
        except AssertionError as error:
            raise AssertionError("%r: %s" % (given, error)) from error
    expect_equal(client.claims(), {})
    expect_equal(story.requests, [])
    expect_equal(_kept(story), {})
    story.expect_lines("canary", 0)


def the_longest_credentials_are_taken(story):
    longest = {key: letter * 255 for key, letter in zip(MUTUAL, "abcd")}
    _, worker = _managed(story, longest)
    _expect_credentials(worker, longest)
    _, worker = _restart(story)
    _expect_credentials(worker, longest)


def options_may_be_bin_and_any_text(story):
    odd = {"username": "jö #=\"'", "password": "  x".strip() + " = crc = 0"}
    client = story.start().client()
    client.manage(URI, "a", **{key: value.encode()
                               for key, value in odd.items()})
    client.wait("a")
    _expect_credentials(story.worker(), odd)
    _, worker = _restart(story)
    _expect_credentials(worker, odd)


def no_credentials_change_while_it_stops(story):
    client, worker = _managed(story, ONE, _tries())
    worker.ignores_end = True
    story.signal(signal.SIGTERM)
    story.expect_line("stopping")
    for cid in ("a", "b"):
        expect_equal(client.refusal("manage", URI, cid,
                                    {"if_absent": True, **TWO}),
                     "shutting-down")
    expect_equal(story.wait_end(), 0)
