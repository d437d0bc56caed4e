# SPDX-License-Identifier: LGPL-2.1-or-later
"""protocol.py - clients that break the protocol, and some that only bend it

Runs in: the stories
"""

import socket
import struct
import time

import msgpack

from client import Closed, request
from story import OTHER, URI, expect, expect_equal, listens

LIST = request(1, "list")


def _nested(depth):
    """A request with that many arrays within each other."""
    value = []
    for _ in range(depth - 3):
        value = [value]
    return msgpack.packb([0, 1, "hello", [value]])


def _breaches():
    return {
        "a 4 GiB array in five bytes": b"\xdd\xff\xff\xff\xff",
        "a 4 GiB array of parameters": b"\x94\x00\x01\xa4list"
                                       b"\xdd\xff\xff\xff\xff",
        "a 4 GiB map": b"\xdf\xff\xff\xff\xff",
        "a 4 GiB string": b"\xdb\xff\xff\xff\xff",
        "a string beyond 4 KiB": request(1, "manage", "x" * 4097, "a"),
        "depth 9": _nested(9),
        "a message beyond 64 KiB": request(1, "list", *["x" * 4000] * 17),
        "more than 1024 elements": request(1, "list", *[1] * 1100),
        "an ext": b"\x94\x00\x01\xa4list\x91\xd4\x05\x00",
        "an ext with a length": b"\x94\x00\x01\xa4list\x91\xc7\x01\x05\x00",
        "a timestamp": b"\x94\x00\x01\xa4list\x91\xd6\xff\x00\x00\x00\x00",
        "the byte that is never used": b"\xc1",
        "no array": msgpack.packb({"method": "list"}),
        "a number": b"\x05",
        "an array of nothing": b"\x90",
        "a response": msgpack.packb([1, 1, None, {}]),
        "an unknown kind": msgpack.packb([3, 1, "list", []]),
        "a request of five": msgpack.packb([0, 1, "list", [], 1]),
        "a request of three": msgpack.packb([0, 1, "list"]),
        "a notification of four": msgpack.packb([2, 1, "list", []]),
        "an id beyond 32 bits": msgpack.packb([0, 2**32, "list", []]),
        "a negative id": msgpack.packb([0, -1, "list", []]),
        "an id that is text": msgpack.packb([0, "1", "list", []]),
        "JSON": b'{"id": 1, "method": "list"}\n',
        "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    }


def a_breach_of_the_protocol_closes_that_client_alone(story):
    client = story.start().client()
    client.manage(URI, "a")
    for what, data in _breaches().items():
        other = story.client()
        other.call("hello")
        other.send(data)
        try:
            other.expect_closed()
        except Exception as error:
            raise AssertionError("%s: %s" % (what, error)) from error
        other.close()
        expect_equal(list(client.claims()), ["a"], what)


def what_came_before_a_breach_counts_and_what_comes_behind_does_not(story):
    client = story.start().client()
    other = story.client()
    other.send(request(1, "manage", URI, "a") + b"\xc1"
               + request(2, "manage", URI, "b"))
    try:                        # its answer may be lost
        expect_equal(other.receive()[0], 1)
        other.expect_closed()
    except Closed:
        pass
    expect_equal(list(client.claims()), ["a"])


def a_message_cut_short_by_the_end_does_nothing(story):
    client = story.start().client()
    message = request(1, "manage", URI, "a")
    for cut in (1, 5, len(message) - 1):
        other = story.client()
        other.send(message[:cut])
        other.sock.shutdown(socket.SHUT_WR)
        other.expect_closed()
    expect_equal(client.claims(), {})


def a_client_that_ends_its_sending_gets_its_answers(story):
    client = story.start().client()
    client.call_all([("manage", URI, "cid-%d" % i) for i in range(600)])
    other = story.client()
    other.send(request(1, "list"))
    other.sock.shutdown(socket.SHUT_WR)
    number, error, result = other.receive()
    expect_equal((number, error), (1, None))
    expect(len(result) >= 600, "the list is short")
    other.expect_closed()


def what_keeps_just_within_the_limits_is_taken(story):
    client = story.start().client()
    client.send(_nested(8))
    expect_equal(client.receive()[1].split(":")[0], "bad-arguments")
    client.send(request(2**32 - 1, "hello"))
    expect_equal(client.receive()[0], 2**32 - 1)
    client.send(request(7, "manage", "x" * 4096, "a"))
    expect_equal(client.receive()[1].split(":")[0], "bad-uri")
    parameters = ["x" * 4000] * 16
    message = request(8, "list", *parameters)
    parameters.append("x" * (65536 - len(message) - 3))
    message = request(8, "list", *parameters)
    expect_equal(len(message), 65536)
    client.send(message)
    expect_equal(client.receive()[1].split(":")[0], "bad-arguments")
    client.call("hello")


def a_message_that_comes_byte_by_byte_is_understood(story):
    client = story.start().client()
    message = request(1, "manage", URI, "a") + request(2, "list")
    for i in range(len(message)):
        client.send(message[i:i + 1])
        story.turn()
    expect_equal(client.receive()[0], 1)
    number, _, result = client.receive()
    expect_equal((number, "a" in result), (2, True))


def a_message_that_does_not_come_to_an_end_is_not_waited_for(story):
    client = story.start().client()
    slow = story.client()
    slow.send(LIST[:3])
    story.turn()
    story.advance(9)
    expect(slow.is_quiet(), "it was closed too early")
    slow.send(LIST[3:4])
    story.turn()
    story.advance(2)
    slow.expect_closed()
    client.call("hello")


def a_client_whose_messages_overlap_its_readings_is_not_slow(story):
    client = story.start().client()
    half = len(LIST) // 2
    client.send(LIST[:half])
    story.turn()
    for _ in range(5):
        client.send(LIST[half:] + LIST[:half])
        expect_equal(client.receive()[0], 1)
        story.advance(6)
    client.send(LIST[half:])
    client.receive()


def a_client_that_says_nothing_is_left_alone(story):
    client = story.start().client()
    story.turn()
    story.advance(100000)
    client.call("hello")


def a_notification_is_ignored(story):
    client = story.start().client()
    client.send(msgpack.packb([2, "nvim_set_client_info", ["x", {}, {}]])
                + msgpack.packb([2, "manage", [URI, "a"]])
                + msgpack.packb([2, 5, None]))
    expect_equal(client.claims(), {})


def nothing_is_sent_unasked(story):
    story.on_order = listens
    client = story.start().client()
    quiet = story.client()
    client.manage(URI, "a")
    worker = story.worker()
    worker.begin_attempt()
    worker.connected()
    client.wait("a")
    expect(quiet.is_quiet(), "something came unasked")


def what_workers_say_goes_to_clients_as_clean_text(story):
    story.on_order = listens
    client = story.start().client()
    client.manage(URI, "a")
    worker = story.worker()
    worker.report(state="backoff", error="io", error_at_us=2**53 - 1,
                  error_text="\u202e\"quoted\" \U0001f600 and ä" * 5)
    story.poll(lambda: client.state("a") == "backoff", "the report")
    client.claims()             # every answer is checked by the client


def a_client_that_does_not_read_is_closed_and_others_go_on(story):
    client = story.start().client()
    client.call_all([("manage", URI, "cid-%d" % i) for i in range(300)])
    deaf = story.client()
    deaf.send(b"".join(request(i, "list") for i in range(200)))
    for _ in range(7):
        client.call("hello")
        story.advance(5)
    taken = 0
    while data := deaf.sock.recv(1 << 20):
        taken += len(data)
        expect(taken < 1 << 26, "it is still served")
    expect(taken < 1 << 22, "%d bytes were kept for it" % taken)
    expect_equal(len(client.claims()), 300)


def a_client_that_reads_slowly_gets_all(story):
    client = story.start().client()
    client.call_all([("manage", URI, "cid-%d" % i) for i in range(300)])
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.send(b"".join(request(i, "list") for i in range(20)))
    for i in range(20):
        story.advance(10)
        number, error, result = client.receive()
        expect_equal((number, error), (i, None))
        expect(len(result) >= 300, "a list is short")


def _take(client, size):
    """Reads and forgets, as fast as it comes."""
    while size > 0:
        size -= len(client.sock.recv(min(size, 1 << 20)))


def large_answers_to_a_fast_reader_never_stop(story):
    client = story.start().client()
    client.call_all([("manage", URI, "cid-%d" % i) for i in range(450)])
    client.wait("cid-0")
    length = len(msgpack.packb([1, 1, None, client.call("list")]))
    for _ in range(100):
        client.send(LIST * 20)
        _take(client, 20 * length)


def a_flood_of_changes_does_not_starve_who_only_asks(story):
    client = story.start().client()
    other = story.client()
    calls = 20000
    flood = b"".join(request(i, "unmanage" if i % 2 else "manage",
                             *(["x"] if i % 2 else [URI, "x"]))
                     for i in range(calls))
    client.sock.setblocking(False)
    other.sock.setblocking(False)
    asked = None
    answered = before = 0
    end = time.monotonic() + 60
    while answered < calls and time.monotonic() < end:
        try:
            flood = flood[client.sock.send(flood[:1 << 16]):]
        except BlockingIOError:
            pass
        answered += _count_answers(client, b"\x94\x01")
        if answered and not asked:
            # Its own change makes its question wait for the next turn.
            other.begin("manage", OTHER, "y")
            asked = other.begin("list")
            before = answered
        if asked and _count_answers(other, bytes([0x94, 1, asked])):
            break
    expect(answered - before < calls / 4,
           "%d changes were answered before one list" % (answered - before))


def _count_answers(client, head):
    try:
        data = client.sock.recv(1 << 16)
    except BlockingIOError:
        return 0
    return data.count(head)


def more_connections_than_the_limit_wait_for_a_place(story):
    story.start(limits_clients=256)
    clients = [story.client() for _ in range(300)]
    numbers = [client.begin("hello") for client in clients]
    for client, number in zip(clients[:256], numbers):
        client.answer(number)
    clients[0].call("hello")
    story_is_full = all(client.is_quiet() for client in clients[256:])
    expect(story_is_full, "more were served than the limit allows")
    for client in clients[:44]:
        client.close()
    for client, number in zip(clients[256:], numbers[256:]):
        client.answer(number)


def clients_that_come_and_go_leave_nothing_behind(story):
    import os
    client = story.start().client()
    client.manage(URI, "a")
    client.wait("a")
    fds = "/proc/%d/fd" % story.process.pid
    before = len(os.listdir(fds))
    for i in range(100):
        other = story.client()
        if i % 3:
            other.send(b"\x94\x00" if i % 2 else b"\xc1")
        if i % 15 == 0:  # one that was not refused
            other.begin_wait("a", **{"for": "gone"})
        if i % 7 == 0:
            other.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                  struct.pack("ii", 1, 0))
        other.close()
    story.poll(lambda: story.turn() or len(os.listdir(fds)) <= before,
               "the descriptors to be closed")


def pipelined_manages_of_several_clients_are_all_answered(story):
    story.start()
    clients = [story.client() for _ in range(4)]
    numbers = [[client.begin("manage", "tmpfs://%s" % "xy"[i % 2],
                             "c%d-%d" % (which, i)) for i in range(16)]
               for which, client in enumerate(clients)]
    for client, mine in zip(clients, numbers):
        for number in mine:
            expect_equal(client.answer(number)["created"], True)
    expect_equal(len(clients[0].claims()), 64)
    expect_equal(clients[0].refusal("manage", OTHER, "c0-0"), "cid-in-use")
