# SPDX-License-Identifier: LGPL-2.1-or-later
"""chance.py - random changes, checked against a model; random bytes

Runs in: the stories
Invariant: the same each time: a story's seed is its own.
"""

import os
import random
import signal
import time

import schema
from client import Closed, RPCError, request
from story import URI, expect, expect_equal

URIS = ["tmpfs://u%d" % i for i in range(4)]
CIDS = ["c%d" % i for i in range(7)]
LEAPS = 20
BETWEEN_LEAPS_S = 1.0


class _Model:
    """What the daemon has to think."""

    def __init__(self):
        self.claims = {}        # CID: URI

    def manage(self, uri, cid, if_absent):
        """(slug, created)"""
        if cid not in self.claims:
            self.claims[cid] = uri
            return None, True
        if if_absent and self.claims[cid] == uri:
            return None, False
        return "cid-in-use", None

    def unmanage(self, cid):
        """(slug, last)"""
        if cid not in self.claims:
            return "no-such-cid", None
        uri = self.claims.pop(cid)
        return None, uri not in self.claims.values()


def _any_change(rng, model):
    """A call, and the outcome that the model has for it."""
    cid = rng.choice(CIDS)
    if rng.random() < 0.45:
        return ("unmanage", cid), model.unmanage(cid)
    uri = rng.choice(URIS)
    if_absent = rng.random() < 0.5
    return (("manage", uri, cid, {"if_absent": if_absent}),
            model.manage(uri, cid, if_absent))


def _outcome(result, slug):
    if slug:
        return slug, None
    return None, result.get("created", result.get("last"))


def _check(story, client, model):
    expect_equal({cid: entry["uri"]
                  for cid, entry in client.claims().items()},
                 model.claims, "claims")
    expect_equal(sorted(story.links()), sorted(model.claims), "links")


def _change_batch(rng, client, model):
    changes = [_any_change(rng, model) for _ in range(rng.randrange(1, 20))]
    outcomes = client.call_all([call for call, _ in changes])
    for (call, expected), outcome in zip(changes, outcomes):
        expect_equal(_outcome(*outcome), expected, call)


def _change_on_full_disk(rng, story, client, model):
    story.fill_disk()
    before = dict(model.claims)
    call, (slug, created) = _any_change(rng, model)
    if slug is None and model.claims != before:
        slug = "store-failed"
    model.claims = before
    try:
        client.call(*call)
        found = None
    except RPCError as error:
        found = error.slug
    expect_equal(found, slug, call)
    story.empty_disk()


def _kill_a_worker(rng, story):
    with story.changed:
        alive = [worker for worker in story.workers if not worker.is_over]
    if alive:
        worker = rng.choice(alive)
        worker.kill()
        worker.expect_end()
    story.advance(rng.choice((0.1, 1, 10)))


def _finish(story, client, model):
    for cid in list(model.claims):
        client.unmanage(cid)
    story.poll(lambda: story.advance(10) or not client.lingering(),
               "the connections to go")
    expect_equal(story.links(), {})
    for folder in ("mnt", "base"):
        expect_equal(os.listdir(story.path("run", folder)), [], folder)


def random_changes_match_the_model(story):
    rng = random.Random(1)
    model = _Model()
    client = story.start().client()
    for step in range(150):
        if step % 10 == 9:
            _kill_a_worker(rng, story)
        _change_batch(rng, client, model)
        _check(story, client, model)
    _finish(story, client, model)


def random_changes_match_the_model_over_kill_9_and_full_disks(story):
    rng = random.Random(2)
    model = _Model()
    client = story.start().client()
    for _ in range(60):
        _change_batch(rng, client, model)
        if rng.random() < 0.5:
            _change_on_full_disk(rng, story, client, model)
        if rng.random() < 0.2:
            _kill_a_worker(rng, story)
        if rng.random() < 0.2:
            story.signal(rng.choice((signal.SIGKILL, signal.SIGTERM)))
            story.wait_end()
            client = story.start().client()
        _check(story, client, model)
    _finish(story, client, model)


def _mutate(rng, data):
    data = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data))
        kind = rng.randrange(4)
        if kind == 0:
            data[at] = rng.randrange(256)
        elif kind == 1:
            del data[at:at + rng.randrange(1, 5)]
        elif kind == 2:
            data[at:at] = rng.randbytes(rng.randrange(1, 5))
        else:
            data[at] ^= 1 << rng.randrange(8)
        if not data:
            return b"\xc0"
    return bytes(data)


def requests_with_random_faults_harm_nobody(story):
    rng = random.Random(3)
    witness = story.start().client()
    witness.manage(URI, "witness")
    good = [request(1, "manage", URI, "witness", {"if_absent": True}),
            request(2, "list", {"prefix": "w", "state": "connected"}),
            request(3, "wait", "witness", {"for": "gone", "timeout_ms": 9}),
            request(4, "status", "witness"), request(5, "hello", {}),
            request(6, "manage", "nfs://h:2050/a%20b?vers=4.2&ro", "x"),
            request(7, "retry", "witness")]
    for _ in range(500):
        client = story.client()
        for _ in range(3):
            try:
                client.send(_mutate(rng, rng.choice(good)))
            except OSError:
                break           # it was closed for the one before
        client.close()
    expect("witness" in witness.claims(), "the claim has gone")


def _any_status(rng):
    """A status within the schema, and within no reason."""
    fields = {}
    for name, kind in dict(schema.MESSAGES)["status"]:
        if kind == "TEXT":
            fields[name] = rng.choice(("", "x" * 255, "ä" * 127, "%s%n"))
        elif kind == "UINT":
            fields[name] = rng.choice((0, 1, 1, 1000))
        else:
            fields[name] = rng.randrange(2)
    fields["has_object"] = rng.randrange(2)
    fields["state"] = rng.choice(schema.STATES)
    fields["error"] = rng.choice(schema.ERRORS)
    return schema.encode("status", **fields)


def _living_worker(story, uri):
    def last():
        with story.changed:
            return [worker for worker in story.workers
                    if worker.uri == uri][-1]
    def is_living():
        return not (last().is_over or last().is_hung_up)

    story.worker(0, uri)
    # After each leap it has a while: the next one would make it too late with
    # a sign of life before it could give any.
    for _ in range(LEAPS):
        if is_living():
            return last()
        story.advance(61)
        end = time.monotonic() + BETWEEN_LEAPS_S
        while not is_living() and time.monotonic() < end:
            time.sleep(0.005)
    raise AssertionError("waited in vain for a new worker of " + uri)


def reports_without_reason_harm_nobody(story):
    rng = random.Random(4)
    client = story.start().client()
    client.manage(URI, "a")
    client.manage(URIS[0], "b")
    client.wait("b")
    for _ in range(300):
        if rng.random() < 0.1:
            client.call_all([("unmanage", "a"), ("manage", URI, "a")])
        worker = _living_worker(story, URI)
        worker.raw(_any_status(rng))
        client.call("status", "a")
    # The clock leaps: its worker may have been too late with a sign of life.
    client.wait("b")


def reports_with_random_faults_harm_nobody(story):
    rng = random.Random(5)
    client = story.start().client()
    client.manage(URI, "a")
    client.manage(URIS[0], "b")
    client.wait("b")
    good = schema.encode("status", state="connected", has_object=1,
                         error_text="all is well")
    for _ in range(60):
        worker = _living_worker(story, URI)
        for _ in range(5):
            worker.raw(_mutate(rng, good))
        try:
            client.claims()
        except Closed:
            raise AssertionError("the daemon has gone") from None
    # The clock leaps: its worker may have been too late with a sign of life.
    client.wait("b")
