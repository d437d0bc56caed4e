# SPDX-License-Identifier: LGPL-2.1-or-later
"""claims.py - manage, unmanage, list: who holds what, and what is refused

Runs in: the stories
"""

import os

import msgpack

from story import (HOLD, OTHER, PREPARE, START, URI, expect, expect_equal,
                   listens)


def manage_is_answered_before_any_worker_exists(story):
    story.on_request = lambda operation, slot: HOLD
    client = story.start().client()
    expect_equal(client.manage(URI, "a"), {"connection": URI, "created": True})
    entry = client.claims()["a"]
    expect_equal(entry["worker"], 0)
    expect_equal(entry["state"], "registered")
    expect_equal(story.count_workers(), 0)


def connection_info_names_the_target_of_an_iscsi_connection(story):
    story.on_request = lambda operation, slot: HOLD
    client = story.start().client()
    client.manage("iscsi://SAN1/IQN.2024-01.com.example:db", "a")
    client.manage("iscsi://[::1]:99/eui.02004567a425678d?iface=b&tpgt=0", "b")
    claims = client.claims()
    told = {"type": "iscsi", "remotePath": "san1/iqn.2024-01.com.example:db",
            "host": "san1", "port": 3260, "iqn": "iqn.2024-01.com.example:db",
            "tpgt": 1, "iface": "default", "lun": -1, "session": -1,
            "portal": "", "sessionState": "", "adopted": False,
            "devices": []}
    expect_equal(claims["a"]["connectionInfo"], told)
    told.update(remotePath="[::1]:99/eui.02004567a425678d", host="::1",
                port=99, iqn="eui.02004567a425678d", tpgt=0, iface="b")
    expect_equal(claims["b"]["connectionInfo"], told)


def two_cids_on_one_uri_start_one_worker(story):
    client = story.start().client()
    client.manage(URI, "a")
    client.wait("a")
    client.manage("tmpfs://ONE", "b")
    entry = client.wait("b")
    expect_equal(entry["uri"], URI)
    expect_equal(client.claims()["a"]["path"], entry["path"])
    expect_equal(client.unmanage("a"), {"last": False})
    story.turn()
    expect_equal(story.count_workers(), 1)
    expect_equal([name for name, _ in story.requests], [PREPARE, START])


def the_last_unmanage_wants_down_and_none_before(story):
    client = story.start().client()
    for cid in ("a", "b", "c"):
        client.manage(URI, cid)
    client.wait("c")
    worker = story.worker()
    expect_equal(client.unmanage("b"), {"last": False})
    expect_equal(client.unmanage("a"), {"last": False})
    worker.catch_up()
    expect_equal(worker.wants(), ["up"])
    expect_equal(client.unmanage("c"), {"last": True})
    worker.expect_want("down")
    worker.expect_hang_up()
    client.wait("c", **{"for": "gone"})
    expect_equal(worker.wants(), ["up", "down"])
    expect_equal(client.lingering(), {})


def a_manage_before_the_worker_is_gone_takes_it_back(story):
    client = story.start().client()
    client.manage(URI, "a")
    client.wait("a")
    worker = story.worker()
    story.on_order = listens
    client.unmanage("a")
    worker.expect_want("down")
    worker.report(state="disconnecting", wanted="down",
                  operation="disconnect")
    story.poll(lambda: client.lingering(), "the connection that departs")
    client.manage(URI, "b")
    worker.expect_want("up")
    worker.connected()
    expect_equal(client.wait("b")["worker"], worker.pid)
    expect_equal(story.count_workers(), 1)
    expect_equal(client.lingering(), {})


def what_lingers_is_not_hurried_away_by_the_manage_that_takes_it_back(story):
    client = story.start().client()
    client.manage(URI, "a")
    client.wait("a")
    worker = story.worker()
    story.on_order = listens
    client.unmanage("a")
    worker.expect_want("down")
    worker.report(state="lingering", wanted="down", error="busy")
    story.poll(lambda: client.lingering(), "the connection that lingers")
    client.manage(URI, "b")
    worker.expect_want("up")
    # A retry before that would be one more attempt to take it down.
    names = [name if name != "want" else fields["wanted"]
             for name, fields in worker.orders]
    before = names[names.index("down"):names.index("up", 2)]
    expect("retry" not in before, "retry was ordered before up: %r" % names)


def a_manage_while_the_worker_ends_starts_the_next_when_it_has_ended(story):
    client = story.start().client()
    client.manage(URI, "a")
    client.wait("a")
    worker = story.worker()
    worker.ignores_end = True
    client.unmanage("a")
    worker.expect_hang_up()
    client.manage(URI, "b")
    story.turn()
    expect_equal(story.count_workers(), 1)
    worker.exit()
    expect_equal(client.wait("b")["worker"], story.worker(1).pid)


def a_manage_while_the_directory_is_removed_prepares_it_anew(story):
    client = story.start().client()
    client.manage(URI, "a")
    client.wait("a")
    story.on_request = lambda operation, slot: HOLD
    client.unmanage("a")
    story.expect_request("remove")
    client.manage(URI, "b")
    story.turn()
    story.answer_held()
    client.wait("b")
    expect_equal(story.count_workers(), 2)
    path = client.claims()["b"]["path"]
    expect(os.path.isdir(path.replace("/mnt/", "/base/")), "no mount point")


def unmanage_and_manage_in_one_batch_leave_the_worker_alone(story):
    client = story.start().client()
    client.manage(URI, "a")
    client.wait("a")
    outcome = client.call_all([("unmanage", "a"), ("manage", URI, "a"),
                               ("unmanage", "a"), ("manage", URI, "b")])
    expect_equal([slug for _, slug in outcome], [None] * 4)
    story.worker().catch_up()
    expect_equal(story.worker().wants(), ["up"])
    expect_equal(list(client.claims()), ["b"])
    expect_equal(list(story.links()), ["b"])


def manage_and_unmanage_in_one_batch_leave_nothing(story):
    client = story.start().client()
    outcome = client.call_all([("manage", URI, "a"), ("unmanage", "a")])
    expect_equal(outcome, [({"connection": URI, "created": True}, None),
                           ({"last": True}, None)])
    client.wait("a", **{"for": "gone"})
    expect_equal(client.claims(), {})
    expect_equal(client.lingering(), {})
    expect_equal(story.links(), {})


def a_client_sees_its_own_claim_in_a_list_pipelined_behind(story):
    client = story.start().client()
    manage = client.begin("manage", URI, "a")
    seen = client.begin("list")
    unmanage = client.begin("unmanage", "a")
    unseen = client.begin("list")
    order = [client.receive()[0] for _ in range(4)]
    expect_equal(order, [manage, seen, unmanage, unseen], "order of answers")
    outcome = client.call_all([("manage", URI, "b"), ("list",)])
    expect("b" in outcome[1][0], "the list lacks the claim")
    outcome = client.call_all([("unmanage", "b"), ("list",)])
    expect("b" not in outcome[1][0], "the list still has the claim")


def a_cid_names_one_claim(story):
    client = story.start().client()
    client.manage(URI, "a")
    before = client.claims()
    expect_equal(client.refusal("manage", URI, "a"), "cid-in-use")
    expect_equal(client.refusal("manage", OTHER, "a"), "cid-in-use")
    expect_equal(client.refusal("manage", OTHER, "a", {"if_absent": False}),
                 "cid-in-use")
    expect_equal(list(client.claims()), list(before))
    expect_equal(client.claims()["a"]["uri"], URI)


def if_absent_takes_an_identical_claim_alone_for_success(story):
    client = story.start().client()
    same = {"if_absent": True}
    expect_equal(client.manage(URI, "a", **same)["created"], True)
    expect_equal(client.manage("tmpfs://One", "a", **same),
                 {"connection": URI, "created": False})
    expect_equal(client.refusal("manage", OTHER, "a", same), "cid-in-use")
    outcome = client.call_all([("manage", OTHER, "b"),
                               ("manage", OTHER, "b", same)])
    expect_equal([result["created"] for result, _ in outcome], [True, False])


def another_user_sees_a_claim_and_cannot_let_it_go(story):
    client = story.start().client()
    client.manage(URI, "a")
    if os.getuid() != 0:
        return                  # there is no other user to be
    slug, uids = story.as_other_user(lambda other: (
        other.refusal("unmanage", "a"),
        {cid: entry["uid"] for cid, entry in other.claims().items()}))
    expect_equal((slug, uids), ("denied", {"a": 0}))
    slug = story.as_other_user(lambda other: other.refusal(
        "manage", URI, "a", {"if_absent": True}))
    expect_equal(slug, "cid-in-use")
    expect_equal(list(client.claims()), ["a"])


def another_user_lets_go_of_its_own_and_root_of_all(story):
    client = story.start().client()
    if os.getuid() != 0:
        return
    client.manage(URI, "a")
    said = story.as_other_user(lambda other: (
        other.manage(URI, "b"), other.manage(URI, "c"), other.unmanage("b")))
    expect_equal(said[2], {"last": False})
    entry = client.claims()["c"]
    expect_equal(entry["uid"], 65534)
    expect_equal(client.refusal("manage", URI, "c", {"if_absent": True}),
                 "cid-in-use")
    expect_equal(client.unmanage("c"), {"last": False})
    expect_equal(list(client.claims()), ["a"])


def list_shows_what_the_filter_asks_for(story):
    client = story.start().client()
    for cid in ("vm-1", "vm-2", "backup"):
        client.manage(URI, cid)
    client.wait("backup")
    story.on_order = listens
    client.manage(OTHER, "vm-3")
    story.worker(0, OTHER)

    def ids(**options):
        return sorted(name for name in client.call("list", options)
                      if not name.startswith("unmanaged/"))
    expect_equal(ids(), ["backup", "vm-1", "vm-2", "vm-3"])
    expect_equal(ids(prefix="vm-"), ["vm-1", "vm-2", "vm-3"])
    expect_equal(ids(prefix="vm-1x"), [])
    expect_equal(ids(prefix=""), ["backup", "vm-1", "vm-2", "vm-3"])
    expect_equal(ids(state="connected"), ["backup", "vm-1", "vm-2"])
    expect_equal(ids(state="registered"), ["vm-3"])
    expect_equal(ids(state="connected", prefix="vm"), ["vm-1", "vm-2"])
    expect_equal(ids(state="stale"), [])
    expect_equal(client.call("list", None).keys(),
                 client.call("list").keys())
    for bad in ({"prefix": 1}, {"state": None}, {"stat": "connected"},
                {"state": "no such state"}):
        expect_equal(client.refusal("list", bad), "bad-option")


def an_entry_has_every_key_of_the_schema(story):
    import schema
    client = story.start().client()
    client.manage(URI, "a")
    expect_equal(sorted(client.wait("a")), sorted(schema.ENTRY_KEYS))
    expect_equal(sorted(client.call("status", "a")),
                 sorted(schema.ENTRY_KEYS + schema.STATUS_KEYS))
    client.unmanage("a")
    expect_equal(sorted(client.wait("a", **{"for": "gone"})), sorted(
        schema.ENTRY_KEYS), "keys of what is gone")
    expect_equal(sorted(client.wait("never", **{"for": "gone"})), sorted(
        schema.ENTRY_KEYS), "keys of what never was")


def hello_names_all_methods(story):
    import schema
    client = story.start().client()
    hello = client.call("hello")
    expect_equal(sorted(hello["methods"]),
                 sorted(schema.METHODS + schema.ALIASES))
    expect_equal(hello["server"], "holdfastd")


def the_names_of_2012_work(story):
    client = story.start().client()
    client.call("manageStorageServer", URI, "a")
    expect("a" in client.call("getStorageServerList"), "not listed")
    expect("a" in client.call("getStorageConnectionList"), "not listed")
    expect_equal(client.call("unmanageStorageServer", "a"), {"last": True})


def a_link_stands_as_long_as_its_claim(story):
    client = story.start().client()
    expect_equal(story.links(), {})
    client.manage(URI, "a")
    path = client.claims()["a"]["path"]
    expect_equal(story.links(), {"a": path})
    client.manage(URI, "b")
    client.wait("b")
    expect_equal(story.links(), {"a": path, "b": path})
    client.unmanage("a")
    expect_equal(story.links(), {"b": path})
    story.worker().kill()
    story.worker().expect_end()
    story.turn()
    expect_equal(story.links(), {"b": path})
    client.unmanage("b")
    expect_equal(story.links(), {})


def what_a_cid_may_not_be_is_refused(story):
    client = story.start().client()
    for bad in ("", ".", "..", "a/b", "/", "a\nb", "a\0b", "\x7f",
                "a\u0085b", "x" * 256, "ä" * 128):
        expect_equal(client.refusal("manage", URI, bad), "bad-cid", bad)
    for bad in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80",
                b"a\xc3"):
        expect_equal(client.refusal("manage", URI, bad), "bad-cid", bad)
    expect_equal(client.claims(), {})
    expect_equal(story.links(), {})
    expect_equal(story.requests, [])


def what_a_cid_may_be_is_taken(story):
    client = story.start().client()
    good = ["x" * 255, "ä" * 127, "...", ".x", " ", "-", "~", "%2f", "\\",
            "\u202e", "日本", "a:b", "\U0001f600"]
    for cid in good:
        client.manage(URI, cid)
    expect_equal(sorted(client.claims()), sorted(good))
    expect_equal(sorted(story.links()), sorted(good))
    for cid in good:
        client.unmanage(cid)
    expect_equal(story.links(), {})


def _refusals(story):
    """Each slug that a request can end in, by one that does."""
    return [
        ("bad-arguments", ("manage", URI)),
        ("bad-arguments", ("manage", URI, "b", {}, 1)),
        ("bad-arguments", ("manage", URI, 5)),
        ("bad-arguments", ("manage", None, "b")),
        ("bad-arguments", ("manage", URI, "b", "if_absent")),
        ("bad-arguments", ("list", [])),
        ("bad-arguments", ("unmanage",)),
        ("bad-option", ("manage", URI, "b", {"nonsense": 1})),
        ("bad-option", ("manage", URI, "b", {"if_absent": 1})),
        ("bad-option", ("unmanage", "a", {"force": True})),
        ("bad-option", ("wait", "a", {"for": "ever"})),
        ("bad-option", ("wait", "a", {"timeout_ms": -1})),
        ("bad-option", ("wait", "a", {"timeout_ms": 86400001})),
        ("bad-option", ("wait", "a", {"timeout_ms": 0.5})),
        ("bad-uri", ("manage", "", "b")),
        ("bad-uri", ("manage", "gopher://x/y", "b")),
        ("bad-uri", ("manage", "tmpfs://x?size=", "b")),
        ("bad-uri", ("manage", b"nfs://h/\xff", "b")),
        ("bad-uri", ("manage", "nfs://user:secret@h/e", "b")),
        ("bad-cid", ("manage", URI, "b/c")),
        ("bad-cid", ("unmanage", "")),
        ("bad-cid", ("status", "..")),
        ("no-such-method", ("manag", URI, "b")),
        ("no-such-method", ("", )),
        ("cid-in-use", ("manage", URI, "a")),
        ("no-such-cid", ("unmanage", "b")),
        ("no-such-cid", ("status", "b")),
        ("no-such-cid", ("wait", "b")),
        ("no-such-cid", ("retry", "b")),
        ("no-such-cid", ("status", "lingering/x")),
        ("too-many", ("manage", URI, "b")),
        ("timeout", ("wait", "a", {"timeout_ms": 1})),
    ]


def each_refusal_has_its_slug_and_changes_nothing(story):
    story.on_order = listens
    client = story.start(limits_claims=1).client()
    client.manage(URI, "a")
    story.worker()
    for slug, call in _refusals(story):
        expect_equal(client.refusal(*call), slug, call)
        expect_equal(sorted(client.claims()), ["a"], call)
        expect_equal(list(story.links()), ["a"], call)


def a_secret_in_a_uri_is_not_repeated(story):
    client = story.start().client()
    error = client.error("manage", "nfs://joe:hunter2@h/e", "a")
    expect("hunter2" not in error.text, error.text)
    story.turn()
    story.expect_lines("hunter2", 0)


def the_limit_of_connections_refuses_a_new_one_alone(story):
    client = story.start(limits_connections=1).client()
    client.manage(URI, "a")
    expect_equal(client.refusal("manage", OTHER, "b"), "too-many")
    client.manage(URI, "b")
    expect_equal(sorted(client.claims()), ["a", "b"])
    client.unmanage("a")
    client.unmanage("b")
    client.wait("b", **{"for": "gone"})
    client.manage(OTHER, "b")


def an_option_that_stands_there_twice_is_refused(story):
    client = story.start().client()
    packer = msgpack.Packer()
    twice = (packer.pack_map_header(2) + packer.pack("if_absent")
             + packer.pack(True) + packer.pack(b"if_absent")
             + packer.pack(False))
    head = (packer.pack_array_header(4) + packer.pack(0) + packer.pack(77)
            + packer.pack("manage") + packer.pack_array_header(3)
            + packer.pack(URI) + packer.pack("a"))
    client.send(head + twice)
    number, error, _ = client.receive()
    expect_equal((number, error.split(":")[0]), (77, "bad-arguments"))
    expect_equal(client.claims(), {})


def keys_and_methods_may_be_bin(story):
    client = story.start().client()
    expect_equal(client.call(b"manage", URI.encode(), b"a",
                             {b"if_absent": True})["created"], True)
    expect("a" in client.call(b"list", {b"prefix": b"a"}), "not listed")


def whole_numbers_may_come_as_floats(story):
    story.on_order = listens
    client = story.start().client()
    client.manage(URI, "a")
    expect_equal(client.refusal("wait", "a", {"timeout_ms": 2.0}), "timeout")
    client.send(msgpack.packb([0.0, 9.0, "hello", []]))
    expect_equal(client.receive()[0], 9)


def retry_is_ordered_and_says_where_things_stand(story):
    story.on_order = listens
    client = story.start().client()
    client.manage(URI, "a")
    worker = story.worker()
    worker.begin_attempt()
    worker.failed()
    story.poll(lambda: client.state("a") == "backoff", "the failure")
    expect_equal(client.call("retry", "a"),
                 {"connection": URI, "state": "backoff"})
    worker.expect_order("retry")


def status_tells_the_history_and_its_own_error(story):
    story.on_order = listens
    client = story.start().client()
    client.manage(URI, "a")
    worker = story.worker()
    worker.expect_want("up")
    worker.begin_attempt()
    worker.failed("access-denied", "not for you", error_errno=13,
                  error_at_us=5)
    story.poll(lambda: client.state("a") == "backoff", "the failure")
    entry = client.call("status", "a")
    expect_equal(entry["error"], {"slug": "access-denied", "errno": 13,
                                  "text": "not for you", "attempt": 1,
                                  "at": 5})
    expect_equal(entry["lastError"], 469)
    expect_equal(entry["attempts"], 1)
    expect_equal([(event["state"], event["slug"])
                  for event in entry["history"]],
                 [("connecting", "ok"), ("backoff", "access-denied")])
    worker.begin_attempt()
    worker.connected()
    entry = client.wait("a")
    expect_equal((entry["error"], entry["lastError"]), (None, 0))
    expect_equal((entry["connected"], entry["healthy"]), (True, True))
