# SPDX-License-Identifier: LGPL-2.1-or-later
"""a server behind a veth pair is lost by dropped packets, by link, by delay"""

import errno
import os
import time

from lab import expect, in_child, mount_nfs

NEEDS = ("nfs", "netem")


def fails(lab, point, what):
    error = in_child(lambda: os.statvfs(point), 30)
    lab.note("%s: %s" % (what, errno.errorcode.get(error)))
    expect(error in (errno.ETIMEDOUT, errno.EIO, errno.ENETUNREACH),
           "%s: an error, not %r" % (what, error))


def works(lab, point, what):
    begun = time.monotonic()
    error = in_child(lambda: os.statvfs(point), 60)
    expect(error is None, "%s: works, not %r" % (what, error))
    lab.note("%s: works after %.2f s" % (what, time.monotonic() - begun))


def run(lab):
    server = lab.server(isolated=True)
    point = "/tmp/v4"
    mount_nfs(server, "/vms", point, "vers=4.2,actimeo=0")
    works(lab, point, "at first")

    server.drop()
    fails(lab, point, "packets dropped")
    server.undrop()
    works(lab, point, "packets pass again")

    server.link_down()
    fails(lab, point, "link down")
    server.link_up()
    works(lab, point, "link up again")

    server.netem("delay", "300ms")
    begun = time.monotonic()
    works(lab, point, "with 300 ms of delay")
    expect(time.monotonic() - begun > 0.3, "the delay is felt")
    server.netem()
