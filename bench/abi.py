"""Measures what a store costs through the C interface and writes what it found to `bench/results`. `make bench-abi` runs it.

`README.md` says what is measured, and how. The measurements themselves are a program in Rust, in `abi`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

from common import BENCH, machine_kind, processor

REPOSITORY = BENCH.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))


def measure() -> dict[str, Any]:
    """Builds the program, runs it, and returns its numbers."""
    # Our versions of everything: Cargo cuts the copy to what is used there.
    shutil.copy(REPOSITORY / "Cargo.lock", BENCH / "abi" / "Cargo.lock")
    build = ["cargo", "build", "--release", "--quiet", "--manifest-path", str(BENCH / "abi" / "Cargo.toml")]
    subprocess.run(build, check=True, env=os.environ | {"CARGO_TARGET_DIR": str(TARGET)})
    done = subprocess.run(
        [str(TARGET / "release" / "longshore-bench-abi")], check=True, stdout=subprocess.PIPE, text=True
    )
    numbers: dict[str, Any] = json.loads(done.stdout)
    return numbers


def ratios(cell: dict[str, Any], what: str) -> list[float]:
    """Foreign over native, for each round: the two were measured one after the other."""
    pairs = zip(cell[f"native_{what}"], cell[f"foreign_{what}"], strict=True)
    return [foreign / native for native, foreign in pairs]


def spread(numbers: list[float], form: str) -> str:
    """The median, with least and most."""
    return f"{statistics.median(numbers):{form}} ({min(numbers):{form}} to {max(numbers):{form}})"


def verdict(is_met: bool) -> str:
    return "met" if is_met else "**not met**"


def report(found: dict[str, Any]) -> str:
    """The whole result as Markdown."""
    ready, in_flight, lean, streaming = (found["cells"][name] for name in ("ready", "in_flight", "lean", "streaming"))
    over = [foreign - native for native, foreign in zip(ready["native_ns"], ready["foreign_ns"], strict=True)]
    bare = [bare - native for native, bare in zip(ready["native_ns"], ready["bare_ns"], strict=True)]
    more = [(ratio - 1) * 100 for ratio in ratios(in_flight, "cpu_us")]
    each = [foreign - native for native, foreign in zip(lean["native_cpu_us"], lean["foreign_cpu_us"], strict=True)]
    speed = [ratio * 100 for ratio in ratios(streaming, "mib_s")]
    median = statistics.median
    return f"""# The C interface on {found["machine"]}, {found["date"]}

{found["processor"]}; load before the run {found["load"]:.2f}.
Medians of {len(over)}, {len(more)} and {len(speed)} rounds, with least and most. Native is the store itself, foreign the
same store through a table and `v0_14::ForeignStore`, bare one call of the table as C makes it.

| what | native | foreign | difference | aim | |
|---|--:|--:|--:|--:|---|
| a ready get of 64 bytes, ns of CPU | {spread(ready["native_ns"], ".0f")} | {spread(ready["foreign_ns"], ".0f")} \
| +{spread(over, ".0f")} | < +500 | {verdict(median(over) < 500)} |
| the same, bare, ns of CPU | | {spread(ready["bare_ns"], ".0f")} \
| {spread(bare, "+.0f")} | < +500 | {verdict(median(bare) < 500)} |
| HTTP, 1 ms away, 64 in flight, µs of CPU each | {spread(in_flight["native_cpu_us"], ".1f")} \
| {spread(in_flight["foreign_cpu_us"], ".1f")} | {spread(more, "+.1f")} % | < +5 % | {verdict(median(more) < 5)} |
| the same, without HTTP | {spread(lean["native_cpu_us"], ".1f")} | {spread(lean["foreign_cpu_us"], ".1f")} \
| {spread(each, "+.1f")} | | |
| a body of {streaming["mib"]} MiB, MiB/s | {spread(streaming["native_mib_s"], ".0f")} \
| {spread(streaming["foreign_mib_s"], ".0f")} | {spread(speed, ".1f")} % | >= 95 % | {verdict(median(speed) >= 95)} |

For each GiB, the body takes {median(streaming["native_cpu_s"]):.2f} s of CPU natively and \
{median(streaming["foreign_cpu_s"]):.2f} s foreign.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the C interface and records the result under bench/results.")
    parser.add_argument("--output", type=Path, default=BENCH / "results", help="folder for the result")
    options = parser.parse_args()
    found: dict[str, Any] = {
        "machine": machine_kind(),
        "date": date.today().isoformat(),
        "processor": processor(),
        "load": os.getloadavg()[0],
    }
    found["cells"] = measure()
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / f"abi-{found['machine']}-{found['date']}"
    path.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    text = report(found)
    path.with_suffix(".md").write_text(text, encoding="utf-8")
    print(f"\n{text}\nwritten to {path}.md and .json")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
