# SPDX-License-Identifier: LGPL-2.1-or-later
"""what SELinux alone refuses each process, and who may talk to the API"""

import os
import subprocess

from kernel import sh
from lab import Claim, expect
from redteambuild import control

NEEDS = ("iscsi", "daemon", "command")
TIME_LIMIT_S = 480
DOMAINS = ("supervisor", "launcher", "nfs", "tmpfs", "iscsi", "scanner")
LEAST = 40
NOTIFY = "/run/systemd/notify"

# Not for SELinux to refuse, or not needed then: other steps do it, as the scenario
# redteam shows. Processes, memory and flags of one's own; and what CAP_SYS_ADMIN
# can do without a check of the domain, in a namespace of its own.
OWN = {
    "become_dumpable", "change_personality", "change_quota", "dump_core",
    "enter_namespace_of_parent", "exhaust_processes", "lock_memory", "make_child_of_parent",
    "make_process", "make_user_namespace", "open_process", "take_memory",
    "take_securebits", "unmount_through_link",
}
ADMIN = OWN | {
    "change_mount_attributes", "clone_tree", "make_mount_namespace",
    "make_network_namespace", "open_file_system", "rename_host",
    "swap_elsewhere", "watch_all_files",
}
THROUGH = {
    # It makes directories there, and had the terminal's descriptor.
    "supervisor": OWN | {"list_mount_root", "make_file_below_mount_point",
                         "push_terminal_input", "signal_by_owner_of_file"},
    # It becomes others' users, and ends them.
    "launcher": ADMIN | {"become_root", "change_root", "gain_capabilities",
                         "join_groups", "list_mount_root",
                         "push_terminal_input", "signal_anybody",
                         "signal_by_owner_of_file"},
    "nfs": ADMIN,
    "tmpfs": ADMIN,
    "iscsi": OWN | {"signal_anybody"},  # of its own kind
    "scanner": OWN | {"open_by_handle"},    # CAP_DAC_READ_SEARCH
}


# Says what the service manager is told, until it is ready.
LISTENER = """
import socket
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind("%s")
print("bound", flush=True)
while True:
    told = listener.recv(4096).decode()
    print(told, flush=True)
    if "READY=1" in told:
        break
""" % NOTIFY


def listen():
    """A service manager, in its domain; its process, which ends when told."""
    os.makedirs(os.path.dirname(NOTIFY), exist_ok=True)
    sh("restorecon", "-RF", os.path.dirname(NOTIFY))
    child = subprocess.Popen(
        ["runcon", "-t", "init_t", "/usr/bin/python3", "-c", LISTENER],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    expect(child.stdout.readline() == "bound\n", "it listens")
    os.environ["NOTIFY_SOCKET"] = NOTIFY
    return child


def listed(domain):
    """The status of `holdfast list` in that domain, and what it says."""
    done = sh("runcon", "-t", domain, "/usr/bin/holdfast", "list", check=False)
    return done.returncode, done.stdout + done.stderr


def run(lab):
    expect(lab.denials, "a policy is enforced")
    target = lab.target()
    lab.initiator()
    manager = listen()
    daemon = lab.daemon()
    told, _ = manager.communicate(timeout=30)
    expect("READY=1" in told, "the service manager is told: %r" % told)
    Claim("disk", target).connect(daemon.client())
    os.mkdir("/target")
    sh("chcon", "-t", "holdfast_mnt_t", "/target")
    lab.denials.judge()
    lab.denials.is_expected = True

    free = control("none")
    feature = {name for name, number in free.items() if number == 0}
    expect(len(feature) >= LEAST, "%d acts can be done" % len(feature))
    for domain in DOMAINS:
        result = control("domain-" + domain)
        through = {name for name in feature if result[name] == 0}
        refused = len(feature) - len(through)
        lab.note("%s: %d refused by SELinux alone; done: %s"
                 % (domain, refused, ", ".join(sorted(through))))
        more = through - THROUGH[domain]
        expect(not more, "%s: done, and not known to be: %s"
               % (domain, sorted(more)))
        expect(refused >= LEAST, "%s: %d refused" % (domain, refused))

    code, said = listed("lab_client_t")
    expect(code == 0 and "disk" in said, "a client's domain may list: %d, %s"
           % (code, said))
    code, said = listed("lab_stranger_t")
    expect(code != 0 and "no access to" in said, "another may not: %d, %s"
           % (code, said))
