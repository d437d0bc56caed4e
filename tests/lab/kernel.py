# SPDX-License-Identifier: LGPL-2.1-or-later
"""kernel.py - what the kernel says: mounts and processes, and waiting for them

Runs in: a lab guest, as root
Trusts: /proc
Invariant: nothing here asks holdfast anything.
"""

import ctypes
import json
import os
import select
import subprocess
import time

NFS_TYPES = ("nfs", "nfs4")
MNT_DETACH = 2
UMOUNT_NOFOLLOW = 8


class Failed(Exception):
    """The scenario has shown that something is not as it should be."""


def expect(condition, text):
    """Fail the scenario with text unless condition holds."""
    if not condition:
        raise Failed(text)


def wait_until(predicate, timeout, what, every=0.02):
    """Poll until predicate() is true; return its value. `what` is a noun
    phrase for the failure, or a function that makes it."""
    deadline = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline:
            text = what() if callable(what) else what
            raise Failed("not within %g s: %s" % (timeout, text))
        time.sleep(every)


def never_within(predicate, seconds, what, every=0.01):
    """Fail if predicate() becomes true in the next seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = predicate()
        expect(not value, "happened and should not have: %s (%r)"
               % (what, value))
        time.sleep(every)


def sh(*argv, check=True, timeout=60, **kwargs):
    """Run a program; return its subprocess.CompletedProcess, text."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=timeout, **kwargs)
    if check and done.returncode:
        raise Failed("%s: exit %d: %s" % (" ".join(argv), done.returncode,
                     (done.stderr or done.stdout).strip()))
    return done


def in_child(function, timeout):
    """Run function() in a process of its own, because it may block in the
    kernel. Returns None or the errno of its OSError; after the timeout the
    child is killed (or left, if it cannot die) and the scenario fails."""
    pid = os.fork()
    if pid == 0:
        code = 0
        try:
            function()
        except OSError as error:
            code = error.errno or 255
        except BaseException:
            code = 255
        os._exit(code)

    def ended():
        done, status = os.waitpid(pid, os.WNOHANG)
        return (status,) if done else None
    try:
        status = wait_until(ended, timeout, "an answer of the file system")[0]
    except Failed:
        os.kill(pid, 9)
        raise
    expect(os.WIFEXITED(status), "the child was killed: %d" % status)
    return os.WEXITSTATUS(status) or None


def refused(function):
    """The errno with which function() fails; None if it does not."""
    try:
        function()
    except OSError as error:
        return error.errno or -1
    return None


class Holder:
    """A process that holds a file open until close() or the block's end."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self._child = subprocess.Popen(["sleep", "600"], stdin=file)
        self.pid = self._child.pid

    def close(self):
        self._child.kill()
        self._child.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def read_text(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def write_text(path, text):
    """Write a file and close it: on NFS both can fail."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


# Mounts

class Mount:
    """One line of mountinfo."""

    def __init__(self, line):
        left, right = line.rstrip("\n").split(" - ", 1)
        left = left.split(" ")
        right = right.split(" ")
        self.id = int(left[0])
        self.parent = int(left[1])
        self.device = left[2]
        self.root = unescape(left[3])
        self.point = unescape(left[4])
        self.options = left[5].split(",")
        self.propagation = left[6:]
        self.fstype = right[0]
        self.source = unescape(right[1])
        self.super_options = right[2].split(",") if len(right) > 2 else []

    def __repr__(self):
        return "<mount %d %s %s on %s>" % (self.id, self.fstype, self.source,
                                           self.point)


def unescape(field):
    """Undo mountinfo's octal escapes."""
    raw = field.encode("utf-8", "surrogateescape")
    head, *parts = raw.split(b"\\")
    out = head
    for part in parts:
        out += bytes([int(part[:3], 8)]) + part[3:]
    return out.decode("utf-8", "surrogateescape")


def mounts(pid=1):
    """Every mount in the namespace of a process, in the kernel's order."""
    with open("/proc/%d/mountinfo" % pid, encoding="utf-8",
              errors="surrogateescape") as file:
        return [Mount(line) for line in file]


def mounts_at(path, pid=1):
    """The mounts stacked on path, lowest first."""
    return [m for m in mounts(pid) if m.point == path]


def nfs_mounts(pid=1):
    return [m for m in mounts(pid) if m.fstype in NFS_TYPES]


def nfs_mount_at(path, pid=1):
    """The NFS mount on path; None if there is none."""
    found = [m for m in mounts_at(path, pid) if m.fstype in NFS_TYPES]
    return found[-1] if found else None


def mount_id(path, pid=1):
    """The id of the NFS mount on path, 0 if there is none. The kernel gives
    the ids of mounts that are gone to new ones: see Pinned."""
    found = nfs_mount_at(path, pid)
    return found.id if found else 0


def detach(path):
    """What an administrator does with `umount -l`, but without the helper
    program of NFS, which blocks when the server is dead. The system call does
    so too, once the mount is off its path: it is left to itself then."""
    pid = os.fork()
    if pid == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        failed = libc.umount2(os.fsencode(path), MNT_DETACH | UMOUNT_NOFOLLOW)
        os._exit(ctypes.get_errno() if failed else 0)

    def is_off():
        done, status = os.waitpid(pid, os.WNOHANG)
        expect(status == 0, "detach %s: status %d" % (path, status))
        return done or not mount_id(path)
    wait_until(is_off, 10, path + " is detached", every=0.002)


class Pinned:
    """The NFS mount that is on path now. While this holds it, its id is given
    to no other mount, so that an equal id means that it is the same mount. A
    plain unmount of it fails meanwhile; close() first if one is wanted."""

    def __init__(self, path):
        self.path = path
        self._fd = os.open(path, os.O_PATH | os.O_DIRECTORY)
        self.id = mount_id(path)
        info = read_text("/proc/self/fdinfo/%d" % self._fd)
        expect("mnt_id:\t%d\n" % self.id in info,
               "%s is an NFS mount: %r" % (path, mounts_at(path)))

    def is_there(self):
        return mount_id(self.path) == self.id

    def expect_there(self, what):
        expect(self.is_there(), "%s: mount %d should be on %s; there is %r"
               % (what, self.id, self.path, mounts_at(self.path)))

    def close(self):
        os.close(self._fd)


class Background:
    """A process that calls look() again and again while the block runs, and
    then gives the parent what report() returns. It has looked once before the
    block begins."""

    def __init__(self, every):
        self.every = every

    def look(self):
        raise NotImplementedError

    def report(self):
        raise NotImplementedError

    def _loop(self, stop, out):
        self.look()
        os.write(out, b"\n")
        while not select.select([stop], [], [], self.every)[0]:
            self.look()

    def _run(self, stop, out):
        failed = None
        try:
            self._loop(stop, out)
        except Exception as error:
            failed = "%s: %s" % (type(error).__name__, error)
        with os.fdopen(out, "w", encoding="utf-8") as file:
            json.dump([failed, self.report()], file)

    def __enter__(self):
        stop, self._stop = os.pipe()
        result, out = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                self._run(stop, out)
            finally:
                os._exit(0)
        os.close(stop)
        os.close(out)
        self._result = os.fdopen(result, encoding="utf-8")
        begun = self._result.readline()
        expect(begun == "\n", "the watching process began: %s" % begun)
        return self

    # A block that has failed does not wait for one that hangs, too.
    def __exit__(self, failed, *_):
        if failed:
            os.kill(self._pid, 9)
            return
        try:
            os.write(self._stop, b"x")
        except BrokenPipeError:
            pass            # it has ended, and says why
        os.close(self._stop)
        with self._result:
            failed, report = json.load(self._result)
        os.waitpid(self._pid, 0)
        expect(failed is None, "the watching process: %s" % failed)
        self.take(report)

    def take(self, report):
        raise NotImplementedError


class MountWatch(Background):
    """Reads the mount table over and over; `ids` are the ids that the NFS
    mount on path had one after the other, 0 for "none"."""

    def __init__(self, path, every=0.001):
        super().__init__(every)
        self.path = path
        self.ids = []
        self.samples = 0

    def look(self):
        now = mount_id(self.path)
        self.samples += 1
        if not self.ids or self.ids[-1] != now:
            self.ids.append(now)

    def report(self):
        return [self.samples, self.ids]

    def take(self, report):
        self.samples, self.ids = report

    def expect_only(self, wanted):
        expect(self.ids == [wanted],
               "%s: the mount was %d; in %d looks it was %s"
               % (self.path, wanted, self.samples, self.ids))


# Processes

class Process:
    def __init__(self, pid, ppid, state, cmdline):
        self.pid = pid
        self.ppid = ppid
        self.state = state
        self.cmdline = cmdline

    def __repr__(self):
        return "<%d %s %s>" % (self.pid, self.state, self.cmdline)


def process(pid):
    """The process, or None if it is gone."""
    try:
        stat = read_text("/proc/%d/stat" % pid)
        cmdline = read_text("/proc/%d/cmdline" % pid)
    except OSError:
        return None
    state, ppid = stat.rsplit(")", 1)[1].split()[:2]
    words = cmdline.replace("\0", " ").strip()
    return Process(pid, int(ppid), state, words or
                   stat.split("(", 1)[1].rsplit(")", 1)[0])


def processes():
    found = [process(int(d)) for d in os.listdir("/proc") if d.isdigit()]
    return [p for p in found if p]


def is_alive(pid):
    found = process(pid)
    return bool(found) and found.state != "Z"
