# SPDX-License-Identifier: LGPL-2.1-or-later
"""SIGTERM ends every process soon, with a dead server too, and no connection"""

from lab import Pinned, by_id, expect, read_text


def run(lab):
    server = lab.server({"/vms": None, "/iso": None})
    daemon = lab.daemon()
    client = daemon.client()
    pins = {}
    for cid in ("vms", "iso"):
        client.manage(server.uri("/" + cid), cid)
        path = client.wait(cid)["path"]
        pins[path] = Pinned(path)
        server.write("/%s/here" % cid, cid)

    for dead in (False, True):
        family = [p.pid for p in daemon.children()]
        if dead:
            server.stop()
        status = daemon.stop(timeout=10)
        expect(status == 0, "exit status 0, not %r" % status)
        daemon.wait_without_processes(family, timeout=5)
        for pin in pins.values():
            pin.expect_there("after SIGTERM")
        lab.note("ended, server %s" % ("dead" if dead else "alive"))
        if dead:
            server.start()
        daemon.start()
        client = daemon.client()
        for cid in ("vms", "iso"):
            path = client.wait(cid, timeout=60)["path"]
            pins[path].expect_there(cid + " was adopted")
            expect(read_text(by_id(cid, "here")) == cid, cid + " works")
