# SPDX-License-Identifier: LGPL-2.1-or-later
"""CHAP secrets stand nowhere but where they must: no argument, log, core"""

import json
import os
import stat

import canary
from lab import (CREDENTIALS, OUT, STORE, Claim, expect, read_text,
                 sessions, wait_until, write_credentials)

NEEDS = ("iscsi", "daemon", "command")
TIME_LIMIT_S = 180
FILE = {"username": "host", "password": "canary-file-1",
        "username_in": "nas", "password_in": "canary-file-2"}
INLINE = {"username": "host", "password": "canary-inline-1",
          "username_in": "nas", "password_in": "canary-inline-2"}
ROTATED = dict(INLINE, password="canary-rotated-1")
REFUSED = dict(INLINE, password="canary-refused-1")
SECRETS = [found[key] for found in (FILE, INLINE, ROTATED, REFUSED)
           for key in ("password", "password_in")]
NODES = "/etc/iscsi/nodes"


def use_all_ways(initiator, target, client):
    """Logins by file and inline, new secrets, refused ones, a new login."""
    write_credentials("file", **FILE)
    by_file = Claim("file", target, name="file")
    inline = Claim("inline", target, name="inline")
    again = Claim("again", target, name="inline")
    by_file.manage(client, auth="file")
    inline.manage(client, **INLINE)
    for claim in (by_file, inline):
        client.wait(claim.cid)
        claim.agrees(client)
    target.chap(*ROTATED.values(), name="inline")
    refused = client_error(client, again, REFUSED)
    expect(not canary.has_any(refused.encode(), SECRETS),
           "a secret in the answer %s" % refused)
    again.manage(client, **ROTATED)
    for name in ("file", "inline"):
        initiator.logout(target, name)
    wait_until(lambda: len(sessions()) == 2, 20,
               lambda: "logged in again: %r" % sessions())
    for claim in (by_file, inline, again):
        claim.agrees(client)


def client_error(client, claim, options):
    try:
        claim.manage(client, **options)
    except Exception as error:
        return str(error)
    expect(False, "refused: %s" % claim.cid)
    return ""


def check_said(daemon, client):
    texts = {"list": json.dumps(client.list()),
             "the log": read_text(os.path.join(OUT, "holdfastd.log"))}
    for cid in ("file", "inline", "again"):
        texts["status of " + cid] = json.dumps(client.status(cid))
    for words in (("list",), ("status", "file"), ("status", "inline")):
        done = daemon.command(*words)
        texts["holdfast " + " ".join(words)] = done.stdout + done.stderr
    for what, text in texts.items():
        found = canary.has_any(text.encode(), SECRETS)
        expect(not found, "%s: %s" % (what, found))


def check_files(lab):
    """In the file it came from, in open-iscsi's records and, given inline, in
    a file of the store that is not the claims; nobody else can read them."""
    found = canary.files_with((STORE, "/etc", "/run", "/tmp", "/dev/shm",
                               "/var/lib/iscsi", "/var/log", "/var/tmp"),
                              SECRETS)
    expect(NODES in " ".join(found), "the files are looked at: %s" % found)
    lab.note("secrets are in: %s" % found)
    allowed = (CREDENTIALS + "/file", NODES + "/", STORE + "/")
    for path in found:
        expect(path.startswith(allowed), "a secret in %s" % path)
        mode = stat.S_IMODE(os.stat(path).st_mode)
        expect(mode == 0o600, "%s has mode %o" % (path, mode))
        expect(not os.path.basename(path).startswith("claims.tdb"),
               "a secret in %s" % path)
    of_file = canary.files_with((STORE,), [FILE["password"],
                                           FILE["password_in"]])
    expect(not of_file, "what stands in a file of /etc is copied: %s"
           % of_file)
    for path in canary.files_with((NODES,), ["node.name"]):
        expect(stat.S_IMODE(os.stat(path).st_mode) == 0o600
               and "node.startup = manual" in read_text(path),
               "%s: 0600, and not logged in at a boot" % path)


def check_cores(lab, daemon):
    """Of each worker, which has them in its memory, and of the supervisor."""
    for worker in daemon.workers():
        check_core(lab, worker.pid, worker.cmdline)
    check_core(lab, daemon.pid, "supervisor")


def check_core(lab, pid, what):
    core = canary.core_of(pid)
    lab.note("core of %s: %s" % (what, "none" if core is None else
                                 "%d bytes" % len(core)))
    found = canary.has_any(core or b"", SECRETS)
    expect(not found, "in the core of %s: %s" % (what, found))


def run(lab):
    canary.try_argument_watch(SECRETS)
    canary.try_cores(SECRETS)
    target = lab.target({"file": None, "inline": None})
    target.chap(*FILE.values(), name="file")
    target.chap(*INLINE.values(), name="inline")
    initiator = lab.initiator()
    with canary.ArgumentWatch(SECRETS) as watch:
        daemon = lab.daemon()
        client = daemon.client()
        use_all_ways(initiator, target, client)
    lab.note("%d looks at arguments; programs: %s" % (watch.looks,
                                                      watch.programs))
    expect(not watch.hits, "in arguments or environments: %s" % watch.hits)
    expect("iscsiadm" in watch.programs, "the logins were looked at")
    check_said(daemon, client)
    check_files(lab)
    check_cores(lab, daemon)
