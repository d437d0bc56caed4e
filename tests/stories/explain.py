# SPDX-License-Identifier: LGPL-2.1-or-later
"""explain.py - status, explain and metrics: what is known, and what comes

Runs in: the stories
"""

import re

import schema
from story import OTHER, URI, expect, expect_equal, listens

NFS = "nfs://nas1/vms"


def _quiet(story, uri=URI):
    story.on_order = listens
    client = story.start().client()
    client.manage(uri, "a")
    worker = story.worker(0, uri)
    worker.expect_want("up")
    return client, worker


def _status_once(story, client, condition):
    found = {}

    def look():
        found.update(client.call("status", "a"))
        return condition(found)
    story.poll(look, "the status")
    return found


def the_last_tries_are_told_with_their_errors(story):
    client, worker = _quiet(story)
    for number in range(9):
        worker.begin_attempt()
        worker.failed("unreachable", "refused %d" % number)
    worker.begin_attempt()
    worker.connected()
    status = _status_once(story, client, lambda s: s["state"] == "connected")
    tries = status["tries"]
    expect_equal([t["number"] for t in tries], list(range(3, 11)))
    expect_equal([t["slug"] for t in tries], ["unreachable"] * 7 + ["ok"])
    expect_equal([t["text"] for t in tries[:2]], ["refused 2", "refused 3"])
    expect(all(t["end"] for t in tries), "all are over: %r" % tries)


def a_try_under_way_has_no_end(story):
    client, worker = _quiet(story)
    worker.begin_attempt()
    status = _status_once(story, client,
                          lambda s: s["state"] == "connecting")
    expect_equal([(t["number"], t["end"], t["slug"])
                  for t in status["tries"]], [(1, 0, "ok")])


def an_outage_has_a_start_a_cause_and_an_end(story):
    client, worker = _quiet(story)
    worker.begin_attempt()
    worker.connected()
    worker.report(state="unresponsive", error="timed-out", error_text="late")
    worker.report(error="unreachable", error_text="refused")
    status = _status_once(story, client, lambda s: s["lastError"] == 451)
    outage, = status["outages"]
    expect_equal((outage["end"], outage["state"], outage["slug"],
                  outage["text"]), (0, "unresponsive", "timed-out", "late"))
    worker.connected()
    status = _status_once(story, client, lambda s: s["state"] == "connected")
    outage, = status["outages"]
    expect(outage["end"] >= outage["start"] > 0, "its end: %r" % outage)


def a_server_that_never_was_there_is_an_outage(story):
    client, worker = _quiet(story)
    worker.begin_attempt()
    worker.failed()
    status = _status_once(story, client, lambda s: s["state"] == "backoff")
    expect_equal([(o["end"], o["slug"]) for o in status["outages"]],
                 [(0, "unreachable")])


def what_is_not_wanted_is_not_out(story):
    client, worker = _quiet(story)
    worker.begin_attempt()
    worker.connected()
    client.wait("a")
    client.unmanage("a")
    worker.expect_want("down")
    worker.report(state="lingering", wanted="down", error="busy",
                  error_text="in use")
    story.poll(lambda: [entry["state"] for entry
                        in client.lingering().values()] == ["lingering"],
               "it to linger")
    name, = client.lingering()
    expect_equal(client.call("status", name)["outages"], [])


def requested_options_are_those_of_the_uri_and_ours(story):
    client, _ = _quiet(story, NFS + "?hard&ro&timeo=50&vers=3")
    options = client.call("status", "a")["options"]
    words = options["requested"].split(",")
    for word in ("nosuid", "nodev", "ro", "timeo=50", "hard", "retrans=3",
                 "nosharecache", "nolock", "port=2049"):
        expect(word in words, "%s in %r" % (word, words))
    expect("softerr" not in words, "hard overrides it: %r" % words)
    expect_equal((options["effective"], options["differences"]), ("", []))


def the_worst_case_is_computed(story):
    client, _ = _quiet(story, NFS)
    client.manage(NFS + "?hard", "b")
    client.manage(OTHER, "c")
    cases = {cid: client.call("status", cid)["worst_case"]
             for cid in ("a", "b", "c")}
    expect_equal([cases[cid]["duration"] for cid in ("a", "b", "c")],
                 [40_000_000, 0, 0])
    expect("40.0 s" in cases["a"]["text"], "in words: %r" % cases["a"])
    expect("never" in cases["b"]["text"], "hard: %r" % cases["b"])


def what_comes_next_is_told(story):
    client, worker = _quiet(story)
    worker.begin_attempt()
    worker.failed(next_retry_us=1790000000000000)
    status = _status_once(story, client, lambda s: s["state"] == "backoff")
    expect_equal((status["next"]["operation"], status["next"]["at"]),
                 ("connect", 1790000000000000))
    client.call("pause")
    status = client.call("status", "a")
    expect_equal((status["next"]["operation"], status["next"]["at"]),
                 ("none", 0))
    expect("paused" in status["next"]["text"], "why: %r" % status["next"])


def explain_says_it_in_sentences(story):
    client, worker = _quiet(story, NFS)
    worker.begin_attempt()
    worker.failed("unreachable", "no route")
    _status_once(story, client, lambda s: s["state"] == "backoff")
    answer = client.call("explain", "a")
    expect_equal(set(answer), {"connection", "state", "why",
                               *schema.STATUS_KEYS})
    expect_equal((answer["connection"], answer["state"]), (NFS, "backoff"))
    text = "\n".join(answer["why"])
    for part in ("1 claim wants it", "It is backoff since",
                 "unreachable: no route", "1 attempt so far, 1 of them",
                 "It has not worked since", "40.0 s", "Next: "):
        expect(part in text, "%r in %r" % (part, text))


def explain_takes_no_other_names(story):
    client, _ = _quiet(story)
    for method in ("explain", "status"):
        expect_equal(client.refusal(method, "b"), "no-such-cid")
        expect_equal(client.refusal(method, "lingering/tmpfs:one"),
                     "no-such-cid")
        expect_equal(client.refusal(method, 1), "bad-arguments")
        expect_equal(client.refusal(method), "bad-arguments")


# Metrics, by a parser of its own

SAMPLE = re.compile(r'(holdfast_[a-z_]+?)(_total|_info)?'
                    r'(?:\{([a-z]+)="((?:[^"\\]|\\.)*)"\})? (\d+(?:\.\d+)?)$')


def _parse(text):
    """{(family, label's value): value}; fails on what is no OpenMetrics."""
    lines = text.split("\n")
    expect_equal(lines[-2:], ["# EOF", ""])
    types, helps, found, current = {}, set(), {}, None
    for line in lines[:-2]:
        if line.startswith("# TYPE "):
            _, _, current, kind = line.split(" ")
            expect(current not in types, "twice: %r" % line)
            expect(kind in ("gauge", "counter", "info"), line)
            types[current] = kind
            continue
        if line.startswith("# HELP "):
            expect_equal(line.split(" ")[2], current)
            helps.add(current)
            continue
        match = SAMPLE.match(line)
        expect(match, "no sample: %r" % line)
        name, suffix, _, value, number = match.groups()
        expect_equal(name, current)
        expect_equal(suffix, {"gauge": None, "counter": "_total",
                              "info": "_info"}[types[name]], line)
        expect((name, value) not in found, "twice: %r" % line)
        found[name, value] = float(number)
    expect_equal(set(types), helps)
    return found


def metrics_say_what_the_list_says(story):
    client, worker = _quiet(story, NFS)
    client.manage(NFS, "b")
    worker.begin_attempt()
    worker.failed()
    worker.begin_attempt()
    worker.connected()
    client.wait("a")
    answer = client.call("metrics")
    expect(answer["content_type"].startswith("application/openmetrics-text"),
           "type: %r" % answer["content_type"])
    found = _parse(answer["text"])
    for name, value, number in (
            ("holdfast_claims", None, 2),
            ("holdfast_connections", "connected", 1),
            ("holdfast_connections", "backoff", 0),
            ("holdfast_connection_healthy", NFS, 1),
            ("holdfast_connection_attempts", NFS, 2),
            ("holdfast_connection_failures", NFS, 1),
            ("holdfast_connection_outages", NFS, 1),
            ("holdfast_connection_worker_starts", NFS, 1),
            ("holdfast_server_stuck_operations", "nfs nas1:2049", 0),
            ("holdfast_server_held", "nfs nas1:2049", 0),
            ("holdfast_stuck_operations", None, 0),
            ("holdfast_paused", None, 0)):
        expect_equal(found[name, value], number, "%s %s" % (name, value))
    client.call("pause")
    expect_equal(_parse(client.call("metrics")["text"])
                 ["holdfast_paused", None], 1)


def metrics_of_a_daemon_without_claims_are_whole(story):
    _parse(story.start().client().call("metrics")["text"])
