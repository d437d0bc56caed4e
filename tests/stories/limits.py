# SPDX-License-Identifier: LGPL-2.1-or-later
"""limits.py - what one user or one client may take of what all share

Runs in: the stories, as root: only root can be another user, too
"""

import os
import resource

from client import Client, Closed, RPCError, request
from story import HOLD, OTHER, URI, connects, expect, expect_equal


def _until_refused(method, calls):
    """A function of a client: how many went well, and the refusal."""
    def function(client):
        for count, params in enumerate(calls):
            try:
                client.call(method, *params)
            except Exception as error:  # pylint: disable=broad-except
                return [count, error.slug]
        return [len(calls), None]
    return function


def a_user_holds_so_many_claims_and_root_more(story):
    client = story.start(limits_claims_per_user=3).client()
    calls = [(URI, "theirs%d" % i) for i in range(5)]
    expect_equal(story.as_other_user(_until_refused("manage", calls)),
                 [3, "too-many"])
    expect_equal(story.as_other_user(
        _until_refused("manage_many", [([[URI, "m"]],)])), [0, "too-many"])
    for i in range(5):
        client.manage(URI, "ours%d" % i)
    story.as_other_user(lambda other: other.unmanage("theirs0"))
    expect_equal(story.as_other_user(_until_refused("manage", calls[3:])),
                 [1, "too-many"])
    expect_equal(len(client.claims()), 8)


def what_root_releases_counts_for_its_user(story):
    client = story.start(limits_claims_per_user=1).client()
    calls = [(URI, "a"), (URI, "b")]
    expect_equal(story.as_other_user(_until_refused("manage", calls)),
                 [1, "too-many"])
    client.unmanage("a")
    expect_equal(story.as_other_user(_until_refused("manage", calls)),
                 [1, "too-many"])


def a_user_is_on_so_many_connections(story):
    client = story.start(limits_connections_per_user=2).client()
    calls = [(URI, "a"), (URI, "b"), (OTHER, "c"), (URI, "d"),
             ("tmpfs://third", "e")]
    expect_equal(story.as_other_user(_until_refused("manage", calls)),
                 [4, "too-many"])
    # On a connection that is there already, too.
    client.manage("tmpfs://third", "ours")
    expect_equal(story.as_other_user(_until_refused("manage", calls[4:])),
                 [0, "too-many"])
    story.as_other_user(lambda other: (other.unmanage("c"),
                                       other.wait("c", **{"for": "gone"})))
    expect_equal(story.as_other_user(_until_refused("manage", calls[4:])),
                 [1, None])


def the_count_of_a_user_outlives_a_restart(story):
    story.start(limits_claims_per_user=2, limits_connections_per_user=1)
    calls = [(URI, "a"), (OTHER, "b")]
    expect_equal(story.as_other_user(_until_refused("manage", calls)),
                 [1, "too-many"])
    story.stop()
    story.start(limits_claims_per_user=2, limits_connections_per_user=1)
    expect_equal(story.as_other_user(_until_refused("manage", calls[1:])),
                 [0, "too-many"])
    expect_equal(story.as_other_user(
        _until_refused("manage", [(URI, "c"), (URI, "d")])), [1, "too-many"])


def claims_that_are_undone_do_not_count(story):
    story.start(limits_claims_per_user=2)
    many = [([[URI, "a"], [URI, "b"], [URI, "c"]],)]
    for _ in range(3):
        expect_equal(story.as_other_user(_until_refused("manage_many", many)),
                     [0, "too-many"])
    expect_equal(story.as_other_user(
        _until_refused("manage_many", [(many[0][0][:2],)])), [1, None])


def a_user_has_so_many_clients_and_root_is_served(story):
    client = story.start(limits_clients_per_user=4).client()
    path = story.path("run", "api.sock")

    def crowd(first):
        clients = [first] + [Client(path) for _ in range(9)]
        served = 0
        for each in clients:
            try:
                each.call("hello")
                served += 1
            except (Closed, OSError):
                pass
        return served
    expect_equal(story.as_other_user(crowd), 4)
    client.call("hello")
    ours = [story.client() for _ in range(9)]
    for each in ours:
        each.call("hello")
    story.expect_line("clients_per_user")
    # Those that have gone are no more in the way.
    expect_equal(story.as_other_user(crowd), 4)


def a_client_has_so_many_requests_waiting(story):
    client = story.start(limits_client_requests=5).client()
    last = client.call("subscribe")["last"]
    client.call("unsubscribe")
    for _ in range(5):
        client.begin("events", last, {"timeout_ms": 60000})
    client.call("hello")
    expect(client.is_quiet(), "so many do not wait")
    expect_equal(client.refusal("events", last, {"timeout_ms": 60000}),
                 "too-many")
    client.call("hello")
    other = story.client()
    other.begin("events", last, {"timeout_ms": 60000})
    other.call("hello")
    expect(other.is_quiet(), "another's requests count, too")


def _is_answered_whole(client, answers):
    try:
        for _ in range(answers):
            client.receive()
    except Closed:
        return False
    return True


def one_whose_answers_do_not_fit_is_closed(story):
    story.on_request = lambda operation, slot: HOLD
    story.narrow_output(16384)
    other = story.start().client()
    other.call("hello")
    # Each comes back in thrice its length: %C3%A4. But on a busy machine what
    # is sent at once is not answered at once, and then it fits.
    uri = "nfs://h/" + "\u00e4" * 160
    for tries in range(50):
        client = story.client()
        client.send(b"".join(
            request(i, "manage", uri, "c%d-%d" % (tries, i))
            for i in range(20)) + request(20, "hello"))
        if not _is_answered_whole(client, 21):
            break
    else:
        raise AssertionError("21 answers in less than they are long")
    story.expect_line("client_output")
    expect_equal(len(other.call("list", {"max": 2})), 2)
    expect_equal(other.call("status", "c%d-19" % tries)["uri"][:8],
                 "nfs://h/")


def what_is_refused_takes_no_connection_from_others(story):
    client = story.start(limits_connections=50).client()
    many = [["tmpfs://u%d" % i, "c%d" % i] for i in range(49)]
    bad = many + [["tmpfs://u49", "c49"], ["x", "bad"]]
    # In one turn: they are sent at once.
    client.send(b"".join(request(i, "manage_many", bad) for i in range(20))
                + request(20, "manage_many", many)
                + request(21, "manage", "tmpfs://last", "last"))
    outcomes = [client.receive()[1] for _ in range(22)]
    expect_equal([error and error.split(":")[0] for error in outcomes],
                 ["bad-uri"] * 20 + [None, None])


def what_a_user_let_go_counts_until_it_is_gone(story):
    def stays(worker, order, fields):
        if fields.get("wanted") == "up":
            connects(worker, order, fields)

    def fill(other):
        slugs = []
        for cid in ("u0", "u1", "u2"):
            try:
                other.manage("tmpfs://" + cid, cid)
                other.wait(cid)
                other.unmanage(cid)
                slugs.append("ok")
            except RPCError as error:
                slugs.append(error.slug)
        # Its own it may have back.
        other.manage("tmpfs://u0", "u0")
        return slugs

    story.on_order = stays
    client = story.start(limits_connections_per_user=2).client()
    expect_equal(story.as_other_user(fill), ["ok", "ok", "too-many"])
    client.manage("tmpfs://u1", "ours")
    expect_equal(story.as_other_user(
        lambda other: other.manage("tmpfs://u3", "u3")["created"]), True)


def without_descriptors_those_who_are_there_go_on(story):
    client = story.start().client()
    client.manage(URI, "a")
    client.wait("a")
    worker = story.worker()
    pid = story.process.pid
    used = len(os.listdir("/proc/%d/fd" % pid))
    limit = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used, limit[1]))
    late = story.client()
    number = late.begin("hello")
    for i in range(20):
        client.manage(URI, "b%d" % i)
    worker.failed()
    client.call("retry", "a")
    worker.begin_attempt()
    worker.connected()
    client.wait("a")
    expect(late.is_quiet(), "the new one waits")
    expect_equal(len(os.listdir("/proc/%d/fd" % pid)), used)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)
    expect_equal(late.answer(number)["server"], "holdfastd")
