# SPDX-License-Identifier: LGPL-2.1-or-later
"""supervisor, then launcher killed: mounts stay, the next has all claims"""

import os
import signal

from lab import Pinned, expect, mount_id, never_within, wait_until


def everything(client):
    return {cid: entry["connectionInfo"] for cid, entry
            in client.list().items()}


def restart_and_check(daemon, pins, claims):
    daemon.start()
    client = daemon.client()
    expect(everything(client) == claims, "claims %r, not %r"
           % (everything(client), claims))
    for cid in claims:
        entry = client.wait(cid)
        pins[entry["path"]].expect_there(cid + " was adopted")
    never_within(lambda: not all(p.is_there() for p in pins.values()), 2,
                 "a mount changes later")
    return client


def run(lab):
    server = lab.server({"/vms": None, "/iso": None})
    daemon = lab.daemon()
    client = daemon.client()
    for cid, export in (("a", "/vms"), ("b", "/vms"), ("c", "/iso")):
        client.manage(server.uri(export), cid)
    pins = {}
    for cid in "abc":
        path = client.wait(cid)["path"]
        if path not in pins:
            pins[path] = Pinned(path)
    claims = everything(client)

    family = [p.pid for p in daemon.children()]
    daemon.kill()
    daemon.wait_without_processes(family)
    lab.note("supervisor killed: launcher and workers ended")
    for pin in pins.values():
        pin.expect_there("the supervisor is dead")
    client = restart_and_check(daemon, pins, claims)

    family = [p.pid for p in daemon.children()]
    os.kill(daemon.launcher().pid, signal.SIGKILL)
    wait_until(lambda: not daemon.is_running(), 10,
               "the supervisor ends with its launcher")
    daemon.wait_without_processes(family)
    client = restart_and_check(daemon, pins, claims)

    for pin in pins.values():
        pin.close()
    for cid in "abc":
        client.unmanage(cid)
    wait_until(lambda: not any(map(mount_id, pins)), 10,
               "adopted mounts go with the last claim")
