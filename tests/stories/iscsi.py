# SPDX-License-Identifier: LGPL-2.1-or-later
"""iscsi.py - sessions, LUNs and links: what belongs to whom

Runs in: the stories
"""

import os

import schema
from story import expect, expect_equal, hash_text, listens

IQN = "iqn.2024-01.com.example:db"
URI = "iscsi://192.0.2.7/" + IQN
OTHER_IQN = "iqn.2024-01.com.example:mail"
OTHER = "iscsi://192.0.2.7/" + OTHER_IQN


def _logs_in(number, origin="ours"):
    """What a worker does whose session of that number is there."""
    def on_order(worker, order, fields):
        if order == "want" and fields["wanted"] == "up":
            worker.begin_attempt()
            worker.logged_in(number, origin)
        elif order == "want":
            worker.report(session=0, origin="none")
            worker.gone()
    return on_order


def _connected(story, uri=URI, number=3, origin="ours", disks=None):
    """A client, and the worker of uri, connected under CID a."""
    story.sysfs.add(number, IQN, {0: "sda"} if disks is None else disks)
    story.on_order = _logs_in(number, origin)
    client = story.start().client()
    client.manage(uri, "a")
    client.wait("a")
    return client, story.worker()


def _offline(story, uri=URI):
    """Where links lead that have no device."""
    folder = story.path("run", "mnt", "%016x" % hash_text(uri))
    return os.path.join(folder, uri.split("//")[1].replace("/", ":"),
                        "offline")


def _info(client, cid="a"):
    return client.call("status", cid)["connectionInfo"]


def a_link_leads_to_the_lowest_lun(story):
    client, _ = _connected(story, disks={7: "sdc", 2: "sdb", 5: "sda"})
    expect_equal(story.links(), {"a": "/dev/sdb"})
    expect_equal(client.claims()["a"]["path"], "/dev/sdb")


def a_link_leads_to_the_lun_that_was_asked_for(story):
    client, _ = _connected(story, URI + "/5", disks={2: "sdb", 5: "sda"})
    expect_equal(story.links(), {"a": "/dev/sda"})
    expect_equal(_info(client)["lun"], 5)


def connection_info_shows_session_and_devices(story):
    client, _ = _connected(story, disks={5: "sda", 2: "sdb"})
    info = _info(client)
    expect_equal([info[key] for key in ("session", "portal", "sessionState",
                                        "adopted", "lun")],
                 [3, "192.0.2.7:3260", "LOGGED_IN", False, -1])
    expect_equal(info["devices"], [
        {"lun": 2, "name": "sdb", "path": "/dev/sdb", "byPath": ""},
        {"lun": 5, "name": "sda", "path": "/dev/sda", "byPath": ""}])


def the_state_of_a_session_is_that_of_now(story):
    client, _ = _connected(story)
    story.sysfs.set_state(3, "FAILED")
    expect_equal(_info(client)["sessionState"], "FAILED")


def a_session_that_was_there_is_told_as_adopted(story):
    client, _ = _connected(story, origin="found")
    expect_equal(_info(client)["adopted"], True)


def an_ipv6_portal_stands_in_brackets(story):
    story.sysfs.add(3, IQN, {0: "sda"}, address="2001:db8::7", port=3261)
    story.on_order = _logs_in(3)
    client = story.start().client()
    client.manage("iscsi://[2001:db8::7]:3261/" + IQN, "a")
    expect_equal(client.wait("a")["connectionInfo"]["portal"],
                 "[2001:db8::7]:3261")


def while_there_is_no_device_a_link_leads_where_nothing_can_be_made(story):
    story.on_order = listens
    client = story.start().client()
    client.manage(URI, "a")
    story.worker().expect_want("up")
    expect_equal(story.links(), {"a": _offline(story)})
    expect_equal(client.claims()["a"]["path"], "")
    try:
        os.close(os.open(story.path("run", "by-id", "a"),
                         os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError:
        return
    raise AssertionError("a file was made where the device will be")


def a_link_follows_its_device(story):
    client, worker = _connected(story)
    story.sysfs.add(3, IQN, {0: "sdq"})
    story.sysfs.tell(3)
    story.poll(lambda: story.links() == {"a": "/dev/sdq"}, "the new name")
    story.sysfs.remove(3)
    story.sysfs.tell(3)
    story.poll(lambda: story.links() == {"a": _offline(story)}, "the end")
    worker.report(state="connecting", session=0, origin="trying",
                  has_object=0)
    story.poll(lambda: client.state("a") == "connecting", "the attempt")
    story.sysfs.add(4, IQN, {0: "sdr"})
    worker.logged_in(4)
    client.wait("a")
    expect_equal(story.links(), {"a": "/dev/sdr"})


def whoever_waited_finds_the_link_in_its_place(story):
    story.on_order = listens
    client = story.start().client()
    client.manage(URI, "a")
    worker = story.worker()
    worker.expect_want("up")
    number = client.begin_wait("a")
    story.sysfs.add(3, IQN, {0: "sda"})
    worker.begin_attempt()
    worker.logged_in(3)
    expect_equal(client.answer(number)["path"], "/dev/sda")
    expect_equal(story.links(), {"a": "/dev/sda"})


def two_luns_of_a_target_are_one_connection(story):
    client, _ = _connected(story, URI + "/1", disks={1: "sda", 2: "sdb"})
    client.manage(URI + "/2", "b")
    client.wait("b")
    expect_equal(story.links(), {"a": "/dev/sda", "b": "/dev/sdb"})
    expect_equal({entry["uri"] for entry in client.claims().values()}, {URI})
    expect_equal(client.unmanage("a"), {"last": False})
    expect_equal(story.count_workers(), 1)


def a_lun_is_kept_over_a_restart(story):
    client, _ = _connected(story, URI + "/2", disks={1: "sda", 2: "sdb"})
    story.stop()
    client = story.start().client()
    client.wait("a")
    expect_equal(_info(client)["lun"], 2)
    expect_equal(story.links(), {"a": "/dev/sdb"})


def the_same_id_with_another_lun_is_in_use(story):
    client, _ = _connected(story, URI + "/2", disks={1: "sda", 2: "sdb"})
    same = {"if_absent": True}
    expect_equal(client.call("manage", URI + "/2", "a", same)["created"],
                 False)
    for other in (URI + "/1", URI, URI + "/2?tpgt=2"):
        expect_equal(client.refusal("manage", other, "a", same),
                     "cid-in-use", other)


def a_lun_that_is_not_there_has_no_device(story):
    client, _ = _connected(story, URI + "/9")
    expect_equal(client.claims()["a"]["path"], "")
    expect_equal(story.links(), {"a": _offline(story)})


def _mark(story):
    path = story.path("run", "base", "%016x" % hash_text(URI), "session")
    try:
        with open(path, encoding="ascii") as file:
            session, origin = map(int, file.read().split())
        expect_equal(os.stat(path).st_mode & 0o777, 0o600, "mode")
        return session, schema.ORIGINS[origin]
    except FileNotFoundError:
        return None


def who_made_the_session_is_on_file_before_it_is_made(story):
    story.on_order = listens
    client = story.start().client()
    client.manage(URI, "a")
    worker = story.worker()
    worker.expect_want("up")
    expect_equal(_mark(story), None)
    worker.report(state="connecting", wanted="up", attempt=1,
                  origin="trying")
    story.poll(lambda: _mark(story) == (0, "trying"), "the attempt")
    story.sysfs.add(3, IQN, {0: "sda"})
    worker.logged_in(3)
    client.wait("a")
    expect_equal(_mark(story), (4, "ours"))


def the_next_worker_is_told_who_made_the_session(story):
    _, worker = _connected(story)
    expect_equal([(order["session"], order["origin"])
                  for order in worker.fields("target")], [(0, "none")])
    worker.kill()
    worker.expect_end()
    story.advance(1)
    story.worker(1).expect_order("target")
    expect_equal([(order["session"], order["origin"])
                  for order in story.worker(1).fields("target")],
                 [(4, "ours")])


def the_next_daemon_knows_who_made_the_session(story):
    _connected(story, origin="found")
    story.signal(9)
    story.wait_end()
    story.start()
    story.worker(1).expect_order("target")
    order = story.worker(1).fields("target")[0]
    expect_equal((order["session"], order["origin"]), (4, "found"))


def a_mark_that_makes_no_sense_is_none(story):
    folder = story.path("run", "base", "%016x" % hash_text(URI))
    os.makedirs(folder)
    client = story.start().client()
    for number, text in enumerate(("", "x", "4", "4 9", "4 -1", "-1 1",
                                   "2147483648 1", "99999999999999999999 1")):
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "session"), "w",
                  encoding="ascii") as file:
            file.write(text)
        client.manage(URI, "a")
        worker = story.worker(number)
        worker.expect_order("target")
        order = worker.fields("target")[0]
        expect_equal((order["session"], order["origin"]), (0, "none"), text)
        client.unmanage("a")
        client.wait("a", **{"for": "gone"})


def the_mark_goes_with_the_connection(story):
    client, _ = _connected(story)
    client.unmanage("a")
    client.wait("a", **{"for": "gone"})
    expect_equal(os.listdir(story.path("run", "base")), [])


def a_worker_that_dies_takes_no_session_from_the_list(story):
    client, worker = _connected(story)
    story.on_order = listens
    worker.kill()
    worker.expect_end()
    story.poll(lambda: client.claims()["a"]["worker"] == 0, "the death")
    entry = client.claims()["a"]
    expect_equal((entry["connected"], entry["path"], entry["state"]),
                 (True, "/dev/sda", "unresponsive"))
    expect_equal(story.links(), {"a": "/dev/sda"})
    story.advance(1)
    story.worker(1).expect_want("up")
    expect_equal(story.links(), {"a": "/dev/sda"})


def a_worker_that_names_another_target_s_session_gets_no_link(story):
    story.sysfs.add(5, OTHER_IQN, {0: "sdo"})
    client, worker = _connected(story)
    worker.logged_in(5)
    story.poll(lambda: _info(client)["session"] == -1, "the lie to be seen")
    expect_equal(client.claims()["a"]["path"], "")
    expect_equal(story.links(), {"a": _offline(story)})


def a_worker_that_names_an_absurd_session_gets_no_link(story):
    client, worker = _connected(story)
    for number in (2**31 - 2, 2**29, 0, 4):
        worker.logged_in(number)
        story.poll(lambda: _info(client)["session"] == -1, "the lie")
        expect_equal(story.links(), {"a": _offline(story)})
        worker.logged_in(3)
        story.poll(lambda: _info(client)["session"] == 3, "the truth")
        expect_equal(story.links(), {"a": "/dev/sda"})


def a_session_without_a_claim_is_listed_as_unmanaged(story):
    story.sysfs.add(5, OTHER_IQN, {0: "sdo", 1: "sdp"})
    client, _ = _connected(story)
    names = [name for name in client.call("list") if "session" in name]
    expect_equal(names, ["unmanaged/iscsi_session_5"])
    entry = client.call("list")[names[0]]
    expect_equal((entry["managed"], entry["connected"], entry["path"]),
                 (False, True, "/dev/sdo"))
    info = entry["connectionInfo"]
    expect_equal((info["type"], info["iqn"], info["session"]),
                 ("iscsi", OTHER_IQN, 5))
    expect_equal([disk["name"] for disk in info["devices"]], ["sdo", "sdp"])


def a_session_is_unmanaged_again_when_its_claim_has_gone(story):
    client, _ = _connected(story, origin="found")
    expect("unmanaged/iscsi_session_3" not in client.call("list"),
           "it is listed twice")
    client.unmanage("a")
    client.wait("a", **{"for": "gone"})
    expect("unmanaged/iscsi_session_3" in client.call("list"), "not listed")


def a_worker_is_told_to_look_when_its_session_may_have_changed(story):
    _, worker = _connected(story)
    before = worker.names().count("look")
    story.sysfs.remove(3)
    story.sysfs.tell(3)
    worker.expect_order("look", before + 1)
