# SPDX-License-Identifier: LGPL-2.1-or-later
"""SIGSTOP to a worker, and to the launcher: told truthfully, mended, nobody else waits"""

import os
import signal
import time

from lab import Pinned, Stalls, expect, expect_fast, is_alive, wait_until

NEEDS = ("nfs", "daemon")
ALONE = True
TIME_LIMIT_S = 200
FAST_S = 0.25           # what waits for a dead server takes seconds


def stop_worker_for_good(lab, daemon, client, pins):
    worker = daemon.worker_of("/vms")
    os.kill(worker.pid, signal.SIGSTOP)
    begun = time.monotonic()
    wait_until(lambda: client.state("vms") == "unresponsive", 20,
               "its silence is seen")
    lab.note("seen after %.1f s: %r" % (time.monotonic() - begun,
                                        client.list()["vms"]["error"]))
    expect(client.list()["vms"]["error"]["slug"] == "worker-died", "why")
    expect(client.state("iso") == "connected", "the other one's is well")
    wait_until(lambda: not is_alive(worker.pid), 45, "it is replaced")
    client.wait("vms", timeout=20)
    pins["vms"].expect_there("by another worker")


def stop_worker_for_a_while(daemon, client, pins):
    worker = daemon.worker_of("/vms")
    os.kill(worker.pid, signal.SIGSTOP)
    wait_until(lambda: client.state("vms") == "unresponsive", 20, "silence")
    os.kill(worker.pid, signal.SIGCONT)
    client.wait("vms")
    expect(daemon.worker_of("/vms").pid == worker.pid, "the same worker")
    pins["vms"].expect_there("by the same worker")


def stop_launcher(daemon, client, server, pins):
    launcher = daemon.launcher()
    os.kill(launcher.pid, signal.SIGSTOP)
    client.manage(server.uri("/tmp1"), "late")
    victim = daemon.worker_of("/iso")
    os.kill(victim.pid, signal.SIGKILL)
    wait_until(lambda: client.state("iso") == "unresponsive", 10, "its death")
    time.sleep(5)
    entries = client.list()
    expect(entries["vms"]["state"] == "connected", "who needs no launcher")
    expect(entries["late"]["state"] != "connected", "nobody to start it")
    os.kill(launcher.pid, signal.SIGCONT)
    client.wait("late")
    client.wait("iso")
    for pin in pins.values():
        pin.expect_there("a stopped launcher costs no mount")


def run(lab):
    server = lab.server({"/vms": None, "/iso": None, "/tmp1": None})
    daemon = lab.daemon()
    client = daemon.client()
    pins = {}
    for cid in ("vms", "iso"):
        client.manage(server.uri("/" + cid), cid)
        pins[cid] = Pinned(client.wait(cid)["path"])
    client.timings = []
    with Stalls() as stalls:
        stop_worker_for_a_while(daemon, client, pins)
        stop_worker_for_good(lab, daemon, client, pins)
        stop_launcher(daemon, client, server, pins)
    expect_fast(lab, client, "list", FAST_S, stalls)
    worker, launcher = daemon.worker_of("/vms"), daemon.launcher()
    os.kill(worker.pid, signal.SIGSTOP)
    # With the launcher there the stopped one dies with its supervisor.
    daemon.kill()
    wait_until(lambda: not is_alive(worker.pid), 5, "the stopped one's end")
    daemon.start()
    client = daemon.client()
    client.wait("vms", timeout=20)
    worker, launcher = daemon.worker_of("/vms"), daemon.launcher()
    os.kill(worker.pid, signal.SIGSTOP)
    os.kill(launcher.pid, signal.SIGSTOP)
    begun = time.monotonic()
    daemon.stop()
    took = time.monotonic() - begun
    lab.note("SIGTERM with both stopped: %.2f s" % took)
    expect(took < 2, "SIGTERM ends it in 2 s, not %.1f" % took)
    # And without, the next start ends both: they would keep the directories.
    daemon.start()
    expect(not is_alive(worker.pid) and not is_alive(launcher.pid),
           "what was left behind is ended: %r" % [worker, launcher])
    client = daemon.client()
    for cid in ("vms", "iso", "late"):
        client.wait(cid, timeout=20)
    for pin in pins.values():
        pin.expect_there("taken over")
    client.unmanage("late")
    wait_until(lambda: "lingering" not in repr(client.list()), 10,
               lambda: "its directory is given back: %r" % client.list())
    daemon.stop()
    for pin in pins.values():
        pin.expect_there("after SIGTERM")
        pin.close()
