# SPDX-License-Identifier: LGPL-2.1-or-later
"""stalls.py - when the whole guest stood still, because the host was busy

Runs in: a lab guest
Trusts: the clock
Invariant: a process that only waits is woken late, if nobody holds the one
  processor in the kernel, by the host alone. A daemon that computes or blocks
  does not delay it, so is never excused.
"""

import time

from kernel import Background, expect

TICK_S = 0.005
LATE_S = 0.020      # two ticks of the guest's clock


class Stalls(Background):
    """While the block runs, notes the times in which nothing ran."""

    def __init__(self):
        super().__init__(TICK_S)
        self.spans = []
        self._last = None

    def look(self):
        now = time.monotonic()
        if self._last and now - self._last > TICK_S + LATE_S:
            self.spans.append((self._last, now))
        self._last = now

    def report(self):
        return self.spans

    def take(self, report):
        self.spans = report

    def within(self, begun, seconds):
        """How much of that time the guest stood still."""
        end = begun + seconds
        return sum(max(0, min(end, b) - max(begun, a)) for a, b in self.spans)


def expect_fast(lab, client, method, limit_s, stalls):
    """Every call of method, less the time in which nothing in the guest ran,
    took less than the limit. Few may need that excuse."""
    calls = [c for c in client.timings if c[0] == method]
    own = [took - stalls.within(begun, took) for _, begun, took in calls]
    excused = sum(1 for (_, _, took), mine in zip(calls, own)
                  if took >= limit_s > mine)
    raw = [took for _, _, took in calls]
    lab.note("%d x %s: slowest %.1f ms, %.1f without the guest's own stalls; "
             "%d excused by them" % (len(calls), method, max(raw) * 1000,
                                     max(own) * 1000, excused))
    expect(max(own) < limit_s, "every %s in %g ms; the slowest took %.1f"
           % (method, limit_s * 1000, max(own) * 1000))
    expect(excused <= len(calls) // 20, "the host is too busy to measure: %d "
           "of %d calls hit a stall" % (excused, len(calls)))
