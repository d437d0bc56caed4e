# SPDX-License-Identifier: LGPL-2.1-or-later
"""replace_export() makes the handles that clients hold stale, v4.2 and v3"""

import errno
import os

from lab import detach, expect, in_child, mount_nfs

NEEDS = ("nfs",)


def check(lab, server, options, point):
    mount_nfs(server, "/vms", point, options)
    server.write("/vms/old", "old")
    held = os.open(point + "/old", os.O_RDONLY)
    server.replace_export()
    server.write("/vms/new", "new")
    for what, ask in (("root", lambda: os.listdir(point)),
                      ("file", lambda: os.pread(held, 3, 1))):
        error = in_child(ask, 30)
        lab.note("%s, %s: %s" % (options, what, errno.errorcode.get(error)))
        expect(what == "file" or error == errno.ESTALE,
               "ESTALE, not %r" % error)
    detach(point)
    mount_nfs(server, "/vms", point, options)
    expect(os.listdir(point) == ["new"], "a new mount shows the new volume")
    detach(point)


def run(lab):
    server = lab.server()
    check(lab, server, "vers=4.2,lookupcache=none,actimeo=0", "/tmp/v4")
    check(lab, server, "vers=3,lookupcache=none,actimeo=0", "/tmp/v3")

    mount_nfs(server, "/vms", "/tmp/same", "vers=4.2,actimeo=0")
    server.replace_export(same_fsid=True)
    error = in_child(lambda: os.listdir("/tmp/same"), 30)
    lab.note("with the same fsid, root: %r" % error)
    expect(error is None, "with the same fsid the root stays good")
