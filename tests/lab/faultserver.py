# SPDX-License-Identifier: LGPL-2.1-or-later
"""faultserver.py - servers that hang in ways that a kernel's nfsd does not

Runs in: a lab guest, as root; as a program of its own in the server's network
Trusts: nothing that a client sends
Invariant: each is a process of its own, so that no scenario can block it.

    faultserver.py silent PORT          accepts, and never answers
    faultserver.py null-only PORT       answers NULL, and nothing else
    faultserver.py every-second PORT    a relay to port 2049 of the same host
                                        that passes on each second call only
"""

import os
import socket
import struct
import subprocess
import sys
import threading

from kernel import sh, wait_until
from link import Linked

LAST = 1 << 31


class FaultServer(Linked):
    """One of them, behind a link of its own, or `beside` an NFSServer in its
    network."""

    def __init__(self, kind, port=2049, beside=None):
        self.kind = kind
        self.port = port
        self._holder = None
        if beside:
            self.address = beside.address
            self._namespace = str(beside.holder_pid)
        else:
            self._holder = subprocess.Popen(
                ["unshare", "--net", "sleep", "infinity"])
            wait_until(lambda: os.readlink("/proc/%d/ns/net"
                                           % self._holder.pid)
                       != os.readlink("/proc/self/ns/net"), 10, "a network")
            self.make_link(self._holder.pid)
        self.start()

    def start(self):
        self._server = subprocess.Popen(
            ["nsenter", "-t", self._namespace, "--net", sys.executable,
             os.path.abspath(__file__), self.kind, str(self.port)])
        wait_until(self._answers, 20, "%s listens" % self.kind)
        return self

    def _answers(self):
        try:
            socket.create_connection((self.address, self.port), 1).close()
        except OSError:
            return False
        return True

    def stop(self):
        """It is gone: its connections are reset, new ones refused."""
        self._server.kill()
        self._server.wait()

    def uri(self, path="/vms", query=""):
        """As holdfast writes it."""
        port = "" if self.port == 2049 else ":%d" % self.port
        return "nfs://%s%s%s%s" % (self.address, port, path,
                                   "?" + query if query else "")


# --- the program

def receive(sock, size):
    data = b""
    while len(data) < size:
        part = sock.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def read_record(sock):
    """One RPC message, RFC 5531 section 11."""
    whole = b""
    while True:
        mark, = struct.unpack(">I", receive(sock, 4))
        whole += receive(sock, mark & ~LAST)
        if mark & LAST:
            return whole


def write_record(sock, record):
    sock.sendall(struct.pack(">I", LAST | len(record)) + record)


def be_silent(sock):
    while sock.recv(65536):
        pass


def answer_null_only(sock):
    while True:
        record = read_record(sock)
        xid, procedure = record[:4], struct.unpack(">I", record[20:24])[0]
        if procedure == 0:
            # REPLY, MSG_ACCEPTED, no verifier, SUCCESS
            write_record(sock, xid + struct.pack(">5I", 1, 0, 0, 0, 0))


class EverySecond:
    def __init__(self):
        self.calls = 0

    def relay(self, sock):
        server = socket.create_connection(("127.0.0.1", 2049))
        threading.Thread(target=self._back, args=(server, sock),
                         daemon=True).start()
        while True:
            record = read_record(sock)
            self.calls += 1
            if self.calls % 2:
                write_record(server, record)

    @staticmethod
    def _back(server, sock):
        try:
            while data := server.recv(65536):
                sock.sendall(data)
        except OSError:
            pass


def guarded(serve, sock):
    try:
        serve(sock)
    except (OSError, EOFError):
        pass
    sock.close()


def main():
    serve = {"silent": be_silent, "null-only": answer_null_only,
             "every-second": EverySecond().relay}[sys.argv[1]]
    listener = socket.create_server(("0.0.0.0", int(sys.argv[2])))
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=guarded, args=(serve, sock),
                         daemon=True).start()


if __name__ == "__main__":
    main()
