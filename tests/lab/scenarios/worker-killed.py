# SPDX-License-Identifier: LGPL-2.1-or-later
"""a killed worker is replaced, its mount stays, nobody else notices"""

import os
import signal

from lab import MountWatch, Pinned, expect, mount_id, wait_until


def run(lab):
    server = lab.server({"/vms": None, "/iso": None})
    daemon = lab.daemon()
    client = daemon.client()
    client.manage(server.uri("/vms"), "vms")
    client.manage(server.uri("/iso"), "iso")
    path = client.wait("vms")["path"]
    other_path = client.wait("iso")["path"]
    mount, other_mount = Pinned(path), Pinned(other_path)
    other = daemon.worker_of("/iso").pid

    for _ in range(3):
        killed = daemon.worker_of("/vms").pid
        with MountWatch(path) as watch, MountWatch(other_path) as other_watch:
            os.kill(killed, signal.SIGKILL)
            wait_until(lambda: [w for w in daemon.workers()
                                if w.pid not in (killed, other)], 15,
                       "there is a new worker")
            wait_until(lambda: client.state("vms") == "connected", 15,
                       "the new worker says connected")
        watch.expect_only(mount.id)
        other_watch.expect_only(other_mount.id)
        expect(other in [w.pid for w in daemon.workers()],
               "the other worker lives on")
        lab.note("worker %d is now %d; %d looks at the mount table" % (killed,
                 daemon.worker_of("/vms").pid, watch.samples))

    mount.close()
    client.unmanage("vms")
    wait_until(lambda: mount_id(path) == 0, 10,
               "the adopted mount is unmounted by the last unmanage")
    other_mount.expect_there("the other one is not")
