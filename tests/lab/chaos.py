# SPDX-License-Identifier: LGPL-2.1-or-later
"""chaos.py - random steps against a model: what may happen, and what must hold

Runs in: a lab guest, as root
Trusts: the kernel
Invariant: which step comes next follows from the seed and from the model
  alone, never from what the daemon says or how fast it is, so that a run can
  be replayed. The model knows what was acknowledged; of a call whose answer
  was lost either may be true, and the list tells which.

A step is a method `step_NAME(self)`; WEIGHTS says how often it comes, and its
`may_NAME`, if there is one, whether it may now.
"""

import os
import signal
import time

import random

import chaosiscsi
from chaosiscsi import ISCSISteps, connection_of, is_session, key_of
from client import Client, Closed, RPCError
from daemon import BY_ID, MOUNTS
from faultserver import FaultServer
from initiator import sessions
from kernel import (Failed, detach, expect, in_child, is_alive, mounts,
                    read_text, sh, wait_until, write_text)
from watch import operations

HOUR = 3600
ANSWER_S = 2.0          # of hello, whatever is going on
# TCP repeats a packet that was lost after 120 s at the latest, and before Linux
# 6.3 or so a mount of version 3 waits for that, whatever timeo is.
SETTLE_S = 150
HOSTS = "/etc/hosts"
CIDS = ["c%d" % number for number in range(12)]

WEIGHTS = {
    "manage": 30, "unmanage": 22, "storm": 6, "retry": 5, "wait": 8,
    "look": 8, "sleep": 10, "drop": 4, "undrop": 6, "stop_server": 3,
    "start_server": 6, "hold": 5, "release": 7, "write": 3, "kill_worker": 6,
    "stop_worker": 3, "stop_launcher": 2, "continue_all": 6,
    "kill_supervisor": 3, "kill_launcher": 1, "restart": 2, "umount": 5,
    "shift_clock": 2, "lose_name": 2, "find_name": 4, "pause": 2, "resume": 6,
    **chaosiscsi.WEIGHTS,
}


class Chaos(ISCSISteps):
    def __init__(self, lab, seed):
        self.lab = lab
        self.rng = random.Random(seed)
        self.claims = {}            # CID: URI
        self.doubtful = {}          # CID: URIs (None: no claim) it may have
        self.dropped = set()        # numbers of servers
        self.stopped = set()
        self.holders = {}           # pid: (CID, path)
        self.halted = set()         # SIGSTOP
        self.is_paused = False
        self.has_name = True
        self.shift = 0
        self.last = []              # steps, for the one who reads a failure
        self.number = 0
        self.anchors = {}
        self.seen_events = 0
        self._make_world()

    # The world: two servers that have it hard, one that is left in peace

    def _make_world(self):
        self.servers = [self.lab.server({"/vms": None}, isolated=True)
                        for _ in range(2)]
        self.peaceful = self.lab.server({"/vms": None}, isolated=True)
        self.tarpits = [FaultServer("silent"), FaultServer("null-only")]
        self.flaky = FaultServer("every-second", 2050, beside=self.servers[1])
        self._write_name()
        first, second = self.servers
        self.uris = [first.uri("/vms", query) for query in (
            "vers=4.2", "vers=3", "hard&vers=4.2", "hard&vers=3")]
        self.uris += [second.uri("/vms", query) for query in (
            "vers=4.2", "hard&vers=3")]
        self.uris += ["nfs://nas1/vms", "tmpfs://one", "tmpfs://two"]
        self.sick = [self.tarpits[0].uri(), self.tarpits[1].uri("/vms",
                                                                "vers=4.2"),
                     self.flaky.uri("/vms", "timeo=10&vers=3")]
        self.uris += self.sick
        self.make_targets()
        self.uris += self.disk_uris
        self.daemon = self.lab.daemon(
            {"operation": {"mount_ms": 5000, "connect_ms": 10000,
                           "force_after_ms": 0}})
        self.client = Client()
        for query in ("vers=4.2", "vers=3"):
            cid = "anchor-" + query[5:]
            uri = self.peaceful.uri("/vms", query)
            self.client.manage(uri, cid)
            self.claims[cid] = uri
            self.anchors[cid] = self.client.wait(cid)["path"]
        self.anchor_ids = self._anchor_ids()
        self.claims["anchor-disk"] = self.calm_target.uri()
        self.client.manage(self.claims["anchor-disk"], "anchor-disk")
        self.client.wait("anchor-disk")
        self.calm_sid, = self.calm_session()

    def _write_name(self):
        with open(HOSTS, "r+", encoding="ascii") as file:
            file.truncate()
            file.write("127.0.0.1 localhost\n")
            if self.has_name:
                file.write("%s nas1\n" % self.servers[0].address)

    def _anchor_ids(self):
        found = {m.point: m.id for m in mounts() if m.fstype[:3] == "nfs"}
        return {cid: found.get(path) for cid, path in self.anchors.items()}

    # Running

    def run(self, steps, seconds):
        begun = time.monotonic()
        while self.number < steps and time.monotonic() - begun < seconds:
            self.step()
        self.lab.note("%d steps in %.0f s" % (self.number,
                                              time.monotonic() - begun))

    def step(self):
        names = [name for name in WEIGHTS
                 if getattr(self, "may_" + name, lambda: True)()]
        name = self.rng.choices(names, [WEIGHTS[n] for n in names])[0]
        self.number += 1
        begun = time.monotonic()
        self.last.append("%d %s" % (self.number, name))
        del self.last[:-40]
        try:
            getattr(self, "step_" + name)()
            self.check()
        except Exception as error:
            raise Failed("step %d (%s): %s: %s\n  last steps: %s\n  model: "
                         "claims %r, dropped %r, stopped %r, halted %r, "
                         "paused %r" % (
                             self.number, name, type(error).__name__, error,
                             "; ".join(self.last), self.claims, self.dropped,
                             self.stopped, self.halted, self.is_paused)
                         ) from error
        self.last[-1] += " %.1f s" % (time.monotonic() - begun)

    def say(self, text):
        self.last[-1] += " " + text

    # What must hold after each step

    def check(self):
        begun = time.monotonic()
        self.client.call("hello")
        took = time.monotonic() - begun
        expect(took < ANSWER_S, "hello took %.1f s" % took)
        points = [m.point for m in mounts() if m.point.startswith(MOUNTS)
                  and m.fstype in ("nfs", "nfs4")]
        expect(len(points) == len(set(points)), "stacked: %r" % points)
        doubled = [(key, pids) for key, pids in operations().items()
                   if len(pids) > 1]
        expect(not doubled, "two operations of a kind: %r" % doubled)
        expect(self._anchor_ids() == self.anchor_ids, "the anchors: %r"
               % self._anchor_ids())
        self.check_sessions()
        links = set(os.listdir(BY_ID))
        expect(links == set(self.claims), "links of claims alone: %r"
               % (links ^ set(self.claims)))

    # Calls. The supervisor is never killed within one: acknowledged is true.

    def _free(self):
        return [cid for cid in CIDS if cid not in self.claims]

    def _claimed(self):
        return sorted(set(self.claims) & set(CIDS))

    def may_manage(self):
        return bool(self._free())

    def step_manage(self):
        cid, uri = self.rng.choice(self._free()), self.rng.choice(self.uris)
        self.say("%s %s" % (cid, uri))
        self.client.manage(uri, cid)
        self.claims[cid] = uri

    def may_unmanage(self):
        return bool(self._claimed())

    def step_unmanage(self):
        cid = self.rng.choice(self._claimed())
        self.say(cid)
        self.client.unmanage(cid)
        del self.claims[cid]

    def step_storm(self):
        """One connection, many times a second."""
        cid, uri = self.rng.choice(CIDS), self.rng.choice(self.uris)
        self.say("%s %s" % (cid, uri))
        for _ in range(self.rng.randrange(2, 20)):
            if cid in self.claims:
                self.client.unmanage(cid)
                del self.claims[cid]
            else:
                self.client.manage(uri, cid)
                self.claims[cid] = uri
            time.sleep(self.rng.random() * 0.05)

    def may_retry(self):
        return bool(self._claimed())

    def step_retry(self):
        self.client.call("retry", self.rng.choice(self._claimed()))

    def step_wait(self):
        cid = self.rng.choice(sorted(self.claims))
        what = self.rng.choice(["connected", "settled"])
        try:
            self.client.wait(cid, until=what, timeout=self.rng.random())
        except RPCError as error:
            expect(error.slug == "timeout", "wait: %s" % error)

    def step_look(self):
        entries = self.client.list()
        listed = {cid for cid, e in entries.items() if e["managed"]}
        expect(listed == set(self.claims), "listed: %r"
               % (listed ^ set(self.claims)))
        for cid in self.claims:
            expect(entries[cid]["uri"] == connection_of(self.claims[cid]),
                   "%s: %r" % (cid, entries[cid]))
        self.client.call("explain", self.rng.choice(sorted(self.claims)))
        self.client.call("metrics")
        self.read_events()

    def read_events(self):
        """One by one, without a hole that is no gap."""
        while True:
            answer = self.client.call("events", self.seen_events)
            for event in answer["events"]:
                expect(event["kind"] == "gap" or event["number"]
                       == self.seen_events + 1, "event %d behind %d"
                       % (event["number"], self.seen_events))
                self.seen_events = event["number"]
            if not answer["events"]:
                return

    def step_sleep(self):
        time.sleep(self.rng.random())

    # Servers

    def may_drop(self):
        return len(self.dropped) < 2

    def step_drop(self):
        number = self.rng.choice([n for n in (0, 1)
                                  if n not in self.dropped])
        self.say("server %d" % number)
        self.servers[number].drop()
        self.dropped.add(number)

    def may_undrop(self):
        return bool(self.dropped)

    def step_undrop(self):
        number = self.rng.choice(sorted(self.dropped))
        self.servers[number].undrop()
        self.dropped.remove(number)

    def may_stop_server(self):
        return len(self.stopped) < 2

    def step_stop_server(self):
        number = self.rng.choice([n for n in (0, 1)
                                  if n not in self.stopped])
        self.say("server %d" % number)
        self.servers[number].stop()
        self.stopped.add(number)

    def may_start_server(self):
        return bool(self.stopped)

    def step_start_server(self):
        number = self.rng.choice(sorted(self.stopped))
        self._start_server(number)
        self.stopped.remove(number)

    def _start_server(self, number):
        self.servers[number].start()
        try:
            self.servers[number].end_grace()
        except Failed:
            pass                # it had no client to wait for

    def step_lose_name(self):
        self.has_name = False
        self._write_name()

    def step_find_name(self):
        self.has_name = True
        self._write_name()

    def step_shift_clock(self):
        shift = -self.shift if self.shift else self.rng.choice([-HOUR, HOUR])
        time.clock_settime(time.CLOCK_REALTIME, time.time() + shift)
        self.shift += shift

    # Users of the storage, in processes that may hang

    def may_hold(self):
        return bool(self._claimed()) and len(self.holders) < 4

    def step_hold(self):
        """A working directory in it, or the disk open, as far as it can be
        had."""
        def hold(path):
            if os.path.isdir(path):
                os.chdir(path)
            else:
                os.open(path, os.O_RDONLY)
        self._use(hold)

    def may_write(self):
        return self.may_hold()

    def step_write(self):
        def write(path):
            with open("%s/w%d" % (path, os.getpid()), "wb") as file:
                for _ in range(3000):
                    file.write(b"x" * 4096)
                    file.flush()
                    os.fsync(file.fileno())
                    time.sleep(0.05)
        self._use(write)

    def _use(self, how):
        cid = self.rng.choice(self._claimed())
        self.say(cid)
        pid = os.fork()
        if pid == 0:
            try:
                how(os.path.join(BY_ID, cid))
                time.sleep(600)
            except BaseException:
                pass
            os._exit(0)
        self.holders[pid] = cid

    def may_release(self):
        return bool(self.holders)

    def step_release(self):
        pid = self.rng.choice(sorted(self.holders))
        os.kill(pid, signal.SIGKILL)
        self.holders.pop(pid)

    # An administrator

    def may_umount(self):
        return bool(self._claimed()) and not self.is_paused

    def step_umount(self):
        cid = self.rng.choice(self._claimed())
        self.say(cid)
        path = os.readlink(os.path.join(BY_ID, cid))
        if any(m.point == path for m in mounts()):
            try:
                detach(path)
            except Failed as failed:
                # It went by itself meanwhile.
                expect("status" in str(failed), str(failed))

    def may_pause(self):
        return not self.is_paused

    def step_pause(self):
        self.client.call("pause")
        self.is_paused = True

    def may_resume(self):
        return self.is_paused

    def step_resume(self):
        self.client.call("resume")
        self.is_paused = False

    # Processes. Which worker it is, the model cannot know: only whether.

    def _worker(self):
        """One that is not an anchor's."""
        found = sorted((w for w in self.daemon.workers()
                        if self.peaceful.address not in w.cmdline
                        and self.calm_target.iqn() not in w.cmdline),
                       key=lambda w: w.cmdline)
        pick = self.rng.random()
        return found[int(pick * len(found))] if found else None

    def _signal(self, process, number):
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            pass

    def step_kill_worker(self):
        worker = self._worker()
        if worker:
            self._signal(worker, signal.SIGKILL)

    def step_stop_worker(self):
        worker = self._worker()
        if worker:
            self.halted.add(worker.pid)
            self._signal(worker, signal.SIGSTOP)

    def step_stop_launcher(self):
        launcher = self.daemon.launcher()
        self.halted.add(launcher.pid)
        self._signal(launcher, signal.SIGSTOP)

    def may_continue_all(self):
        return bool(self.halted)

    def step_continue_all(self):
        for pid in self.halted:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
        self.halted.clear()

    def _begin_again(self):
        """As a service manager does."""
        self.client.close()
        self.halted.clear()
        self.daemon.start()
        self.client = Client()
        self.read_events()

    def step_kill_supervisor(self):
        self.daemon.kill()
        self._begin_again()

    def step_kill_launcher(self):
        self.daemon.launcher_killed()
        self._begin_again()

    def step_restart(self):
        begun = time.monotonic()
        self.daemon.stop()
        took = time.monotonic() - begun
        expect(took < 2, "SIGTERM ends it in 2 s, not %.1f" % took)
        self._begin_again()

    # The end

    def calm(self):
        """All faults are taken back."""
        self.step_continue_all()
        for pid in list(self.holders):
            os.kill(pid, signal.SIGKILL)
            self.holders.pop(pid)
        for number in sorted(self.stopped):
            self._start_server(number)
        for number in sorted(self.dropped):
            self.servers[number].undrop()
        self.stopped.clear()
        self.dropped.clear()
        self.has_name = True
        self._write_name()
        self.calm_targets()
        if self.is_paused:
            self.step_resume()

    def healthy(self):
        return {cid: uri for cid, uri in self.claims.items()
                if uri not in self.sick}

    def _wrong(self):
        """What the list says otherwise than the model."""
        entries = self.client.list()
        wrong = [(cid, "listed") for cid in entries if cid not in self.claims]
        for cid, uri in self.claims.items():
            entry = entries.get(cid)
            if not entry or entry["uri"] != connection_of(uri):
                wrong.append((cid, entry))
            elif entry["stuck"] or entry["held"]:
                wrong.append((cid, entry["stuck"], entry["held"]))
            elif uri not in self.sick and entry["state"] != "connected":
                wrong.append((cid, entry["state"], entry["error"]))
            elif uri in self.sick[:2] and entry["connected"]:
                wrong.append((cid, "connected to a tarpit"))
        return wrong

    def _mounted(self):
        """{path: [mount IDs]} of what is mounted in the daemon's places."""
        found = {}
        for mount in mounts():
            if mount.point.startswith(MOUNTS + "/") \
                    and mount.point.count("/") == MOUNTS.count("/") + 2:
                found.setdefault(mount.point, []).append(mount.id)
        return found

    def settle(self):
        """Kernel and list show what the model says, and nothing else."""
        wait_until(lambda: not self._wrong(), SETTLE_S,
                   lambda: "all is as it should be: %r" % self._wrong(),
                   every=0.2)
        entries = self.client.list()
        wanted = {entries[cid]["path"] for cid, uri in self.healthy().items()
                  if not is_session(uri)}
        maybe = {entries[cid]["path"] for cid in self.claims
                 if self.claims[cid] in self.sick}
        found = self._mounted()
        expect(wanted <= set(found) <= wanted | maybe, "mounted: %r, not %r"
               % (sorted(found), sorted(wanted)))
        expect(all(len(ids) == 1 for ids in found.values()), "one each: %r"
               % found)
        keys = {key_of(connection_of(uri)) for uri in self.claims.values()}
        wait_until(lambda: set(os.listdir(MOUNTS)) == keys, 10,
                   lambda: "directories of connections alone: %r"
                   % (set(os.listdir(MOUNTS)) ^ keys))
        workers = len(self.daemon.workers())
        connections = set(map(connection_of, self.claims.values()))
        expect(workers == len(connections), "%d workers for %r"
               % (workers, self.claims))
        found = {path: ids for path, ids in found.items() if path in wanted}
        found.update(self.settle_sessions())
        self._use_all()
        return found

    def _use_all(self):
        for cid, uri in self.healthy().items():
            if is_session(uri):
                self.use_disk(cid, os.path.join(BY_ID, cid))
                continue
            path = os.path.join(BY_ID, cid, "at-the-end")
            failed = in_child(lambda path=path, cid=cid: write_text(path,
                                                                    cid), 30)
            expect(failed is None, "%s can be written: errno %r"
                   % (cid, failed))
            failed = in_child(lambda path=path, cid=cid: expect(
                read_text(path) == cid, "read back"), 30)
            expect(failed is None, "%s can be read: errno %r" % (cid, failed))

    def end(self):
        self.calm()
        before = self.settle()
        self.read_events()
        begun = time.monotonic()
        expect(self.daemon.stop() == 0, "exit status")
        took = time.monotonic() - begun
        expect(took < 2, "SIGTERM ends it in 2 s, not %.1f" % took)
        self._begin_again()
        expect(self.settle() == before, "all were adopted as they were")
        for cid in sorted(self.claims):
            self.client.unmanage(cid)
        self.claims.clear()
        wait_until(lambda: self.client.list() == {}, 60,
                   lambda: "all go at last: %r" % self.client.list())
        expect(not self._mounted(), "nothing is mounted: %r"
               % self._mounted())
        expect(not sessions(), "no session is left: %r" % sessions())
        self.lab.note("%d events" % self.seen_events)
