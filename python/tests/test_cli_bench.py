"""`longshore bench` as a user types it, on our own server and on SeaweedFS, and its files read by others."""

from __future__ import annotations

import csv
import json
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import longshore as s3
from backends import Backend, Backends, new_name
from command_line import Shell

COLUMNS = [
    "idx",
    "thread",
    "op",
    "client_id",
    "n_objects",
    "bytes",
    "endpoint",
    "file",
    "error",
    "start",
    "first_byte",
    "end",
    "duration_ns",
]


class Bench:
    """A bucket with one object that is not the benchmark's, and a shell whose commands reach it."""

    def __init__(self, backend: Backend, folder: Path) -> None:
        self.bucket = f"longshore-{new_name()}"
        self.store = s3.store_for(f"s3://{self.bucket}", **backend.options)
        s3.create_bucket(f"s3://{self.bucket}", store=self.store)
        s3.put_bytes(f"s3://{self.bucket}/mine", b"precious", store=self.store)
        self.folder = folder
        self.shell = Shell(folder, backend.environment)

    def run(self, line: str) -> dict[str, Any]:
        """Runs a benchmark that ends well. Returns its report."""
        ended = self.shell.run(f"longshore -q bench {line} --report report.json", seconds=120)
        assert (ended.code, ended.err) == (0, ""), ended
        report: dict[str, Any] = json.loads((self.folder / "report.json").read_text())
        return report

    def log(self, name: str) -> list[dict[str, str]]:
        with (self.folder / name).open(newline="") as file:
            reader = csv.DictReader(file, delimiter="\t")
            rows = list(reader)
        assert reader.fieldnames == COLUMNS
        return rows

    def keys(self) -> list[str]:
        return [uri.removeprefix(f"s3://{self.bucket}/") for uri in s3.list(f"s3://{self.bucket}/", store=self.store)]


@pytest.fixture(params=["gateway", "seaweedfs"])
def bench(request: pytest.FixtureRequest, backends: Backends, tmp_path: Path) -> Iterator[Bench]:
    folder = tmp_path / "here"
    folder.mkdir()
    found = Bench(backends[request.param], folder)
    yield found
    assert found.keys() == ["mine"], "what the benchmark wrote is gone, and nothing else"


def when(text: str) -> float:
    """Seconds; Python's own times end at microseconds."""
    whole, fraction = re.fullmatch(r"(.*\d)\.(\d{9})Z", text, re.ASCII).groups()  # type: ignore[union-attr]
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + int(fraction) / 1e9


@pytest.mark.parametrize(
    "line",
    [
        "get s3://{} --size 1KiB..64KiB --objects 20 --verify --duration 1500ms",
        "get s3://{} --size 64KiB --range 4KiB --objects 10 --verify --operations 200",
        "put s3://{}/sub/folder --size 1KiB:9,1MiB:1 --operations 200",
        "list s3://{} --objects 1500 --operations 30",
        "mixed s3://{} --size lognormal:mean=8KiB,sigma=1 --objects 100 --mix get=6,put=2,delete=1,head=1 --operations 300",
    ],
    ids=["get", "ranges", "put", "list", "mixed"],
)
def test_the_log_and_the_report_of_a_run_agree(bench: Bench, line: str) -> None:
    report = bench.run(line.format(bench.bucket) + " -j 8 --log log.tsv")
    total = report["total"]
    rows = bench.log("log.tsv")
    assert (total["operations"], total["errors"]) == (len(rows), 0)
    assert sum(int(row["bytes"]) for row in rows) == total["bytes"]
    assert sum(int(row["n_objects"]) for row in rows) == total["objects"]
    assert [row["idx"] for row in rows] == [str(index) for index in range(len(rows))]
    assert {row["thread"] for row in rows} <= {str(lane) for lane in range(8)}
    names = {"GET": "get", "PUT": "put", "STAT": "head", "DELETE": "delete", "LIST": "list"}
    for name, measured in report["operations"].items():
        mine = [row for row in rows if names[row["op"]] == name]
        assert len(mine) == measured["operations"]
        milliseconds = sorted(int(row["duration_ns"]) / 1e6 for row in mine)
        latency = measured["latency_ms"]
        assert latency["max"] == pytest.approx(milliseconds[-1], rel=2e-3)
        assert latency["mean"] == pytest.approx(sum(milliseconds) / len(mine), rel=2e-3)
        for quantile, found in ((0.5, latency["p50"]), (0.9, latency["p90"]), (0.99, latency["p99"])):
            assert found == pytest.approx(milliseconds[math.ceil(quantile * len(mine)) - 1], rel=2e-3), quantile
    for row in rows:
        assert when(row["end"]) - when(row["start"]) == pytest.approx(int(row["duration_ns"]) / 1e9, abs=1e-5)
        assert (row["first_byte"] != "") == (row["op"] == "GET")
        if row["first_byte"]:
            assert when(row["start"]) <= when(row["first_byte"]) <= when(row["end"])
        assert row["file"].startswith(report["folder"].removeprefix(f"s3://{bench.bucket}/"))
        assert (row["endpoint"], row["error"]) == (report["endpoint"], "")


def test_seconds_and_processor_time_are_told(bench: Bench) -> None:
    report = bench.run(f"get s3://{bench.bucket} --size 4KiB --objects 20 --duration 3s --warmup 500ms")
    total, seconds = report["total"], report["total"]["seconds"]
    assert seconds["whole"] == len(seconds["each"]) == 3
    assert seconds["slowest"]["mib_per_s"] <= seconds["median"]["mib_per_s"] <= seconds["fastest"]["mib_per_s"]
    moved = sum(second["objects_per_s"] for second in seconds["each"])
    # What ran into the first second from the warming up, and out of the last one.
    assert moved == pytest.approx(total["objects"], abs=2 * 64)
    assert 0 < report["cpu"]["seconds"] < 3.5 * report["machine"]["cpus"]
    assert report["cpu"]["us_per_operation"] == pytest.approx(1e6 * report["cpu"]["seconds"] / total["operations"])
    assert total["requests_per_object"] == 1.0


def test_the_table_on_a_terminal_follows_a_line_for_each_second(bench: Bench) -> None:
    with bench.shell.on_terminal(f"longshore bench get s3://{bench.bucket} --size 4KiB --objects 20") as terminal:
        terminal.wait_for("objects/s")
        terminal.wait_for("processors")
        terminal.type("\x03")
        assert terminal.end() == 130
        table = terminal.seen[terminal.seen.index("INTERRUPTED") :]
    assert "p99.9" in table
    assert "whole seconds" in table or "less than one whole second" in table


class _Addresses(HTMLParser):
    """What a page would fetch, and the text that people see."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "link", "img", "iframe"):
            self.fetched.append(tag)
        self.fetched += [f"{name}={value}" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_chart_is_one_file_that_fetches_nothing(bench: Bench) -> None:
    bench.run(f"get s3://{bench.bucket} --size 4KiB --objects 20 --duration 2s --chart run.html")
    page = _Addresses()
    page.feed((bench.folder / "run.html").read_text())
    assert page.fetched == []
    for part in ("Throughput by second, MiB/s", "Latency by percentile, milliseconds", "99 %", "in flight", "seed"):
        assert part in page.text
    bench.run(f"list s3://{bench.bucket} --objects 20 --operations 20 --chart run.svg")
    image = ET.parse(bench.folder / "run.svg").getroot()
    assert image.tag == "{http://www.w3.org/2000/svg}svg"
    assert "objects/s" in "".join(image.itertext())
