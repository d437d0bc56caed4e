# SPDX-License-Identifier: LGPL-2.1-or-later
"""guest.py - runs one stage of one scenario inside a guest

Runs in: a lab guest, as root, started by tests/lab/boot
Trusts: the scenario
Invariant: result.json is written, and is on the host, before this ends. No
  result.json means that the guest failed.
"""

import importlib.util
import json
import os
import sys
import time
import traceback

import lab
import selinux


def load(name):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        "scenarios", name + ".py")
    spec = importlib.util.spec_from_file_location("scenario", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stage(module, number):
    boots = getattr(module, "boots", None)
    return boots[number] if boots else module.run


def diagnose(guest):
    """What a reader of a failure asks first."""
    guest.note("mounts below /run/holdfast and of NFS, iSCSI sessions:")
    for mount in lab.mounts():
        if mount.fstype in ("nfs", "nfs4") or "/holdfast" in mount.point:
            guest.note("  %r %s" % (mount, ",".join(mount.options)))
    for session in lab.sessions():
        guest.note("  %r" % session)
    for denial in guest.denials.take() if guest.denials else ():
        guest.note("  %s" % denial)
    for found in lab.processes():
        if "holdfast" in found.cmdline or "iscsi" in found.cmdline:
            guest.note("  process %r" % found)


def save(result):
    path = os.path.join(lab.OUT, "result.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(result, file)
        file.flush()
        os.fsync(file.fileno())


def main():
    name, number = sys.argv[1], int(sys.argv[2])
    guest = lab.Lab(number)
    begun = time.monotonic()
    reason = None
    try:
        if selinux.is_loaded():
            guest.denials = selinux.enforce()
        stage(load(name), number)(guest)
        if guest.denials:
            guest.denials.judge()
            guest.note("SELinux: enforced, and nothing was denied that the "
                       "scenario did not ask for")
    except lab.Failed as failed:
        reason = str(failed)
        guest.note("FAILED: %s" % reason)
        guest.note(traceback.format_exc())
    except BaseException as error:
        reason = "%s: %s" % (type(error).__name__, error)
        guest.note(traceback.format_exc())
    if reason:
        diagnose(guest)
    guest.note("end of the scenario, stage %d" % number)
    save({"stage": number, "ok": reason is None, "reason": reason,
          "seconds": round(time.monotonic() - begun, 3)})
    # Not sys.exit: threads and children may hang on a dead server.
    os._exit(0)


main()
