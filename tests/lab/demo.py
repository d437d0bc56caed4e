# SPDX-License-Identifier: LGPL-2.1-or-later
"""demo.py - the story of `make demo`: what holdfast is for, and that it holds

Runs in: a lab guest, as root
Trusts: the kernel's mount table, sysfs and process list
Invariant: every promise is looked at where it can be seen from outside
  holdfast, and the first one that does not hold ends the demo as a failure.
"""

import os
import time

from kernel import (Background, Failed, expect, is_alive, nfs_mounts,
                    read_text, sh, wait_until)
from lab import Pinned, Stalls, by_id, session_of
from screen import Screen

SERVER = "nas1"
EXPORTS = ("/vms", "/iso")
CLAIMS = {"vm-store": "/vms", "backup": "/vms", "iso-images": "/iso"}
SAN = "san1"
DISK = "db-disk"
SECRET = "a-secret-of-16-b"
DISK_POINT = "/mnt"
ONE_EACH = ("vm-store", "iso-images", DISK)
CONFIG = {"probe": {"interval_ms": 2000, "deadline_ms": 2000}}
LETTER = "written on the server"
FIND_MOUNTS = "findmnt -t nfs,nfs4 -o ID,SOURCE,TARGET"
WORKERS = "list -o CID,STATE,WORKER"
FAST_MS = 1000      # a server that hangs would take much longer
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


class Kernel(Background):
    """Reads mount table and sysfs all the time: what NFS mounts and iSCSI
    sessions there ever were."""

    def __init__(self, target):
        super().__init__(0.02)
        self.target = target
        self.looks = 0
        self.seen = []

    def look(self):
        now = [there(), number_of(session_of(self.target))]
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


def number_of(session):
    return session.sid if session else None


class Demo:
    def __init__(self, lab):
        self.lab = lab
        self.screen = Screen()
        self.server = self.target = self.daemon = self.client = None
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
            "session": number_of(session_of(self.target)),
            "workers": {export: self.daemon.worker_of(export).pid
                        for export in EXPORTS},
            "letter": read_text(by_id("vm-store", "letter")).strip(),
        }

    def check_mounts(self, text):
        wanted = {pin.path: pin.id for pin in self.mounts.values()}
        ids = " and ".join(str(i) for i in sorted(wanted.values()))
        session = session_of(self.target)
        self.screen.check(there() == wanted
                          and number_of(session) == self.first["session"],
                          "%s: still mounts %s and session %d"
                          % (text, ids, self.first["session"]),
                          "there is %r, %r" % (nfs_mounts(), session))

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
        screen.say("So does an iSCSI target, %s, which asks for a password."
                   % SAN)
        self.start_target()
        screen.say("holdfast starts. For a short demo it probes every 2 s, "
                   "not every 10.")
        self.start_holdfast()
        self.holdfast("list")

    def start_target(self):
        self.target = self.lab.target({"db": None}, isolated=True)
        self.target.chap("demo", SECRET)
        self.lab.initiator()
        with open("/etc/hosts", "a", encoding="utf-8") as hosts:
            hosts.write("%s %s\n" % (self.target.address, SAN))
        with open("/etc/san1.password", "w", encoding="utf-8") as file:
            file.write(SECRET + "\n")

    def manage_disk(self):
        screen = self.screen
        screen.heading("A disk of the iSCSI target")
        self.holdfast("manage --username demo --password-file "
                      "/etc/san1.password iscsi://%s/%s %s"
                      % (SAN, self.target.iqn(), DISK))
        self.holdfast("wait " + DISK)
        self.holdfast("list -o CID,STATE,PATH,URI")
        code, _ = screen.command("ls -l /run/holdfast/by-id")
        expect(code == 0, "the links can be listed")
        for command in ("mkfs.ext4 -q %s" % by_id(DISK),
                        "mount %s %s" % (by_id(DISK), DISK_POINT)):
            code, _ = screen.command(command)
            expect(code == 0, "`%s` works" % command)

    def manage(self):
        screen = self.screen
        screen.heading("Three IDs on two exports")
        for cid, export in CLAIMS.items():
            self.holdfast("manage nfs://%s%s %s" % (SERVER, export, cid))
        for cid in ONE_EACH[:2]:
            self.holdfast("wait " + cid)
        self.holdfast("list")
        self.on_server("echo '%s' > /vms/letter" % LETTER)
        _, lines = screen.command("cat " + by_id("vm-store", "letter"))
        screen.check(lines == [LETTER], "read by its name here what was %s"
                     % LETTER)
        for export in EXPORTS:
            cid = next(c for c, e in CLAIMS.items() if e == export)
            self.mounts[export] = Pinned(os.path.realpath(by_id(cid)))
        screen.check(len(there()) == 2, "two mounts: IDs on the same export "
                     "share one")

    def server_goes(self):
        screen = self.screen
        screen.heading("The servers go away")
        screen.say("A program has a file on vm-store open, another one on the "
                   "disk; each adds a line every 0.1 s.")
        screen.command(FIND_MOUNTS)
        screen.say("The NFS service stops, and the iSCSI portal closes.")
        self.on_server("rpc.nfsd 0")
        self.target.stop()
        begun = time.monotonic()
        wait_until(lambda: self.states() == {"unresponsive"}, 20,
                   lambda: "the outage is seen: %s" % self.states())
        screen.check(True, "seen after %.1f s" % (time.monotonic() - begun))
        self.holdfast("list -o CID,STATE,ERROR")
        self.holdfast("status " + DISK)
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
        screen.heading("The servers come back")
        before = len(self.journal())
        self.on_server("rpc.nfsd 8")
        self.target.start()
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
        wait_until(lambda: len(self.daemon.workers()) == 3, 15,
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

    def let_go(self):
        """After the writer on the disk has ended."""
        screen = self.screen
        screen.heading("The disk is let go")
        screen.say("It is still mounted, so holdfast does not log out.")
        self.holdfast("unmanage " + DISK)

        def lingering():
            return [e for i, e in self.client.list().items()
                    if i.startswith("lingering/") and e["holders"]]
        wait_until(lingering, 10, "what holds it is named")
        self.holdfast("list -o CID,STATE,HOLDERS,ERROR")
        screen.check(number_of(session_of(self.target))
                     == self.first["session"], "still logged in")
        screen.command("umount " + DISK_POINT)
        # The target's own account is a moment later.
        wait_until(lambda: not session_of(self.target)
                   and not self.target.sessions(), 30,
                   "the session is logged out")
        screen.check(not self.target.sessions(), "logged out, the target "
                     "agrees")

    def end(self, journal, disk_journal, kernel, now):
        self.screen.heading("What was kept")
        rows = self.rows_kept(self.first, now)
        rows.append(self.row_of_kernel(kernel))
        there_now = [number for number, _ in self.journal()]
        rows.append(self.row_of_journal("file open on vm-store", journal,
                                        there_now))
        rows.append(self.row_of_journal("file open on the disk", disk_journal,
                                        self.disk_lines()))
        if not self.screen.table(("", "at first", "now"), rows):
            raise Failed("something was not kept, see above")

    def rows_kept(self, first, now):
        rows = [(first["claims"] == now["claims"]
                 and set(now["claims"]) == {DISK, *CLAIMS},
                 ("claims", "%d IDs" % len(first["claims"]),
                  "%d IDs" % len(now["claims"])))]
        for export, pin in self.mounts.items():
            ids = [s["mounts"].get(pin.path) for s in (first, now)]
            rows.append((ids[0] == ids[1] == pin.id,
                         ("nfs://%s%s" % (SERVER, export),
                          "mount %s" % ids[0], "mount %s" % ids[1])))
        rows.append((first["session"] == now["session"],
                     ("iscsi://" + SAN, "session %s" % first["session"],
                      "session %s" % now["session"])))
        rows.append((first["letter"] == now["letter"] == LETTER,
                     ("file read by name", first["letter"], now["letter"])))
        return rows

    def row_of_kernel(self, kernel):
        first = [self.first["mounts"], self.first["session"]]
        holds = kernel.seen == [first]
        verdict = ("never otherwise" if holds else
                   "%d different ones" % len(kernel.seen))
        return (holds, ("mount table and sysfs", "as above",
                        "%s, %d looks" % (verdict, kernel.looks)))

    def disk_lines(self):
        """What is on the target, once the disk is unmounted and sound."""
        sh("e2fsck", "-fn", self.target.backing())
        text = self.target.read_file("/journal").decode()
        return [int(line.split()[0]) for line in text.splitlines()]

    @staticmethod
    def row_of_journal(name, journal, there_now):
        holds = (there_now == list(range(1, journal.lines + 1))
                 and not journal.errors)
        return (holds, (name, "%d lines written" % journal.lines,
                        "%d lines on the server" % len(there_now)))

    def run(self):
        self.begin()
        self.manage()
        self.manage_disk()
        self.first = self.snapshot()
        journal = Journal(by_id("vm-store", "journal"))
        disk_journal = Journal(os.path.join(DISK_POINT, "journal"))
        with Kernel(self.target) as kernel, journal, disk_journal:
            self.server_goes()
            self.server_returns()
            self.worker_dies()
            self.supervisor_dies()
            now = self.snapshot()
        self.let_go()
        self.end(journal, disk_journal, kernel, now)
        self.screen.line()
        self.screen.line("All %d checks held." % self.screen.checks)


def run(lab):
    Demo(lab).run()
