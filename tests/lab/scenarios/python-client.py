# SPDX-License-Identifier: LGPL-2.1-or-later
"""twenty lines of Python and msgpack are a client, for the group's members"""

from lab import expect, sh, wait_until, nfs_mounts

# As a user would write it, so without the lab's client.
SCRIPT = r'''
import socket, sys
import msgpack

sock = socket.socket(socket.AF_UNIX)
sock.connect("/run/holdfast/api.sock")
unpacker = msgpack.Unpacker()

def call(method, *params):
    sock.sendall(msgpack.packb([0, 1, method, params]))
    while True:
        for kind, number, error, result in unpacker:
            if error:
                raise SystemExit(error)
            return result
        unpacker.feed(sock.recv(4096))

uri = sys.argv[1]
call("manage", uri, "script")
entry = call("wait", "script", {"for": "connected", "timeout_ms": 20000})
assert entry["connected"] and entry["managed"], entry
assert list(call("list")) == ["script"]
print(open("/run/holdfast/by-id/script/greeting").read())
call("unmanageStorageServer", "script")
assert "script" not in call("list")
call("manageStorageServer", uri, "second")
assert "second" in call("getStorageServerList")
call("unmanage", "second")
'''


def as_user(group, uri):
    return sh("setpriv", "--reuid", "nobody", "--regid", group,
              "--clear-groups", "/usr/bin/python3", "-c", SCRIPT, uri,
              check=False)


def run(lab):
    server = lab.server()
    server.write("/vms/greeting", "hello")
    lab.daemon()

    done = as_user("nogroup", server.uri("/vms"))
    expect(done.returncode != 0 and "PermissionError" in done.stderr,
           "who is not in the group is kept out: %r" % done)
    done = as_user("holdfast", server.uri("/vms"))
    expect(done.returncode == 0, "exit %d: %s" % (done.returncode,
                                                  done.stderr))
    expect(done.stdout == "hello\n", "the file was read: %r" % done.stdout)
    wait_until(lambda: not nfs_mounts(), 10, "all is disconnected")
