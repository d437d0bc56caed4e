# SPDX-License-Identifier: LGPL-2.1-or-later
"""somebody with the daemon's user swaps directories for links while it mounts"""

import ctypes
import os
import pwd
import random
import signal
import time

from lab import MOUNTS, RPCError, expect, mounts

NEEDS = ("nfs", "daemon")
SELINUX = False     # which would refuse to look at the links at all
TIME_LIMIT_S = 240
BASE = "/run/holdfast/base"
# One on the file system of the mount root, one on another.
VICTIMS = ("/run/victim", "/srv/victim")
SECONDS = 25
RENAME_EXCHANGE = 2


def exchange(libc, one, other):
    libc.renameat2(-100, os.fsencode(one), -100, os.fsencode(other),
                   RENAME_EXCHANGE)


def attack():
    """Takes turns with all that a target's directory is made of."""
    libc = ctypes.CDLL(None)
    aims = VICTIMS + ("/etc", "/", "../..", "/proc/1/root/run/victim")
    while True:
        for root in (MOUNTS, BASE):
            try:
                names = os.listdir(root)
            except OSError:
                continue
            for name in names:
                spoil(libc, os.path.join(root, name), random.choice(aims))


def spoil(libc, path, aim):
    """A link in the place of the directory, and of what is in it."""
    link = os.path.join(BASE, "swap")
    try:
        inner = [os.path.join(path, name) for name in os.listdir(path)]
    except OSError:
        inner = []
    for place in inner + [path]:
        try:
            os.symlink(aim, link)
        except FileExistsError:
            pass
        except OSError:
            return
        if os.path.basename(place) in ("swap", "ledger", "paused"):
            continue
        exchange(libc, link, place)
        time.sleep(random.random() * 0.002)
        if random.random() < 0.7:
            exchange(libc, link, place)
        try:
            if os.path.islink(link):
                os.unlink(link)
            else:
                os.rmdir(link)
        except OSError:
            pass


def start_attacker():
    user = pwd.getpwnam("holdfast")
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            attack()
        finally:
            os._exit(1)
    return pid


def elsewhere():
    """Mounts that are none of the daemon's places."""
    return {(m.point, m.fstype, m.source) for m in mounts()
            if not m.point.startswith("/run/holdfast/")}


def misplaced():
    """Mounts of ours that are anywhere but in a directory of the mount root."""
    return [m for m in mounts() if m.point.startswith("/run/holdfast/")
            and not m.point.startswith(MOUNTS + "/")]


def run(lab):
    server = lab.server({"/vms": None})
    for victim in VICTIMS:
        os.makedirs(victim)
    before = elsewhere()
    etc = sorted(os.listdir("/etc"))
    client = lab.daemon({"retry": {"min_ms": 100, "max_ms": 300,
                                   "blocked_ms": 300}}).client()
    uris = [server.uri("/vms"), server.uri("/vms", "vers=3"), "tmpfs://a",
            "tmpfs://b"]
    attacker = start_attacker()
    connected = 0
    rng = random.Random(5)
    try:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            cid = "c%d" % rng.randrange(4)
            try:
                client.manage(uris[int(cid[1:])], cid)
                client.wait(cid, timeout=rng.random())
                connected += 1
            except RPCError:
                pass
            expect(elsewhere() == before, "mounted elsewhere: %r"
                   % (elsewhere() ^ before))
            expect(not misplaced(), "misplaced: %r" % misplaced())
            try:
                client.unmanage(cid)
            except RPCError:
                pass
    finally:
        os.kill(attacker, signal.SIGKILL)
        os.waitpid(attacker, 0)
    lab.note("%d times connected all the same" % connected)
    expect(connected > 0, "it was connected at least once")
    expect(sorted(os.listdir("/etc")) == etc
           and not any(map(os.listdir, VICTIMS)), "nothing was made elsewhere")
    client.call("hello")
