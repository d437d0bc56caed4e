#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""seeds.py - writes the seeds of tests/corpus: for each target what it takes.

A seed shows a form, and its name says which. What a campaign has found lies
beside them and is left alone. The seeds are in the tree: this is for whoever
changes a format.
"""
import os
import struct

import msgpack

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "corpus")


def pack(value):
    return msgpack.packb(value, use_bin_type=True)


def write(target, seeds):
    folder = os.path.join(TOP, target)
    os.makedirs(folder, exist_ok=True)
    for name, data in seeds.items():
        if isinstance(data, str):
            data = data.encode()
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)


def wire():
    deep = 1
    for _ in range(8):
        deep = [deep]
    write("wire", {
        "request": b"\0" + pack([0, 7, "list", [{"prefix": "a"}]]),
        "two-requests-in-pieces": b"\x03" + 2 * pack([0, 1, "hello", []]),
        "numbers": b"\x01" + pack([-1, -33, 300, 70000, 2**63, 1.5, 7.0]),
        "depth-8": b"\0" + pack(deep),
        "depth-9": b"\0" + pack([deep]),
        "elements-1024": b"\0" + pack(list(range(1024))),
        "elements-1025": b"\0" + pack(list(range(1025))),
        "string-4096": b"\0" + pack("x" * 4096),
        "string-4097": b"\0" + pack("x" * 4097),
        "array32-96gib": b"\0\xdd\xff\xff\xff\xff",
        "map32-twice-overflow": b"\0\xdf\x80\0\0\0",
        "ext": b"\0" + pack([msgpack.ExtType(1, b"x")]),
        "key-twice": b"\0\x82\xa1a\x01\xa1a\x02",
        "bin-key": b"\0" + pack({b"for": True, "x": None}),
    })


def uri():
    write("uri", {
        "nfs": "nfs://Server.example/vms//a/%7ebob/?hard&vers=4.2",
        "nfs-2012": "nfs://192.0.2.1:/export",
        "nfs-2012-short": "nfs://filer:export",
        "nfs-ipv6-zone": "nfs://[fe80::1%25eth0]:2050/a",
        "nfs-rdma": "nfs://h:20049/a?proto=rdma",
        "nfs-many": "nfs://h/a?acregmin=3&acregmax=60&rsize=65536&timeo=50"
                    "&retrans=2&sec=krb5p&nconnect=4&lookupcache=pos",
        "nfs-utf8": "nfs://h/\u00e4/%C3%A4/%E2%82%AC",
        "nfs-at-in-export": "nfs://h/a@b",
        "userinfo": "nfs://root:very-secret@h/a",
        "iscsi": "iscsi://san1/iqn.2012-06.example.Holdfast:db/0",
        "iscsi-2012": "iscsi://[2001:DB8::1]:3261/"
                      "iqn.2012-06.example:x;portal=2",
        "iscsi-eui": "iscsi://h/eui.0123456789ABCDEF?tpgt=7&iface=eth-1",
        "iscsi-naa": "iscsi://h/naa.0123456789abcdef0123456789abcdef/16383",
        "tmpfs": "tmpfs://Scratch?size=1024k&mode=0750&ro",
        "tmpfs-percent": "TMPFS://a_b-c.d?size=50%25",
        "octal-host": "nfs://0177.0.0.1/a",
        "nfs-path-longest": "nfs://h/" + "a" * 1022,
        "nfs-path-too-long": "nfs://h/" + "a" * 1023,
        "nfs-escaped-too-long": "nfs://h/" + "%C3%A4" * 340,
        "host-longest": "nfs://" + "a23456789." * 25 + "abc/a",
        "host-too-long": "nfs://" + "a23456789." * 25 + "abcd/a",
        "iqn-longest": "iscsi://h/iqn.2012-06.a:" + "x" * 209,
        "iqn-too-long": "iscsi://h/iqn.2012-06.a:" + "x" * 210,
        "value-longest": "iscsi://h/iqn.2012-06.a:x?iface=" + "i" * 63,
        "value-too-long": "iscsi://h/iqn.2012-06.a:x?iface=" + "i" * 64,
        "tmpfs-name-longest": "tmpfs://" + "n" * 64,
    })


def message():
    target = [0, "nfs://h/a", 1] + [1000] * 9 + [0, 0]
    status = [12, 2, 0, 0, 1, 3, 4, 0, 0, 5, 110, "timed out"] + 19 * [0]
    write("message", {
        "order-target": b"\0" + pack(target),
        "order-credentials": b"\0" + pack([1, "u", "secret", "", "", 0]),
        "order-retry": b"\0" + pack([7]),
        "order-scan": b"\0" + pack([10, "/run/holdfast/mnt/0/x", 7, 8, 16]),
        "report-status": b"\x01" + pack(status),
        "report-log": b"\x01" + pack([16, 4, "target x: a line"]),
        "report-log-with-newline": b"\x01" + pack([16, 4, "a\nb"]),
        "sent-text-cut-in-a-character": b"\x02\x10" + 8 * b"\xff" + b"\x7f"
                                        + 300 * "\u00e4".encode(),
        "sent-status-with-great-numbers": b"\x02\x0c" + 200 * b"\xff",
    })


def fnv(text):
    value = 0xcbf29ce484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001b3 % 2**64
    return value


def call():
    def request(method, *params):
        return pack([0, 1, method, list(params)])

    target = "iscsi://san1/iqn.2012-06.example:db/0"
    login = {"username": "host", "password": "a-long-secret"}
    write("call", {
        "hello-then-list": request("hello") + request(
            "list", {"prefix": "a", "state": "connected"}),
        "manage": request("manage", "nfs://h/a", "cid", {"if_absent": True}),
        "manage-chap": request("manage", target, "cid", login),
        "manage-mutual-chap": request("manage", target, "cid", dict(
            login, username_in="target", password_in="another")),
        "manage-auth": request("manage", target, "cid", {"auth": "san1"}),
        "manage-nfs-with-password": request(
            "manage", "nfs://h/a", "cid", login),
        "manage-2012": request("manageStorageServer", "nfs://h:/a", "x"),
        "unmanage-transient": request("unmanage", "unmanaged/nfs_1"),
        "wait": request("wait", "cid", {"for": "gone", "timeout_ms": 5.0}),
        "wait-too-long": request("wait", "cid", {"timeout_ms": 86400001}),
        "option-unknown": request("status", "cid", {"\u00e4\n": 1}),
        "no-such-method": request("caf\u00e9" * 20),
        "method-is-a-number": pack([0, 1, 7, []]),
        "notification": pack([2, "nvim_hello", [{}]]),
        "response": pack([1, 1, None, None]),
    })


def launcher():
    def request(flags, op, slot=0, backend=0, key=0, reserved=0):
        return struct.pack("<B4IQ", flags, op, slot, backend, reserved, key)

    prepare, start, kill, remove, credential = range(5)
    nfs, scanner = 0, 2
    write("launcher", {
        "life-of-a-target": request(0, prepare, 7, key=0xab)
        + request(2, start, 7, nfs) + request(0, kill, 7)
        + request(8, start + 1, 7) + request(0, remove, 7),
        "prepared-twice": 2 * request(0, prepare, 1, key=1),
        "started-twice": request(0, prepare, 1) + 2 * request(2, start, 1),
        "started-again-when-ended": request(0, prepare, 1)
        + request(2, start, 1) + request(10, start, 1),
        "start-without-target": request(2, start, 3, nfs),
        "scanner": request(2, start, 4096, scanner),
        "too-many-starts": request(0, prepare, 1) + request(2, start, 1)
        + 3 * request(10, start, 1),
        "bind-fails": request(4, prepare, 1, key=1),
        "remove-fails": request(0, prepare, 1) + request(4, remove, 1),
        "credential": request(0, credential, key=fnv("private")),
        "credential-of-others": request(0, credential, key=fnv("shared")),
        "credential-by-link": request(0, credential, key=fnv("link")),
        "slot-4097": request(0, kill, 4097),
        "no-such-operation": request(0, 5),
        "a-descriptor-too-many": request(3, start, 4096, scanner),
        "a-byte-too-short": request(16, kill),
        "kill-with-a-key": request(0, kill, key=1),
    })


def store_record():
    def claim(cid, uri, created=5, uid=1000):
        key = b"c" + cid.encode()
        body = struct.pack("<IQH", uid, created, len(uri)) + uri.encode()
        return bytes([len(key)]) + key + b"\x01" + bytes(4) + struct.pack(
            "<Q", 3) + body

    def written(kind, cid, uri):
        return (b"\x02" + bytes([kind]) + struct.pack("<QIIIQ", 1, 2, 3, 4, 5)
                + bytes([len(cid)]) + cid + uri)

    head = b"\x01" + bytes(4) + struct.pack("<Q", 3)
    write("store_record", {
        "claim": b"\x01" + claim("cid", "nfs://h/a"),
        "claim-bad-checksum": b"\0" + claim("cid", "nfs://h/a"),
        "claim-of-255-bytes": b"\x01" + claim("c" * 254, "nfs://h/a"),
        "claim-cid-with-slash": b"\x01" + claim("a/b", "nfs://h/a"),
        "claim-longer-than-it-says": b"\x01" + claim("c", "nfs://h/a") + b"x",
        "departing": b"\x01\x0adnfs://h/a" + head + bytes(8),
        "meta": b"\x01\x01m" + head + bytes(8),
        "version-2": b"\x01\x01m\x02" + head[1:] + bytes(8),
        "written-claim": written(0, b"cid", b"nfs://h/a"),
        "written-departing": written(1, b"", b"nfs://h/a"),
        "written-meta": written(2, b"", b""),
    })


def record():
    def report(state, error=0, attempt=1, failed=0, wanted=1, seconds=1,
               text=b""):
        return struct.pack("<7bB", state, error, attempt, failed, 9, wanted,
                           seconds, len(text)) + text

    connecting, connected, unresponsive, backoff = 1, 2, 3, 5
    write("record", {
        "connected": report(connecting) + report(connected),
        "tries-fail": b"".join(
            report(connecting, attempt=n) + report(
                backoff, 20, n, n, text=b"refused \xff") for n in range(1, 11)),
        "outages": 20 * (report(connected) + report(unresponsive, 15)),
        "clock-set-back": report(unresponsive, 15) + report(
            connected, seconds=-100),
        "no-longer-wanted": report(backoff, 15) + report(backoff, wanted=0),
        "attempts-begin-anew": report(connecting, attempt=9) + report(
            connecting, attempt=1),
    })


def credential():
    mutual = ("# of san1\n\nusername = host\npassword = a=b # \"c\"\n"
              "username_in=target\n\tpassword_in = other \n"
              "users = alice, 4242424\n")
    write("credential", {
        "one-way": "\0username = host\npassword = a long secret\n",
        "mutual": "\0" + mutual,
        "another-user-who-may": "\x01" + mutual,
        "another-user-who-may-not": "\x01username=u\npassword=p\nusers=bob",
        "same-password": "\0username=u\npassword=same\nusername_in=t\n"
                         "password_in=same\n",
        "twice": "\0username = a\nusername = b\n",
        "crlf": "\0username = a\r\npassword = b\r\n",
        "nul": "\0username = a\n\0",
        "255-bytes": "\0username = u\npassword = " + "x" * 255,
        "256-bytes": "\0username = u\npassword = " + "x" * 256,
    })


def credential_file():
    uri = "uri = iscsi://san1/iqn.2012-06.example.holdfast:db\n"
    write("credential_file", {
        "inline": "\x01" + uri + "uid = 1000\nusername = u\npassword = p\n",
        "named": "\x01" + uri + "uid = 0\nname = san1\n",
        "of-another-connection": "\x01uri = iscsi://h/iqn.x\nuid = 0\n",
        "wrong-checksum": "\0" + uri + "uid = 0\nname = x\ncrc = 00000000\n",
        "cut": "\0" + uri + "uid = 0\nname = x\ncrc = 00",
        "written-named": b"\x02\xe8\x03\0\0san1\n",
        "written-inline": b"\x02\0\0\0\0\nhost\n# x = y\ntarget\nother\n",
        "written-longest": b"\x02\0\0\0\0\n" + b"\n".join(
            [c * 255 for c in (b"u", b"p", b"v", b"q")]),
    })


def ledger():
    write("ledger", {
        "two": "boot\n12 345 disconnect 1790000000000000 nfs://nas1/a%20b\n"
               "13 345 connect 1 iscsi://san1/iqn.2012-06.example:db\n",
        "another-boot": "other\n12 345 probe 1 nfs://h/a\n",
        "gone-since": "boot\n1000 345 probe 1 nfs://h/a\n",
        "another-process": "boot\n12 346 probe 1 nfs://h/a\n",
        "no-operation": "boot\n12 345 none 1 nfs://h/a\n",
        "not-canonical": "boot\n12 345 probe 1 nfs://H//a\n",
        "leading-zeros": "boot\n012 0345 trial 01 tmpfs://a\n",
        "long-line": "boot\n12 345 probe 1 nfs://h/" + "a" * 2500 + "\n",
        "no-newline": "boot\n12 345 detach 1 nfs://h/a",
    })


def mountinfo():
    plain = ("35 34 0:33 / / ro,nosuid shared:1 - tmpfs tmpfs rw,size=512k\n"
             "63 33 0:38 / /a\\040b rw master:3 shared:14 - nfs4 "
             "127.0.0.1:/vms rw,vers=4.2,addr=127.0.0.1\n")
    write("mountinfo", {
        "table": "\0" + plain,
        "table-cut": "\0" + plain[:150],
        "table-lines-of-nothing": "\0\n \n# x\n- - -\n",
        "written": b"\x01\x07x\nmnt/a b\n/vms\nvers=4.2\n",
        "written-with-blanks-and-backslashes":
            b"\x01\x07a\\040 \t\nb\\\\ \\134\n#\\x20\nc\\012 d\n",
        "written-removed": b"\x01\x01a (deleted)\nb (deleted)\n/c\nd\n",
        "written-two": 2 * b"\x01\n- nfs4 x\n\xff\xfe\na,b\n" + b"\x01",
        "options-same": "\x02vers=4.2,hard,timeo=600\nrw,vers=4.2,timeo=600",
        "options-value-like-its-name": "\x02addr,b\nrw,addr=addr,b",
        "options-quoted": "\x02context=\"a,b\",c\n\"",
        "options-long": "\x02" + "x" * 70 + "=" + "y" * 300 + ",,=,\n",
    })


def scan_text():
    write("scan_text", {
        "mapping": "\x00\x37f0-7f1 r-xp 0000 08:10 1234    /a\\012b\n",
        "mapping-heap": "\x005500-5600 rw-p 0000 00:00 0    [heap]\n",
        "swap-partition": "\x01/dev/dm-0   partition\t1024\t0\t-2\n",
        "swap-file": "\x01/a\\040b   file\t1024\t0\t-2\n",
        "devices": "\x02rw,logdev=/dev/sdb,/dev/sda:/dev/sdc (deleted)",
        "device-by-path": "\x02/dev/disk/by-path/ip-1.2.3.4:3260-x\\377",
        "number": "\x038:16",
        "field": "\x03mnt_id:\t25\n",
        "stat": "\x044711 (a) b) S 1 4711 4711 0 -1 4194560 1 0 0 0 0 0 0 0 "
                "20 0 1 0 345 0 0 0",
        "stat-zombie": "\x044711 (x) Z 1 4711 4711",
    })


def iscsiadm():
    write("iscsiadm", {
        "login-fails": "\x08Logging in to [iface: default]\n"
                       "iscsiadm: Could not login to [iface: default].\n"
                       "iscsiadm: initiator reported error (8 - connection "
                       "timed out)\n\n",
        "nothing": "\x15",
        "no-newline": "\x18iscsiadm: authorization failure",
        "killed": "\xfc",
        "not-there": b"\x7f",
        "control-characters": b"\x05a\n\x1b[2J\xff\xc2\x80\n",
        "more-than-is-kept": b"\x05" + b"x" * 5000 + b"\n" + b"y" * 5000,
        "cut-in-a-character": "\x05" + 200 * "\u20ac",
    })


def iscsi_text():
    write("iscsi_text", {
        "login": b"\0AuthMethod=CHAP\0TargetPortalGroupTag=1\0X=0xfffe\0",
        "key-twice": b"\0A=1\0A=2\0",
        "superfluous-nuls": b"\0\0\0A=1\0\0B=2",
        "no-value": b"\0A\0",
        "key-of-64-bytes": b"\0" + b"k" * 64 + b"=\0",
        "hex-odd": b"\0A=0x123\0B=0XaBc\0",
        "base64": b"\0A=0bAAEC\0B=0BAA==\0C=0bAAE=\0D=0b=\0",
        "numbers": b"\0A=65535\0B=65536\0C=0x\0D=\0E=007\0",
        "pairs-129": b"\0" + b"".join(b"k%d=\0" % n for n in range(129)),
        "put": b"\x01CHAP_N\nhost\nCHAP_I\n23\n",
        "put-too-much": b"\x01" + b"k\n" + b"v" * 5000 + b"\nl\n" +
                        b"v" * 3300 + b"\nm\n",
        "chap": b"\x02CHAP_A=7\0CHAP_I=0xff\0CHAP_C=0bAAECAw==\0",
        "chap-answered": b"\x02CHAP_A=5\0CHAP_I=1\0CHAP_C=0x01\0"
                         b"CHAP_N=target\0CHAP_R=0x00\0",
        "chap-rejected": b"\x02CHAP_A=Reject\0",
    })


def pdu(text=b"", flags=0, status=0, opcode=0x23, length=None):
    length = len(text) if length is None else length
    head = bytearray(48)
    head[0], head[1] = opcode, flags
    head[4:8] = struct.pack(">I", length)
    head[36:38] = struct.pack(">H", status)
    return bytes(head) + text + bytes(-len(text) % 4)


def iscsi_login():
    transit = 0x81
    none = b"AuthMethod=None\0TargetPortalGroupTag=1\0"
    chap = b"AuthMethod=CHAP\0TargetPortalGroupTag=1\0"
    challenge = b"CHAP_A=5\0CHAP_I=23\0CHAP_C=0x000102030405060708\0"
    proof = b"CHAP_N=target\0CHAP_R=0x" + b"0" * 32 + b"\0"
    write("iscsi_login", {
        "none": b"\0" + pdu(none, transit),
        "none-late": b"\0" + pdu(none) + pdu(b"", transit),
        "in-pieces": b"\0" + pdu(none[:9], 0x40) + pdu(none[9:], transit),
        "chap": b"\x01" + pdu(chap) + pdu(challenge) + pdu(b"", transit),
        "mutual": b"\x02" + pdu(chap) + pdu(challenge) + pdu(proof, transit),
        "another-group": b"\0" + pdu(b"TargetPortalGroupTag=7\0", transit),
        "moved": b"\x02" + pdu(status=0x0101),
        "refused": b"\x01" + pdu(chap) + pdu(challenge) + pdu(status=0x0201),
        "unknown-status": b"\0" + pdu(b"TargetSays=TargetSays", status=0x0777),
        "hangs-up-then-wants-chap": b"\0" + pdu(chap)[:20],
        "wants-no-chap": b"\x02" + pdu(none),
        "huge-length": b"\0" + pdu(length=0xffffff),
        "more-headers": b"\0" + pdu(length=0x01000000),
        "continues-for-ever": b"\0" + 33 * pdu(b"", 0x40),
        "reject": b"\0" + pdu(opcode=0x3f),
    })


def preflight():
    def reply(results=b"", status=0, xid=0):
        body = struct.pack(">6I", xid, 1, 0, 0, 0, status) + results
        return struct.pack(">I", 0x80000000 | len(body)) + body

    def denied(reason, detail):
        body = struct.pack(">5I", 0, 1, 1, reason, detail)
        return struct.pack(">I", 0x80000000 | len(body)) + body

    def compound(op, status=0, results=b""):
        return reply(struct.pack(">5I", status, 0, 1, op, status) + results)

    exchange = struct.pack(">Q2IIQ", 0x1234, 1, 0, 0, 0) + struct.pack(
        ">I4sI4sI", 4, b"srv1", 4, b"scop", 0)
    fragments = struct.pack(">I", 24)[:4] + reply()[4:]
    write("preflight", {
        "minor-2": b"\0\0" + reply() + compound(42, 0, exchange) + compound(57),
        "wants-4-has-4-1": b"\x01\0" + reply() + compound(42, 10021)
                          + compound(42, 0, exchange),
        "minor-0": b"\x04\0" + reply() + compound(24),
        "minor-2-delays": b"\x02\0" + reply() + 3 * compound(42, 10008),
        "3-portmap": b"\x05\0" + reply() + reply(struct.pack(">I", 20048))
                     + reply(),
        "3-rpcbind": b"\x05\2" + reply() + reply(
            struct.pack(">I", 11) + b"1.2.3.4.8.1\0") + reply(),
        "3-no-mountd": b"\x05\0" + reply() + reply(bytes(4)),
        "offers-3-alone": b"\x01\0" + reply(status=2) + reply(),
        "mounted": b"\x02\4" + reply() + compound(42, 0, exchange),
        "denied": b"\0\0" + denied(1, 5),
        "rpc-mismatch": b"\0\0" + denied(0, 3),
        "another-xid": b"\0\1" + reply(xid=99),
        "in-fragments": b"\x05\4" + struct.pack(">I", 8) + reply()[4:12]
                        + struct.pack(">I", 0x80000010) + reply()[12:],
        "no-last-fragment": b"\x05\4" + fragments + 64 * bytes(4),
        "huge-fragment": b"\0\0\xff\xff\xff\xff",
        "system-error": b"\0\0" + reply(status=5),
    })


def settings():
    values = "host\na secret\ntarget\nanother\n"
    node = ("# BEGIN RECORD 2.1.8\nnode.name = iqn.x\n"
            "node.startup = automatic\nnode.session.auth.authmethod = CHAP\n"
            "node.session.auth.username = admin\n"
            "node.session.auth.password = old = secret \r\n"
            "node.session.auth.chap_algs = SHA256,MD5\n# END RECORD\n")
    write("settings", {
        "node": values + node,
        "without-credentials": "\n\n\n\n" + node,
        "no-last-newline": values + "node.startup",
        "names-that-begin-alike": values + "node.startup2 = x\n"
                                  "node.startup\t = y\n node.startup=z\n",
        "long-value": values + "node.session.auth.authmethod=CHAP\n"
                      "node.session.auth.password = " + "x" * 400 + "\n",
        "empty": "",
    })


def sidecar():
    place = "nodes/iqn.2012-06.example:db/192.0.2.1,3260,1/default"
    head = ("holdfast record 1\nowner iscsi://san1/iqn.2012-06.example:db\n"
            f"record {place}\noriginal ")
    write("sidecar", {
        "none": head + "none\n",
        "original": head + "600 0 0 BASE\nnode.name = iqn.x\n\0\xff",
        "original-elsewhere": head + "600 0 0 /nonexistent\n",
        "base-unknown": head + "600 0 0 /etc\n",
        "mode-too-great": head + "37777777777 4294967295 0 BASE\n",
        "another-place": head.replace("default", "other") + "none\n",
        "place-leads-out": head.replace("nodes/iqn", "nodes/../iqn")
                           + "none\n",
        "version-2": head.replace("record 1", "record 2") + "none\n",
        "cut": head,
    })


def conf():
    write("conf", {
        "all": "[paths]\nrun_dir = /run/x\nstate_dir=/var/x ; where\n"
               "[probe]\ninterval_ms = 100\n[retry]\nmin_ms=10\n"
               "max_ms=20\n[log]\nlevel: 7\n[api]\ngroup = users\n",
        "empty": "",
        "comments": "# a\n; b\n\n[limits]\n# c\nclaims = 1\n",
        "bom": b"\xef\xbb\xbf[server]\nstuck=3\n",
        "twice": "[log]\nlevel = 5\nlevel = 6\n",
        "continued": "[paths]\nworker = /a\n  /b\n",
        "out-of-bounds": "[log]\nlevel = 8\n",
        "min-more-than-max": "[retry]\nmin_ms = 40000\n",
        "no-such-setting": "[log]\nverbose = \x1b[1m\n",
        "relative-path": "[paths]\nrun_dir = run\n",
        "no-setting": "[log\nlevel\n",
        "long-line": "[paths]\nworker = /" + "a" * 300 + "\n",
        "path-of-80-bytes": "[paths]\nrun_dir = /" + "a" * 79 + "\n",
    })


def api():
    send, pieces, with_next, half, as_last, go, slowly = range(7)
    silent, done, no_start, missing = (n << 5 for n in range(4))
    nfs, other = "nfs://h/a", "nfs://h/b"
    db = "iscsi://san1/iqn.2012-06.example:db"
    login = {"username": "host", "password": "a-long-secret"}
    newer = {"username": "host", "password": "another-secret"}

    def step(method, *params, who=0, how=send, verdict=silent, number=1):
        return bytes([who | how << 2 | verdict]) + pack(
            [0, number, method, list(params)])

    def host(how, *rest, verdict=silent):
        return bytes([3 | how << 2 | verdict]) + b"".join(
            bytes([x]) if isinstance(x, int) else x for x in rest)

    def clock(seconds, verdict=silent):
        return host(0, seconds, verdict=verdict)

    def report(worker, state, error=0, obj=0, attempt=1, wanted=0, text="",
               more=()):
        status = [12, state, 0, wanted, obj, attempt, 4, 0, 0, error, 0, text]
        status += list(more) + (19 - len(more)) * [0]
        return host(2, worker, pack(status), verdict=done)

    long = [["nfs://h/" + 320 * "%C3%A4" + str(n % 5), 240 * "c" + str(n)]
            for n in range(10, 22)]
    restart = host(1)
    exits = host(3, 0, 1, verdict=done)
    answer = host(5, verdict=done)
    pairs = [[nfs, "a"], [other, "b"]]
    many = [["tmpfs://t%d" % (n % 3), "m%d" % n] for n in range(9)]
    write("api", {
        "hello": step("hello"),
        "manage": step("manage", nfs, "a") + step(
            "manage", nfs, "a", {"if_absent": True}) + step(
                "manage", nfs, "a"),
        "manage-2012": step("manageStorageServer", "nfs://h:/a", "a") + step(
            "getStorageServerList"),
        "manage-bad-uri": step("manage", "nfs://root:secret@h/a", "a"),
        "manage-bad-cid": step("manage", nfs, "a/b"),
        "manage-bad-option": step("manage", nfs, "a", {"if_absent": 1}),
        "manage-if-absent-of-another": step("manage", nfs, "a", who=1) + step(
            "manage", nfs, "a", {"if_absent": True}, who=2),
        "manage-together": step("manage", nfs, "a", how=with_next) + step(
            "manage", other, "a", who=1, how=with_next) + step(
                "unmanage", "a", who=2),
        "manage-and-unmanage-in-a-batch": step(
            "manage", nfs, "a", how=with_next) + step(
                "unmanage", "a", how=with_next) + step("manage", other, "a"),
        "manage-and-go": step("manage", nfs, "a", how=go) + step("list"),
        "manage-in-pieces": step("manage", nfs, "a", how=pieces),
        "manage-slowly": step("manage", nfs, "a", how=slowly) + step("list"),
        "manage-half": step("manage", nfs, "a", how=half) + step("list"),
        "manage-last": step("manage", nfs, "a", how=as_last),
        "too-many-claims": step(
            "manage_many", many[:9]) + step(
                "manage_many", [[nfs, "x"], [nfs, "y"], [nfs, "z"],
                                [nfs, "w"]]),
        "too-many-claims-of-a-user": step("manage_many", many[:7], who=1),
        "too-many-connections": step("manage_many", [
            ["tmpfs://t%d" % n, "c%d" % n] for n in range(6)]),
        "too-many-connections-of-a-user": step("manage_many", [
            ["tmpfs://t%d" % n, "c%d" % n] for n in range(4)], who=1),
        "many": step("manage_many", pairs, {}) + step("list") + step(
            "unmanage_prefix", "a"),
        "many-again": step("manage", nfs, "a") + step(
            "manage_many", [[nfs, "a", {"if_absent": True}], [other, "b"]]),
        "many-last-is-bad": step("manage_many", pairs + [["x", "c"]]) + step(
            "list") + step("manage", nfs, "a"),
        "many-last-is-in-use": step("manage", nfs, "b", who=1) + step(
            "manage_many", pairs) + step("list"),
        "many-twice": step("manage_many", pairs + [[nfs, "a"]]),
        "many-shape": step("manage_many", [[nfs]]) + step("manage_many", []),
        "many-option": step("manage_many", [[nfs, "a", {"auth": "x"}]]),
        "many-behind-manage": step("manage", nfs, "a", how=with_next) + step(
            "manage_many", [[other, "a"], [other, "b"]]),
        "unmanage": step("manage", nfs, "a") + step("unmanage", "a") + step(
            "unmanage", "a"),
        "unmanage-not-last": step("manage_many", [[nfs, "a"], [nfs, "b"]])
        + step("unmanage", "a") + step("unmanage", "b"),
        "unmanage-denied": step("manage", nfs, "a", who=1) + step(
            "unmanage", "a", who=2) + step("unmanage", "a"),
        "unmanage-transient": step("unmanage", "unmanaged/nfs_1"),
        "prefix": step("manage_many", many) + step("unmanage_prefix", "m"),
        "prefix-some": step("manage_many", many) + step(
            "manage", nfs, "n") + step("unmanage_prefix", "m1"),
        "prefix-denied": step("manage_many", many[:3]) + step(
            "manage", nfs, "m9", who=1) + step(
                "unmanage_prefix", "m", who=1),
        "prefix-empty": step("unmanage_prefix", ""),
        "prefix-and-go": step("manage_many", many) + step(
            "unmanage_prefix", "m", how=go),
        "pages": step("manage_many", many) + step(
            "list", {"max": 4}) + step("list", {"max": 4, "after": "m3"})
        + step("list", {"prefix": "m", "uid": 0, "state": "registered",
                        "connection": "tmpfs://T1"}),
        "list-bad-state": step("list", {"state": "up"}),
        "list-too-big": b"".join(
            step("manage", "nfs://h/" + 1000 * "a" + str(n % 5), "c%d" % n,
                 how=with_next)
            for n in range(12)) + step("list"),
        "many-answer-does-not-fit": step("manage_many", long) + step(
            "unmanage_prefix", "c") + step("events", 0, how=with_next)
        + step("events", 22, how=with_next) + step(
            "manage_many", long) + step("list", {"max": 1}),
        "fed-beside-a-large-answer": step("manage_many", long) + step(
                "subscribe", {"since": 0}, how=with_next) + step("list"),
        "status": step("manage", nfs, "a") + step("status", "a") + step(
            "status", "b"),
        "explain": step("manage", nfs, "a") + step("explain", "a"),
        "explain-failed": step("manage", nfs, "a", verdict=missing)
        + step("explain", "a"),
        "retry": step("manage", nfs, "a", verdict=missing) + step(
            "retry", "a", verdict=no_start) + step("status", "a"),
        "wait": step("manage", nfs, "a") + step(
            "wait", "a", {"timeout_ms": 5000}) + clock(4) + clock(2),
        "wait-left": step("manage", nfs, "a") + step(
            "wait", "a", how=go) + step("unmanage", "a"),
        "wait-released": step("manage", nfs, "a") + step(
            "wait", "a") + step("wait", "a", {"for": "gone"}, number=2)
        + step("unmanage", "a", who=2),
        "wait-at-once": step("wait", "a", {"for": "gone"}) + step(
            "manage", nfs, "a") + step("wait", "a", {"timeout_ms": 0}),
        "wait-too-many": step("manage", nfs, "a") + b"".join(
            step("wait", "a", number=n, how=with_next) for n in range(5)),
        "events": step("manage", nfs, "a") + step("events", 0) + step(
            "events", 1, {"max": 1}) + step("events", 2**52),
        "events-wait": step("events", 0, {"timeout_ms": 5000}) + step(
            "manage", nfs, "a", who=1) + clock(6),
        "events-gap": b"".join(
            step("manage", nfs, "a") + step("unmanage", "a")
            for n in range(9)) + step("events", 3) + step("events", 1,
                                                          {"max": 1}),
        "subscribe": step("subscribe") + step(
            "manage", nfs, "a") + step("unsubscribe") + step("unmanage", "a"),
        "subscribe-since": step("manage", nfs, "a") + step(
            "subscribe", {"since": 0}) + step("subscribe", {"since": 99})
        + step("unmanage", "a"),
        "metrics": step("manage", "nfs://h/%22%5C%0A", "a") + step("metrics"),
        "pause": step("pause") + step("manage", nfs, "a") + step(
            "status", "a") + restart + step("resume"),
        "pause-denied": step("pause", who=1) + step("resume", who=2),
        "restart": step("manage_many", many) + restart + step(
            "unmanage_prefix", "m") + restart + step("list"),
        "connects": step("manage", nfs, "a") + answer + report(0, 1) + report(
            0, 2, obj=1) + step("wait", "a") + step("status", "a"),
        "fails": step("manage", nfs, "a") + answer + step(
            "wait", "a", {"for": "settled"}) + report(
                0, 5, error=15, text="no answer") + step("explain", "a")
        + step("events", 0),
        "goes": step("manage", nfs, "a") + answer + report(
            0, 2, obj=1) + step("unmanage", "a") + report(
                0, 0, wanted=1) + clock(1, done) + step(
                    "wait", "a", {"for": "gone"}) + clock(1, done),
        "worker-dies": step("manage", nfs, "a") + answer + exits + step(
            "explain", "a") + clock(5, done),
        "worker-lies": step("manage", nfs, "a") + answer + host(
            2, 0, pack([16, 4, "a\nb"]), verdict=done) + clock(5, done),
        "chap": step("manage", db, "a", login) + step(
            "manage", db + "/3", "b", login) + step("status", "b") + restart,
        "chap-tried": step("manage", db, "a", login) + answer + step(
            "manage", db, "b", newer, who=0) + step("hello") + host(
                4, 0, 0, verdict=done),
        "chap-refused": step("manage", db, "a", login) + answer + step(
            "manage", db, "b", newer) + host(4, 0, 5, verdict=done),
        "chap-in-time": step("manage", db, "a", login) + step(
            "manage", db, "b", newer) + step("hello") + clock(60),
        "chap-denied": step("manage", db, "a", login) + step(
            "manage", db, "b", newer, who=1),
        "chap-left": step("manage", db, "a", login) + step(
            "manage", db, "b", newer, how=go) + step("list"),
        "auth": step("manage", db, "a", {"auth": "san1"}, who=1) + answer,
        "auth-of-another": step(
            "manage", db, "a", {"auth": "san1"}, who=2) + answer,
        "auth-missing": step("manage", db, "a", {"auth": "san1"}) + host(
            5, verdict=missing),
        "auth-never": step("manage", db, "a", {"auth": "san1"}) + step(
            "manage", nfs, "b", number=2) + step("list", who=1),
        "no-such-method": step("caf\u00e9" * 20),
        "no-such-option": step("list", {"\u00e4": 1}),
        "bad-arguments": step("manage") + step("status", 7),
        "notification": bytes([0]) + pack([2, "x", []]) + step("hello"),
        "response": bytes([0]) + pack([1, 1, None, None]) + step("hello"),
        "number-too-large": bytes([0]) + pack([0, 2**32, "hello", []]),
        "number-as-a-float": bytes([0]) + pack([0, 7.0, "hello", []]),
        "nonsense": bytes([0]) + b"\xc1" + 70 * b"\0" + step("hello"),
    })


def main():
    for write_seeds in (wire, uri, message, call, launcher, store_record,
                        record, credential, credential_file, ledger, mountinfo,
                        scan_text, iscsiadm, iscsi_text, iscsi_login,
                        preflight, settings, sidecar, conf, api):
        write_seeds()


if __name__ == "__main__":
    main()
