"""The command line in Python: its help, its start, what it costs to import, and that every example in it is a command."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import longshore as s3
from backends import Ability, Backends, kinds, new_name
from command_line import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    folder = tmp_path / "here"
    folder.mkdir()
    return Shell(folder)


def commands(shell: Shell) -> list[str]:
    listed = shell.check("longshore -h").partition("Commands:\n")[2].partition("\n\n")[0]
    return re.findall(r"^  ([a-z]+)", listed, re.MULTILINE)


def test_help_lists_the_exit_codes_and_each_command_its_examples(shell: Shell) -> None:
    text = shell.check("longshore --help")
    for code in [*range(8), 130, 143]:
        assert re.search(rf"^  {code} +\S", text, re.MULTILINE), code
    names = commands(shell)
    assert {"ls", "cat", "cp", "mv", "rm", "stat", "du", "sync", "put", "mb", "run", "serve", "completions"} <= set(
        names
    )
    for name in names:
        text = shell.check(f"longshore {name} --help")
        assert "Examples:\n" in text, name
        assert (
            2 <= len(re.findall(r"^  (?:.*[|] *)?longshore ", text.partition("Examples:\n")[2], re.MULTILINE)) <= 8
        ), name


def test_every_example_in_the_help_can_be_parsed(shell: Shell) -> None:
    for name in commands(shell):
        examples = shell.check(f"longshore {name} --help").partition("Examples:\n")[2]
        lines = re.findall(r"longshore [^|>\n]+", examples)
        assert lines, name
        for line in lines:
            # The parser stops at the first mistake, which must be this one.
            ended = shell.run(shlex.join([*shlex.split(line), "--no-such-option"]))
            assert "unexpected argument '--no-such-option'" in ended.err, (line, ended)


def test_the_reference_has_all_that_help_has(shell: Shell) -> None:
    reference = shell.check("longshore help --markdown")
    for name in commands(shell):
        assert f"\n## {name}\n" in reference
        options = re.findall(r"--[a-z][a-z-]+", shell.check(f"longshore {name} --help"))
        assert [option for option in options if option not in reference and option != "--help"] == [], name
    assert not re.search(r"[ \t]$", reference, re.MULTILINE)


def test_a_start_imports_nothing_that_it_does_not_need() -> None:
    program = (
        "import json, sys; known = set(sys.modules); import longshore.__main__; "
        "print(json.dumps(sorted(set(sys.modules) - known)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = json.loads(done.stdout)
    heavy = {"argparse", "numpy", "asyncio", "tqdm", "socket", "ssl", "shlex", "threading", "json", "longshore.testing"}
    assert heavy.isdisjoint(modules), heavy & set(modules)


def test_the_wheel_has_the_command() -> None:
    try:
        found = importlib.metadata.entry_points(group="console_scripts", name="longshore")
    except importlib.metadata.PackageNotFoundError:
        found = importlib.metadata.EntryPoints()
    if not found:
        # Run from the source tree, where nothing is installed: what would be.
        assert 'longshore = "longshore.__main__:main"' in (Path(__file__).parents[2] / "pyproject.toml").read_text()
        return
    assert [entry.value for entry in found] == ["longshore.__main__:main"]


def test_an_argument_that_is_not_text_is_refused_in_words(shell: Shell) -> None:
    ended = shell.run("longshore ls \"$(printf 'a\\377')\" 2>&1 >/dev/null | tr -d '\\377'")
    assert "invalid UTF-8" in ended.out
    assert "Traceback" not in ended.out


@pytest.mark.parametrize("kind", ["npz", "tfrecord", "hdf5", "raw"])
def test_put_writes_what_the_python_function_writes(shell: Shell, kind: str) -> None:
    shell.check(f"longshore put here/ --count 3 --size 10KB --type {kind} --seed 7")
    s3.put(f"file://{shell.folder}/there/", num=3, size=10_000, object_type=kind, seed=7)
    names = sorted(path.name for path in (shell.folder / "here").iterdir())
    assert names == [f"object_{index}_of_3.dat" for index in range(3)]
    for name in names:
        assert (shell.folder / "here" / name).read_bytes() == (shell.folder / "there" / name).read_bytes()


def test_a_sync_keeps_what_the_server_calls_otherwise_than_it_was_told(backends: Backends, tmp_path: Path) -> None:
    backend = backends["seaweedfs"]
    (tmp_path / "here" / "d").mkdir(parents=True)
    for name in ["a\\b", "c", "gone"]:
        (tmp_path / "here" / "d" / name).write_text(name)
    shell = Shell(tmp_path / "here", backend.environment)
    uri = f"s3://{new_name()}"
    store = s3.store_for(uri, **backend.options)
    s3.create_bucket(uri, store=store)
    shell.check(f"longshore sync --delete d/ {uri}/")
    assert sorted(s3.list(f"{uri}/", store=store)) == ["a/b", "c", "gone"]
    (tmp_path / "here" / "d" / "gone").unlink()
    ended = shell.run(f"longshore sync --delete d/ {uri}/")
    assert ended.code == 0, ended
    assert f"{uri}/a/b is not deleted" in ended.err
    assert sorted(s3.list(f"{uri}/", store=store)) == ["a/b", "c"]


@pytest.mark.parametrize("server", kinds(Ability.BUCKETS))
def test_a_dry_run_and_a_run_say_the_same_of_what_cannot_be_deleted(
    server: str, backends: Backends, tmp_path: Path
) -> None:
    backend = backends[server]
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "file").write_text("body")
    shell = Shell(tmp_path / "here", backend.environment)
    root, missing = (f"{backend.scheme}://{new_name()}" for _ in range(2))
    shell.check(f"longshore mb {root}")
    shell.check(f"longshore cp file {root}/train/key")
    for line, code, words in [
        (f"rb {missing}", 3, missing),
        (f"rb {root}", 1, 'there is "train/key", for one'),
        (f"rm {missing}/key", 3, missing),
        (f"rm {root}/none", 3, "there is no such object"),
        (f"rm {root}/train", 3, f"write {root}/train/"),
    ]:
        for dry in ("", "--dry-run "):
            ended = shell.run(f"longshore {dry}{line}")
            assert (ended.code, ended.out) == (code, ""), (dry, line, ended)
            if dry or not line.startswith("rb"):
                assert words in ended.err, (dry, line, ended)
    for dry in ("--dry-run ", ""):
        assert shell.check(f"longshore {dry}rm {root}/train/key") == f"rm {root}/train/key\n"
    for dry in ("--dry-run ", ""):
        assert shell.check(f"longshore {dry}rb {root}") == f"rb {root}\n"
