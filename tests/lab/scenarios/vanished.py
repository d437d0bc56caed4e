# SPDX-License-Identifier: LGPL-2.1-or-later
"""a mount taken away behind the daemon's back is back at once"""

import time

from lab import Pinned, by_id, detach, expect, mount_id, read_text, wait_until


def run(lab):
    server = lab.server()
    daemon = lab.daemon()
    client = daemon.client()
    client.manage(server.uri("/vms"), "vms")
    path = client.wait("vms")["path"]
    server.write("/vms/here", "yes")
    for _ in range(3):
        before = Pinned(path)
        workers = [w.pid for w in daemon.workers()]
        detach(path)
        begun = time.monotonic()
        wait_until(lambda: mount_id(path) not in (0, before.id), 5,
                   "the mount is back", every=0.005)
        lab.note("back after %.3f s" % (time.monotonic() - begun))
        before.close()
        client.wait("vms", timeout=5)
        expect(read_text(by_id("vms", "here")) == "yes", "it works")
        expect([w.pid for w in daemon.workers()] == workers,
               "by the same worker")
        # Let a back-off that it began with end.
        time.sleep(2)
