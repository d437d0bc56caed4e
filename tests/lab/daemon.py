# SPDX-License-Identifier: LGPL-2.1-or-later
"""daemon.py - holdfastd as a lab guest runs it

Runs in: a lab guest, as root
Trusts: /proc, for what processes there are
Invariant: the daemon is a child of the scenario, in the foreground, and its
  standard error is in holdfastd.log up to the last line, whatever happens.
"""

import os
import shutil
import signal
import subprocess
import threading
import time

import cgroup
import client
from kernel import Failed, expect, is_alive, processes, sh, wait_until

CONFIG = "/etc/holdfast/holdfast.conf"
BY_ID = "/run/holdfast/by-id"
MOUNTS = "/run/holdfast/mnt"
STORE = "/var/lib/holdfast"
CREDENTIALS = "/etc/holdfast/credentials.d"

# Fast, so that scenarios are; what a test is about it sets itself.
QUICK = {
    "probe": {"interval_ms": 1000, "deadline_ms": 2000},
    "retry": {"min_ms": 200, "max_ms": 1000, "blocked_ms": 2000},
    "operation": {"connect_ms": 15000, "disconnect_ms": 5000},
}


class Daemon:
    def __init__(self, log_path, config=None):
        self.log_path = log_path
        self.config = {name: dict(keys) for name, keys in QUICK.items()}
        for name, keys in (config or {}).items():
            self.config.setdefault(name, {}).update(keys)
        self.cgroup = None      # where it is started, as by a service manager
        self._child = None

    # Start and end

    def write_config(self):
        os.makedirs(os.path.dirname(CONFIG), exist_ok=True)
        with open(CONFIG, "w", encoding="utf-8") as file:
            for name, keys in self.config.items():
                file.write("[%s]\n" % name)
                for key, value in keys.items():
                    file.write("%s = %s\n" % (key, value))

    def start(self, timeout=15):
        """Start it and wait until it answers: a client that connects earlier
        waits for the store to be read, which is not what is timed here."""
        program = shutil.which("holdfastd")
        expect(program, "holdfastd is not installed in the guest")
        self.write_config()
        self._child = subprocess.Popen([program], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT,
                                       preexec_fn=self._enter_cgroup)
        threading.Thread(target=self._keep_log, args=(self._child.stdout,),
                         daemon=True).start()
        wait_until(self._answers, timeout, "%s answers" % client.SOCKET)
        return self

    def _enter_cgroup(self):
        if self.cgroup:
            cgroup.enter(self.cgroup)

    # Synced line by line: a guest that hangs or panics must leave its log.
    def _keep_log(self, pipe):
        with open(self.log_path, "ab") as log:
            for line in pipe:
                log.write(b"[%8.3f] " % time.monotonic() + line)
                log.flush()
                os.fsync(log.fileno())

    def _answers(self):
        code = self._child.poll()
        if code is not None:
            raise Failed("holdfastd ended at its start: %s" % code)
        try:
            first = client.Client()
            first.call("hello")
            first.close()
        except OSError:
            return False
        return True

    @property
    def pid(self):
        """The supervisor."""
        return self._child.pid

    def is_running(self):
        return self._child is not None and self._child.poll() is None

    def stop(self, timeout=10):
        """SIGTERM; returns its exit status."""
        self._child.send_signal(signal.SIGTERM)
        try:
            return self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failed("holdfastd still runs %g s after SIGTERM"
                         % timeout) from None

    def kill(self, timeout=10):
        """SIGKILL to the supervisor alone; returns when it is reaped."""
        self._child.kill()
        self._child.wait(timeout)

    def launcher_killed(self, timeout=10):
        """SIGKILL to the launcher, which ends the supervisor, too."""
        os.kill(self.launcher().pid, signal.SIGKILL)
        self._child.wait(timeout)

    # Its processes

    def children(self):
        return [p for p in processes() if p.ppid == self.pid
                and p.state != "Z"]

    def workers(self):
        return [p for p in self.children() if "holdfast-worker" in p.cmdline]

    def worker_of(self, text):
        """The one worker whose title contains text, e.g. "/vms"."""
        found = [p for p in self.workers() if text in p.cmdline]
        expect(len(found) == 1, "one worker for %s, not %s"
               % (text, self.workers()))
        return found[0]

    def launcher(self):
        found = [p for p in self.children() if "launcher" in p.cmdline]
        expect(len(found) == 1, "one launcher, not %s" % self.children())
        return found[0]

    def wait_without_processes(self, pids, timeout=10):
        wait_until(lambda: not any(map(is_alive, pids)), timeout,
                   lambda: "processes end: %s" % [p for p in processes()
                                                  if p.pid in pids])

    # Its clients

    def client(self, **kwargs):
        return client.Client(**kwargs)

    def command(self, *argv, check=False, timeout=60):
        """Run the holdfast command; returns the CompletedProcess."""
        expect(shutil.which("holdfast"), "the command holdfast is missing")
        return sh("holdfast", *argv, check=check, timeout=timeout)


def by_id(cid, name=""):
    """The by-name path of a claim, or of a file below it."""
    return os.path.join(BY_ID, cid, name) if name else os.path.join(BY_ID, cid)


def write_credentials(name, mode=0o600, **lines):
    """The file that `auth: NAME` means, as an administrator makes it."""
    os.makedirs(CREDENTIALS, mode=0o700, exist_ok=True)
    path = os.path.join(CREDENTIALS, name)
    with open(path + ".new", "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        for key, value in lines.items():
            file.write("%s = %s\n" % (key, value))
    os.rename(path + ".new", path)
    return path
