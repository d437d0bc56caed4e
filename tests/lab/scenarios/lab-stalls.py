# SPDX-License-Identifier: LGPL-2.1-or-later
"""a server that sleeps or computes is found slow, a busy host is no fault"""

import os
import socket
import time

from lab import Failed, Stalls, expect, expect_fast

NEEDS = ()
ALONE = True
LIMIT_S = 0.050
LATE_S = 0.100


def prompt():
    pass


def sleep():
    time.sleep(LATE_S)


def compute():
    end = time.monotonic() + LATE_S
    while time.monotonic() < end:
        pass


class Echo:
    """A server of one method, late in one call of 20."""

    def __init__(self, before_late_answer):
        self.timings = []
        self._here, there = socket.socketpair()
        if os.fork() == 0:
            self._here.close()
            self._serve(there, before_late_answer)
            os._exit(0)
        there.close()

    @staticmethod
    def _serve(there, before_late_answer):
        number = 0
        while there.recv(1):
            number += 1
            if number % 20 == 0:
                before_late_answer()
            there.send(b"x")

    def call(self):
        begun = time.monotonic()
        self._here.send(b"x")
        self._here.recv(1)
        self.timings.append(("echo", begun, time.monotonic() - begun))


def measure(lab, before_late_answer):
    echo = Echo(before_late_answer)
    with Stalls() as stalls:
        for _ in range(200):
            echo.call()
            time.sleep(0.02)
    expect_fast(lab, echo, "echo", LIMIT_S, stalls)


def run(lab):
    measure(lab, prompt)
    for late in (sleep, compute):
        try:
            measure(lab, late)
        except Failed as failed:
            lab.note("%s: %s" % (late.__name__, failed))
        else:
            expect(False, "a server that has to %s is slow" % late.__name__)
