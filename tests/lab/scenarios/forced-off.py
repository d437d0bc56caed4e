# SPDX-License-Identifier: LGPL-2.1-or-later
"""a dead server's mount that nobody claims is forced off, a live one's never"""

import time

from lab import (Holder, by_id, expect, mount_id, never_within, read_text,
                 wait_until)

NEEDS = ("nfs", "netem", "daemon")
TIME_LIMIT_S = 240


def lingering(client, part):
    return [e for i, e in client.list().items()
            if i.startswith("lingering/") and part in repr(e)]


def run(lab):
    alive = lab.server({"/vms": None})
    dead = lab.server({"/iso": None}, isolated=True)
    daemon = lab.daemon({"operation": {"force_after_ms": 8000}})
    client = daemon.client()
    alive.write("/vms/disk", "data")
    dead.write("/iso/disk", "data")
    # Hard: a writer waits for ever, and so does its end.
    client.manage(alive.uri("/vms"), "alive")
    client.manage(dead.uri("/iso", "hard"), "dead")
    paths = {cid: client.wait(cid)["path"] for cid in ("alive", "dead")}

    with Holder(by_id("alive", "disk")), Holder(by_id("dead", "disk")):
        with open(paths["dead"] + "/new", "w") as new:
            new.write("x" * 100000)
            new.flush()
            dead.drop()
            client.unmanage("alive")
            client.unmanage("dead")
            begun = time.monotonic()
            wait_until(lambda: mount_id(paths["dead"]) == 0, 60,
                       lambda: "it is forced off: %r" % client.list())
            took = time.monotonic() - begun
            lab.note("forced off after %.1f s" % took)
            expect(took >= 8, "not before its time")
            lab.note("lingering: %r" % lingering(client, "vms"))
            never_within(lambda: mount_id(paths["alive"]) == 0, 15,
                         "the live server's is forced off as well")
            dead.undrop()
            try:
                new.close()
            except OSError as error:
                lab.note("close: %r" % error)
    wait_until(lambda: mount_id(paths["alive"]) == 0, 20, "it goes at last")
    wait_until(lambda: client.list() == {}, 30,
               lambda: "nothing is listed: %r" % client.list())
    log = [l for l in read_text(daemon.log_path).splitlines()
           if ": forced off; " in l]
    lab.note("log: %r" % log)
    expect(len(log) == 1 and "may be lost" in log[0], "one line: %r" % log)
