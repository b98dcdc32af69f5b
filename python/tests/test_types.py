"""The package's types: complete, true at run time, and checked by checkers that can fail.

`typing_usage` has what programs see of them, and `make types` runs the checkers over everything.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import pkgutil
import re
import subprocess
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import longshore
import longshore.testing
import longshore.types
from longshore.exceptions import ArgumentTypeError, InvalidArgumentError, UnknownConfigurationKeyError

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path(longshore.__file__).parent

WRONG = """
from typing import assert_type

import longshore as s3
from longshore.types import S3Options

s3.get(5)
s3.store_for("s3://bucket", regoin="eu")
assert_type(s3.get("memory:///a"), str)
options: S3Options = {"timeout": 5, "tiemout": 6}
length: str = s3.head("memory:///a")["size"]
"""
WRONG_LINES = [7, 8, 9, 10, 11]


def _public() -> Iterator[tuple[str, object]]:
    """Everything that the public modules export, and the methods of exported classes."""
    for module in (longshore, longshore.exceptions, longshore.testing, longshore.types):
        for name in module.__all__:
            value = getattr(module, name)
            yield f"{module.__name__}.{name}", value
            if inspect.isclass(value):
                for part, member in vars(value).items():
                    function = member.fget if isinstance(member, property) else member
                    if inspect.isfunction(function) and function.__module__.startswith("longshore"):
                        yield f"{module.__name__}.{name}.{part}", function


CALLABLE = {name: value for name, value in _public() if inspect.isfunction(value) or inspect.isclass(value)}


@pytest.mark.parametrize("name", CALLABLE)
def test_type_hints_resolve_at_run_time(name: str) -> None:
    value = CALLABLE[name]
    hints = typing.get_type_hints(value)
    if inspect.isfunction(value):
        assert {*hints} == {*inspect.signature(value).parameters, "return"} - {"self"}, hints


def _names_any(hint: object) -> bool:
    return hint is typing.Any or any(_names_any(part) for part in typing.get_args(hint))


def test_no_public_function_takes_or_returns_any() -> None:
    array = typing.get_type_hints(longshore.read_npz)["return"]
    data = longshore.types.Data
    assert _names_any(array)  # the control: arrays of any type of element
    functions = [value for value in CALLABLE.values() if inspect.isfunction(value)]
    assert len(functions) > 40
    found = []
    for function in functions:
        for parameter, hint in typing.get_type_hints(function).items():
            rest = str(hint).replace(str(array), "").replace(str(data), "")
            if "Any" in rest and not function.__name__.startswith("_"):
                found.append((function.__qualname__, parameter, hint))
    assert not found


def test_every_name_of_the_types_module_is_there_and_says_what_it_is() -> None:
    source = (PACKAGE / "types.py").read_text(encoding="utf-8")
    for name in longshore.types.__all__:
        assert getattr(longshore.types, name) is not None
        alias = rf'^(    )?{name}: TypeAlias = .*\n(    )?"""'
        documented = re.search(alias, source, re.MULTILINE) or getattr(longshore.types, name).__doc__
        assert documented, name
    with pytest.raises(AttributeError, match="has no attribute 'Date'"):
        longshore.types.Date  # type: ignore[attr-defined]  # noqa: B018


def test_the_types_need_no_numpy_until_they_are_asked_for_arrays() -> None:
    program = "import sys, longshore.types as t; show = lambda: print('numpy' in sys.modules); show(); t.Data; show()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "False\nTrue\n"


# By the folder of `longshore-config` that has the settings: the options, and a store that has them. What is given besides the
# option keeps the store from asking the machine for credentials.
OPTIONS: dict[str, tuple[type, str, dict[str, typing.Any]]] = {
    "s3": (longshore.types.S3Options, "s3://bucket", {"skip_signature": True}),
    "gcs": (longshore.types.GCSOptions, "gs://bucket", {"skip_signature": True}),
    "azure": (longshore.types.AzureOptions, "az://container", {"account_name": "me", "skip_signature": True}),
    "web": (longshore.types.HTTPOptions, "https://localhost/", {}),
}

# Options that other clients have, and that are an error here which says what to do instead.
REFUSED = {
    "credential_type",
    "fabric_cluster_identifier",
    "fabric_session_token",
    "fabric_token_service_url",
    "fabric_workload_host",
}


def _settings() -> dict[str, set[str]]:
    """The names of all settings in the sources, by folder; `wire` has those of every store that is reached over a network."""
    found: dict[str, set[str]] = {}
    sources = ROOT / "crates" / "longshore-config" / "src"
    for path in sources.rglob("*.rs"):
        code = path.read_text(encoding="utf-8").partition("#[cfg(test)]")[0]
        names = set(re.findall(r'Spec::new\(\s*"(\w+)"', code))
        if names:
            found.setdefault(path.relative_to(sources).parts[0].removesuffix(".rs"), set()).update(names)
    return found


def _takes(uri: str, given: dict[str, typing.Any], name: str) -> bool:
    """Whether the store has an option of that name. An empty one counts as absent, so its value does not matter."""
    try:
        longshore.store_for(uri, **{name: "", **given})
    except UnknownConfigurationKeyError:
        return False
    return True


@pytest.mark.parametrize("kind", OPTIONS)
def test_the_options_of_the_types_are_those_of_the_store(kind: str) -> None:
    options, uri, given = OPTIONS[kind]
    typed = set(typing.get_type_hints(options))
    settings = _settings()
    assert len(typed) > len(settings["wire"]) > 4
    assert not _takes(uri, given, "nonsense")
    known = (typed | settings["wire"] | settings[kind]) - REFUSED
    assert {name for name in known if _takes(uri, given, name)} == typed
    assert typed <= set(typing.get_type_hints(longshore.types.StoreOptions))


def test_every_kind_of_store_with_settings_has_its_options_in_the_types() -> None:
    assert set(_settings()) == {"wire", *OPTIONS}


@pytest.mark.parametrize("module", ["mypy", "pyright"])
def test_a_checker_refuses_each_wrong_line(module: str, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text(WRONG, encoding="utf-8")
    environment = {**os.environ, "MYPYPATH": str(PACKAGE.parent), "PYTHONPATH": str(PACKAGE.parent)}
    if module == "mypy":
        cache = ROOT / ".mypy_cache"
        command = ["--strict", "--no-error-summary", "--config-file=", f"--cache-dir={cache}"]
    else:
        command = ["--pythonpath", sys.executable, "--outputjson"]
    done = subprocess.run(
        [sys.executable, "-m", module, *command, str(wrong)],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
        cwd=tmp_path,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    if module == "mypy":
        lines = [int(number) for number in re.findall(r"^wrong\.py:(\d+): error", done.stdout, re.MULTILINE)]
    else:
        diagnostics = json.loads(done.stdout)["generalDiagnostics"]
        lines = [each["range"]["start"]["line"] + 1 for each in diagnostics if each["severity"] == "error"]
    assert sorted(set(lines)) == WRONG_LINES, done.stdout


def test_pyright_finds_the_types_of_the_package_complete_and_misses_one_that_is_not(tmp_path: Path) -> None:
    copy = tmp_path / "longshore"
    for path in [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.pyi"), PACKAGE / "py.typed"]:
        (copy / path.relative_to(PACKAGE)).parent.mkdir(parents=True, exist_ok=True)
        (copy / path.relative_to(PACKAGE)).write_bytes(path.read_bytes())
    assert _completeness(tmp_path) == (0, 1.0)
    with (copy / "_native.pyi").open("a", encoding="utf-8") as stub:
        stub.write("\ndef guess(what): ...\n")
    opened = copy / "__init__.py"
    opened.write_text(opened.read_text(encoding="utf-8") + "\nfrom longshore._native import guess as guess\n")
    status, score = _completeness(tmp_path)
    assert status == 1
    assert score < 1


def _completeness(folder: Path) -> tuple[int, float]:
    # For this it finds other packages by the python on the PATH, whatever --pythonpath says.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--verifytypes", "longshore", "--ignoreexternal", "--outputjson"],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(folder), "PATH": path},
        cwd=folder,
    )
    return done.returncode, json.loads(done.stdout)["typeCompleteness"]["completenessScore"]


def test_every_public_module_is_one_of_these() -> None:
    names = [
        module.name
        for module in pkgutil.walk_packages(longshore.__path__, "longshore.")
        if not any(part.startswith("_") for part in module.name.split("."))
    ]
    assert names == [
        "longshore.auth",
        "longshore.auth.azure",
        "longshore.auth.boto3",
        "longshore.auth.google",
        "longshore.exceptions",
        "longshore.fsspec",
        "longshore.obs",
        "longshore.store",
        "longshore.testing",
        "longshore.testing.plugin",
        "longshore.types",
        "longshore.zarr",
    ]
    for name in names:
        importlib.import_module(name)


def test_wrong_types_are_refused_at_run_time_too() -> None:
    calls: list[Callable[[typing.Any], object]] = [
        longshore.get,
        lambda value: longshore.get_many([value]),
        lambda value: longshore.store_for("s3://bucket", region=value),
    ]
    for call in calls:
        with pytest.raises((ArgumentTypeError, InvalidArgumentError)):
            call([])
