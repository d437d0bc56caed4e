# SPDX-License-Identifier: LGPL-2.1-or-later
"""two servers die for good, writers hang in them: SIGTERM ends all in 2 s, mounts stay"""

import os
import time

from lab import Pinned, expect, is_alive, wait_until

NEEDS = ("nfs", "netem", "daemon")
ALONE = True
QUERIES = ("hard&vers=4.2", "vers=4.2", "hard&vers=3", "vers=3")


def blocked_writer(path):
    """A process that writes, and hangs."""
    pid = os.fork()
    if pid == 0:
        try:
            with open(path, "w", encoding="ascii") as file:
                while True:
                    file.write("x" * 4096)
                    file.flush()
                    os.fsync(file.fileno())
                    time.sleep(0.02)
        finally:
            os._exit(0)
    return pid


def run(lab):
    dropped = lab.server({"/vms": None}, isolated=True)
    refusing = lab.server({"/iso": None}, isolated=True)
    daemon = lab.daemon()
    client = daemon.client()
    pins = []
    writers = []
    for server, path in ((dropped, "/vms"), (refusing, "/iso")):
        for query in QUERIES:
            cid = path[1:] + query.replace("&", "-")
            client.manage(server.uri(path, query), cid)
            point = client.wait(cid)["path"]
            pins.append(Pinned(point))
            if query.startswith("hard"):
                writers.append(blocked_writer("%s/%s" % (point, cid)))
    time.sleep(1)
    dropped.drop()
    refusing.stop()
    wait_until(lambda: {e["state"] for e in client.list().values()}
               == {"unresponsive"}, 30,
               lambda: "all are seen to be dead: %r" % {
                   c: e["state"] for c, e in client.list().items()})
    for again in range(3):
        family = [p.pid for p in daemon.children()]
        begun = time.monotonic()
        status = daemon.stop()
        took = time.monotonic() - begun
        lab.note("SIGTERM: %.2f s, status %r" % (took, status))
        expect(status == 0 and took < 2, "it ends in 2 s, not %.1f" % took)
        daemon.wait_without_processes(family, timeout=5)
        for pin in pins:
            pin.expect_there("after SIGTERM")
        daemon.start()
        client = daemon.client()
        wait_until(lambda: {e["state"] for e in client.list().values()}
                   <= {"unresponsive", "stuck"}, 30,
                   lambda: "seen again: %r" % {
                       c: (e["state"], e["error"])
                       for c, e in client.list().items()})
        time.sleep(again)       # in another phase of the probes each time
    expect(all(map(is_alive, writers)), "the writers hang, as they should")
    for pin in pins:
        pin.expect_there("adopted")
        pin.close()
    for pid in writers:
        os.kill(pid, 9)
