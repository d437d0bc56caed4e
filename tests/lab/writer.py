# SPDX-License-Identifier: LGPL-2.1-or-later
"""writer.py - a process that writes while storage comes and goes

Runs in: a lab guest
Trusts: the clock
Invariant: what it counts as written was fsynced first.
"""

import os
import time

from kernel import Background, expect, wait_until

SIZE = 64


def record(number):
    return (b"record %010d " % number).ljust(SIZE - 1, b".") + b"\n"


class Writer(Background):
    """While the block runs, appends records to a file, each made durable.
    Afterwards: `count` of them, the `pauses` that took a second or more as
    (begun, seconds), and the first `error`, None if there was none."""

    def __init__(self, path, every=0.02):
        super().__init__(every)
        self.path = path
        self.count = 0
        self.pauses = []
        self.error = None
        self._fd = None

    def look(self):
        if self.error:
            return
        begun = time.monotonic()
        try:
            if self._fd is None:
                self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT
                                   | os.O_EXCL, 0o600)
            os.write(self._fd, record(self.count))
            os.fsync(self._fd)
            self.count += 1
        except OSError as error:
            self.error = str(error)
        took = time.monotonic() - begun
        if took >= 1:
            self.pauses.append((begun, took))

    def wait_for_more(self, timeout=30):
        """Wait until something more is written."""
        before = os.path.getsize(self.path)
        wait_until(lambda: os.path.getsize(self.path) > before + SIZE, timeout,
                   "writes to %s go on" % self.path)

    def report(self):
        return [self.count, self.pauses, self.error]

    def take(self, report):
        self.count, self.pauses, self.error = report

    def expect_whole(self, data, where):
        """Nothing failed, and data is all that was written."""
        expect(self.error is None, "a write failed: %s" % self.error)
        expect(self.count > 0, "something was written")
        expect(data == b"".join(map(record, range(self.count))),
               "%s has all %d records: %d bytes of it"
               % (where, self.count, len(data)))
