# SPDX-License-Identifier: LGPL-2.1-or-later
"""screen.py - what a person sees of the demo: headings, commands, checks

Runs in: a lab guest
Trusts: tests/lab/run, which said how the terminal looks (lab_look)
Invariant: what stands below a command is what that command wrote; a line with
  a mark is printed only after its condition was looked at.
"""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import textwrap
import time

from kernel import Failed

PATH = "/run/lab/out/screen.log"
MARGIN = 7
COMMAND_LIMIT_S = 60
# For a person, who reads along; never in a check.
BEAT_S = 0.3
SCENE_S = 1.2

ESCAPE = re.compile("\033\\[[0-9;]*m")
BOLD, DIM, RED, GREEN, CYAN = "1", "2", "31", "32", "36"


def look():
    """What the host says the terminal can show: `tty,colors,marks,width=100`
    as a dictionary, empty for plain text."""
    with open("/proc/cmdline", encoding="utf-8") as file:
        words = [w for w in file.read().split() if w.startswith("lab_look=")]
    parts = words[0].split("=", 1)[1].split(",") if words else []
    return dict((p + "=yes").split("=")[:2] for p in parts if p)


def seen_length(text):
    return len(ESCAPE.sub("", text))


class Screen:
    def __init__(self):
        said = look()
        self.is_tty = "tty" in said
        self.has_colors = "colors" in said
        self.has_marks = "marks" in said
        self.width = int(said.get("width", 80)) - MARGIN
        self.checks = 0
        self._shown = None      # the time that stands in the margin
        self._file = open(PATH, "a", encoding="utf-8")

    # Lines

    def paint(self, text, *colors):
        if not self.has_colors or not text:
            return text
        return "\033[%sm%s\033[0m" % (";".join(colors), text)

    def line(self, text="", margin=""):
        """One line, at once: it is on the host before this returns."""
        blank = " " * (MARGIN - 2 - len(margin))
        left = blank + self.paint(margin, DIM)
        self._file.write((left + "  " + text).rstrip() + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _time(self):
        """The seconds since the kernel booted, unless they stand above."""
        now = "%.1f" % time.monotonic()
        if now == self._shown:
            return ""
        self._shown = now
        return now

    def _pause(self, seconds):
        if self.is_tty:
            time.sleep(seconds)

    def heading(self, text):
        self._pause(SCENE_S)
        rule = "──" if self.has_marks else "--"
        tail = rule[0] * max(2, self.width - len(text) - 4)
        self.line()
        self.line("%s %s %s" % (self.paint(rule, CYAN),
                                self.paint(text, BOLD),
                                self.paint(tail, CYAN)))

    def say(self, text):
        for part in textwrap.wrap(text, min(self.width, 90)):
            self.line(self.paint(part, DIM))

    # Commands

    def prompt(self, text, host=""):
        self._pause(BEAT_S)
        self.line("%s %s" % (self.paint(host + "$", GREEN),
                             self.paint(text, BOLD)), self._time())

    def command(self, text, host="", prefix=()):
        """Show a line of shell and what it writes, as it writes it; returns
        its exit code and its lines. prefix is not shown: it is the way to the
        host that the prompt names."""
        self.prompt(text, host)
        argv = list(prefix) + ["sh", "-c", text]
        ours, theirs = pty.openpty() if self.is_tty else os.pipe()
        if self.is_tty:
            size = struct.pack("HHHH", 40, self.width, 0, 0)
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=theirs,
                                 stderr=theirs, env=self._environment())
        os.close(theirs)
        deadline = time.monotonic() + COMMAND_LIMIT_S
        try:
            lines = self._copy(ours, deadline)
            code = child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            lines = None
        finally:
            os.close(ours)
        if lines is None:
            child.kill()
            raise Failed("`%s` does not end" % text)
        return code, lines

    def _environment(self):
        environment = dict(os.environ)
        environment["TERM"] = "xterm" if self.is_tty else "dumb"
        environment["LC_ALL"] = ("C.UTF-8" if self.has_marks
                                 or not self.is_tty else "C")
        environment.pop("NO_COLOR", None)
        if not self.has_colors:
            environment["NO_COLOR"] = "1"
        return environment

    def _copy(self, fd, deadline):
        """Line by line; None if there is no end before the deadline."""
        lines = []
        rest = b""
        while select.select([fd], [], [],
                            max(0, deadline - time.monotonic()))[0]:
            try:
                data = os.read(fd, 65536)
            except OSError:     # how a terminal ends
                data = b""
            *whole, rest = (rest + data).split(b"\n")
            if not data and rest:
                whole.append(rest)
            for raw in whole:
                lines.append(raw.decode("utf-8", "replace").rstrip("\r"))
                for part in self._fold(lines[-1]):
                    self.line(part)
            if not data:
                return lines
        return None

    def _fold(self, text):
        """The terminal would fold it too, but into the margin."""
        if not self.is_tty or seen_length(text) <= self.width:
            return [text]
        indent = re.match(r" *\w+: | *", text).end()
        lines = [""]
        for word in re.split(r"(?<=[ ,])", text):
            if (seen_length(lines[-1] + word.rstrip()) > self.width
                    and lines[-1].strip()):
                lines.append(" " * indent)
            lines[-1] += word
        return lines

    # Checks

    def mark(self, holds):
        good, bad = ("✓", "✗") if self.has_marks else ("ok  ", "FAIL")
        return self.paint(good, GREEN) if holds else self.paint(bad, RED)

    def check(self, condition, text, otherwise=""):
        """Say what holds; or what does not, and end the demo."""
        self.line("%s %s" % (self.mark(condition), text), self._time())
        if not condition:
            raise Failed("not so: %s%s" % (text, otherwise and "; "
                                           + otherwise))
        self.checks += 1

    def table(self, head, rows):
        """Rows of cells, each behind whether it holds; returns whether all
        do."""
        lines = [head] + [cells for _, cells in rows]
        widths = [max(map(len, column)) for column in zip(*lines)]
        texts = ["   ".join(c.ljust(w) for c, w in zip(line, widths)).rstrip()
                 for line in lines]
        blank = " " * seen_length(self.mark(True))
        self.line("%s %s" % (blank, self.paint(texts[0], DIM)))
        for (holds, _), text in zip(rows, texts[1:]):
            self.line("%s %s" % (self.mark(holds), text))
            self.checks += bool(holds)
        return all(holds for holds, _ in rows)
