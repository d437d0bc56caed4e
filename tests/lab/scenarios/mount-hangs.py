# SPDX-License-Identifier: LGPL-2.1-or-later
"""a server that goes silent behind the pre-flight holds up others for mount_ms"""

import socket
import threading
import time

from lab import expect, wait_until

NEEDS = ("nfs", "daemon")
PORT = 20490
MOUNT_MS = 3000


class Relay:
    """The first connection gets to the server, later ones get no answer."""

    def __init__(self):
        self.accepted = []
        self._listener = socket.create_server(("127.0.0.1", PORT))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            client, _ = self._listener.accept()
            self.accepted.append(client)
            if len(self.accepted) > 1:
                continue
            server = socket.create_connection(("127.0.0.1", 2049))
            for a, b in ((client, server), (server, client)):
                threading.Thread(target=self._copy, args=(a, b),
                                 daemon=True).start()

    @staticmethod
    def _copy(source, sink):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.close()


def run(lab):
    server = lab.server({"/vms": None})
    other = lab.server({"/iso": None}, isolated=True)
    daemon = lab.daemon({"operation": {"mount_ms": MOUNT_MS},
                         "retry": {"min_ms": 60000, "max_ms": 60000}})
    client = daemon.client()
    relay = Relay()
    client.manage("nfs://127.0.0.1:%d/vms?vers=4.2" % PORT, "silent")
    wait_until(lambda: len(relay.accepted) > 1, 10, "mount(2) connects")
    begun = time.monotonic()
    client.manage(other.uri("/iso"), "other")
    client.wait("other")
    took = time.monotonic() - begun
    lab.note("the other server's first mount took %.1f s" % took)
    expect(took < MOUNT_MS / 1000 + 3, "it is not held up for longer")
    wait_until(lambda: client.state("silent") == "backoff", MOUNT_MS / 1000 + 3,
               "it is given up")
    entry = client.list()["silent"]
    lab.note("silent: %r" % entry)
    expect("mount(2) did not end within 3 s" in entry["error"]["text"],
           "killed: %r" % entry)
    expect(entry["stuck"] is None, "and it ended")
    expect(server.uri(), "the server itself was well")
