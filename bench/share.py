"""Measures what it costs to share a class: beside the same work in the module that has it. `make bench-share`.

An operation is a few tens of nanoseconds, so each is done a million times in one call, in Rust. The time is the CPU's, which
swings less than the clock on the wall where others use the machine. Rounds are interleaved, and each begins with another module.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from common import BENCH, machine_kind, processor

MODULES = {
    "series_base": "at home, PyO3 0.30: what a plain `#[pyclass]` costs",
    "series_smooth": "another module, PyO3 0.30",
    "series_smooth_26": "another module, PyO3 0.26",
    "series_smooth_23": "another module, PyO3 0.23",
}
COUNT = 1_000_000


def main() -> None:
    """Measures, and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--output", type=Path, default=BENCH / "results")
    options = parser.parse_args()
    modules: dict[str, Any] = {name: importlib.import_module(name) for name in MODULES}
    series = modules["series_base"].Series([1.0])
    work: dict[tuple[str, str], Callable[[], object]] = {}
    for name, module in modules.items():
        work["cast", name] = partial(module.casts, series, COUNT)
        work["create", name] = partial(module.creations, COUNT)
    taken: dict[tuple[str, str], list[float]] = {cell: [] for cell in work}
    cells = list(work)
    for turn in range(options.rounds + 1):
        first = turn % len(cells)
        for cell in cells[first:] + cells[:first]:
            start = time.process_time()
            work[cell]()
            if turn:
                taken[cell].append((time.process_time() - start) / COUNT * 1e9)
    target = options.output / f"share-{machine_kind()}-{date.today().isoformat()}.md"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(report(taken, options.rounds), encoding="utf-8")
    sys.stdout.write(target.read_text(encoding="utf-8"))


def report(taken: dict[tuple[str, str], list[float]], rounds: int) -> str:
    """The table, as a page."""
    lines = [
        "# What it costs to share a class",
        "",
        f"{machine_kind()}, {date.today().isoformat()}. Python {platform.python_version()}. {processor()}; load after the run "
        f"{os.getloadavg()[0]:.2f}.",
        f"Nanoseconds of CPU time for one: the median of {rounds} rounds of a million, and the least and the most of them.",
        "",
        "- *cast*: take an argument, check its type, borrow what is in it, read one number, let it go.",
        "- *create*: make an object with a vector of one number, let it go.",
        "",
        "| module | cast | create |",
        "|---|---|---|",
    ]
    for name, meaning in MODULES.items():
        columns = [spread(taken[kind, name]) for kind in ("cast", "create")]
        lines.append(f"| {meaning} | {' | '.join(columns)} |")
    return "\n".join(lines) + "\n"


def spread(times: list[float]) -> str:
    """`31 (30 to 40)`."""
    return f"{statistics.median(times):.0f} ({min(times):.0f} to {max(times):.0f})"


if __name__ == "__main__":
    main()
