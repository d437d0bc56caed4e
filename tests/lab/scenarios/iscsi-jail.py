# SPDX-License-Identifier: LGPL-2.1-or-later
"""what an iSCSI worker, which is root, cannot write to or send signals to"""

import os
from lab import Claim, expect, read_text

NEEDS = ("iscsi", "daemon")
# iscsid.conf names a command that iscsiadm executes.
READ_ONLY = ("/sys", "/usr/lib", "/usr/sbin", "/etc/iscsi/iscsid.conf",
             "/etc/iscsi/initiatorname.iscsi")


def run(lab):
    target = lab.target()
    lab.initiator()
    daemon = lab.daemon()
    client = daemon.client()
    claim = Claim("disk", target)
    claim.connect(client)
    worker = daemon.worker_of(target.iqn()).pid
    options = {}
    for line in read_text("/proc/%d/mountinfo" % worker).splitlines():
        options[line.split()[4]] = line.split()[5].split(",")
    for path in READ_ONLY:
        expect("ro" in options.get(path, ()), "%s is read-only: %r"
               % (path, options))
    expect(all("nosuid" in words for words in options.values()),
           "nothing lends its owner: %r" % options)
    for kind in ("pid", "ipc", "mnt"):
        expect(os.readlink("/proc/%d/ns/%s" % (worker, kind))
               != os.readlink("/proc/1/ns/%s" % kind),
               "it has a %s namespace of its own" % kind)
    # kill(0) goes to a process group, and out of any PID namespace.
    for child in daemon.children():
        if "holdfast-worker" in child.cmdline:
            expect(os.getpgid(child.pid) == child.pid,
                   "%r has a process group of its own" % child)
    client.unmanage("disk")
    claim.wait_until_gone()
