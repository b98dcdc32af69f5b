"""Types the commands of the readme at a shell, as a reader does, and compares what they print.

Each `console` block begins in this folder. A `…` stands for any text in a line. What Cargo says of its own work is not compared.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
LINKS = [FOLDER / "python" / name for name in ("pyo3_common.so", "series_base.so")]
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# A word that ends in the twelfth column.
CARGO = re.compile(r" *[A-Z][a-z]+(?<=^.{12}) ")


@dataclass(frozen=True)
class Command:
    """A line that is typed, and the lines that are printed then."""

    line: str
    prints: list[str]


def commands(block: str) -> list[Command]:
    """The commands of one block."""
    found: list[Command] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append(Command(line[2:], []))
        else:
            found[-1].prints.append(line)
    return found


def matches(expected: list[str], printed: list[str]) -> bool:
    """Whether lines are the expected ones."""
    patterns = [".*".join(re.escape(part) for part in line.split("…")) for line in expected]
    return len(patterns) == len(printed) and all(map(re.fullmatch, patterns, printed))


def run(block: str) -> int:
    """Types a block, and says how many of its commands did something else."""
    folder, wrong = FOLDER, 0
    for command in commands(block):
        if command.line.startswith("cd "):
            folder = folder / command.line[3:]
            continue
        done = subprocess.run(
            ["bash", "-c", command.line],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
        )
        printed = [line for line in done.stdout.splitlines() if not CARGO.match(line)]
        if done.returncode == 0 and matches(command.prints, printed):
            print(f"ok: {folder.relative_to(FOLDER)}$ {command.line}")
            continue
        wrong += 1
        expected = "\n".join(command.prints)
        print(f"wrong: {folder}$ {command.line}\nexit code {done.returncode}\n{done.stdout}expected:\n{expected}")
    return wrong


def main() -> int:
    """The exit code."""
    # They would decide what the programs print, or which Python they have.
    for name in ("PYTHONPATH", "PYTHONWARNINGS", "CARGO_TARGET_DIR", "CARGO_BUILD_TARGET", "RUST_BACKTRACE"):
        os.environ.pop(name, None)
    for link in LINKS:
        link.unlink(missing_ok=True)
    blocks = BLOCK.findall((FOLDER / "README.md").read_text(encoding="utf-8"))
    count = sum(bool(command.prints) for block in blocks for command in commands(block))
    wrong = sum(run(block) for block in blocks)
    return 0 if count and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
