# SPDX-License-Identifier: LGPL-2.1-or-later
"""pages.py - the filters of list, and lists in pages

Runs in: the stories
"""

from random import Random

from story import (HOLD, OTHER, OTHER_UID, URI, expect, expect_equal,
                   listens)


def _pages(client, size, **filters):
    """The IDs of each page, until one is not full."""
    after = None
    pages = []
    while True:
        options = dict(filters, max=size)
        if after is not None:
            options["after"] = after
        ids = sorted(client.call("list", options),
                     key=lambda text: text.encode())
        pages.append(ids)
        if len(ids) < size:
            return pages
        after = ids[-1]


def pages_hold_each_id_once_and_in_order(story):
    story.on_request = lambda operation, slot: HOLD
    client = story.start().client()
    names = ["c%d" % i for i in range(60)] + ["ä", "é", "Z", "~", "c", "cc"]
    for name in names:
        client.manage("tmpfs://u%d" % (len(name) % 3), name)
    whole = client.call("list")
    ids = sorted(whole, key=lambda text: text.encode())
    for size in (1, 7, 66, 67, 1000):
        pages = _pages(client, size)
        expect_equal([cid for page in pages for cid in page], ids)
        expect(all(len(page) == size for page in pages[:-1]), "full pages")
    expect_equal(client.call("list", {"max": 3, "after": "c5"}),
                 {cid: whole[cid] for cid in ("c50", "c51", "c52")})
    expect_equal(sorted(client.call("list", {"after": "~"})), ["ä", "é"])
    expect_equal(client.call("list", {"after": "\xff"}), {})


def a_page_goes_on_where_the_last_id_has_gone(story):
    client = story.start().client()
    client.call("manage_many", [[URI, "c%d" % i] for i in range(8)])
    client.unmanage("c3")
    expect_equal(sorted(client.call("list", {"after": "c3", "max": 2})),
                 ["c4", "c5"])


def filters_and_pages_work_together(story):
    client = story.start().client()
    client.call("manage_many", [[(URI, OTHER)[i % 2], "c%d" % i]
                                for i in range(9)])
    client.wait("c0")
    client.wait("c1")
    expect_equal(sorted(client.call("list", {"connection": "TMPFS://One"})),
                 ["c0", "c2", "c4", "c6", "c8"])
    expect_equal(_pages(client, 2, connection=URI),
                 [["c0", "c2"], ["c4", "c6"], ["c8"]])
    expect_equal(_pages(client, 2, connection=OTHER, state="connected",
                        prefix="c"),
                 [["c1", "c3"], ["c5", "c7"], []])
    expect_equal(client.call("list", {"connection": "tmpfs://none"}), {})


def a_list_shows_what_one_user_claims(story):
    client = story.start().client()
    client.manage(URI, "ours")
    story.as_other_user(lambda other: other.manage(URI, "theirs"))
    expect_equal(list(client.call("list", {"uid": 0})), ["ours"])
    expect_equal(list(client.call("list", {"uid": OTHER_UID})), ["theirs"])
    expect_equal(client.call("list", {"uid": 4294967295}), {})


def what_lingers_is_listed_by_its_connection(story):
    client = story.start().client()
    client.manage(URI, "a")
    client.wait("a")
    story.on_order = listens
    client.unmanage("a")
    expect_equal(list(client.call("list", {"connection": URI})),
                 ["lingering/" + name.split("/")[1]
                  for name in client.lingering()])
    expect_equal(client.call("list", {"uid": 0}), {})


def options_that_make_no_page_are_refused(story):
    client = story.start().client()
    for slug, options in (("bad-option", {"max": 0}),
                          ("bad-option", {"max": 1001}),
                          ("bad-option", {"max": -1}),
                          ("bad-option", {"max": "3"}),
                          ("bad-option", {"after": 3}),
                          ("bad-option", {"uid": "root"}),
                          ("bad-option", {"uid": 4294967296}),
                          ("bad-option", {"connection": 1}),
                          ("bad-uri", {"connection": "what"})):
        expect_equal((options, client.refusal("list", options)),
                     (options, slug))


def a_list_that_is_too_long_comes_in_pages(story):
    story.on_request = lambda operation, slot: HOLD
    story.narrow_output(65536)
    client = story.start().client()
    client.call("manage_many", [[URI, "c%d" % i] for i in range(200)])
    expect_equal(client.refusal("list"), "too-big")
    ids = [cid for page in _pages(client, 20) for cid in page]
    expect_equal(ids, sorted("c%d" % i for i in range(200)))


def a_prefix_is_taken_whole(story):
    client = story.start().client()
    client.manage(URI, "a")
    for prefix in ("a\0zz", "aa", "b"):
        expect_equal(client.call("list", {"prefix": prefix}), {})
    expect_equal(list(client.call("list", {"prefix": ""})), ["a"])


def no_order_of_claims_changes_a_page(story):
    story.on_request = lambda operation, slot: HOLD
    client = story.start().client()
    names = ["c%03d" % i for i in range(256)]
    random = Random(1)
    for order in (names, names[::-1], random.sample(names, len(names))):
        client.call("manage_many", [[URI, name] for name in order])
        for size in (1, 2, 100, 255, 256, 257):
            pages = _pages(client, size)
            expect_equal([cid for page in pages for cid in page], names)
        client.call("unmanage_prefix", "c")
