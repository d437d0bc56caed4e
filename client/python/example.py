#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""example.py - a temporary connection, with holdfast.py

usage: example.py URI FLOW FILE [SOCKET]

Runs in: a program of yours
Invariant: whatever becomes of a flow, its next run releases what it left.

A flow uses storage for a while: it claims the connection under an ID with its
own name in it, reads a file there, and releases it. One that was interrupted
finds its claims by that name.
"""

import os
import shutil
import sys

import holdfast


def run(client, uri, flow, name):
    # The final _ keeps flow 10 from releasing the claims of flow 101; a flow
    # named 10_1 would be taken for one of flow 10.
    if not flow or "_" in flow:
        raise ValueError("FLOW is empty or has a _")
    for cid in client.unmanage_prefix("FLOW_%s_" % flow)["released"]:
        print("left behind, released: %s" % cid, flush=True)
    with client.managed(uri, "FLOW_%s_1" % flow, wait=30) as entry:
        with open(os.path.join(entry["path"], name), "rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()       # what fails later nobody would tell


def main():
    if not 4 <= len(sys.argv) <= 5:
        print("usage: example.py URI FLOW FILE [SOCKET]", file=sys.stderr)
        return 2
    try:
        with holdfast.Client(*sys.argv[4:]) as client:
            run(client, *sys.argv[1:4])
    except (holdfast.Error, OSError, ValueError) as error:
        print("example.py: %s" % error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
