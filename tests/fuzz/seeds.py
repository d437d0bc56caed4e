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


def main():
    wire()
    uri()
    message()


if __name__ == "__main__":
    main()
