#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test_client.sh - the command against a daemon that lies.
#
# Usage: tests/test_client.sh [COMMAND], build/holdfast unless given.
# Prints a line for each check; exit code 1 when one failed.
set -u
here=$(cd "$(dirname "$0")" && pwd)
holdfast=${1:-${HOLDFAST:-$here/../build/holdfast}}
dir=$(mktemp -d) || exit 1
failed=0
server=

# shellcheck disable=SC2317 # called by the trap
finish() {
	[ -z "$server" ] || kill "$server" 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM

[ -x "$holdfast" ] || {
	echo "not ok - there is a command to test: $holdfast"
	exit 1
}

export HOLDFAST_SOCKET="$dir/api.sock" LC_ALL=C.UTF-8 TZ=UTC
unset NO_COLOR

ok() { echo "ok - $1"; }
not_ok() {
	failed=1
	echo "not ok - $1"
	sed 's/^/# out: /' "$dir/out"
	sed 's/^/# err: /' "$dir/err"
}

# run NAME EXIT-CODE ARGUMENTS...: leaves out and err behind
run() {
	name=$1 want=$2
	shift 2
	timeout 60 "$holdfast" "$@" >"$dir/out" 2>"$dir/err" </dev/null
	got=$?
	if [ "$got" = "$want" ]; then
		ok "$name"
	else
		not_ok "$name: exit code $got instead of $want"
	fi
}

# The last run's output has, or is, or lacks.
has() { # FILE TEXT
	if grep -qF -- "$2" "$dir/$1"; then ok "  $1 has \"$2\""; else
		not_ok "  $1 has \"$2\""; fi
}
lacks() {
	if grep -qF -- "$2" "$dir/$1"; then not_ok "  $1 lacks \"$2\""; else
		ok "  $1 lacks \"$2\""; fi
}
is() {
	printf '%s' "$2" >"$dir/want"
	[ -z "$2" ] || echo >>"$dir/want"
	if cmp -s "$dir/want" "$dir/$1"; then ok "  $1 is as it should be"; else
		not_ok "  $1 is \"$2\""; fi
}
# Standard output is one JSON object for which a Python expression is true.
json() {
	if /usr/bin/python3 -c '
import json, sys
def once(pairs):
    assert len(dict(pairs)) == len(pairs), "a key twice"
    return dict(pairs)
o = json.loads(open(sys.argv[1]).read(), object_pairs_hook=once)
assert o["schema"] == 1
sys.exit(0 if eval(sys.argv[2]) else 1)' "$dir/out" "$1" 2>>"$dir/err"; then
		ok "  JSON: $1"
	else
		not_ok "  JSON: $1"
	fi
}

# Without a daemon.
run "help needs no daemon" 0 --help
has out "unmanage"
run "help of one command" 0 wait --help
has out "--timeout DURATION"
lacks out "--prefix"
run "version needs no daemon" 0 --version
run "no command is a usage error" 2
is out ""
run "an unknown command is a usage error" 2 frobnicate
has err "frobnicate"
run "an unknown option is a usage error" 2 list --bogus
has err "--bogus"
run "an unknown letter is a usage error" 2 list -x
run "an option of another command is a usage error" 2 status --prefix x y
has err "status: takes no --prefix"
run "an option without its argument is a usage error" 2 list --prefix
has err "--prefix wants PREFIX"
run "an argument too many for an option is a usage error" 2 list --raw=1
run "too few arguments are a usage error" 2 manage nfs://up/x
has err "usage: holdfast manage"
run "too many arguments are a usage error" 2 status a b
run "an unknown column is a usage error" 2 list -o CID,NOPE
has err "NOPE"
for bad in "" x 1x -1 1.5 25h 99999999999999999999 "1 s" ms; do
	run "\"$bad\" is no duration" 2 wait -t "$bad" c
done
run "a usage error is told in JSON, wherever --json stands" 2 list --bogus --json
json 'o["error"]["slug"] == "bad-arguments" and o["error"]["number"] == 1001'
is err ""
run "without a socket there is no daemon" 3 list
has err "no daemon at $dir/api.sock"
has err "systemctl start"
run "that is told in JSON" 3 --json list
json 'o["error"]["slug"] == "no-daemon" and o["error"]["number"] == 0'
/usr/bin/python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$dir/dead.sock"
run "a socket where nobody listens has no daemon" 3 --socket "$dir/dead.sock" list
run "a path that is too long is a usage error" 2 list --socket \
	"/$(printf '%0120d' 0)"

# With one.
/usr/bin/python3 "$here/fakes/api_server.py" "$HOLDFAST_SOCKET" \
	>"$dir/server" 2>&1 &
server=$!
tries=0
while ! grep -q listening "$dir/server" && [ $tries -lt 100 ]; do
	tries=$((tries + 1))
	sleep 0.1
done

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$dir"
	chmod 600 "$HOLDFAST_SOCKET"
	cp "$holdfast" "$dir/holdfast"
	setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$dir/holdfast" list >"$dir/out" 2>"$dir/err"
	if [ $? = 6 ]; then ok "without access it is denied"; else
		not_ok "without access it is denied"; fi
	has err "not in the group holdfast"
	has err "usermod -aG"
fi

run "an empty list is no failure" 0 list
is out "CID STATE URI SINCE TRIES ERROR"
is err ""
run "an empty list without headings is nothing" 0 list -n
is out ""
run "an empty list in JSON" 0 list --json
json 'o == {"schema": 1, "result": {}}'

run "manage answers at once" 0 manage nfs://up/vms vm
has out "vm: managing nfs://up/vms"
run "a CID in use is a conflict" 5 manage nfs://up/vms vm
has err "holdfast: vm: it names nfs://up/vms (cid-in-use)"
has err "holdfast status CID"
run "options stand behind the command" 0 manage nfs://up/vms vm --if-absent
has out "managed before, nfs://up/vms"
run "options stand in front of the command" 0 --json --if-absent manage nfs://up/vms vm
json 'o["result"]["created"] is False'
run "another URI is a conflict all the same" 5 manage --if-absent nfs://up/b vm
run "a bad URI is a usage error" 2 manage http://up/b web
has err "(bad-uri)"
run "a bad CID is a usage error" 2 manage nfs://up/b a/b
run "manage waits" 0 manage --wait nfs://up/vms vm2
has out "vm2: connected at /run/holdfast/mnt/up:_vms"
run "manage waits for the first error" 8 manage --wait=5 nfs://down/x db
has out "db: managing"
has err "holdfast: db: connect: connection refused"
has err "(unreachable)"
lacks err "$(printf '\033')"
has err "firewall"
run "manage gives up waiting" 7 manage --wait=200ms nfs://slow/x slow
has err "slow: is connecting after a while: connection refused (timeout)"
run "and tells it in one JSON object" 7 manage --if-absent --wait=200ms --json nfs://slow/x slow
json 'o["result"]["created"] is False and o["error"]["slug"] == "timeout"'
run "manage --wait in JSON has the entry" 8 manage --json --if-absent --wait nfs://down/x db
json 'o["entry"]["state"] == "backoff" and "error" not in o'

run "list shows a table" 0 list
has out "CID"
has out "nfs://up/vms"
has out "unreachable: connect: connection refused?[31m"
has out "old:/x"
lacks out "●"
is err ""
run "list in JSON is the result" 0 list --json
json 'o["result"]["vm"]["probe"]["latency"] == 3100'
json 'list(o["result"]["vm"])[:3] == ["connected", "healthy", "managed"]'
json 'o["result"]["db"]["error"]["text"].endswith(chr(27) + "[31m")'
run "list takes columns" 0 list -n -r -o cid,State,UID,LASTERROR,WORKER --prefix db
is out "db backoff 0 451 4711"
run "list adds columns" 0 list -o +PATH,NEXT,PROBE,LATENCY,HOLDERS,OPERATION,WANTED,MANAGED
has out "LATENCY"
has out "3.1 ms"
run "list filters by state" 0 list -nro CID --state lingering
is out "lingering/up:_left"
run "list filters by connection" 0 list -nro CID --connection nfs://up/vms
has out "vm2"
lacks out "db"
run "list filters by user" 0 list -nro CID --uid 4294967295
is out ""
run "a user that is no number is a usage error" 2 list --uid root
has err "--uid \"root\" is no user's number"
run "an unknown state is a usage error" 2 list --state up
run "raw output keeps blanks within a column apart" 0 list -nro LATENCY,CID --prefix vm2
is out '3.1\x20ms vm2'
if command -v script >/dev/null; then
	TERM=xterm script -qec "'$holdfast' list" /dev/null \
		>"$dir/out" 2>"$dir/err" </dev/null
	has out "● connected"
	has out "$(printf '\033')[32m"
	has out "6 ids on 5 connections: 1 backoff, 1 connected, 1 connecting, 1 lingering, 1 unmanaged"
	NO_COLOR=1 TERM=xterm script -qec "'$holdfast' list" /dev/null \
		>"$dir/out" 2>"$dir/err" </dev/null
	lacks out "$(printf '\033')[32m"
	TERM=xterm LC_ALL=C script -qec "'$holdfast' list" /dev/null \
		>"$dir/out" 2>"$dir/err" </dev/null
	lacks out "●"
fi

run "status tells all" 0 status db
has out "db - nfs://down/x"
has out "State: backoff since Mon 2026-09-21 14:13:21"
has out "Error: unreachable: connect: connection refused?[31m"
has out "of attempt 6, "
has out "Hint: check the network"
has out "the next one in "
has out "Path: /run/holdfast/mnt/down:_x"
has out "(uid 0), since Mon 2026-09-21 14:13:20"
has out "History: "
has out "backoff       unreachable: connection refused"
lacks out "$(printf '\033')"
has out "Requested: nosuid,timeo=100"
has out "Differs: timeo: 100 asked for, 50"
has out "Worst case: an error after 40.0 s"
has out "  5  unreachable: connection refused"
has out "  6  under way"
has out "for 1min 1s  timed-out: no answer"
has out "not over  unreachable: refused"
has out "Next: an attempt"
lacks out "Held"
run "explain says it in sentences" 0 explain db
has out "  1 claim wants it to be up."
has out "  Next: an attempt.?[1m"
run "explain in JSON" 0 explain db --json
json 'o["result"]["state"] == "backoff" and len(o["result"]["why"]) == 2'
run "explain of no claim" 4 explain none
run "explain wants one" 2 explain
run "metrics are printed line by line" 0 metrics
is out "$(printf '# TYPE holdfast_claims gauge\nholdfast_claims 1\n?# EOF')"
run "metrics in JSON" 0 metrics --json
json 'o["result"]["content_type"] == "application/openmetrics-text"'
run "a pause may be denied" 6 pause
has err "only root may (denied)"
run "a pause is ended" 0 resume
is out "resumed"
run "pause takes nothing" 2 pause vm
run "events are shown" 0 events
has out "8  "
has out "gap  (events 1 to 8 are not kept)"
has out "connecting -> backoff  nfs://down/e  (unreachable: refused?[1m)"
run "from a number on" 0 events --since 9
is out ""
run "events in JSON, an object a line" 0 events --json
if [ "$(wc -l < "$dir/out")" = 2 ]; then ok "  two lines"; else
	not_ok "  two lines"; fi
run "a number is one" 2 events --since x
run "and not less than 0" 2 events --since -1
run "options stand between arguments" 0 manage nfs://up/held --json held
run "status names holders" 0 status held
has out "Used by: vi (process 77): open file"
has out "dm-0 (vg-lv): device mapper"
run "status in JSON" 0 --json status vm
json 'o["result"]["history"][1]["slug"] == "unreachable"'
run "an unknown CID has a code of its own" 4 status nope
has err "holdfast: nope: no claim has that connection ID (no-such-cid)"
has err "holdfast list"
is out ""
run "that is told in JSON" 4 --json status nope
json 'o["error"] == {"slug": "no-such-cid", "text": "no claim has that connection ID", "number": 479}'

run "wait is content with what is connected" 0 wait vm
is out "vm: connected at /run/holdfast/mnt/up:_vms"
run "wait runs out of time" 7 wait db -t 300ms
has err "holdfast: db: is backoff after a while: connection refused (timeout)"
has err "holdfast status CID"
run "wait for settled ends in error" 8 wait --for settled -t 2s db
has err "(unreachable)"
run "and in JSON with the entry" 8 wait --json --for=settled db
json 'o["result"]["state"] == "backoff"'
run "wait for an unknown thing is a usage error" 2 wait --for ever vm
run "wait for an unknown CID" 4 wait nope
run "wait for gone" 0 --socket "$HOLDFAST_SOCKET" manage nfs://up/going going
run "is over when it is gone" 0 wait --for gone going
is out "going: gone"
run "a daemon that does not answer a wait ends it" 0 manage nfs://slow/s silent
run "five seconds after its time" 7 wait -t 0 silent
has err "did not answer in 5s (timeout)"

run "retry asks for an attempt now" 0 retry db
has out "db: backoff, asked to try now"
run "hello tells who answers" 0 hello
has out "version: 0.1.0"
has out 'methods: ["hello","list"]'

run "unmanage says whether it was the last" 0 unmanage vm
has out "vm: released, others keep the connection"
run "unmanage goes on behind a failure" 4 unmanage nope vm2 slow
has err "nope: no claim"
has out "vm2: released, the connection is let go"
has out "slow: released"
run "someone else's claim is denied" 0 manage nfs://up/o others
run "with a code of its own" 6 unmanage others
has err "(denied)"
has err "its owner or root may do that"
run "the first failure decides the code" 6 unmanage others nope silent
run "several in one JSON object" 4 --json unmanage db nope
json 'o["results"]["db"]["result"] == {"last": True}'
json 'o["results"]["nope"]["error"]["number"] == 479'
run "one in JSON is the plain result" 6 --json unmanage others
json 'o["error"]["slug"] == "denied"'

run "a prefix releases all that begin so" 0 manage nfs://up/a FLOW_1_a
run "a prefix releases all that begin so" 0 manage nfs://up/b FLOW_1_b
run "a prefix releases all that begin so" 0 unmanage --prefix FLOW_1_
is out "FLOW_1_a: released
FLOW_1_b: released"
run "a prefix of nothing is success" 0 unmanage --prefix FLOW_1_ --json
json 'o["result"] == {"released": []}'
run "a prefix with another's claim is refused" 6 unmanage --prefix other
run "an empty prefix is a usage error" 2 unmanage --prefix ""
run "a prefix and IDs are a usage error" 2 unmanage --prefix x y
has err "give connection IDs, or --prefix and none"
run "neither is one, too" 2 unmanage

run "call prints JSON" 0 call fake_echo -- 1 -2 word '"12"' '{"a":[null,true,1.5]}' 0x1 ''
is out '[1,-2,"word","12",{"a":[null,true,1.5]},"0x1",""]'
run "call escapes what JSON wants escaped" 0 call fake_echo '"a\u0000\u0085\"\\\n\u007f\u20ac"'
is out '["a\u0000\u0085\"\\\n\u007f€"]' 
run "call with --json has the schema" 0 --json call fake_echo 7
json 'o["result"] == [7]'
run "call refuses broken JSON" 2 call fake_echo '{"a":'
has err "is no JSON"
run "call refuses a key that stands there twice" 2 call fake_echo '{"a":1,"a":2}'
run "an unknown method" 1 call frobnicate
has err "(no-such-method)"
/usr/bin/python3 -c 'print("x" * 70000, end="")' >"$dir/long"
run "a request that is too long is not sent" 2 call fake_echo "$(cat "$dir/long")"
has err "longer than 65536"

# A daemon that misbehaves.
run "notifications are ignored, slow answers put together" 0 call fake_slowly '{"k":[1,2,3]}'
is out '{"k":[1,2,3]}'
run "an unknown slug fails" 1 call fake_error 'new-slug: some text'
has err "some text (new-slug)"
run "an error without slug fails" 1 call fake_error 'Some: text'
has err "Some: text (unknown)"
run "an empty error fails" 1 call fake_error '""'
run "an error \"ok: \" is no success" 1 call fake_error 'ok: fine'
run "a connection that ends is no daemon" 3 call fake_end
has err "closed the connection"
run "silence ends" 7 call -t 300ms fake_silence
has err "did not answer in"
for raw in c1 "dd10000000" "93010101" "9401c0c0c0" "940105c0c0" "940101 01 c0" \
	"9400 01 a161 90" "94010190c0" "c0" "94 01 01 c0 c7 00 00" "00" \
	"94 01 01 c0 91919191919191919191c0" "94 01 01 c0 dbffffffff"; do
	run "malformed bytes $raw are refused" 1 call -t 2s fake_raw "\"$raw\""
	has err "the daemon's answer is malformed"
done
run "and in JSON too" 1 --json call -t 2s fake_raw '"c1"'
json 'o["error"]["slug"] == "bad-message"'
run "odd values come out as valid JSON" 0 --json call fake_raw '"940101c0 84 a1ff cb7ff0000000000000 01 cfffffffffffffffff c0 d3ffffffffffffffff c4026162 ca3fc00000"'
json 'o["result"][chr(0xfffd)] is None'
json 'o["result"]["1"] == 2**64 - 1 and o["result"]["?"] == -1'
json 'o["result"]["ab"] == 1.5'
run "there are many claims" 0 call fake_fill 2500
run "a long list comes whole" 0 list -nro CID --prefix many-
is out "$(seq -f 'many-%06g' 0 2499)"
for kind in again beyond backwards odd nameless long; do
	run "a list that is wrong is refused: $kind" 0 call fake_list $kind
	run "at once" 1 list
	has err "(bad-message)"
	is out ""
done
run "the list is right again" 0 call fake_list '""'
run "pages may be too big" 0 call fake_most 300
run "they are asked for smaller" 0 list -nro CID --prefix many-
is out "$(seq -f 'many-%06g' 0 2499)"
run "no page may be small enough" 0 call fake_most 0
run "that is told" 1 list
has err "(too-big)"
run "pages are as they were" 0 call fake_most 4294967296
run "the claims go" 0 unmanage --prefix many-
if [ -e /dev/full ]; then
	"$holdfast" list >/dev/full 2>"$dir/err"
	if [ $? = 1 ]; then ok "a full disk is a failure"; else
		not_ok "a full disk is a failure"; fi
fi
exit $failed
