# SPDX-License-Identifier: LGPL-2.1-or-later
"""stuck.py - processes that do not end: the ledger, and servers that are held

Runs in: the stories; the processes are real
"""

import os
import signal
import threading
import time

from story import (KILL, OTHER, expect, expect_equal, listens)

FIRST = "nfs://nas1/a"
SECOND = "nfs://nas1/b"
THIRD = "nfs://nas1/c"
ELSEWHERE = "nfs://nas2/a"


def _state(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        return file.read().rsplit(")", 1)[1].split()[0]


class _Process:
    """One of a worker's that ends when the story says so. It is a zombie then
    until its worker ends: what has ended is not stuck."""

    def __init__(self, worker):
        self.pid = worker.make_child()

    def end(self):
        try:
            os.kill(self.pid, signal.SIGKILL)
            while _state(self.pid) != "Z":
                time.sleep(0.001)
        except (ProcessLookupError, FileNotFoundError):
            pass


def _manage(story, *uris):
    """A client, and the worker of each URI, all of them connected."""
    client = story.client()
    for uri in uris:
        client.manage(uri, uri.replace("/", "_"))
    for uri in uris:
        client.wait(uri.replace("/", "_"))
    return client, [story.worker(0, uri) for uri in uris]


def _entry(client, uri):
    return client.call("status", uri.replace("/", "_"))


def _get_stuck(story, client, worker, kind="connect"):
    """A process of the worker's that does not end."""
    process = _Process(worker)
    worker.report(state="stuck", operation="none",
                  **{"stuck_" + kind: process.pid})
    story.poll(lambda: (_entry(client, worker.uri)["stuck"] or {}).get("pid")
               == process.pid, "the stuck process to be listed")
    return process


def _start_time(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        return int(file.read().rsplit(")", 1)[1].split()[19])


def a_stuck_process_is_listed_with_all_that_is_known_of_it(story):
    story.start()
    client, (worker,) = _manage(story, FIRST)
    before = int(time.time() * 1e6)
    process = _get_stuck(story, client, worker, "probe")
    stuck = _entry(client, FIRST)["stuck"]
    expect(before <= stuck.pop("since") <= time.time() * 1e6, "since when")
    expect_equal(stuck, {"pid": process.pid, "operation": "probe",
                         "started": _start_time(process.pid),
                         "server": "nfs nas1:2049"})
    story.expect_line("process %d (probe) does not end" % process.pid)
    process.end()
    story.poll(lambda: _entry(client, FIRST)["stuck"] is None,
               "it to be listed no more")
    story.expect_line("process %d (probe) has ended" % process.pid)


def the_ledger_is_there_after_kill_and_restart(story):
    story.start()
    client, (worker,) = _manage(story, FIRST)
    process = _get_stuck(story, client, worker, "disconnect")
    known = _entry(client, FIRST)["stuck"]
    story.signal(signal.SIGKILL)
    story.wait_end()
    story.start()
    client = story.client()
    expect_equal(_entry(client, FIRST)["stuck"], known)
    process.end()
    story.poll(lambda: _entry(client, FIRST)["stuck"] is None,
               "it to be listed no more")
    story.stop()
    story.start()
    expect_equal(_entry(story.client(), FIRST)["stuck"], None)


def _restart_with_ledger(story, change):
    """The daemon, stopped and started on a ledger of one line, changed."""
    story.start()
    client, (worker,) = _manage(story, FIRST)
    process = _get_stuck(story, client, worker)
    story.stop()
    path = story.path("run", "base", "ledger")
    with open(path, encoding="ascii") as file:
        text = file.read()
    expect(str(process.pid) in text, "the ledger has it: %r" % text)
    with open(path, "w", encoding="ascii") as file:
        file.write(change(text))
    story.start()
    return story.client(), process


def a_number_that_is_another_process_by_now_is_not_taken_for_it(story):
    client, process = _restart_with_ledger(story, lambda text: text.replace(
        " %d connect " % _start_time(int(text.split()[1])), " 7 connect "))
    expect_equal(_entry(client, FIRST)["stuck"], None)
    process.end()


def a_ledger_of_another_boot_says_nothing(story):
    client, process = _restart_with_ledger(
        story, lambda text: "0" + text[1:] if text[0] != "0" else "1" +
        text[1:])
    expect_equal(_entry(client, FIRST)["stuck"], None)
    process.end()


def a_line_that_stands_there_twice_is_one_process(story):
    client, process = _restart_with_ledger(
        story, lambda text: text + 9 * text.split("\n", 1)[1])
    expect_equal(_entry(client, FIRST)["stuck"]["pid"], process.pid)
    expect("{server=\"nfs nas1:2049\"} 1\n"
           in client.call("metrics")["text"], "one")
    story.expect_lines("has not ended yet", 1)
    process.end()


def lines_that_make_no_sense_are_dropped_and_no_others(story):
    client, process = _restart_with_ledger(story, lambda text: text.replace(
        "\n", "\n-1 5 probe 5 nfs://h/e\nrubbish\n" + 9000 * "x" + "\n", 1))
    expect_equal(_entry(client, FIRST)["stuck"]["pid"], process.pid)
    story.expect_line("a line makes no sense")
    process.end()


def what_is_stuck_of_a_connection_that_is_no_more_is_listed_too(story):
    story.start()
    client, (worker,) = _manage(story, FIRST)
    process = _get_stuck(story, client, worker, "probe")
    client.unmanage(FIRST.replace("/", "_"))
    name = "stuck/%d" % process.pid
    story.poll(lambda: name in client.call("list"), "the transient ID")
    entry = client.call("list")[name]
    expect_equal((entry["state"], entry["managed"], entry["uri"],
                  entry["stuck"]["pid"]),
                 ("stuck", False, FIRST, process.pid))
    process.end()
    story.poll(lambda: name not in client.call("list"), "its end")


def the_next_worker_is_told_what_the_one_before_left(story):
    story.start()
    client, (worker,) = _manage(story, FIRST)
    process = _get_stuck(story, client, worker)
    expect_equal(worker.fields("limit"), [])
    story.on_order = listens
    worker.kill()
    worker.expect_end()
    story.advance(1)
    worker = story.worker(1, FIRST)
    worker.expect_want("up")
    expect_equal(worker.fields("limit")[0],
                 {"hold": "none", "earlier_stuck": 2})
    expect(worker.names().index("limit") < worker.names().index("want"),
           "before it is told to connect: %r" % worker.names())
    process.end()
    worker.expect_order("limit", 2)
    expect_equal(worker.fields("limit")[1]["earlier_stuck"], 0)


def what_a_dead_worker_was_doing_is_stuck_if_it_does_not_end(story):
    story.start()
    client, (worker,) = _manage(story, FIRST)
    process = _Process(worker)
    worker.report(state="unresponsive", operation="probe",
                  operation_pid=process.pid)
    story.poll(lambda: _entry(client, FIRST)["operation"] == "probe",
               "the probe")
    worker.kill()
    worker.expect_end()
    story.turn()
    expect_equal(_entry(client, FIRST)["stuck"], None)
    story.advance(3)
    story.poll(lambda: (_entry(client, FIRST)["stuck"] or {}).get("pid")
               == process.pid, "the suspect to be listed")
    process.end()
    story.poll(lambda: _entry(client, FIRST)["stuck"] is None, "its end")


def of_what_is_not_its_own_a_worker_is_not_believed(story):
    """Neither of somebody else's process nor of another worker's."""
    story.start()
    client, (worker, other) = _manage(story, FIRST, SECOND)
    process = _Process(other)
    thread = threading.Thread(target=time.sleep, args=(5,), daemon=True)
    thread.start()
    for number, pid in enumerate((1, os.getpid(), thread.native_id,
                                  process.pid, worker.pid)):
        worker.report(state="stuck", operation="none", stuck_connect=pid,
                      probe_at_us=number + 1)
        story.poll(lambda number=number: _entry(client, FIRST)["probe"]["at"]
                   == number + 1, "the report")
        is_own = pid == worker.pid
        expect_equal(bool(_entry(client, FIRST)["stuck"]), is_own, str(pid))
    story.expect_line("process 1 is not its worker's")
    story.expect_lines("cannot be watched", 0)
    worker.report(state="unresponsive", operation="probe", stuck_connect=0,
                  operation_pid=os.getpid(), probe_at_us=9)
    story.poll(lambda: _entry(client, FIRST)["probe"]["at"] == 9, "it")
    worker.kill()
    worker.expect_end()
    story.advance(3)
    story.poll(lambda: _entry(client, FIRST)["stuck"] is None, "its end")
    story.expect_lines("does not end though", 1)
    process.end()


def a_worker_cannot_fill_the_ledger(story):
    story.start()
    client, (worker, other) = _manage(story, FIRST, SECOND)
    processes = [_Process(worker) for _ in range(40)]
    for number, process in enumerate(processes):
        worker.report(state="stuck", operation="none",
                      stuck_connect=process.pid, probe_at_us=number + 1)
    story.poll(lambda: _entry(client, FIRST)["probe"]["at"] == 40, "the last")
    story.expect_lines("does not end though", 24)
    story.expect_line("cannot be watched: No space left")
    _get_stuck(story, client, other).end()
    for process in processes:
        process.end()


def what_a_dead_worker_was_doing_mostly_ends_with_it(story):
    story.start()
    client, (worker,) = _manage(story, FIRST)
    process = _Process(worker)
    worker.report(state="unresponsive", operation="probe",
                  operation_pid=process.pid)
    story.poll(lambda: _entry(client, FIRST)["operation"] == "probe",
               "the probe")
    worker.kill()
    worker.expect_end()
    process.end()
    story.advance(3)
    story.expect_lines("does not end though", 0)


# Servers

def _held(story):
    """A client; two workers of a held server that are stuck, a third that is
    not; one of another server; the processes."""
    story.start()
    client, workers = _manage(story, FIRST, SECOND, THIRD, ELSEWHERE)
    processes = [_get_stuck(story, client, worker) for worker in workers[:2]]
    story.poll(lambda: _entry(client, THIRD)["held"] == "server", "the hold")
    workers[2].expect_order("limit")
    return client, workers, processes


def a_server_with_several_stuck_operations_is_held(story):
    client, workers, processes = _held(story)
    for worker in workers[:3]:
        worker.expect_order("limit")
        expect_equal(worker.fields("limit")[-1]["hold"], "server")
    expect_equal([_entry(client, uri)["held"]
                  for uri in (FIRST, THIRD, ELSEWHERE)],
                 ["server", "server", ""])
    workers[3].catch_up()
    expect_equal(workers[3].fields("limit"), [])
    story.expect_line("server nfs nas1:2049: stuck operations: 2")
    for process in processes:
        process.end()


def a_server_that_has_not_answered_is_held_as_soon_again(story):
    story.start()
    client, workers = _manage(story, *("nfs://nas1/%s" % c for c in "abcdef"))
    stuck = [_get_stuck(story, client, worker) for worker in workers[:2]]
    for worker in workers[2:]:
        story.poll(lambda: _entry(client, "nfs://nas1/f")["held"] == "server",
                   "the hold")
        stuck.pop(0).end()
        story.poll(lambda: "holdfast_server_stuck_operations{server=\"nfs "
                   "nas1:2049\"} 1\n" in client.call("metrics")["text"],
                   "one less")
        story.advance(6)
        story.poll(lambda: _entry(client, "nfs://nas1/f")["held"] == "",
                   "that they are let go")
        if worker.uri != "nfs://nas1/f":
            stuck.append(_get_stuck(story, client, worker))
    for process in stuck:
        process.end()


def one_stuck_operation_holds_nobody(story):
    story.start()
    client, workers = _manage(story, FIRST, SECOND)
    process = _get_stuck(story, client, workers[0])
    story.advance(10)
    expect_equal(_entry(client, SECOND)["held"], "")
    workers[1].catch_up()
    expect_equal(workers[1].fields("limit"), [])
    process.end()


def a_new_connection_of_a_held_server_is_held_too(story):
    client, _, processes = _held(story)
    story.on_order = listens
    client.manage("nfs://nas1/new", "new")
    worker = story.worker(0, "nfs://nas1/new")
    worker.expect_want("up")
    expect_equal(worker.fields("limit")[0]["hold"], "server")
    for process in processes:
        process.end()


def one_has_its_turn_at_a_time(story):
    client, workers, processes = _held(story)
    story.on_order = listens
    client.manage("nfs://nas1/new", "new")
    new = story.worker(0, "nfs://nas1/new")
    new.expect_want("up")
    waiting = [workers[2], new]

    def turns():
        for worker in waiting:
            worker.catch_up()
        return [len(worker.fields("turn")) for worker in waiting]
    new.report(state="backoff", wanted="up")
    story.advance(2.5)
    story.poll(lambda: sum(turns()) == 1, "a first turn")
    story.advance(20)
    expect_equal(sum(turns()), 1)
    first = waiting[turns().index(1)]
    first.report(state="unresponsive", turn=1)

    def is_next():
        story.advance(2.5)
        return turns() == [1, 1]
    story.poll(is_next, "the other's turn")
    for worker in workers[:2]:
        worker.catch_up()
    expect_equal(workers[0].fields("turn") + workers[1].fields("turn"), [])
    for process in processes:
        process.end()


def a_turn_that_goes_well_lets_all_go_each_at_its_own_time(story):
    client, workers, processes = _held(story)
    story.advance(2.5)
    workers[2].expect_order("turn")
    workers[2].report(state="connected", turn=1)
    story.expect_line("it answers again")
    story.advance(1)
    story.poll(lambda: {_entry(client, uri)["held"] for uri in
                        (FIRST, SECOND, THIRD)} == {""}, "all to be let go")
    # What is stuck still is known to be: it holds nobody again.
    story.advance(10)
    expect_equal(_entry(client, THIRD)["held"], "")
    for process in processes:
        process.end()


def the_end_of_what_was_stuck_lets_all_go(story):
    client, workers, processes = _held(story)
    processes[0].end()
    story.expect_line("what was stuck has ended")
    story.advance(1)
    story.poll(lambda: _entry(client, THIRD)["held"] == "", "the hold's end")
    workers[2].expect_order("limit", 2)
    expect_equal(workers[2].fields("limit")[-1],
                 {"hold": "none", "earlier_stuck": 0})
    processes[1].end()


def a_worker_that_does_not_keep_to_its_limit_is_replaced(story):
    story.start()
    client, workers = _manage(story, FIRST, SECOND, THIRD)
    workers[2].obeys_limits = False
    processes = [_get_stuck(story, client, worker) for worker in workers[:2]]
    workers[2].expect_order("limit")
    story.advance(31)
    story.until(lambda: (KILL, workers[2].slot) in story.requests,
                "the disobedient to be killed")
    for process in processes:
        process.end()


def a_server_that_is_back_is_tried_by_all_soon_but_not_at_once(story):
    story.on_order = listens
    story.start()
    client = story.client()
    uris = ["nfs://nas1/e%d" % number for number in range(40)]
    for uri in uris + [ELSEWHERE]:
        client.manage(uri, uri.replace("/", "_"))
    workers = [story.worker(0, uri) for uri in uris]
    elsewhere = story.worker(0, ELSEWHERE)
    for worker in workers + [elsewhere]:
        worker.expect_want("up")
        worker.begin_attempt()
        worker.failed()
    for uri in uris:
        story.poll(lambda uri=uri: _entry(client, uri)["state"] == "backoff",
                   "the failure")
    workers[0].begin_attempt()
    workers[0].connected()
    client.wait(uris[0].replace("/", "_"))

    def pass_a_second():
        for _ in range(10):
            story.advance(0.1)
            story.turn()
        for worker in workers[1:]:
            worker.catch_up()
        return sum("retry" in worker.names() for worker in workers[1:])
    count = pass_a_second()
    expect(0 < count < 39, "they come one by one: %d in a second" % count)
    expect_equal(pass_a_second(), 39)
    expect("retry" not in elsewhere.names(), "the other server's was called")


# Pauses

def nothing_is_begun_while_paused(story):
    story.start()
    client, workers = _manage(story, FIRST, OTHER)
    expect_equal(client.call("pause"), {"paused": True})
    expect_equal(client.call("pause"), {"paused": True})
    for worker in workers:
        worker.expect_order("limit")
        expect_equal(worker.fields("limit"),
                     [{"hold": "paused", "earlier_stuck": 0}])
    expect_equal((client.call("hello")["paused"],
                  _entry(client, FIRST)["held"]), (True, "paused"))
    client.manage(ELSEWHERE, "new")
    new = story.worker(0, ELSEWHERE)
    new.expect_want("up")
    expect_equal(new.fields("limit")[0]["hold"], "paused")
    expect_equal(client.call("resume"), {"paused": False})
    story.advance(1)
    for worker in workers + [new]:
        story.until(lambda worker=worker:
                    worker.fields("limit")[-1]["hold"] == "none",
                    "the end of the pause")
    expect_equal((client.call("hello")["paused"],
                  _entry(client, FIRST)["held"]), (False, ""))


def a_pause_outlives_the_daemon_and_not_the_boot(story):
    story.start()
    client, _ = _manage(story, FIRST)
    client.call("pause")
    story.signal(signal.SIGKILL)
    story.wait_end()
    story.start()
    expect_equal(story.client().call("hello")["paused"], True)
    worker = story.worker(1, FIRST)
    worker.expect_want("up")
    expect_equal(worker.fields("limit")[0]["hold"], "paused")
    story.stop()
    with open(story.path("run", "base", "paused"), "w",
              encoding="ascii") as file:
        file.write("another boot")
    story.start()
    expect_equal(story.client().call("hello")["paused"], False)


def a_resumed_daemon_stays_so(story):
    story.start()
    client = story.client()
    client.call("pause")
    client.call("resume")
    story.stop()
    story.start()
    expect_equal(story.client().call("hello")["paused"], False)


def only_root_pauses(story):
    story.start()
    for method in ("pause", "resume"):
        expect_equal(story.as_other_user(
            lambda client, method=method: client.refusal(method)), "denied")
    expect_equal(story.client().refusal("pause", {"all": True}), "bad-option")


def a_pause_counts_for_more_than_a_held_server(story):
    client, workers, processes = _held(story)
    client.call("pause")
    story.until(lambda: workers[2].fields("limit")[-1]["hold"] == "paused",
                "the pause")
    story.advance(5)
    workers[2].catch_up()
    expect_equal(workers[2].fields("turn"), [])
    client.call("resume")
    story.advance(1)
    story.until(lambda: workers[2].fields("limit")[-1]["hold"] == "server",
                "the hold again")
    for process in processes:
        process.end()
