"""`progress=`: nothing, events for a callable, or lines for a person."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import longshore as s3
from backends import Place
from longshore.exceptions import NotFoundError

CALLS: dict[str, Callable[[Place, Any], object]] = {
    "get": lambda place, progress: s3.get(place.uri("set/0"), progress=progress),
    "get_many": lambda place, progress: s3.get_many([place.uri("set/*")], progress=progress),
    "get_many_stats": lambda place, progress: s3.get_many_stats([place.uri("set/*")], progress=progress),
    "list": lambda place, progress: s3.list(place.uri("set/"), progress=progress),
    "put": lambda place, progress: s3.put(place.uri("new"), 10, size=1000, progress=progress),
    "put_bytes": lambda place, progress: s3.put_bytes(place.uri("new"), bytes(1000), progress=progress),
    "put_many": lambda place, progress: s3.put_many(
        [(place.uri(f"new/{number}"), bytes(1000)) for number in range(10)], progress=progress
    ),
    "delete": lambda place, progress: s3.delete(place.uri("set/"), progress=progress),
    "read_npz": lambda place, progress: s3.read_npz(place.uri("set/0"), progress=progress),
}
COUNTS = {
    "get": (1, 1000),
    "get_many": (10, 10_000),
    "get_many_stats": (10, 10_000),
    "list": (10, 0),
    "put": (10, 10_000),
}
COUNTS |= {"put_bytes": (1, 1000), "put_many": (10, 10_000), "delete": (10, 0), "read_npz": (1, 1000)}


READING = ["get", "get_many", "get_many_stats", "list", "read_npz"]


def archives() -> dict[str, bytes]:
    """Ten objects of 1000 bytes, by name."""
    s3.put("memory://archives/set", 10, "{}", size=1000, object_type="npz")
    return {f"set/{number}": s3.get(f"memory://archives/set/{number}") for number in range(10)}


@pytest.fixture
def full(place: Place) -> Place:
    """A place with ten objects of 1000 bytes."""
    place.write(archives())
    return place


@pytest.mark.parametrize("name", READING)
def test_reading_calls_count_right_over_every_store(readable_place: Place, name: str) -> None:
    readable_place.write(archives())
    events: list[s3.Progress] = []
    CALLS[name](readable_place, events.append)
    assert (events[-1].objects, events[-1].bytes, events[-1].finished) == (*COUNTS[name], True)


@pytest.mark.parametrize("name", CALLS)
def test_a_callable_hears_of_the_end_with_the_right_counts(full: Place, name: str) -> None:
    events: list[s3.Progress] = []
    CALLS[name](full, events.append)
    last = events[-1]
    assert (last.operation, (last.objects, last.bytes), last.finished) == (name, COUNTS[name], True)
    assert last.total in (None, last.objects)
    assert last.elapsed > 0
    assert [event.finished for event in events].count(True) == 1


@pytest.mark.parametrize("name", CALLS)
def test_without_progress_nothing_is_printed(quick_place: Place, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    s3.put(quick_place.uri("set"), 10, "{}", size=1000, object_type="npz")
    for nothing in (None, False):
        CALLS[name](quick_place, nothing)
        s3.put(quick_place.uri("set"), 10, "{}", size=1000, object_type="npz")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", CALLS)
def test_true_prints_plain_lines_where_there_is_no_terminal(
    quick_place: Place, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    s3.put(quick_place.uri("set"), 10, "{}", size=1000, object_type="npz")
    CALLS[name](quick_place, True)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"{name}: {COUNTS[name][0]} ")
    assert err.endswith("\n")
    assert not {"\r", "\x1b"} & set(err), err


def test_events_come_as_the_work_goes_on_and_only_rise(gateway_place: Place) -> None:
    s3.put(gateway_place.uri(), 40, "{:02d}", size=100_000)
    server = gateway_place.backend.gateway
    assert server is not None
    server.faults.latency(0.05, method="GET", path=gateway_place.prefix)
    events: list[s3.Progress] = []
    try:
        s3.get_many([gateway_place.uri("*")], max_in_flight=2, progress=events.append)
    finally:
        server.faults.clear()
    assert 4 <= len(events) <= 14, "about 1 s of work and at most ten events a second"
    assert {event.total for event in events} == {40}
    for field in ("objects", "bytes", "elapsed"):
        values = [getattr(event, field) for event in events]
        assert values == sorted(values), field
    assert [event.finished for event in events] == [False] * (len(events) - 1) + [True]


def test_an_event_shows_its_numbers(quick_place: Place) -> None:
    events: list[s3.Progress] = []
    s3.put(quick_place.uri(), 3, size=10, progress=events.append)
    assert repr(events[-1]).startswith("Progress(")
    for text in ("operation='put'", "objects=3", "total=3", "bytes=30", "finished=True"):
        assert text in repr(events[-1])


def test_the_callable_runs_on_the_thread_that_called(quick_place: Place) -> None:
    threads = set()
    s3.put(quick_place.uri(), 3, size=10, progress=lambda _: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}


@pytest.mark.parametrize("name", CALLS)
def test_an_exception_in_the_callable_comes_through(full: Place, name: str) -> None:
    class StopHereError(Exception):
        pass

    def stop(_: s3.Progress) -> None:
        raise StopHereError

    with pytest.raises(StopHereError):
        CALLS[name](full, stop)


def test_an_exception_in_the_callable_cancels_the_rest(gateway_place: Place) -> None:
    s3.put_many([(gateway_place.uri(f"{number:03d}"), b"") for number in range(400)])
    server = gateway_place.backend.gateway
    assert server is not None
    server.faults.latency(0.02, method="GET", path=gateway_place.prefix)
    gateway_place.reset()
    started = time.monotonic()
    try:
        with pytest.raises(ZeroDivisionError):
            s3.get_many([gateway_place.uri("*")], max_in_flight=2, progress=lambda event: 1 // 0)
    finally:
        server.faults.clear()
    assert time.monotonic() - started < 2, "the call went on to its end"
    time.sleep(0.2)
    assert gateway_place.count("GetObject") < 100


def test_an_interrupt_in_the_callable_comes_through(quick_place: Place) -> None:
    def interrupt(_: s3.Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        s3.put(quick_place.uri(), 3, size=10, progress=interrupt)


def test_a_failed_call_has_no_last_event(readable_place: Place) -> None:
    readable_place.fill("a")
    events: list[s3.Progress] = []
    with pytest.raises(NotFoundError):
        s3.get_many(readable_place.uris(["a", "missing"]), progress=events.append)
    assert not any(event.finished for event in events)


def test_the_callable_may_use_the_package_itself(quick_place: Place) -> None:
    quick_place.fill("a")
    seen = []
    s3.get_many([quick_place.uri("*")], progress=lambda _: seen.append(s3.get(quick_place.uri("a"))))
    assert seen[-1] == b"a"


def test_true_shows_a_bar_on_a_terminal() -> None:
    program = """
        import os, pty, sys, termios
        import longshore as s3
        leader, follower = pty.openpty()
        termios.tcsetwinsize(leader, (24, 80))
        os.dup2(follower, 2)
        s3.put("memory:///set", 20, size=1000, progress=True)
        os.close(follower)
        os.close(2)
        shown = b""
        try:
            while chunk := os.read(leader, 4096):
                shown += chunk
        except OSError:
            pass
        sys.stdout.buffer.write(shown)
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    shown = subprocess.run(command, capture_output=True, timeout=60, check=True).stdout.decode()
    assert "put" in shown
    assert "20/20" in shown, shown
    assert "\r" in shown
