"""Forks, exits and Ctrl-C, each in the middle of work. The programs are in `fork_programs` and `exit_programs`."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Unpack

import numpy as np
import pytest

import longshore as s3
from children import Ended, run, start, variables
from exit_programs import BY_KEYS, CALLS, LISTINGS
from longshore.exceptions import BaseError, ConnectionError
from longshore.testing import Server, server
from longshore.types import TransferOptions

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

URI = "s3://bkt"


@pytest.fixture
def empty() -> Iterator[Server]:
    with server() as running:
        s3.create_bucket(URI, store=running.store_for("bkt"))
        yield running


@pytest.fixture(scope="module")
def filled() -> Iterator[Server]:
    """500 objects that land in place, and an array of 400 MB in 660 kB, which takes a while to decode."""
    archive = io.BytesIO()
    np.savez_compressed(archive, x=np.arange(50_000_000, dtype=np.int64) // 1000)
    with server() as running:
        store = running.store_for("bkt")
        s3.put(URI, num=500, template="k{}", size=200_000, should_create_bucket=True, store=store)
        s3.put_bytes(f"{URI}/npz", archive.getvalue(), store=store)
        yield running


@pytest.fixture
def aws(filled: Server) -> Iterator[Server]:
    filled.faults.clear()
    filled.reset_stats()
    yield filled
    filled.faults.clear()


class TestForks:
    def test_a_child_may_cancel_what_its_parent_began(self, empty: Server) -> None:
        empty.faults.latency(60, method="GET")
        # Where the child reached into its parent's runtime, it hung once in some 250 forks.
        run("fork_programs", "cancel_inherited", "1000", environment=empty.environment, seconds=60).check()

    @pytest.mark.parametrize(
        "program",
        [
            ("under_load", "20"),
            ("methods_under_load", "10"),
            ("grandchild",),
            ("with_memory", "10"),
            ("with_pending_futures", "10"),
            ("ordinary_exit",),
            ("fresh_contents",),
            ("pools", "fork"),
            ("pools", "spawn"),
            ("pools", "forkserver"),
        ],
        ids=" ".join,
    )
    def test_both_processes_go_on(self, empty: Server, program: tuple[str, ...]) -> None:
        run("fork_programs", *program, environment=empty.environment, seconds=60).check()


def several(times: int, program: str, environment: dict[str, str]) -> list[Ended]:
    """Runs an exit program so often, two at a time."""
    ended: list[Ended] = []

    def some() -> None:
        for _ in range(times // 2):
            ended.append(run("exit_programs", program, environment=environment, seconds=15))

    threads = [threading.Thread(target=some) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ended


class TestExits:
    """Leaving takes a moment whatever is under way: no hang, no crash, not a word on standard error."""

    @pytest.mark.parametrize("server_is", ["stalled", "silent", "quick"])
    @pytest.mark.parametrize(
        ("program", "code"),
        [
            ("pending_futures", 0),
            ("methods_under_way", 0),
            ("open_loop", 0),
            ("leave_from_coroutine", 3),
            ("unhandled", 1),
            ("at_once", 4),
            ("daemon_threads", 0),
            ("threads_with_bodies_arriving", 0),
            ("bodies_arriving", 0),
        ],
    )
    def test_a_process_leaves_with_requests_in_flight(
        self, aws: Server, program: str, code: int, server_is: str
    ) -> None:
        if server_is == "stalled":
            aws.faults.stall(100_000, method="GET", path="/bkt/k")
            aws.faults.latency(20, method="PUT")
        elif server_is == "silent":
            aws.faults.latency(20)
        ended = several(4 if server_is == "silent" else 10, program, aws.environment)
        assert {each.code for each in ended} == {code}
        complaints = {each.err for each in ended}
        if program == "unhandled":
            assert all(err.splitlines()[-1] == "ValueError: mine" and err.count("Error") == 2 for err in complaints)
        else:
            assert complaints == {""}
        # About half a second is the program's own; the rest allows for a busy machine.
        assert max(each.seconds for each in ended) < 5

    @pytest.mark.parametrize("program", ["decoding", "dropped_while_decoding"])
    def test_memory_that_is_being_decoded_into_outlives_its_loop(self, aws: Server, program: str) -> None:
        assert {(each.code, each.err) for each in several(6, program, aws.environment)} == {(0, "")}


def hear(process: subprocess.Popen[str], word: str) -> list[str]:
    """The rest of the line that begins with `word`; fails if another comes."""
    assert process.stdout is not None
    line = process.stdout.readline().split()
    if line[:1] != [word]:
        process.kill()
        raise AssertionError(f"said {line} instead of {word!r}\n{process.communicate()[1]}")
    return line[1:]


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = process.communicate(timeout=15)
    return process.returncode, err


def under_way(aws: Server, requests: int) -> None:
    """Waits until the server has seen so many requests."""
    deadline = time.monotonic() + 10
    while sum(aws.stats()["methods"].values()) < requests and time.monotonic() < deadline:
        time.sleep(0.002)
    assert sum(aws.stats()["methods"].values()) >= requests, aws.stats()


# The promise is 100 ms, and on an idle machine it was kept: 0 to 56 ms in 48 tries (2026-11, 2 cores). The rest is for a machine
# that runs the server and other tests besides.
LATE = 0.4


class TestInterrupts:
    # Decoding has no server to wait for, so it is interrupted once. What goes by keys waits for headers as the rest does.
    @pytest.mark.parametrize(
        ("call", "server_is"),
        [
            (call, server_is)
            for call in CALLS
            for server_is in ("stalled", "silent")
            if (call, server_is) != ("decode", "silent") and (call not in BY_KEYS or server_is == "stalled")
        ],
    )
    def test_ctrl_c_ends_a_call_and_the_process_goes_on(self, aws: Server, call: str, server_is: str) -> None:
        def misbehave(heads: int) -> None:
            """From now on the server fails, after so many HEAD requests."""
            aws.reset_stats()
            if call == "decode":
                return
            if server_is == "silent":
                aws.faults.latency(20, skip=heads)
                return
            aws.faults.stall(0 if call in LISTINGS else 100_000, path="/bkt", method="GET")
            for method in ("PUT", "DELETE", "POST"):
                aws.faults.latency(20, method=method)
            aws.faults.latency(20, method="HEAD", skip=heads)

        misbehave(1)
        with start("exit_programs", "interrupted", call, environment=aws.environment) as process:
            for heads in (1, 0):
                hear(process, "begin")
                under_way(aws, heads + 1)
                time.sleep(0.1 if call == "decode" else 0.25)
                sent = time.monotonic()
                process.send_signal(signal.SIGINT)
                seen = float(hear(process, "interrupted")[0])
                assert seen - sent < LATE, f"Ctrl-C after {(seen - sent) * 1000:.0f} ms"
                aws.faults.clear()
                tell(process)
                hear(process, "usable")
                misbehave(0)
                tell(process)
            assert end(process) == (0, "")

    def test_a_handler_that_returns_lets_the_call_go_on(self, aws: Server) -> None:
        aws.faults.latency(1.5, path="/bkt/k0")
        with start("exit_programs", "handled", environment=aws.environment) as process:
            hear(process, "begin")
            for _ in range(3):
                time.sleep(0.2)
                process.send_signal(signal.SIGINT)
            size, handled = hear(process, "got")
            assert (size, int(handled)) == ("200000", 3)
            assert end(process) == (0, "")

    def test_an_interrupt_that_nobody_catches_ends_the_process_as_ever(self, aws: Server) -> None:
        aws.faults.stall(100_000, method="GET")
        with start("exit_programs", "left_to_the_default", environment=aws.environment) as process:
            hear(process, "begin")
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            code, err = end(process)
            assert code == -signal.SIGINT
            assert err.splitlines()[-1] == "KeyboardInterrupt"
            assert "Fatal" not in err
            assert "panicked" not in err

    def test_two_interrupts_are_not_worse_than_one(self, aws: Server) -> None:
        aws.faults.stall(100_000, method="GET")
        with start("exit_programs", "left_to_the_default", environment=aws.environment) as process:
            hear(process, "begin")
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            code, err = end(process)
            assert code in (-signal.SIGINT, 130, 1)
            assert "Fatal" not in err
            assert "panicked" not in err

    def test_an_interrupt_is_the_main_threads_and_other_calls_go_on(self, aws: Server) -> None:
        aws.faults.latency(1, path="/bkt/k0")
        with start("exit_programs", "other_threads_wait", environment=aws.environment) as process:
            hear(process, "begin")
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            hear(process, "interrupted")
            tell(process)
            hear(process, "joined")
            assert end(process) == (0, "")


class TestTheInterpreter:
    """No call holds it while it waits or decodes."""

    @pytest.mark.parametrize(
        "call", ["get", "get_many", "list", "put", "put_bytes", "delete", "head", "copy", "read_npz"]
    )
    def test_other_threads_run_while_a_call_waits(
        self, aws: Server, call: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        if call == "read_npz":
            call = "decode"
        else:
            aws.faults.latency(0.5, times=32)
        gaps, turns = self._watch(CALLS[call])
        assert turns > 20
        assert gaps < 0.25, f"the interpreter was held for {gaps * 1000:.0f} ms"

    @staticmethod
    def _watch(call: Callable[[], object]) -> tuple[float, int]:
        """The longest time that the main thread could not run, and how often it did, while another made the call."""
        thread = threading.Thread(target=call)
        longest, turns = 0.0, 0
        thread.start()
        last = time.perf_counter()
        while thread.is_alive():
            time.sleep(0.001)
            now = time.perf_counter()
            longest, turns, last = max(longest, now - last), turns + 1, now
        return longest, turns


ACCESS, SECRET = "access", "secret"


@contextmanager
def serving(folder: Path, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server in a process of its own, which can be killed. Yields it and its port."""
    keys = ["--access-key", ACCESS, "--secret-key", SECRET]
    process = subprocess.Popen(
        [sys.executable, "-m", "longshore", "serve", str(folder), "--port", str(port), *keys],
        env=variables(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        endpoint = process.stdout.readline().strip()
        assert endpoint, "the server does not start"
        yield process, int(endpoint.rpartition(":")[2])
    finally:
        process.kill()
        process.communicate()


def store_at(port: int, **options: Unpack[TransferOptions]) -> s3.Store:
    endpoint = f"http://127.0.0.1:{port}"
    keys = {"access_key_id": ACCESS, "secret_access_key": SECRET, "region": "us-east-1"}
    return s3.store_for(URI, endpoint=endpoint, **keys, **options)


class TestALostServer:
    @pytest.mark.parametrize("call", ["get_many", "get", "put_many", "put"])
    def test_a_server_that_dies_is_a_connection_error_that_names_an_object(self, tmp_path: Path, call: str) -> None:
        with serving(tmp_path) as (process, port):
            store = store_at(port, max_retries=2, connect_timeout=1)
            s3.put(URI, num=4, template="k{}", size=32 << 20, should_create_bucket=True, store=store)
            data = b"x" * (48 << 20)
            calls: dict[str, Callable[[], object]] = {
                "get": lambda: [s3.get(f"{URI}/k0", store=store) for _ in range(1000)],
                "get_many": lambda: [
                    s3.get_many([f"{URI}/k{i}" for i in range(4)] * 8, 8, store=store) for _ in range(1000)
                ],
                "put_many": lambda: s3.put_many([(f"{URI}/new{i}", data) for i in range(200)], 1, store=store),
                "put": lambda: s3.put(f"{URI}/many/", num=1000, size=8 << 20, store=store),
            }
            threading.Timer(0.4, process.kill).start()
            started = time.monotonic()
            with pytest.raises(ConnectionError) as caught:
                calls[call]()
            took = time.monotonic() - started
        assert isinstance(caught.value, RuntimeError)
        assert caught.value.uri is not None
        assert caught.value.uri.startswith(f"{URI}/")
        assert caught.value.uri in str(caught.value)
        assert 0.2 < took < 8

    def test_a_server_that_comes_back_is_found_again(self, tmp_path: Path) -> None:
        with serving(tmp_path) as (process, port):
            store = store_at(port)
            s3.put(URI, num=8, template="k{}", size=4 << 20, should_create_bucket=True, seed=1, store=store)
            uris = [f"{URI}/k{index}" for index in range(8)]
            expected = s3.get_many(uris, store=store)
            outcome: list[object] = []

            def read() -> None:
                try:
                    for _ in range(12):
                        outcome.append(s3.get_many(uris, store=store) == expected)
                        s3.put_bytes(f"{URI}/new", b"data" * 100_000, store=store)
                except BaseError as error:
                    outcome.append(error)

            thread = threading.Thread(target=read)
            thread.start()
            time.sleep(0.1)
            process.kill()
            process.wait()
            time.sleep(0.3)
            with serving(tmp_path, port):
                thread.join(30)
                assert not thread.is_alive()
        assert outcome == [True] * 12


class TestUnderScrutiny:
    """Processes of their own, with CPython's debug allocator and every warning."""

    FLAGS = ("-X", "dev", "-X", "faulthandler", "-W", "error::ResourceWarning")

    @pytest.mark.parametrize(
        "program",
        [
            ("in_order",),
            ("cancel_at_random", "300"),
            ("leave_loops_at_random", "100"),
            ("interrupt_at_random", "200"),
        ],
        ids=lambda program: program[0],
    )
    def test_nothing_is_damaged_and_nothing_is_left_open(self, program: tuple[str, ...]) -> None:
        with server() as aws:
            store = aws.store_for("bkt")
            s3.put(URI, template="npz", size=300_000, object_type="npz", should_create_bucket=True, store=store)
            environment = {**aws.environment, "PYTHONMALLOC": "debug", "PYTHONASYNCIODEBUG": "1"}
            ended = run("asyncio_programs", *program, environment=environment, flags=self.FLAGS, seconds=60)
        # asyncio's debug mode remarks on every callback that takes 100 ms, as one may on a busy machine.
        complaints = [line for line in ended.err.splitlines() if " took 0." not in line]
        assert (ended.code, complaints) == (0, []), ended
        if program[0] == "interrupt_at_random":
            assert int(ended.out) > 20, "too few of the interrupts came in time to prove anything"

    def test_cancelling_gives_memory_back(self) -> None:
        with server() as aws:
            s3.create_bucket(URI, store=aws.store_for("bkt"))
            aws.faults.stall(12 << 20, method="GET")
            more = int(run("asyncio_programs", "cancelled_memory", environment=aws.environment).check())
        # 200 MB were received since; without the debug allocator they go back to the system.
        assert more < 64 << 20
