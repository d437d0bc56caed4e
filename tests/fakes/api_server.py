#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""api_server.py - a daemon of lies, for testing the command.

Usage: api_server.py SOCKET [MOUNTS]

Speaks the client API over SOCKET, keeps claims in memory and connects nothing:
nfs://up... is connected, nfs://down... in backoff, nfs://slow... connecting
for ever. Mount points are below MOUNTS. Prints a line when it listens. Methods
of its own misbehave:

fake_raw(hex)      sends those bytes instead of an answer
fake_slowly(value) answers byte by byte, behind notifications
fake_error(text)   fails with that error
fake_echo(...)     answers its arguments
fake_silence()     does not answer at all
fake_end()         closes the connection
fake_cut(hex)      sends those bytes and closes the connection
fake_behind(hex)   answers, with those bytes behind it in the same packet
fake_trickle(hex)  sends those bytes over and over, one now and then
fake_flood(count)  sends notifications of so many elements, without a pause
fake_deaf()        answers, and takes nothing more
fake_fill(count)   makes that many claims, in the place of all others
fake_list(kind)    from then on list lies: backwards, again, beyond, odd,
                   nameless, long
fake_most(count)   from then on a list of more entries is too big
"""

import contextlib
import os
import socket
import socketserver
import sys
import time

import msgpack

NOW = 1_790_000_000_000_000
WORDS = ("registered connecting connected unresponsive stale backoff blocked "
         "disconnecting lingering stuck").split()
claims = {}
settings = {"mounts": "/run/holdfast/mnt", "list": "", "most": 1 << 32}


class Failed(Exception):
    pass


def entry(uri, uid=0):
    state = ("backoff" if uri.startswith("nfs://down") else
             "connecting" if uri.startswith("nfs://slow") else "connected")
    up = state == "connected"
    error = None
    if state == "backoff":
        error = {"slug": "unreachable", "errno": 111, "attempt": 6, "at": NOW,
                 "text": "connect: connection refused\x1b[31m"}
    return {
        "connected": up, "healthy": up, "managed": True, "state": state,
        "wanted": "up", "operation": "none",
        "lastError": 451 if error else 0, "error": error, "uri": uri,
        "path": "%s/%s" % (settings["mounts"],
                           uri[6:].replace("/", ":_", 1)),
        "connectionInfo": {"type": "nfs", "host": uri[6:].split("/")[0]},
        "uid": uid, "created": NOW, "since": NOW + 1_000_000,
        "attempts": 6 if error else 1, "attempt": {"number": 6, "at": NOW},
        "next_retry": int(time.time() * 1e6) + 9_500_000 if error else 0,
        "probe": {"at": NOW, "latency": 3100} if up else {"at": 0,
                                                          "latency": 0},
        "holders": [{"pid": 77, "command": "vi", "kind": "open file"},
                    {"pid": 0, "command": "dm-0 (vg-lv)",
                     "kind": "device mapper"}]
                   if uri.endswith("/held") else [], "stuck": None, "worker": 4711, "mount_id": 57,
    }


def unmanaged():
    lingering = dict(entry("nfs://up/left"), managed=False, state="lingering",
                     healthy=False, wanted="down")
    other = {"connected": True, "healthy": False, "managed": False,
             "state": "unmanaged", "lastError": 0, "error": None,
             "path": "/mnt/old",
             "connectionInfo": {"type": "nfs4", "remotePath": "old:/x"}}
    return {"lingering/up:_left": lingering, "unmanaged/nfs_31": other}


def find(cid):
    if cid not in claims:
        raise Failed("no-such-cid: no claim has that connection ID")
    return claims[cid]


def manage(uri, cid, options=None):
    options = options or {}
    if set(options) - {"if_absent"}:
        raise Failed("bad-option: unknown option")
    if "/" in cid or not cid:
        raise Failed("bad-cid: \"/\" cannot stand in a connection ID")
    if not uri.startswith("nfs://"):
        raise Failed("bad-uri: no scheme that holdfast knows")
    if cid in claims:
        if not options.get("if_absent") or claims[cid]["uri"] != uri:
            raise Failed("cid-in-use: it names " + claims[cid]["uri"])
        return {"connection": uri, "created": False}
    claims[cid] = entry(uri)
    return {"connection": uri, "created": True}


def unmanage(cid, options=None):
    found = find(cid)
    if cid == "others":
        raise Failed("denied: the claim belongs to uid 12")
    del claims[cid]
    return {"last": all(c["uri"] != found["uri"] for c in claims.values())}


def unmanage_prefix(prefix, options=None):
    if not prefix:
        raise Failed("bad-cid: an empty prefix")
    released = sorted(cid for cid in claims if cid.startswith(prefix))
    if "others" in released:
        raise Failed("denied: the claim belongs to uid 12")
    for cid in released:
        del claims[cid]
    return {"released": released}


def lie(found, options):
    """What list answers when it was told to lie."""
    most = options["max"]
    if settings["list"] == "odd":
        return ["no", "map"]
    if settings["list"] == "nameless":
        return {"": {}}
    if settings["list"] == "long":
        return {"%04d" % i + "x" * 4093: {} for i in range(most)}
    if settings["list"] == "backwards":
        return dict(list(found.items())[::-1][:most])
    if settings["list"] == "again":
        return dict(list(found.items())[:most])
    return {} if "after" in options else dict(sorted(found.items())[:most + 1])


def list_(options=None):
    options = options or {}
    if set(options) - {"prefix", "state", "uid", "connection", "after", "max"}:
        raise Failed("bad-option: unknown option")
    if options.get("state") not in [None, "unmanaged", *WORDS]:
        raise Failed("bad-option: no state \"%s\"" % options["state"])
    found = {**claims, **(unmanaged() if claims else {})}
    if settings["list"]:
        return lie(found, options)
    found = {cid: e for cid, e in sorted(found.items())
             if cid.startswith(options.get("prefix", ""))
             and options.get("state") in (None, e["state"])
             and options.get("uid") in (None, e.get("uid"))
             and options.get("connection") in (None, e.get("uri"))
             and cid > options.get("after", "")}
    page = dict(list(found.items())[:options.get("max")])
    if len(page) > settings["most"]:
        raise Failed("too-big: the answer would be too long; ask for less")
    return page


def fake_fill(count):
    claims.clear()
    claims.update(("many-%06d" % i, entry("nfs://up/%d" % (i % 7), i % 2))
                  for i in range(count))
    return len(claims)


def fake_list(kind):
    settings["list"] = kind


def fake_most(count):
    settings["most"] = count


def status(cid, options=None):
    history = [{"at": NOW, "state": "connecting", "slug": "ok", "text": ""},
               {"at": NOW + 1_000_000, "state": "backoff",
                "slug": "unreachable", "text": "connection refused"}]
    return dict(
        find(cid), history=history, held="server" if cid == "kept" else "",
        tries=[{"number": 5, "at": NOW, "end": NOW + 9, "slug": "unreachable",
                "errno": 111, "text": "connection refused"},
               {"number": 6, "at": NOW, "end": 0, "slug": "ok", "errno": 0,
                "text": ""}],
        outages=[{"start": NOW, "end": NOW + 61_000_000, "state": "backoff",
                  "slug": "timed-out", "text": "no answer"},
                 {"start": NOW, "end": 0, "state": "backoff",
                  "slug": "unreachable", "text": "refused"}],
        options={"requested": "nosuid,timeo=100", "effective": "rw,timeo=50",
                 "differences": [{"option": "timeo", "requested": "100",
                                  "effective": "50"}]},
        worst_case={"duration": 40_000_000, "text": "an error after 40.0 s"},
        next={"operation": "connect", "at": 0, "text": "an attempt"},
        force_at=0)


def explain(cid, options=None):
    return {"connection": find(cid)["uri"], "state": find(cid)["state"],
            "why": ["1 claim wants it to be up.", "Next: an attempt.\x1b[1m"]}


def metrics(options=None):
    return {"content_type": "application/openmetrics-text",
            "text": "# TYPE holdfast_claims gauge\nholdfast_claims 1\n"
                    "\x1b# EOF\n"}


def pause(options=None):
    raise Failed("denied: only root may")


def resume(options=None):
    return {"paused": False}


def events(since, options=None):
    if since >= 9:
        return {"events": [], "next": since}
    event = {"number": 8, "at": NOW, "kind": "gap", "state": "", "before": "",
             "slug": "ok", "attempt": 0, "connection": "", "subject": "",
             "text": "events 1 to 8 are not kept"}
    return {"next": 9, "events": [event, dict(
        event, number=9, kind="state", state="backoff", before="connecting",
        slug="unreachable", connection="nfs://down/e", attempt=3,
        text="refused\x1b[1m")]}


def wait(cid, options=None):
    options = options or {}
    if set(options) - {"for", "asked", "timeout_ms"}:
        raise Failed("bad-option: unknown option")
    what = options.get("for", "connected")
    if what not in ("connected", "settled", "gone"):
        raise Failed("bad-option: for is connected, settled or gone")
    found = find(cid)
    if cid == "silent":
        time.sleep(60)
    if what != "gone" and (found["healthy"] or (
            what == "settled" and found["state"] == "backoff")):
        return found
    if what == "gone" and cid == "going":
        return dict(claims.pop(cid), state="gone", connected=False,
                    healthy=False, managed=False)
    time.sleep(min(options.get("timeout_ms", 30000), 300) / 1000)
    raise Failed("timeout: %s is %s after a while: connection refused"
                 % (cid, found["state"]))


def retry(cid, options=None):
    return {"connection": find(cid)["uri"], "state": find(cid)["state"]}


def hello(options=None):
    return {"server": "holdfastd", "version": "0.1.0", "api": 1,
            "methods": ["hello", "list"], "store": "good"}


METHODS = {"manage": manage, "unmanage": unmanage,
           "list": list_,
           "status": status, "explain": explain, "metrics": metrics,
           "pause": pause, "resume": resume, "events": events, "wait": wait, "retry": retry, "hello": hello,
           "unmanage_prefix": unmanage_prefix,
           "fake_fill": fake_fill, "fake_list": fake_list,
           "fake_most": fake_most,
           "fake_echo": lambda *params: list(params)}


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        unpacker = msgpack.Unpacker()
        while True:
            data = self.request.recv(65536)
            if not data:
                return
            unpacker.feed(data)
            for _, ident, method, params in unpacker:
                if method == "fake_end":
                    return
                self.answer(ident, method, params)

    def answer(self, ident, method, params):
        error = result = None
        if method == "fake_silence":
            return
        if method == "fake_raw":
            self.request.sendall(bytes.fromhex(params[0]))
            return
        if method == "fake_slowly":
            notes = msgpack.packb([2, "event", [1, {"a": None}]]) * 3
            answer = msgpack.packb([1, ident, None, params[0]])
            for byte in notes + answer:
                self.request.sendall(bytes([byte]))
                time.sleep(0.001)
            return
        if method == "fake_cut":
            self.request.sendall(bytes.fromhex(params[0]))
            self.request.shutdown(socket.SHUT_RDWR)
            return
        if method == "fake_behind":
            self.request.sendall(msgpack.packb([1, ident, None, "good"])
                                 + bytes.fromhex(params[0]))
            return
        if method == "fake_trickle":
            with contextlib.suppress(BrokenPipeError):
                for byte in bytes.fromhex(params[0]) * 1000:
                    self.request.sendall(bytes([byte]))
                    time.sleep(0.01)
            return
        if method == "fake_flood":
            end = time.monotonic() + 60
            data = msgpack.packb([2, "event", [[1] * params[0]]]) * 100
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                while time.monotonic() < end:
                    self.request.sendall(data)
            return
        if method == "fake_deaf":
            self.request.shutdown(socket.SHUT_RD)
            self.request.sendall(msgpack.packb([1, ident, None, None]))
            time.sleep(10)
            return
        try:
            if method == "fake_error":
                raise Failed(params[0])
            if method not in METHODS:
                raise Failed("no-such-method: \"%s\"" % method)
            result = METHODS[method](*params)
        except Failed as failed:
            error = str(failed)
        except TypeError:
            error = "bad-arguments: too few or too many"
        self.request.sendall(msgpack.packb([1, ident, error, result]))


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def main():
    path = sys.argv[1]
    if len(sys.argv) > 2:
        settings["mounts"] = sys.argv[2]
    if os.path.exists(path):
        os.unlink(path)
    with Server(path, Handler) as server:
        print("listening", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
