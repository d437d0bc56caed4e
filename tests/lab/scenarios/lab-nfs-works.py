# SPDX-License-Identifier: LGPL-2.1-or-later
"""the lab's own server serves v4.2 and v3, goes away and comes back"""

import errno
import os

from lab import expect, in_child, mount_nfs, nfs_mounts, read_text, write_text

NEEDS = ("nfs",)


def check(lab, server, options, point):
    mount = mount_nfs(server, "/vms", point, options)
    version = "vers=" + options.split("vers=")[1]
    expect(mount and version in mount.super_options,
           "%s is not a mount with %s: %r" % (point, version,
                                              mount and mount.super_options))
    server.write("/vms/from-server", options)
    expect(read_text(point + "/from-server") == options, "read the file")
    write_text(point + "/from-client", "hello")
    expect(server.read("/vms/from-client") == "hello", "the server has it")
    lab.note("%s works" % options)


def run(lab):
    server = lab.server()
    points = ["/tmp/v4", "/tmp/v3"]
    check(lab, server, "vers=4.2", points[0])
    check(lab, server, "vers=3", points[1])
    expect(len(nfs_mounts()) == 2, "two mounts, not %r" % nfs_mounts())

    server.stop()
    for point in points:
        error = in_child(lambda: os.statvfs(point), 20)
        lab.note("%s, server stopped: %s"
                 % (point, errno.errorcode.get(error)))
        expect(error in (errno.ETIMEDOUT, errno.EIO), "an error, not %r"
               % error)

    server.start()
    for point in points:
        error = in_child(lambda: os.statvfs(point), 30)
        expect(error is None, "%s is back, not %r" % (point, error))
        lab.note("%s, server started: works" % point)
