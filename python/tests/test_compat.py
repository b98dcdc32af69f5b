"""The wheel `dlio_s3_rust`: the same objects under an older module's name."""

from __future__ import annotations

import email
import email.message
import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import longshore
from longshore.testing import Server, server

PROJECT = Path(__file__).resolve().parents[2] / "compat" / "dlio_s3_rust"

# What the older module's manual shows, call by call.
OLDER_PROGRAM = """
import asyncio
import dlio_s3_rust as s3

assert s3.DEFAULT_OBJECT_SIZE == 20 * 1024 * 1024

keys = s3.list("s3://my-bucket/path/")
assert keys == [f"path/object_{i}_of_9.dat" for i in range(9)], keys

data = s3.get("s3://my-bucket/path/object_0_of_9.dat")
assert type(data) is bytes and len(data) == 1000

pairs = s3.get_many([
    "s3://my-bucket/obj0",
    "s3://my-bucket/obj1"
], max_in_flight=16)
assert pairs == [("s3://my-bucket/obj0", b"zero"), ("s3://my-bucket/obj1", b"one")], pairs
assert s3.get_many_stats(["s3://my-bucket/obj0", "s3://my-bucket/obj1"], 16) == (2, 7)

s3.put(
    "s3://my-bucket/test/",
    num=5,
    template="object_{}_of_{}.raw",
    max_in_flight=8,
    size=10_000_000,
    should_create_bucket=True,
    object_type="npz"
)
assert s3.list("s3://my-bucket/test/") == [f"test/object_{i}_of_5.raw" for i in range(5)]

arr = s3.read_npz("s3://my-bucket/data/test.npz")
assert type(arr).__module__ == "numpy" and arr.dtype == "uint8", arr
assert s3.read_npz("s3://my-bucket/data/test.npz", array_name="y").dtype == "int64"

s3.delete("s3://my-bucket/test/object_3_of_9.dat")
s3.delete("s3://my-bucket/test/object_3_of_5.raw")
assert len(s3.list("s3://my-bucket/test/")) == 4
s3.delete("s3://my-bucket/test/")
assert s3.list("s3://my-bucket/test/") == []


async def main():
    await s3.put_async(
        "s3://my-bucket/async-test/",
        num=3,
        object_type="hdf5"
    )
    results = await s3.get_many_async(
        ["s3://my-bucket/obj0", "s3://my-bucket/obj1"],
        max_in_flight=16
    )
    stats = await s3.get_many_stats_async(["s3://my-bucket/async-test/object_0_of_3.dat"])
    return results, stats

results, stats = asyncio.run(main())
assert results == pairs
assert stats == (1, s3.DEFAULT_OBJECT_SIZE), stats

try:
    s3.get("s3://my-bucket/missing")
except RuntimeError as error:
    assert "missing" in str(error), error
else:
    raise AssertionError("a missing object was read")
print("done")
"""


def _pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the project's folder as it stands."""
    folder = tmp_path_factory.mktemp("wheel")
    own_backend = importlib.util.find_spec("hatchling") is not None
    isolation = ["--no-build-isolation"] if own_backend else []
    _pip("wheel", "--no-deps", *isolation, "--wheel-dir", folder, PROJECT)
    [built] = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel installed in it, and nothing else."""
    folder = tmp_path_factory.mktemp("site")
    _pip("install", "--no-deps", "--no-index", "--target", folder, wheel)
    return folder


def _metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(archive.read(name))


def _run(program: str, site: Path, running: Server | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment["PYTHONPATH"] = str(site)
    environment.update(running.environment if running else {})
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_is_pure_python_and_requires_longshore(wheel: Path) -> None:
    metadata = _metadata(wheel)
    assert wheel.name == f"dlio_s3_rust-{metadata['Version']}-py3-none-any.whl"
    required = metadata.get_all("Requires-Dist")
    assert required is not None
    assert [line.split(">")[0].split("=")[0].strip() for line in required] == ["longshore"]
    assert metadata["Requires-Python"] == ">=3.11"


def test_the_wheel_holds_the_module_and_its_type_marker_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == {"dlio_s3_rust/__init__.py", "dlio_s3_rust/py.typed"}


def test_the_version_is_longshores_own(wheel: Path) -> None:
    assert _metadata(wheel)["Version"] == longshore.__version__


def test_every_name_is_the_same_object_as_longshores(installed: Path) -> None:
    program = """
import dlio_s3_rust, longshore
assert dlio_s3_rust.__all__ == longshore.__all__, set(dlio_s3_rust.__all__) ^ set(longshore.__all__)
for name in longshore.__all__:
    assert getattr(dlio_s3_rust, name) is getattr(longshore, name), name
print(len(longshore.__all__))
"""
    assert int(_run(program, installed)) == len(longshore.__all__) > 20


def test_a_program_for_the_older_module_runs_unchanged(installed: Path) -> None:
    with server() as running:
        store = running.store_for("my-bucket")
        longshore.create_bucket("s3://my-bucket", store=store)
        longshore.put("s3://my-bucket/path/", num=9, size=1000, store=store)
        longshore.put_many([("s3://my-bucket/obj0", b"zero"), ("s3://my-bucket/obj1", b"one")], store=store)
        longshore.put("s3://my-bucket/data", template="test.npz", size=50_000, object_type="NPZ", store=store)
        assert _run(OLDER_PROGRAM, installed, running) == "done\n"
