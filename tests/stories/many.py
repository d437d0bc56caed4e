# SPDX-License-Identifier: LGPL-2.1-or-later
"""many.py - manage_many and unmanage_prefix: all of it, or none

Runs in: the stories
"""

import signal

from client import Closed, RPCError
from story import HOLD, OTHER, URI, expect, expect_equal

BAD = [
    ("bad-arguments", []),
    ("bad-arguments", "a"),
    ("bad-arguments", {URI: "a"}),
    ("bad-arguments", [URI, "a"]),
    ("bad-arguments", [[URI]]),
    ("bad-arguments", [[URI, "a", {}, {}]]),
    ("bad-arguments", [[URI, 1]]),
    ("bad-arguments", [[1, "a"]]),
    ("bad-arguments", [[URI, "a"], [OTHER, "a"]]),
    ("bad-arguments", [[URI, "c%d" % i] for i in range(257)]),
    ("bad-uri", [[URI, "a"], ["nfs://", "b"]]),
    ("bad-cid", [[URI, "a"], [URI, "b/c"]]),
    ("bad-cid", [[URI, "a"], [URI, ""]]),
    ("bad-option", [[URI, "a", {"if_absent": 1}]]),
    ("bad-option", [[URI, "a", {"username": "x", "password": "yyyyyyyyyyyy"}]]),
    ("bad-arguments", [[URI, "a", "if_absent"]]),
    ("cid-in-use", [[URI, "a"], [URI, "kept"]]),
    ("cid-in-use", [[URI, "a"], [OTHER, "kept", {"if_absent": True}]]),
]


def many_claims_are_made_at_once(story):
    client = story.start().client()
    claims = [["tmpfs://U%d" % (i % 3), "c%d" % i] for i in range(256)]
    made = client.call("manage_many", claims)
    expect_equal(made, {"claims": {
        "c%d" % i: {"connection": "tmpfs://u%d" % (i % 3), "created": True}
        for i in range(256)}})
    expect_equal(sorted(client.claims()), sorted(c for _, c in claims))
    expect_equal(sorted(story.links()), sorted(c for _, c in claims))
    for number in range(3):
        client.wait("c%d" % number)
    expect_equal(story.count_workers(), 3)
    kinds = [event["subject"] for event in client.call("events", 0)["events"]
             if event["kind"] == "claimed"]
    expect_equal(sorted(kinds), sorted(c for _, c in claims))


def of_many_claims_those_that_are_there_are_told(story):
    client = story.start().client()
    client.manage(URI, "a")
    made = client.call("manage_many", [[URI, "a", {"if_absent": True}],
                                       [OTHER, "b", {"if_absent": True}],
                                       [URI, "c", None]])
    expect_equal({cid: claim["created"]
                  for cid, claim in made["claims"].items()},
                 {"a": False, "b": True, "c": True})
    made = client.call("manage_many", [[URI, "a", {"if_absent": True}]])
    expect_equal(made["claims"]["a"]["created"], False)


def what_is_wrong_with_one_claim_refuses_all(story):
    story.on_request = lambda operation, slot: HOLD
    client = story.start().client()
    client.manage(URI, "kept")
    for slug, claims in BAD:
        expect_equal((claims, client.refusal("manage_many", claims)),
                     (claims, slug))
        expect_equal(sorted(client.claims()), ["kept"])
        expect_equal(list(story.links()), ["kept"])
    expect_equal(client.lingering(), {})
    events = client.call("events", 0)["events"]
    expect_equal([event["subject"] for event in events
                  if event["kind"] in ("claimed", "released")], ["kept"])
    error = client.error("manage_many", [[URI, "a"], ["nfs://", "b"]])
    expect("claim 2 (\"b\"): " in error.text
           and error.text.endswith("none was made"), error.text)


def what_was_refused_is_not_there_after_a_restart(story):
    client = story.start().client()
    client.manage(URI, "kept")
    client.refusal("manage_many", [[OTHER, "a"], [OTHER, "b"], ["x", "c"]])
    story.signal(signal.SIGKILL)
    story.wait_end()
    client = story.start().client()
    expect_equal(sorted(client.claims()), ["kept"])
    expect_equal(client.lingering(), {})


def what_cannot_be_told_is_not_done(story):
    story.narrow_output(32768)
    client = story.start().client()
    cids = ["c%03d" % i + "x" * 200 for i in range(200)]
    claims = [[URI, cid] for cid in cids]
    expect_equal(client.refusal("manage_many", claims), "too-big")
    expect_equal(client.claims(), {})
    for first in range(0, 200, 50):
        client.call("manage_many", claims[first:first + 50])
    expect_equal(client.refusal("unmanage_prefix", "c"), "too-big")
    story.signal(signal.SIGKILL)
    story.wait_end()
    client = story.start().client()
    left = client.call("list", {"prefix": "c0", "max": 20}).keys() | \
        client.call("list", {"prefix": "c1", "after": cids[179]}).keys()
    expect_equal(sorted(left), cids[:20] + cids[180:])


def a_full_disk_makes_none_of_many_claims(story):
    client = story.start().client()
    client.manage(URI, "kept")
    story.fill_disk()
    many = [["tmpfs://u%d" % i, "c%d" % i] for i in range(200)]
    expect_equal(client.refusal("manage_many", many), "store-failed")
    expect_equal(sorted(client.claims()), ["kept"])
    expect_equal(client.refusal("unmanage_prefix", "kept"), "store-failed")
    expect_equal(sorted(client.claims()), ["kept"])
    story.empty_disk()
    client.call("manage_many", many)
    expect_equal(len(client.claims()), 201)


def a_limit_within_many_claims_refuses_all(story):
    client = story.start(limits_claims=3).client()
    client.manage(URI, "kept")
    expect_equal(client.refusal("manage_many",
                                [[URI, "a"], [URI, "b"], [URI, "c"]]),
                 "too-many")
    expect_equal(sorted(client.claims()), ["kept"])
    client.call("manage_many", [[URI, "a"], [URI, "b"]])


def what_came_before_many_claims_is_answered_whatever_comes_of_them(story):
    client = story.start().client()
    first = client.begin("manage", URI, "first")
    second = client.begin("manage_many", [[URI, "a"], ["x", "b"]])
    third = client.begin("manage", URI, "third")
    expect_equal(client.answer(first)["created"], True)
    try:
        client.answer(second)
        raise AssertionError("it was not refused")
    except RPCError as error:
        expect_equal(error.slug, "bad-uri")
    expect_equal(client.answer(third)["created"], True)
    expect_equal(sorted(client.claims()), ["first", "third"])


def a_prefix_releases_all_that_begin_so(story):
    client = story.start().client()
    client.call("manage_many", [[URI, "FLOW_1_%d" % i] for i in range(20)]
                + [[URI, "FLOW_10"], [OTHER, "flow_1_1"]])
    client.wait("FLOW_1_0")
    gone = client.begin_wait("FLOW_1_7", **{"for": "gone"})
    expect_equal(client.call("unmanage_prefix", "FLOW_1_"),
                 {"released": sorted("FLOW_1_%d" % i for i in range(20))})
    client.answer(gone)
    expect_equal(sorted(client.claims()), ["FLOW_10", "flow_1_1"])
    expect_equal(sorted(story.links()), ["FLOW_10", "flow_1_1"])
    story.worker(0, URI).catch_up()
    expect_equal(story.worker(0, URI).wants(), ["up"])
    expect_equal(client.call("unmanage_prefix", "FLOW_1_"), {"released": []})
    expect_equal(client.call("unmanage_prefix", "FLOW_10"),
                 {"released": ["FLOW_10"]})
    story.worker(0, URI).expect_want("down")


def a_prefix_that_no_id_can_have_is_refused(story):
    client = story.start().client()
    client.manage(URI, ".a")
    for prefix in ("", "a/", "lingering/x", "a\n", b"\xff", "x" * 256):
        expect_equal((prefix, client.refusal("unmanage_prefix", prefix)),
                     (prefix, "bad-cid"))
    for params in ((), (1,), ([],), (None,)):
        expect_equal((params, client.refusal("unmanage_prefix", *params)),
                     (params, "bad-arguments"))
    expect_equal(client.refusal("unmanage_prefix", "a", {"x": 1}),
                 "bad-option")
    expect_equal(sorted(client.claims()), [".a"])
    expect_equal(client.call("unmanage_prefix", "."), {"released": [".a"]})


def a_prefix_with_another_users_claim_releases_none(story):
    client = story.start().client()
    client.manage(URI, "F_root")
    story.as_other_user(lambda other: other.manage(URI, "F_other"))
    slug = story.as_other_user(
        lambda other: other.refusal("unmanage_prefix", "F_"))
    expect_equal(slug, "denied")
    expect_equal(sorted(client.claims()), ["F_other", "F_root"])
    said = story.as_other_user(
        lambda other: other.call("unmanage_prefix", "F_o"))
    expect_equal(said, {"released": ["F_other"]})
    expect_equal(client.call("unmanage_prefix", "F"), {"released": ["F_root"]})


def more_than_1024_claims_do_not_go_at_once(story):
    client = story.start().client()
    for part in range(5):
        client.call("manage_many", [[URI, "x%d-%03d" % (part, i)]
                                    for i in range(205)])
    expect_equal(client.refusal("unmanage_prefix", "x"), "too-many")
    expect_equal(len(client.claims()), 1025)
    client.unmanage("x0-000")
    expect_equal(len(client.call("unmanage_prefix", "x")["released"]), 1024)
    expect_equal(client.claims(), {})


GROUP = [["tmpfs://u%d" % (i % 9), "group_%d" % i] for i in range(100)]
KEPT = [["tmpfs://u%d" % i, "kept_%d" % i] for i in range(9)]
FLUSHES = 20            # many more than a change takes


def _killed_at_flush(story, number, *call):
    """Whether the call was answered before that flush; the daemon is killed in
    any case."""
    client = story.client()
    story.kill_at_flush(number)
    try:
        client.call(*call)
        is_answered = True
    except Closed:
        is_answered = False
    story.signal(signal.SIGKILL)
    story.wait_end()
    story.kill_at_flush(None)
    return is_answered


def _killed_at_each_flush(story, prepare, call, done):
    """At the first, the second and so on, until it is answered; so many of the
    group are there when it is done, and prepare() makes it undone again."""
    found = []
    for number in range(1, FLUSHES):
        prepare(story.client())
        is_answered = _killed_at_flush(story, number, *call)
        claims = set(story.start().client().claims())
        kept = {cid for _, cid in KEPT}
        expect(kept <= claims, "what was answered before is lost")
        found.append(len(claims - kept))
        expect(found[-1] in (0, len(GROUP)),
               "%d were left by flush %d" % (found[-1], number))
        if is_answered:
            break
    else:
        raise AssertionError("it takes %d flushes" % FLUSHES)
    expect_equal(found[-1], done, "of what was answered")
    expect_equal(set(found), {0, len(GROUP)}, "how many there were: %r" % found)


def killed_at_any_flush_there_are_all_claims_or_none(story):
    story.start().client().call("manage_many", KEPT)

    def prepare(client):
        client.call("unmanage_prefix", "group_")
    _killed_at_each_flush(story, prepare, ("manage_many", GROUP), len(GROUP))


def killed_at_any_flush_all_claims_of_a_prefix_are_released_or_none(story):
    story.start().client().call("manage_many", KEPT)

    def prepare(client):
        if "group_0" not in client.claims():
            client.call("manage_many", GROUP)
    _killed_at_each_flush(story, prepare, ("unmanage_prefix", "group_"), 0)
