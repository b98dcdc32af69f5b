"""Measures longshore against its own server and writes what it found to `bench/results`. `make bench` runs it.

`README.md` says what is measured, and how.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import longshore

BENCH = Path(__file__).resolve().parent
CELLS = str(BENCH / "cells.py")
IMPORTS = 20
IMPORT_TARGET_MS = 30


def _environment(extra: dict[str, str]) -> dict[str, str]:
    """This process's environment without what it says about S3."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | extra


@contextmanager
def serving() -> Iterator[dict[str, str]]:
    """A server in a process of its own. Gives the environment that reaches it."""
    keys = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench-secret", "AWS_REGION": "us-east-1"}
    command = [sys.executable, "-m", "longshore", "serve", "--access-key", "bench", "--secret-key", "bench-secret"]
    with subprocess.Popen(command, env=_environment({}), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            endpoint = process.stdout.readline().strip()
            if not endpoint.startswith("http://"):
                raise SystemExit("the server does not start")
            yield _environment({"AWS_ENDPOINT_URL": endpoint, **keys})
        finally:
            process.terminate()


def _ask(environment: dict[str, str], *arguments: str) -> Any:
    command = [sys.executable, CELLS, *arguments]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed")
    return json.loads(done.stdout) if done.stdout else None


def measure_cells(rounds: int) -> list[dict[str, Any]]:
    """Each cell once per round, each time in a fresh process; the order turns from round to round."""
    cells: list[dict[str, Any]] = _ask(_environment({}), "describe")
    for cell in cells:
        cell.update(_ask(_environment({}), "count", cell["name"]), rounds=[])
    with serving() as environment:
        _ask(environment, "prepare")
        for number in range(rounds):
            turned = cells[number % len(cells) :] + cells[: number % len(cells)]
            for cell in turned:
                cell["rounds"].append(_ask(environment, "measure", cell["name"]))
            print(f"round {number + 1} of {rounds}", flush=True)
    return cells


def measure_import() -> dict[str, float]:
    """Medians of the wall clock of fresh interpreters, in milliseconds: bare, and importing longshore."""
    programs = {"bare": "pass", "longshore": "import longshore"}
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(IMPORTS + 1):
        for name, program in programs.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True, env=_environment({}))
            times[name].append((time.perf_counter() - started) * 1000)
    # The first of each fills the file cache.
    medians = {f"{name}_ms": statistics.median(taken[1:]) for name, taken in times.items()}
    return medians | {"difference_ms": medians["longshore_ms"] - medians["bare_ms"], "processes": IMPORTS}


def machine_kind() -> str:
    """What kind of machine this is, without its name: `linux-x86_64-2cpu`."""
    return f"{platform.system().lower()}-{platform.machine()}-{len(_cpus())}cpu"


def _cpus() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def wheel_bytes() -> int | None:
    """The size of the wheel in `dist`, if one was built."""
    wheels = sorted((BENCH.parent / "dist").glob("longshore-*.whl"), key=lambda path: path.stat().st_mtime)
    return wheels[-1].stat().st_size if wheels else None


def table(cells: list[dict[str, Any]]) -> str:
    """Medians over the rounds, as Markdown."""
    lines = [
        "| cell | call | objects | size | seconds (least to most) | objects/s | MiB/s | CPU µs per object | CPU s per GiB"
        " | requests per object |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for cell in cells:
        count, volume = cell["objects"], cell["objects"] * cell["size"]
        walls = [taken["seconds"] for taken in cell["rounds"]]
        wall = statistics.median(walls)
        cpu = statistics.median(taken["cpu_seconds"] for taken in cell["rounds"])
        columns = [
            f"`{cell['name']}`",
            f"{cell['what']}, {cell['in_flight']} in flight" if cell["in_flight"] > 1 else cell["what"],
            f"{count:,}",
            _size(cell["size"]),
            f"{wall:.3f} ({min(walls):.3f} to {max(walls):.3f})",
            f"{count / wall:,.0f}" if count / wall >= 100 else f"{count / wall:.1f}",
            f"{volume / 2**20 / wall:,.0f}" if volume else "",
            f"{cpu / count * 1e6:,.1f}" if count >= 100 else f"{cpu / count * 1e6:,.0f}",
            f"{cpu / (volume / 2**30):.2f}" if volume else "",
            f"{cell['requests_per_object']:g}",
        ]
        lines.append(f"| {' | '.join(columns)} |")
    return "\n".join(lines)


def _size(size: int) -> str:
    if not size:
        return ""
    return f"{size >> 20} MiB" if size >= 2**20 else f"{size >> 10} KiB"


def report(found: dict[str, Any]) -> str:
    """The whole result as Markdown."""
    imported, wheel = found["import"], found["wheel_bytes"]
    rounds = len(found["cells"][0]["rounds"])
    wheel_line = f"The wheel has {wheel:,} bytes." if wheel else "No wheel was built."
    return f"""# {found["machine"]}, {found["date"]}

longshore {found["longshore"]}, Python {found["python"]}. {found["processor"]}; load before the run {found["load"]:.2f}.
Medians of {rounds} rounds. CPU is the client's, all threads, user and system. The server is longshore's own, in another
process on the same machine, keeping objects in memory. Every byte was checked, outside the time that is measured.

{table(found["cells"])}

`import longshore` takes {imported["difference_ms"]:.1f} ms over a bare interpreter: {imported["longshore_ms"]:.1f} against \
{imported["bare_ms"]:.1f} ms, medians of
{imported["processes"]} fresh processes each. The aim is less than {IMPORT_TARGET_MS} ms. {wheel_line}
"""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures longshore and records the result under bench/results.")
    parser.add_argument("--rounds", type=int, default=5, help="how often each cell is measured (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=BENCH / "results", help="folder for the result")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    found: dict[str, Any] = {
        "machine": machine_kind(),
        "date": date.today().isoformat(),
        "longshore": longshore.__version__,
        "python": platform.python_version(),
        "processor": _processor(),
        "load": os.getloadavg()[0],
    }
    found |= {"import": measure_import(), "wheel_bytes": wheel_bytes(), "cells": measure_cells(options.rounds)}
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / f"{found['machine']}-{found['date']}"
    path.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    text = report(found)
    path.with_suffix(".md").write_text(text, encoding="utf-8")
    print(f"\n{text}\nwritten to {path}.md and .json")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
