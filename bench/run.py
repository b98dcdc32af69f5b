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
from datetime import date
from pathlib import Path
from typing import Any

import longshore
from common import BENCH, environment, machine_kind, processor, serving, size_text

CELLS = str(BENCH / "cells.py")
IMPORTS = 20
IMPORT_TARGET_MS = 30


def _ask(variables: dict[str, str], *arguments: str) -> Any:
    command = [sys.executable, CELLS, *arguments]
    done = subprocess.run(command, env=variables, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed")
    return json.loads(done.stdout) if done.stdout else None


def measure_cells(rounds: int) -> list[dict[str, Any]]:
    """Each cell once per round, each time in a fresh process; the order turns from round to round."""
    cells: list[dict[str, Any]] = _ask(environment({}), "describe")
    for cell in cells:
        cell.update(_ask(environment({}), "count", cell["name"]), rounds=[])
    with serving() as variables:
        _ask(variables, "prepare")
        for number in range(rounds):
            turned = cells[number % len(cells) :] + cells[: number % len(cells)]
            for cell in turned:
                cell["rounds"].append(_ask(variables, "measure", cell["name"]))
            print(f"round {number + 1} of {rounds}", flush=True)
    return cells


def measure_import() -> dict[str, float]:
    """Medians of the wall clock of fresh interpreters, in milliseconds: bare, and importing longshore."""
    programs = {"bare": "pass", "longshore": "import longshore"}
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(IMPORTS + 1):
        for name, program in programs.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True, env=environment({}))
            times[name].append((time.perf_counter() - started) * 1000)
    # The first of each fills the file cache.
    medians = {f"{name}_ms": statistics.median(taken[1:]) for name, taken in times.items()}
    return medians | {"difference_ms": medians["longshore_ms"] - medians["bare_ms"], "processes": IMPORTS}


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
            size_text(cell["size"]),
            f"{wall:.3f} ({min(walls):.3f} to {max(walls):.3f})",
            f"{count / wall:,.0f}" if count / wall >= 100 else f"{count / wall:.1f}",
            f"{volume / 2**20 / wall:,.0f}" if volume else "",
            f"{cpu / count * 1e6:,.1f}" if count >= 100 else f"{cpu / count * 1e6:,.0f}",
            f"{cpu / (volume / 2**30):.2f}" if volume else "",
            f"{cell['requests_per_object']:g}",
        ]
        lines.append(f"| {' | '.join(columns)} |")
    return "\n".join(lines)


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
        "processor": processor(),
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
