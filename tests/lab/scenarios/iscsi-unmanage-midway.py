# SPDX-License-Identifier: LGPL-2.1-or-later
"""let go of while it logs in, or after attempts that failed: nothing stays"""

import os
import time
from kernel import processes
from lab import Claim, expect, never_within, sessions, wait_until

NEEDS = ("iscsi", "netem", "daemon")
BASES = ("/etc/iscsi", "/var/lib/iscsi")


def left_behind():
    """Records, sidecars and whatever else is of holdfast's."""
    found = []
    for base in BASES:
        for folder, _, names in os.walk(base):
            found += [os.path.join(folder, name) for name in names
                      if "/nodes/" in folder or ".holdfast" in name
                      or "/static" in folder]
        static = os.path.join(base, "static")
        if os.path.isdir(static):
            found += [os.path.join(static, n) for n in os.listdir(static)]
    return sorted(set(found))


def logging_in():
    return [p for p in processes() if p.cmdline.startswith("iscsiadm")
            and "--login" in p.cmdline]


def run(lab):
    target = lab.target(isolated=True)
    target.chap("user", "secret-one-1234")
    lab.initiator()
    daemon = lab.daemon()
    client = daemon.client()
    claim = Claim("a", target)
    # In the middle of iscsid's login.
    target.netem("delay", "300ms")
    claim.manage(client, username="user", password="secret-one-1234")
    wait_until(logging_in, 20, "iscsiadm logs in", every=0.01)
    client.unmanage("a")
    time.sleep(4)
    target.netem()
    wait_until(lambda: not sessions(), 20, lambda: "made and not left: %r %r"
               % (sessions(), client.list()))
    never_within(sessions, 2, "one comes late")
    wait_until(lambda: not client.list(), 20, "it is gone")
    expect(not left_behind(), "left: %r" % left_behind())

    # After an attempt that was refused.
    claim.manage(client, username="user", password="wrong-canary-77")
    wait_until(lambda: client.state("a") == "blocked", 20, "it is refused")
    lab.note("after a refusal: %r" % left_behind())
    client.unmanage("a")
    wait_until(lambda: not client.list(), 20, "it is gone")
    expect(not left_behind(), "left: %r" % left_behind())
