# SPDX-License-Identifier: LGPL-2.1-or-later
"""story.py - one daemon, its workers and its launcher, in a story's hands

Runs in: the stories; a thread of its own hears workers and launcher
Trusts: the daemon to be wrong
Invariant: every wait ends by an event or by its deadline; what the thread
  hears is changed under `changed` alone.
"""

import fcntl
import mmap
import os
import resource
import selectors
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import threading
import time

import schema
import msgpack

from client import DEADLINE, Client
from sysfs import Sysfs

PROGRAM = os.environ.get("STORY_DAEMON", os.path.join(
    schema.ROOT, "build", "tests", "stories", "daemon"))

URI = "tmpfs://one"
OTHER = "tmpfs://two"

PREPARE, START, KILL, REMOVE = "prepare", "start", "kill", "remove"
CREDENTIAL = "credential"
_OPS = [PREPARE, START, KILL, REMOVE, CREDENTIAL]   # enum launch_op
NO_ANSWER, END, GARBAGE = -1, -2, -3    # enum verdict
OTHER_UID = 65534
SANITIZER = "exitcode=86"   # what a fault that it finds ends the daemon with
HOLD = "hold"                           # the story answers later
_REQUEST = struct.Struct("IIIIQ")       # struct launch_request


def connects(worker, order, fields):
    """What a worker does unless its story says otherwise: all goes well."""
    if order == "want" and fields["wanted"] == "up":
        if worker.status.get("state") != "connected":
            worker.begin_attempt()
            worker.connected()
    elif order == "want":
        worker.gone()


def listens(worker, order, fields):
    """Only takes note."""


class Worker:
    """A scripted worker, from its start to its end."""

    def __init__(self, story, conn, slot, backend, pid):
        self.story = story
        self.conn = conn
        self.slot = slot
        self.backend = backend
        self.pid = pid
        self.uri = None
        self.orders = []        # [(name, fields)]
        self.is_hung_up = False
        self.is_over = False    # its process has ended
        self.ignores_end = False
        self.began_us = 0           # its attempt, as boot_us() tells
        self.answers_pings = True   # pings are no orders to stories
        self.obeys_limits = True
        self.status = {}
        self.children = []      # pids
        self.marks = 0

    # What it does

    def _do(self, letter, data=b""):
        try:
            self.conn.send(letter + data)
        except OSError:
            pass                # it was killed, which is no fault of ours

    def raw(self, data):
        self._do(b"R", data)

    def report(self, **fields):
        """A status: the last one, changed by fields."""
        self.status.update(fields)
        self.raw(schema.encode("status", **self.status))

    def log(self, text):
        self.raw(schema.encode("log", level=5, text=text))

    def begin_attempt(self):
        self.began_us = self.story.boot_us()
        self.report(state="connecting", operation="connect", wanted="up",
                    attempt=self.status.get("attempt", 0) + 1,
                    attempt_at_us=1)

    def connected(self):
        self.report(state="connected", operation="none", wanted="up",
                    has_object=1, error="ok", error_text="")

    def failed(self, error="unreachable", text="no answer", **fields):
        attempt = self.status.get("attempt", 0)
        self.report(state="backoff", operation="none", wanted="up",
                    has_object=0, error=error, error_text=text,
                    error_attempt=attempt, failed_attempt=attempt,
                    failed_began_us=self.began_us, **fields)

    def gone(self):
        self.report(state="registered", operation="none", wanted="down",
                    has_object=0)

    def logged_in(self, session, origin="ours"):
        """Connected, by the session of that number."""
        self.status.update(session=session + 1, origin=origin)
        self.connected()

    def tried(self, number, error="ok", text=""):
        self.raw(schema.encode("tried", number=number, error=error,
                               error_text=text))

    def scanned(self, *holders, is_complete=1):
        """A scanner's whole answer; holders are (kind, pid, command)."""
        for kind, pid, command in holders:
            self.raw(schema.encode("holder", kind=kind, pid=pid,
                                   command=command))
        self.raw(schema.encode("scanned", count=len(holders),
                               is_complete=is_complete))

    def flood(self, data):
        self._do(b"F", data)

    def leave_talkers(self, data):
        self._do(b"T", data)

    def make_child(self):
        """A process of the worker's, which lives on without it: its pid. Who
        asks for one ends it."""
        before = len(self.children)
        self._do(b"B")
        self.story.poll(lambda: len(self.children) > before, "a child")
        return self.children[-1]

    def stop_reading(self):
        self._do(b"P")

    def close(self, fd):
        """Until the kernel shows it closed: an order sent before would fit."""
        self._do(b"C", bytes([fd]))
        self.story.poll(lambda: not os.path.lexists(
            "/proc/%d/fd/%d" % (self.pid, fd)), "file %d closed" % fd)

    def exit(self, status=0):
        self._do(b"X", bytes([status]))

    def kill(self):
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass                # it has ended by itself

    # What it has seen

    def names(self):
        with self.story.changed:
            return [name for name, _ in self.orders]

    def wants(self):
        with self.story.changed:
            return [fields["wanted"] for name, fields in self.orders
                    if name == "want"]

    def expect_order(self, name, count=1):
        self.story.until(lambda: self.names().count(name) >= count,
                         "order %s to worker of %s" % (name, self.uri))

    def fields(self, name):
        """Of each order of that name, in the order in which they came."""
        with self.story.changed:
            return [fields for order, fields in self.orders if order == name]

    def expect_want(self, wanted):
        self.story.until(lambda: self.wants()[-1:] == [wanted],
                         "the order to want %s" % wanted)

    def catch_up(self):
        """It has told of all that the daemon has ordered until now: for what
        must not have been ordered."""
        self.story.turn()
        wanted = self.marks + 1
        self._do(b"M")
        self.story.until(lambda: self.marks >= wanted or self.is_over,
                         "the mark of worker of %s" % self.uri)

    def expect_hang_up(self):
        self.story.until(lambda: self.is_hung_up, "the end of the orders")

    def expect_end(self):
        self.story.until(lambda: self.is_over, "the worker's end")


class Story:
    def __init__(self):
        self.changed = threading.Condition(threading.RLock())
        self.dir = tempfile.mkdtemp(prefix="story-")
        os.chmod(self.dir, 0o711)
        self.workers = []
        self.requests = []      # [(operation, slot)] to the launcher
        self.lines = []         # of the daemon's log
        self.on_order = connects
        self.on_request = lambda operation, slot: 0
        self.ended = None       # the daemon's exit status
        self.process = None
        self._held = []         # requests that wait for answer_held()
        self._clients = []
        self._selector = selectors.DefaultSelector()
        self._sockets = [self._listen("workers.sock", self._on_worker),
                         self._listen("launcher.sock", self._on_launcher)]
        self._launcher = None
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._selector.register(self._wake, selectors.EVENT_READ,
                                self._on_wake)
        self._clock = self._make_number("clock")
        self._allocated = self._make_number("allocated")
        os.mkdir(self.path("run"))
        os.mkdir(self.path("state"), 0o700)
        os.mkdir(self.path("credentials.d"), 0o700)
        self.sysfs = Sysfs(self.dir)
        self._thread = threading.Thread(target=self._hear, daemon=True)
        self._thread.start()

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def end(self):
        """Whatever the story left behind is ended here."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for client in self._clients:
            client.close()
        with self.changed:
            for worker in self.workers:
                worker.conn.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def _make_number(self, name):
        """Of 8 bytes, shared with the daemon."""
        with open(self.path(name), "w+b") as file:
            file.write(bytes(8))
            file.flush()
            return mmap.mmap(file.fileno(), 8)

    # What the thread hears

    def _listen(self, name, handler):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.bind(self.path(name))
        sock.listen(1024)
        self._selector.register(sock, selectors.EVENT_READ, handler)
        return sock

    def _hear(self):
        while True:
            for key, _ in self._selector.select():
                with self.changed:
                    key.data(key.fileobj)
                    self.changed.notify_all()

    def _watch(self, fileobj, handler):
        """From any thread."""
        self._selector.register(fileobj, selectors.EVENT_READ, handler)
        os.eventfd_write(self._wake, 1)

    def _on_wake(self, _):
        os.eventfd_read(self._wake)

    def _on_worker(self, listener):
        conn, _ = listener.accept()
        hello = conn.recv(100)
        if hello[:1] != b"H":
            conn.close()        # it was killed before it came to speak
            return
        slot, backend, pid = map(int, hello[1:].split())
        worker = Worker(self, conn, slot, backend, pid)
        self.workers.append(worker)
        self._selector.register(conn, selectors.EVENT_READ,
                                lambda _: self._on_packet(worker))

    def _on_packet(self, worker):
        try:
            packet = worker.conn.recv(8192)
        except OSError:
            packet = b""
        if not packet:
            worker.is_over = True
            self._selector.unregister(worker.conn)
        elif packet[:1] == b"O":
            self._on_order(worker, packet[1:])
        elif packet[:1] == b"N":
            worker.children.append(int(packet[1:]))
        elif packet[:1] == b"M":
            worker.marks += 1
        elif packet[:1] == b"E":
            worker.is_hung_up = True
            if not worker.ignores_end:
                worker.exit()

    def _on_order(self, worker, packet):
        name, fields = schema.decode(packet)
        if name == "target":
            worker.uri = fields["uri"]
            worker.status.setdefault("attempt", fields["attempt"])
        if name == "ping":
            if worker.answers_pings:
                worker.report(pong=fields["number"])
            return
        if name == "limit":
            if worker.obeys_limits:
                worker.report(**fields)
        worker.orders.append((name, fields))
        self.on_order(worker, name, fields)

    def _on_launcher(self, listener):
        self._launcher, _ = listener.accept()
        self._held = []
        self._selector.register(self._launcher, selectors.EVENT_READ,
                                self._on_launch_request)

    def _on_launch_request(self, conn):
        try:
            data = conn.recv(100)
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(conn)
            conn.close()
            return
        op, slot = _REQUEST.unpack(data)[:2]
        self.requests.append((_OPS[op], slot))
        verdict = self.on_request(_OPS[op], slot)
        if verdict == HOLD:
            self._held.append(conn)
        else:
            self._answer(conn, verdict)

    @staticmethod
    def _answer(conn, verdict):
        try:
            conn.send(struct.pack("i", verdict))
        except OSError:
            pass                # it ended with its daemon

    def _on_log(self, pipe):
        data = os.read(pipe.fileno(), 1 << 16)
        if not data:
            self._selector.unregister(pipe)
            pipe.close()
            return
        self._rest += data
        *lines, self._rest = self._rest.split(b"\n")
        self.lines += [line.decode("utf-8", "replace") for line in lines]

    # What the story does

    def start(self, expect_ready=True, wrapper=(), **settings):
        """Starts the daemon. Settings are limits_claims=1 and so on."""
        sections = {"paths": {"run_dir": self.path("run"),
                              "state_dir": self.path("state")}}
        for name, value in settings.items():
            section, key = name.split("_", 1)
            sections.setdefault(section, {})[key] = value
        with open(self.path("holdfast.conf"), "w", encoding="ascii") as file:
            for section, values in sections.items():
                file.write("[%s]\n" % section)
                for key, value in values.items():
                    file.write("%s = %s\n" % (key, value))
        self._rest = b""
        self.process = subprocess.Popen(
            [*wrapper, PROGRAM, self.dir], stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE, env=_environment(expect_ready))
        before = len(self.lines)
        self._watch(self.process.stderr, self._on_log)
        if expect_ready:
            self.until(lambda: any(line.endswith("ready")
                                   for line in self.lines[before:])
                       or self.process.poll() is not None, "the daemon")
            if self.process.poll() is not None:
                raise AssertionError("the daemon ended: %s"
                                     % "\n".join(self.lines[-20:]))
        return self

    def narrow_output(self, size):
        """Of the next daemon: a client's answers have a place of so many
        bytes, fewer than the configuration allows."""
        with open(self.path("client_output"), "w", encoding="ascii") as file:
            file.write("%d" % size)

    def client(self):
        client = Client(self.path("run", "api.sock"))
        self._clients.append(client)
        return client

    def as_other_user(self, function):
        """function(client) in a process of another uid; what it returned.
        Only root can be another."""
        ours, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.setresgid(OTHER_UID, OTHER_UID, OTHER_UID)
            os.setresuid(OTHER_UID, OTHER_UID, OTHER_UID)
            try:
                said = function(Client(self.path("run", "api.sock")))
            except Exception as error:  # pylint: disable=broad-except
                said = repr(error)
            os.write(theirs, msgpack.packb(said))
            os._exit(0)
        os.close(theirs)
        said = os.read(ours, 4096)
        os.close(ours)
        os.waitpid(pid, 0)
        return msgpack.unpackb(said)

    def write_credential(self, name, text):
        """What the launcher finds by that name; None takes it away."""
        path = self.path("credentials.d", "%016x" % hash_text(name))
        if text is None:
            os.unlink(path)
            return
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def until(self, condition, what, timeout=DEADLINE):
        """Waits for what the thread hears to make condition() true."""
        with self.changed:
            if not self.changed.wait_for(condition, timeout):
                raise AssertionError("waited in vain for %s" % what)

    def poll(self, condition, what, timeout=DEADLINE):
        """For what only asking shows: the condition asks the daemon."""
        end = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > end:
                raise AssertionError("waited in vain for %s" % what)
            time.sleep(0.005)

    def worker(self, number=0, uri=None):
        """The number-th worker that came (of that URI), waited for."""
        def matching():
            return [worker for worker in self.workers
                    if uri is None or worker.uri == uri]
        self.until(lambda: len(matching()) > number,
                   "worker %d of %s" % (number, uri or "any"))
        return matching()[number]

    def scanner(self, number=0):
        """The number-th scanner that was asked something, waited for."""
        def matching():
            return [worker for worker in self.workers if worker.orders and
                    worker.orders[0][0] in ("scan", "scan_session")]
        self.until(lambda: len(matching()) > number, "scanner %d" % number)
        return matching()[number]

    def count_workers(self, uri=None):
        with self.changed:
            return sum(uri is None or worker.uri == uri
                       for worker in self.workers)

    def count_lines(self, text):
        with self.changed:
            return sum(text in line for line in self.lines)

    def _is_log_unread(self):
        with self.changed:
            pipe = self.process.stderr
            return not pipe.closed and any(
                fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))

    def expect_lines(self, text, count):
        """So many, of all that the daemon has written until now."""
        self.poll(lambda: not self._is_log_unread(), "the log to be read")
        expect_equal(self.count_lines(text), count, "lines with %r" % text)

    def expect_line(self, text):
        self.until(lambda: self.count_lines(text) > 0, "log line %r" % text)

    def expect_request(self, operation, count=1):
        self.until(lambda: sum(name == operation
                               for name, _ in self.requests) >= count,
                   "request %s to the launcher" % operation)

    def answer_held(self, verdict=0):
        """Answers what on_request() made wait, and all that comes after."""
        with self.changed:
            self.on_request = lambda operation, slot: 0
            held, self._held = self._held, []
            for conn in held:
                self._answer(conn, verdict)

    def allocated_kb(self):
        """What the daemon had from malloc() in its last turn; 0 without the
        sanitizers."""
        return struct.unpack("Q", self._allocated)[0] // 1024

    def boot_us(self):
        """CLOCK_BOOTTIME as the daemon has it."""
        return (time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
                + struct.unpack("Q", self._clock)[0])

    def advance(self, seconds):
        """Puts the daemon's clock forward, and has it look."""
        old = struct.unpack("Q", self._clock)[0]
        self._clock[:] = struct.pack("Q", old + int(seconds * 1e6))
        self.turn()

    def turn(self):
        """The daemon has gone once through its loop."""
        client = Client(self.path("run", "api.sock"))
        client.call("hello")
        client.close()

    def signal(self, number):
        self.process.send_signal(number)

    def wait_end(self, timeout=DEADLINE):
        """The daemon's exit status."""
        status = self.process.wait(timeout)
        self.until(lambda: self.process.stderr.closed, "the log's end")
        return status

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.wait_end()

    def fill_disk(self):
        """From here on the daemon can write to no file."""
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE,
                         (0, resource.RLIM_INFINITY))

    def empty_disk(self):
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE,
                         (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def kill_at_flush(self, number):
        """The daemon, at the number-th flush of a file from here on; None: let
        it flush."""
        path = self.path("kill_at_flush")
        if number is None:
            os.unlink(path)
            return
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write("%d" % number)
        os.rename(path + ".new", path)

    def links(self):
        folder = self.path("run", "by-id")
        return {name: os.readlink(os.path.join(folder, name))
                for name in os.listdir(folder)}


def hash_text(text):
    """As common/hash.h."""
    value = 0xcbf29ce484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001b3 % 2**64
    return value


def _environment(expect_ready):
    """A start that fails gives nothing back: the process ends."""
    return {**os.environ, "UBSAN_OPTIONS": "print_stacktrace=1",
            "ASAN_OPTIONS": "%s:detect_leaks=%d" % (SANITIZER, expect_ready)}


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def expect_equal(found, wanted, what="found"):
    if found != wanted:
        raise AssertionError("%s: %r instead of %r" % (what, found, wanted))
