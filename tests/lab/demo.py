# SPDX-License-Identifier: LGPL-2.1-or-later
"""demo.py - the story of `make demo`: what holdfast is for, and that it holds

Runs in: a lab guest, as root
Trusts: the kernel's mount table and process list
Invariant: every promise is looked at where it can be seen from outside
  holdfast, and the first one that does not hold ends the demo as a failure.
"""

import os
import signal
import time

from kernel import (Background, Failed, expect, is_alive, nfs_mounts,
                    read_text, wait_until)
from lab import Pinned, Stalls, by_id
from screen import Screen

SERVER = "nas1"
EXPORTS = ("/vms", "/iso")
CLAIMS = {"vm-store": "/vms", "backup": "/vms", "iso-images": "/iso"}
ONE_EACH = ("vm-store", "iso-images")
CONFIG = {"probe": {"interval_ms": 2000, "deadline_ms": 2000}}
LETTER = "written on the server"
FIND_MOUNTS = "findmnt -t nfs,nfs4 -o ID,SOURCE,TARGET"
WORKERS = "list -o CID,STATE,WORKER"
FAST_MS = 100
LISTS = 20


class Journal(Background):
    """A program that keeps a file open all the time and adds a numbered line
    to it ten times a second, each durable on the server before the next."""

    def __init__(self, path):
        super().__init__(0.1)
        self.path = path
        self.lines = self.errors = 0
        self._file = None

    def look(self):
        self._file = self._file or open(self.path, "w", encoding="utf-8")
        try:
            self._file.write("%d %.3f\n" % (self.lines + 1, time.monotonic()))
            self._file.flush()
            os.fsync(self._file.fileno())
            self.lines += 1
        except OSError:
            self.errors += 1

    def report(self):
        return [self.lines, self.errors]

    def take(self, report):
        self.lines, self.errors = report

    def __exit__(self, kind, *_):
        if kind:        # it may wait for a server that is away
            os.kill(self._pid, signal.SIGKILL)
        else:
            super().__exit__()


class MountTable(Background):
    """Reads the mount table all the time: what NFS mounts it ever had."""

    def __init__(self):
        super().__init__(0.02)
        self.looks = 0
        self.seen = []

    def look(self):
        now = there()
        self.looks += 1
        if now not in self.seen:
            self.seen.append(now)

    def report(self):
        return [self.looks, self.seen]

    def take(self, report):
        self.looks, self.seen = report


def there():
    """Where which NFS mount is: {path: mount id}."""
    return {mount.point: mount.id for mount in nfs_mounts()}


class Demo:
    def __init__(self, lab):
        self.lab = lab
        self.screen = Screen()
        self.server = self.daemon = self.client = None
        self.mounts = {}        # export: Pinned
        self.first = {}         # what snapshot() was at first

    # What is done and looked at again and again

    def holdfast(self, words, code=0):
        got, _ = self.screen.command("holdfast " + words)
        expect(got == code, "`holdfast %s` ends with %d, not %d"
               % (words, got, code))

    def on_server(self, text):
        code, _ = self.screen.command(text, SERVER, self.server.enter())
        expect(code == 0, "`%s` ends with %d" % (text, code))

    def start_holdfast(self):
        self.screen.prompt("holdfastd &")
        if self.daemon:
            self.daemon.start()
        else:
            self.daemon = self.lab.daemon(CONFIG)
        self.client = self.daemon.client()

    def wait_for_all(self):
        for cid in ONE_EACH:
            self.holdfast("wait " + cid)

    def claims(self):
        return {cid: entry["uri"] for cid, entry in self.client.list().items()
                if entry["managed"]}

    def states(self):
        return {entry["state"] for entry in self.client.list().values()}

    def snapshot(self):
        """What there is now, for the table at the end."""
        return {
            "claims": self.claims(),
            "mounts": there(),
            "workers": {export: self.daemon.worker_of(export).pid
                        for export in EXPORTS},
            "letter": read_text(by_id("vm-store", "letter")).strip(),
        }

    def check_mounts(self, text):
        wanted = {pin.path: pin.id for pin in self.mounts.values()}
        ids = " and ".join(str(i) for i in sorted(wanted.values()))
        self.screen.check(there() == wanted, "%s: still mounts %s"
                          % (text, ids), "there is %r" % nfs_mounts())

    def journal(self):
        """(number, time) of every line, as the server has it."""
        lines = self.server.read("/vms/journal").splitlines(True)
        return [(int(number), float(at)) for number, at in
                (line.split() for line in lines if line.endswith("\n"))]

    # The story

    def begin(self):
        screen = self.screen
        screen.heading("A server, and holdfast")
        screen.command("uname -sr")
        screen.say("An NFS server starts, behind a network link: %s." % SERVER)
        with open("/etc/hosts", "a", encoding="utf-8") as hosts:
            hosts.write("10.77.1.2 %s\n" % SERVER)
        self.server = self.lab.server(dict.fromkeys(EXPORTS), isolated=True)
        screen.command("showmount -e " + SERVER)
        screen.say("holdfast starts. For a short demo it probes every 2 s, "
                   "not every 10.")
        self.start_holdfast()
        self.holdfast("list")

    def manage(self):
        screen = self.screen
        screen.heading("Three IDs on two exports")
        for cid, export in CLAIMS.items():
            self.holdfast("manage nfs://%s%s %s" % (SERVER, export, cid))
        self.wait_for_all()
        self.holdfast("list")
        self.on_server("echo '%s' > /vms/letter" % LETTER)
        _, lines = screen.command("cat " + by_id("vm-store", "letter"))
        screen.check(lines == [LETTER], "read by its name here what was %s"
                     % LETTER)
        for export in EXPORTS:
            cid = next(c for c, e in CLAIMS.items() if e == export)
            self.mounts[export] = Pinned(os.path.realpath(by_id(cid)))
        self.first = self.snapshot()
        screen.check(len(self.first["mounts"]) == 2, "two mounts: IDs on the "
                     "same export share one")

    def server_goes(self):
        screen = self.screen
        screen.heading("The server goes away")
        screen.say("A program has a file on vm-store open and adds a line "
                   "every 0.1 s.")
        screen.command(FIND_MOUNTS)
        self.on_server("rpc.nfsd 0")
        begun = time.monotonic()
        wait_until(lambda: self.states() == {"unresponsive"}, 20,
                   lambda: "the outage is seen: %s" % self.states())
        screen.check(True, "seen after %.1f s" % (time.monotonic() - begun))
        self.holdfast("list -o CID,STATE,ERROR")
        self.holdfast("status vm-store")
        self.check_fast()
        screen.command(FIND_MOUNTS)
        self.check_mounts("nothing was unmounted")

    def check_fast(self):
        """Apart from times in which the whole guest stood still."""
        self.client.timings = []
        with Stalls() as stalls:
            for _ in range(LISTS):
                self.client.list()
                time.sleep(0.01)
        slowest = max(took - stalls.within(begun, took)
                      for _, begun, took in self.client.timings) * 1000
        self.screen.check(slowest < FAST_MS, "listed %d times more: the "
                          "slowest answer took %.1f ms" % (LISTS, slowest))

    def server_returns(self):
        screen = self.screen
        screen.heading("The server comes back")
        before = len(self.journal())
        self.on_server("rpc.nfsd 8")
        self.wait_for_all()
        self.holdfast("list")
        self.check_mounts("connected again")
        wait_until(lambda: len(self.journal()) > before + 2, 30,
                   "the program with the open file goes on")
        times = [at for _, at in self.journal()]
        screen.check(True, "the program with the open file waited %.1f s and "
                     "goes on" % max(b - a for a, b in zip(times, times[1:])))

    def worker_dies(self):
        screen = self.screen
        screen.heading("A worker is killed")
        before = self.snapshot()["workers"]
        self.holdfast(WORKERS)
        screen.command("kill -9 %d" % before["/vms"])
        wait_until(lambda: not is_alive(before["/vms"]), 5, "it ends")
        wait_until(lambda: len(self.daemon.workers()) == 2, 15,
                   "there is a new worker")
        self.holdfast("wait vm-store")
        self.holdfast(WORKERS)
        now = self.snapshot()["workers"]
        screen.check(now["/vms"] != before["/vms"], "process %d took over "
                     "from %d" % (now["/vms"], before["/vms"]))
        screen.check(now["/iso"] == before["/iso"], "the other worker is "
                     "still process %d" % now["/iso"])
        self.check_mounts("nothing was unmounted")

    def supervisor_dies(self):
        screen = self.screen
        screen.heading("The supervisor is killed")
        family = [p.pid for p in self.daemon.children()]
        screen.command("kill -9 %d" % self.daemon.pid)
        self.daemon.kill()      # reaps it
        self.daemon.wait_without_processes(family)
        self.holdfast("list", code=3)
        screen.command(FIND_MOUNTS)
        self.check_mounts("nothing was unmounted")
        self.start_holdfast()
        self.wait_for_all()
        self.holdfast("list")
        screen.check(self.claims() == self.first["claims"], "the same claims")
        self.check_mounts("adopted")

    def end(self, journal, table):
        self.screen.heading("What was kept")
        rows = self.rows_kept(self.first, self.snapshot())
        rows.append(self.row_of_table(table))
        rows.append(self.row_of_journal(journal))
        if not self.screen.table(("", "at first", "now"), rows):
            raise Failed("something was not kept, see above")

    def rows_kept(self, first, now):
        rows = [(first["claims"] == now["claims"]
                 and set(now["claims"]) == set(CLAIMS),
                 ("claims", "%d IDs" % len(first["claims"]),
                  "%d IDs" % len(now["claims"])))]
        for export, pin in self.mounts.items():
            ids = [s["mounts"].get(pin.path) for s in (first, now)]
            rows.append((ids[0] == ids[1] == pin.id,
                         ("nfs://%s%s" % (SERVER, export),
                          "mount %s" % ids[0], "mount %s" % ids[1])))
        rows.append((first["letter"] == now["letter"] == LETTER,
                     ("file read by name", first["letter"], now["letter"])))
        return rows

    def row_of_table(self, table):
        first = self.first["mounts"]
        holds = table.seen == [first]
        verdict = ("never otherwise" if holds else
                   "%d different ones" % len(table.seen))
        return (holds, ("mount table", "%d mounts" % len(first),
                        "%s, %d looks" % (verdict, table.looks)))

    def row_of_journal(self, journal):
        there_now = [number for number, _ in self.journal()]
        holds = (there_now == list(range(1, journal.lines + 1))
                 and not journal.errors)
        return (holds, ("file open throughout",
                        "%d lines written" % journal.lines,
                        "%d lines on the server" % len(there_now)))

    def run(self):
        self.begin()
        self.manage()
        journal = Journal(by_id("vm-store", "journal"))
        with MountTable() as table, journal:
            self.server_goes()
            self.server_returns()
            self.worker_dies()
            self.supervisor_dies()
        self.end(journal, table)
        self.screen.line()
        self.screen.line("All %d checks held." % self.screen.checks)


def run(lab):
    Demo(lab).run()
