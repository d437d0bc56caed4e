# SPDX-License-Identifier: LGPL-2.1-or-later
"""nfsserver.py - NFS servers of a lab guest: the kernel's nfsd, for real

Runs in: a lab guest, as root
Trusts: nfs-utils
Invariant: a server's exports and files are in a mount namespace of its own, so
  that the guest's mount table shows clients' mounts only.
"""

import os
import signal
import subprocess

from kernel import expect, read_text, sh, wait_until
from link import Linked

SERVER_ROOT = "/run/lab/server"
# Below the new root, so that a server finds its programs and they their files.
BORROWED = ("usr", "etc", "dev", "sys")
LINKS = ("bin", "sbin", "lib", "lib64")
LEASE_S = 10            # the kernel allows no less
ALL_VERSIONS = ("3", "4.0", "4.1", "4.2")

HOLDER = r"""
set -e
root=%(root)s
mount -t tmpfs -o mode=755 server $root
cd $root
mkdir usr etc dev sys proc tmp run var var/lib var/lib/nfs old
for d in %(borrowed)s; do mount --rbind /$d $d; done
for l in %(links)s; do [ -e /$l ] && ln -s usr/$l $l; done
ln -s ../run var/run
mkdir run/rpcbind run/lock
mkdir -m 755 var/lib/nfs/sm var/lib/nfs/sm.bak var/lib/nfs/nfsdcld
touch var/lib/nfs/etab var/lib/nfs/rmtab var/lib/nfs/state
mount -t proc proc proc
mkdir run/rpc_pipefs
pivot_root . old
mount -t nfsd nfsd proc/fs/nfsd
mount -t rpc_pipefs rpc_pipefs run/rpc_pipefs
umount -l old
ip link set lo up
echo ready
exec sleep infinity
"""


def has_inotify(pid):
    folder = "/proc/%d/fdinfo" % pid
    for fd in os.listdir(folder):
        try:
            if "inotify wd:" in read_text(os.path.join(folder, fd)):
                return True
        except OSError:
            pass            # it was closed meanwhile
    return False


class NFSServer(Linked):
    """A kernel NFS server.

    exports maps a path ("/vms", the same for v3 and v4) to its export options,
    or to None for DEFAULT_OPTIONS; each is a tmpfs of its own. Alone in the
    guest's network it serves on 127.0.0.1; with isolated=True it lives in a
    network namespace behind a veth pair and serves on 10.77.N.2;
    link.py has what can happen to that.
    """

    DEFAULT_OPTIONS = "rw,no_root_squash,no_subtree_check,insecure,async"
    _count = 0

    def __init__(self, exports=None, versions=ALL_VERSIONS, isolated=False):
        NFSServer._count += 1
        self.number = NFSServer._count
        self.exports = dict(exports or {"/vms": None})
        self.versions = versions
        self.isolated = isolated
        self._fsids = {}
        self._next_fsid = 100 * self.number
        self._services = []
        self._make_namespace()
        if isolated:
            self.make_link(self._holder.pid)
        for path in self.exports:
            self._mount(path)

    # Its own namespaces

    @property
    def holder_pid(self):
        """A process in them."""
        return self._holder.pid

    def _make_namespace(self):
        sh("modprobe", "-a", "nfsd", "nfs", "nfsv3", "nfsv4")
        root = "%s%d" % (SERVER_ROOT, self.number)
        os.makedirs(root, exist_ok=True)
        script = HOLDER % {"root": root, "borrowed": " ".join(BORROWED),
                           "links": " ".join(LINKS)}
        argv = ["unshare", "--mount", "--propagation", "private"]
        if self.isolated:
            argv.append("--net")
        self._holder = subprocess.Popen(
            argv + ["sh", "-c", script], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, text=True)
        expect(self._holder.stdout.readline() == "ready\n",
               "the server's namespace could not be made")

    def enter(self):
        pid = str(self._holder.pid)
        argv = ["nsenter", "-t", pid, "--mount", "--root", "--wdns=/"]
        return argv + ["--net"] if self.isolated else argv

    def inside(self, *argv, **kwargs):
        """Run a program on the server."""
        return sh(*self.enter(), *argv, **kwargs)

    def uri(self, path="/vms", query=""):
        return "nfs://%s%s%s" % (self.address, path,
                                 "?" + query if query else "")

    # Its files

    def path(self, path):
        """Where the guest sees a path of the server's own."""
        return "/proc/%d/root%s" % (self._holder.pid, path)

    def write(self, path, text):
        with open(self.path(path), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, path):
        with open(self.path(path), encoding="utf-8") as file:
            return file.read()

    def exists(self, path):
        return os.path.lexists(self.path(path))

    # Its exports

    def _mount(self, path):
        self._next_fsid += 1
        self._fsids[path] = self._next_fsid
        self.inside("mkdir", "-p", "." + path)
        self.inside("mount", "-t", "tmpfs", "-o", "size=64m,mode=777",
                    "export", path)

    def _export(self, path):
        options = self.exports[path] or self.DEFAULT_OPTIONS
        self.inside("exportfs", "-o", "%s,fsid=%d" % (options,
                    self._fsids[path]), "*:" + path)

    def unexport(self, path):
        """The server no longer lets anyone use path."""
        self.inside("exportfs", "-u", "*:" + path)
        self.inside("exportfs", "-f")

    def export(self, path):
        """Undo unexport(), or export a path added to `exports`."""
        if path not in self._fsids:
            self.exports.setdefault(path, None)
            self._mount(path)
        self._export(path)

    def replace_export(self, path="/vms", same_fsid=False):
        """Another, empty file system takes the place of the one exported, as
        when a volume is restored: the old handles are stale. With same_fsid
        the handle of the export's own root stays good (nfsd knows it by the
        fsid alone) and only those of what was below are stale."""
        fsid = self._fsids[path]
        self.unexport(path)
        self.inside("umount", "-l", path)
        self._mount(path)
        if same_fsid:
            self._fsids[path] = fsid
        self._export(path)
        self.inside("exportfs", "-f")

    # Starting and stopping

    def start(self):
        """Serve; a second call after stop() is a server that came back."""
        if not self._services:
            self._service("rpcbind", "-f", "-w")
            wait_until(lambda: self.inside("rpcinfo", "-T", "tcp", "127.0.0.1",
                       "portmapper", check=False).returncode == 0, 10,
                       "rpcbind answers")
            for path in self.exports:
                self._export(path)
            self._start_tracker()
            self._service("rpc.mountd", "-F", "--no-udp")
        argv = ["rpc.nfsd", "--grace-time", str(LEASE_S), "--lease-time",
                str(LEASE_S), "--no-udp"]
        for version in ("3", "4.0", "4.1", "4.2"):
            argv += ["-V" if version in self.versions else "-N", version]
        self.inside(*argv, "8")
        return self

    def _service(self, *argv):
        service = subprocess.Popen(self.enter() + list(argv),
                                   stdin=subprocess.DEVNULL)
        self._services.append(service)
        return service

    def _start_tracker(self):
        """nfsdcld keeps who was a client before a restart; without it every
        start makes all clients wait for a lease time. nfsd looks for it only
        as it starts, so it must be watching by then."""
        tracker = self._service("nfsdcld", "-F", "-p", "/run/rpc_pipefs",
                                "-s", "/var/lib/nfs/nfsdcld")
        wait_until(lambda: has_inotify(tracker.pid), 10, "nfsdcld watches")

    def stop(self):
        """The service ends, the machine stays: connections are refused."""
        self.inside("rpc.nfsd", "0")

    def end_grace(self):
        """Do not make clients wait for those of before the restart."""
        self.inside("sh", "-c", "echo Y >/proc/fs/nfsd/v4_end_grace")

    def freeze(self):
        """mountd and rpcbind stop answering, without closing anything."""
        for service in self._services:
            os.kill(service.pid, signal.SIGSTOP)

    def thaw(self):
        for service in self._services:
            os.kill(service.pid, signal.SIGCONT)
