# SPDX-License-Identifier: LGPL-2.1-or-later
"""libraries.py - libholdfast and holdfast.py, called alike

Runs in: the stories of tests/lib
Trusts: nothing: a library that crashes, hangs or leaks fails its story
Invariant: every wait ends by its deadline; what was started is ended by close().

tests/run-lib says in the environment where things are: LIB_DRIVERS (of the
driver, several by ":"), LIB_PYTHON (the folder of holdfast.py).
"""

import contextlib
import json
import os
import select
import subprocess
import sys

import msgpack

from client import DEADLINE
from story import expect, expect_equal

HERE = os.path.dirname(os.path.abspath(__file__))
SERVER = os.path.join(HERE, "api_server.py")

sys.path.insert(0, os.environ["LIB_PYTHON"])

import holdfast  # noqa: E402


class Failed(Exception):
    """As either library told it."""

    def __init__(self, slug, number, text):
        super().__init__("%s: %s (%d)" % (slug, text, number))
        self.slug = slug
        self.number = number
        self.text = text


class CLibrary:
    """A driver in a process of its own."""

    def __init__(self, driver, path, **environment):
        self.process = subprocess.Popen(
            [driver, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env={
                **os.environ, **environment,
                "ASAN_OPTIONS": "exitcode=86:detect_leaks=1",
                "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"})
        self._rest = b""
        self._answer()

    def _answer(self, timeout=DEADLINE):
        output = self.process.stdout
        while b"\n" not in self._rest:
            if not select.select([output], [], [], timeout)[0]:
                raise AssertionError("the library did not come back")
            data = os.read(output.fileno(), 1 << 16)
            if not data:
                raise AssertionError("the driver ended: %d: %s" % (
                    self.process.wait(DEADLINE), self.process.stderr.read()))
            self._rest += data
        line, self._rest = self._rest.split(b"\n", 1)
        answer = json.loads(line.decode("utf-8", "replace"))
        if "error" in answer:
            raise Failed(**answer["error"])
        return answer["result"]

    def do(self, *words):
        self.begin(*words)
        return self._answer()

    def begin(self, *words):
        """For what a story lets go on; answer() is next."""
        self.process.stdin.write("\t".join(map(str, words)).encode() + b"\n")
        self.process.stdin.flush()

    answer = _answer

    def number(self, *words):
        return self.do(*words)["number"]

    def close(self):
        """It ends well, and has left nothing."""
        self.process.stdin.close()
        status = self.process.wait(DEADLINE)
        said = self.process.stderr.read().decode("utf-8", "replace")
        self.process.stdout.close()
        self.process.stderr.close()
        expect(status == 0, "the driver ended with %d: %s" % (status, said))

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(DEADLINE)

    def set_timeout(self, seconds):
        self.do("timeout", int(seconds * 1000))

    def descriptor(self):
        """What stands for the connection: another one is another."""
        return self._link(self.number("fd") - 1)

    def _link(self, fd):
        return os.readlink("/proc/%d/fd/%d" % (self.process.pid, fd))

    def is_inherited(self):
        """Whether an executed program would have the connection."""
        with open("/proc/%d/fdinfo/%d" % (
                self.process.pid, self.number("fd") - 1),
                encoding="ascii") as file:
            flags = [line.split()[1] for line in file
                     if line.startswith("flags:")]
        return not int(flags[0], 8) & os.O_CLOEXEC

    def hello(self):
        return self.do("hello")

    def manage(self, uri, cid, **options):
        return self.do("manage", uri, cid, *["%s=%s" % pair for pair
                                             in options.items()])

    def manage_many(self, claims):
        words = []
        for uri, cid, *options in claims:
            words += [uri, cid, int(bool(options))]
        return self.do("manage_many", *words)

    def unmanage(self, cid):
        return self.do("unmanage", cid)

    def unmanage_prefix(self, prefix):
        return self.do("unmanage_prefix", prefix)

    def list(self, **options):
        return self.do("list", *["%s=%s" % pair for pair in options.items()])

    def status(self, cid):
        return self.do("status", cid)

    def wait(self, cid, what="", timeout=30):
        return self.do("wait", cid, what, int(timeout * 1000))

    def retry(self, cid):
        return self.do("retry", cid)

    def events(self, since):
        """All that is kept."""
        return self.do("events", since, 0, 0)["events"]

    def next_event(self, since):
        return self.do("events", since, DEADLINE * 1000, 1)["events"][0]

    def call(self, method, *params, timeout=0):
        return self.do("call", method, int(timeout * 1000),
                       msgpack.packb(params).hex())


class PythonLibrary:
    """holdfast.Client, its exceptions turned into Failed."""

    def __init__(self, path, greets=True):
        self.client = holdfast.Client(path)
        if greets:          # connected, as the other one is
            self.hello()

    def __getattr__(self, name):
        method = getattr(self.client, name)

        def call(*args, **kwargs):
            try:
                return method(*args, **kwargs)
            except holdfast.Error as error:
                raise Failed(error.slug, error.number, error.text) from error
        return call

    def close(self):
        self.client.close()

    kill = close

    def set_timeout(self, seconds):
        self.client.timeout = seconds

    def descriptor(self):
        return id(self.client._sock)

    def is_inherited(self):
        return self.client._sock.get_inheritable()

    def events(self, since):
        return list(self.client.events(since, timeout=0))

    def next_event(self, since):
        return next(self.client.events(since, timeout=DEADLINE))


def drivers():
    return os.environ["LIB_DRIVERS"].split(":")


@contextlib.contextmanager
def closing(library):
    """It has to end well, but for a story that has failed already."""
    try:
        yield library
    except BaseException:
        library.kill()
        raise
    library.close()


def each_library(path):
    """Each in turn, on that socket: for `for`."""
    for driver in drivers():
        with closing(CLibrary(driver, path)) as library:
            yield library
    with closing(PythonLibrary(path)) as library:
        yield library


@contextlib.contextmanager
def fake_server(story):
    """The path of a socket with tests/fakes/api_server.py behind it, whose
    mount points are below the story's folder "mounts"."""
    path = story.path("fake.sock")
    with subprocess.Popen([sys.executable, SERVER, path,
                           story.path("mounts")],
                          stdout=subprocess.PIPE) as process:
        try:
            expect_equal(process.stdout.readline(), b"listening\n")
            yield path
        finally:
            process.kill()


def refusal(function, *args, **kwargs):
    """The Failed that a call has to end in."""
    try:
        result = function(*args, **kwargs)
    except Failed as failed:
        return failed
    raise AssertionError("no failure: %r" % (result,))
