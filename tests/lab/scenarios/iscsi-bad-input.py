# SPDX-License-Identifier: LGPL-2.1-or-later
"""wrong iSCSI URIs and credentials are refused, and change nothing"""

from lab import Claim, RPCError, expect, sessions, write_credentials

NEEDS = ("iscsi", "daemon")
IQN = "iqn.2012-06.example.holdfast:disk"
GOOD = "iscsi://127.0.0.1/" + IQN

URIS = (
    "iscsi:", "iscsi://", "iscsi://h", "iscsi://h/", "iscsi:///" + IQN,
    "iscsi://h/disk", "iscsi://h/iqn", "iscsi://h/iqn.2012-06",
    "iscsi://h/iqn.2012.example:a", "iscsi://h/" + IQN + "//",
    "iscsi://h/../" + IQN, "iscsi://h/" + IQN + "/..",
    "iscsi://h/" + IQN + "/x", "iscsi://h/" + IQN + "/-1",
    "iscsi://h/" + IQN + "/1.5", "iscsi://h/" + IQN + "/0x1",
    "iscsi://h/" + IQN + "/16384", "iscsi://h/" + IQN + "/99999999999999999",
    "iscsi://h/" + IQN + "/0/1", "iscsi://h/" + IQN + "/ 1",
    "iscsi://h:0/" + IQN, "iscsi://h:65536/" + IQN, "iscsi://h:x/" + IQN,
    "iscsi://h:-1/" + IQN, "iscsi://[::1/" + IQN, "iscsi://::1/" + IQN,
    "iscsi://[1.2.3.4]/" + IQN, "iscsi://[::g]/" + IQN,
    "iscsi://-h/" + IQN, "iscsi://h h/" + IQN, "iscsi://h%0a/" + IQN,
    "iscsi://user:secret@h/" + IQN, "iscsi://user@h/" + IQN,
    "iscsi://h/" + IQN + "%0a", "iscsi://h/" + IQN + "%00",
    "iscsi://h/" + IQN + "%20x", "iscsi://h/" + IQN + " x",
    "iscsi://h/" + IQN + "%2f..%2f..", "iscsi://h/" + IQN + "%",
    "iscsi://h/iqn.2012-06.example:$(id)", "iscsi://h/iqn.2012-06.example:`",
    "iscsi://h/iqn.2012-06.example:a,b", "iscsi://h/iqn.2012-06.example:a*",
    "iscsi://h/--login", "iscsi://h/iqn.2012-06.example:" + "a" * 220,
    GOOD + "#x", GOOD + "/", GOOD + "?tpgt", GOOD + "?tpgt=",
    GOOD + "?tpgt=x", GOOD + "?tpgt=-1", GOOD + "?tpgt=65536",
    GOOD + "?tpgt=1&tpgt=2", GOOD + "?tpgt=1&tpgt=1",
    GOOD + "?iface=", GOOD + "?iface=../x", GOOD + "?iface=a/b",
    GOOD + "?iface=-x", GOOD + "?iface=a%0ab", GOOD + "?iface=a%20b",
    GOOD + "?frob=1", GOOD + "?vers=4.2", GOOD + "?password=secret-of-a-test",
    GOOD + "?username=secret", GOOD + "?auth=secret",
    GOOD + ";portal=", GOOD + ";portal=x", GOOD + ";portal=1;portal=1",
    GOOD + ";frob=1", GOOD + ";portal=2?tpgt=3", GOOD + "/0;portal=1", GOOD + ";portal=1/0", GOOD + ";", "iscsi:" + IQN,
)
PAIR = {"username": "u", "password": "secret-of-a-test"}
# slugs, options of manage
OPTIONS = (
    ("bad-option", {"auth": ""}), ("bad-option", {"auth": "../nas"}),
    ("bad-option", {"auth": "a/b"}), ("bad-option", {"auth": ".."}),
    ("bad-option", {"auth": "a\nb"}), ("bad-option", {"auth": "a" * 300}),
    ("bad-option bad-arguments", {"auth": 5}),
    ("bad-option", dict(PAIR, auth="nas")),
    ("bad-option", {"auth": "missing"}), ("bad-option", {"auth": "open"}),
    ("bad-option", {"username": "u"}),
    ("bad-option", {"password": "secret-of-a-test"}),
    ("bad-option", {"username": "", "password": "secret-of-a-test"}),
    ("bad-option", {"username": "u", "password": ""}),
    ("bad-option", dict(PAIR, username_in="i")),
    ("bad-option", dict(PAIR, password_in="secret-of-a-test")),
    ("bad-option", {"username_in": "i", "password_in": "secret-of-a-test"}),
    ("bad-option", dict(PAIR, username="a\nnode.startup = automatic")),
    ("bad-option", dict(PAIR, password="secret-of-a-test\n")),
    ("bad-option", dict(PAIR, password="secret-of-a-test\0x")),
    ("bad-option", dict(PAIR, username="u" * 300)),
    ("bad-option", dict(PAIR, password="secret-of-a-test" * 20)),
    ("bad-option bad-arguments", dict(PAIR, password=5)),
    ("bad-option bad-arguments", dict(PAIR, username=None)),
    ("bad-option", dict(PAIR, password=" secret-of-a-test")),
    ("bad-option", dict(PAIR, username="u ")),
    ("bad-option", dict(PAIR, username_in="i", password_in=PAIR["password"])),
    ("bad-option", dict(PAIR, token="secret-of-a-test")),
)


def refused(client, slugs, uri, options):
    what = "manage(%r, 'c', %r)" % (uri[:100], sorted(options))
    try:
        result = client.manage(uri, "c", **options)
    except RPCError as error:
        expect(error.slug in slugs.split(), "%s: %s, not %s"
               % (what, slugs, error))
        expect("secret-of-a-test" not in error.text, "%s: a password in: %s"
               % (what, error))
    else:
        expect(False, "%s is refused, not %r" % (what, result))


def snapshot(client, daemon):
    claims = {i: e["connectionInfo"] for i, e in client.list().items()}
    return (claims, daemon.pid, sorted(w.pid for w in daemon.workers()),
            [s.sid for s in sessions()])


def run(lab):
    target = lab.target()
    initiator = lab.initiator()
    daemon = lab.daemon()
    client = daemon.client()
    write_credentials("nas", **PAIR)
    write_credentials("open", mode=0o644, **PAIR)
    claim = Claim("good", target)
    claim.connect(client)
    expect(client.list()["good"]["uri"] == GOOD, "the URI: %r"
           % client.list()["good"]["uri"])
    before, records = snapshot(client, daemon), initiator.records()

    for uri in URIS:
        refused(client, "bad-uri bad-option", uri, {})
    for slugs, options in OPTIONS:
        refused(client, slugs, GOOD + "2", options)
        refused(client, slugs, GOOD, options)
    for options in (PAIR, {"auth": "nas"}):
        refused(client, "bad-option", "tmpfs://x", options)
    expect(snapshot(client, daemon) == before
           and initiator.records() == records, "nothing changed: %r"
           % client.list())
    lab.note("%d URIs, %d options" % (len(URIS), len(OPTIONS)))

    # What looks odd and is right, all of it the same connection.
    for cid, uri in (("eui", "iscsi://127.0.0.1:3262/eui.0123456789abcdef"),
                     ("naa", "iscsi://127.0.0.1:3262/naa.0123456789abcdef"),
                     ("portal", GOOD + ";portal=1"), ("empty", GOOD + "?"),
                     ("defaults", "ISCSI://127.0.0.1:3260/" + IQN.upper()
                      + "?iface=default&tpgt=1"),
                     ("escaped", GOOD.replace(":disk", "%3Adisk"))):
        result = client.manage(uri, cid)
        expect((result["connection"] == GOOD) == (cid not in ("eui", "naa")),
               "%s is %r" % (cid, result))
    claim.agrees(client)
    expect(len(sessions()) == 1, "one session: %r" % sessions())
