# SPDX-License-Identifier: LGPL-2.1-or-later
"""CHAP, one-way and mutual: right secrets connect, wrong ones are blocked"""

from lab import (Claim, SessionWatch, expect, wait_for_error,
                 write_credentials)

NEEDS = ("iscsi", "daemon")
TIME_LIMIT_S = 180
US = {"username": "host", "password": "the-hosts-secret"}
THEM = {"username_in": "nas", "password_in": "the-targets-own"}
BOTH = dict(US, **THEM)
AUTH = {"auth-failed": 476}
# iscsiadm says of a target that proves itself wrongly that the login failed.
MUTUAL = {"auth-failed": 476, "login-failed": 464}

# name: what the target asks for, what it is given, how that is told
RIGHT = {"file": (US, US, "file"), "inline": (US, US, "inline"),
         "mutual-file": (BOTH, BOTH, "file"),
         "mutual-inline": (BOTH, BOTH, "inline"),
         "named": (US, US, "inline"), "recorded": (US, {}, "recorded")}
RECORD = {"node.session.auth." + key: value for key, value
          in dict(US, authmethod="CHAP").items()}
WRONG = {"wrong-file": (US, dict(US, password="not-the-secret"), "file", AUTH),
         "wrong-inline": (US, dict(US, password="not-the-secret"), "inline",
                          AUTH),
         "wrong-user": (US, dict(US, username="somebody"), "inline", AUTH),
         "none": (US, {}, "inline", AUTH),
         "mutual-wrong": (BOTH, dict(BOTH, password_in="an-impostors-own"),
                          "inline", MUTUAL),
         "mutual-wrong-file": (BOTH, dict(BOTH, username_in="impostor"),
                               "file", MUTUAL)}


def manage(client, claim, given, how):
    if how == "file":
        write_credentials(claim.cid, **given)
        given = {"auth": claim.cid}
    claim.manage(client, **given)


def check_right(lab, client, target):
    claims = {name: Claim(name, target, name=name) for name in RIGHT}
    for name, (_, given, how) in RIGHT.items():
        manage(client, claims[name], given, how)
    for name, claim in claims.items():
        client.wait(name)
        claim.agrees(client)
        expect(claim.session().username == "host", "%s: CHAP was used: %r"
               % (name, claim.session().username))
    lab.note("connected: %s" % list(RIGHT))


def check_wrong(lab, client, target):
    claims = {name: Claim(name, target, name=name) for name in WRONG}
    for name, (_, given, how, slugs) in WRONG.items():
        with SessionWatch(target, name) as watch:
            manage(client, claims[name], given, how)
            entry = wait_for_error(client, name, "blocked", slugs)
        lab.note("%s: %s" % (name, entry["error"]["text"]))
        expect(not any(now and now[1] == "LOGGED_IN" for now in watch.seen),
               "%s: never logged in: %s" % (name, watch.seen))
        expect(entry["connected"] is False and entry["path"] == "",
               "%s: down: %r" % (name, entry))
        expect(not target.sessions(name), "%s: not for the target either"
               % name)
    return claims


def run(lab):
    target = lab.target(dict.fromkeys([*RIGHT, *WRONG]))
    initiator = lab.initiator()
    for name, (asked, *_) in {**RIGHT, **WRONG}.items():
        if name == "named":
            target.admit(initiator.name, name=name, **asked)
        else:
            target.chap(name=name, **asked)
    # An administrator's own, which holdfast uses if it is told no other.
    initiator.record(target, "recorded", RECORD)
    client = lab.daemon().client()
    check_right(lab, client, target)
    claims = check_wrong(lab, client, target)

    # What was wrong is put right: in the file, at the target.
    write_credentials("wrong-file", **US)
    target.chap("host", "not-the-secret", name="wrong-inline")
    target.no_chap(name="none")
    for cid in ("wrong-file", "wrong-inline", "none"):
        client.wait(cid, timeout=20)
        claims[cid].agrees(client)
    for cid in list(client.list()):
        client.unmanage(cid)
    for claim in [Claim(name, target, name=name) for name in RIGHT]:
        claim.wait_until_gone()
