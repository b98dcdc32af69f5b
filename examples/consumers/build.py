"""Builds the consumers, each as its own project, and puts them into one package `consumers`: `build.py FOLDER`.

A consumer in Rust has a manifest and a lock file of its own, as PyO3 can be in a build only once. They share a folder for what
Cargo builds, and so what they have in common. Those in C and C++ need a compiler and Python's headers, and nothing else.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE.parents[1] / "target" / "consumers"
INCLUDE = HERE.parents[1] / "crates" / "longshore-abi" / "include"

# A warning in them is an error in the header, as they are what its users write.
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O2", "-fPIC", "-shared", "-pthread", "-fvisibility=hidden"]


def main(package: Path) -> None:
    package.mkdir(parents=True, exist_ok=True)
    for old in package.glob("*.so"):
        old.unlink()
    for manifest in sorted(HERE.glob("*/Cargo.toml")):
        rust(manifest, package)
    compiled(os.environ.get("CC", "cc"), "-std=c11", HERE / "c" / "consumer.c", package / "c.abi3.so")
    compiled(os.environ.get("CXX", "c++"), "-std=c++17", HERE / "cpp" / "consumer.cpp", package / "cpp.abi3.so")
    (package / "__init__.py").write_text(
        '"""Extension modules of others, which use stores that they did not open."""\n'
    )


def rust(manifest: Path, package: Path) -> None:
    """Builds one in its own folder, where Cargo finds `.cargo/config.toml` above it."""
    built = subprocess.run(["cargo", "build", "--quiet"], cwd=manifest.parent, stderr=subprocess.PIPE, text=True)
    # The configuration names the crates for all of them, and one does not need the last. Any other warning is an error.
    said = [line for line in built.stderr.splitlines() if "was not used in the crate graph" not in line]
    if built.returncode != 0 or said:
        sys.exit("\n".join([*said, f"{manifest.parent.name} cannot be built"]))
    settings = tomllib.loads(manifest.read_text())
    name = settings["lib"].get("name", settings["package"]["name"])
    found = [
        path for path in (TARGET / "debug" / f"lib{name}.so", TARGET / "debug" / f"lib{name}.dylib") if path.exists()
    ]
    shutil.copy(found[0], package / f"{name}.abi3.so")


def compiled(compiler: str, standard: str, source: Path, module: Path) -> None:
    """Compiles one, which finds Python in the process that loads it."""
    if not (Path(sysconfig.get_path("include")) / "Python.h").exists():
        sys.exit(f"{source.name} needs Python.h, which is in the package python3-dev, or in whatever Python came from")
    undefined = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
    folders = [f"-I{INCLUDE}", f"-I{sysconfig.get_path('include')}"]
    subprocess.run(
        [*shlex.split(compiler), standard, *STRICT, *undefined, *folders, str(source), "-o", str(module)], check=True
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) / "consumers")
