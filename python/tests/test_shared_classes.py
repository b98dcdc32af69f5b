"""Classes that modules share: `examples/shared-classes`, one base module and derived modules with PyO3 0.23, 0.26 and 0.30."""

from __future__ import annotations

import copy
import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import pickle
import re
import shutil
import struct
import subprocess
import sys
import threading
import types
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
DERIVED = ("series_smooth", "series_smooth_23", "series_smooth_26")


def _module(name: str) -> Any:
    """The module of that name; without it a test is skipped, and fails where CI is true."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        message = f"{error}; `make shared-classes` installs it"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def base() -> Any:
    return _module("series_base")


@pytest.fixture(scope="module", params=DERIVED)
def derived(request: pytest.FixtureRequest) -> Any:
    return _module(request.param)


@pytest.fixture(scope="module")
def checks() -> Any:
    return _module("series_checks")


@pytest.fixture(scope="module", params=["series_checks", *DERIVED[1:]])
def every(request: pytest.FixtureRequest) -> Any:
    """A module with the class `Every`, by PyO3 0.30, 0.23 and 0.26."""
    return _module(request.param)


@pytest.fixture(scope="module")
def pair() -> tuple[Any, Any]:
    return _module("pair_base"), _module("pair_turn")


def _load(checks: Any, name: str) -> types.ModuleType:
    """Imports a module that is in the file of the native module `series_checks`, too."""
    loader = importlib.machinery.ExtensionFileLoader(name, checks.series_checks.__file__)
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def _refused(checks: Any, name: str) -> ImportError:
    with pytest.raises(ImportError) as raised:
        _load(checks, name)
    return raised.value


def test_the_type_is_one_whatever_pyo3_made_the_object(base: Any) -> None:
    modules = [_module(name) for name in DERIVED]
    for module in modules:
        made = module.ramp(3, 0.5)
        assert type(made) is base.Series
        assert module.series_type() is base.Series
        for other in modules:
            assert other.is_series(made)
            assert other.mean(made) == 0.5
            smoothed = other.smooth(made, module.even_window(1))
            assert (type(smoothed), smoothed.label, list(smoothed)) == (base.Series, ", smoothed", [0.25, 0.5, 0.75])


def test_every_module_reads_the_numbers_where_they_are(base: Any, derived: Any) -> None:
    series = base.Series([1.0, 2.0, 4.0], start=10.0, step=0.1, label="tide")
    array = np.asarray(series)
    assert derived.address(series) == series.address == array.__array_interface__["data"][0]
    assert (str(array.dtype), array.tolist(), array.flags.writeable) == ("float64", [1.0, 2.0, 4.0], False)
    del series
    gc.collect()
    assert array.sum() == 7.0
    made = derived.ramp(4, 2.0)
    assert np.asarray(made).tolist() == [0.0, 2.0, 4.0, 6.0]
    assert np.asarray(derived.ramp(0, 1.0)).size == 0
    with pytest.raises(TypeError, match="read-write"):
        struct.pack_into("d", made, 0, 1.0)


def test_numbers_that_a_derived_module_made_outlive_every_reference_to_it(base: Any, derived: Any) -> None:
    array = np.asarray(derived.smooth(base.Series(range(1000)), base.Window(1)))
    gc.collect()
    assert array[1:-1].tolist() == list(range(1, 999))


def test_lent_numbers_can_be_read_without_the_interpreter(base: Any) -> None:
    series = base.Series([1.0, 8.0, 3.0])
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(_module("series_smooth").greatest, [series] * 200)) == {8.0}


def test_what_is_no_object_of_the_class_is_a_type_error_that_names_both_types(base: Any, derived: Any) -> None:
    class Liar:
        def __getattribute__(self, name: str) -> Any:
            return base.Series if name == "__class__" else object.__getattribute__(self, name)

    assert isinstance(Liar(), base.Series)
    for wrong in ([1.0], None, base.Series, base.Window(1), Liar()):
        assert not derived.is_series(wrong)
        with pytest.raises(
            TypeError, match=r"expected an object of <class 'series_base\.Series'>, found one of <class"
        ):
            derived.mean(wrong)
    with pytest.raises(TypeError, match=r"expected an object of <class 'series_base\.Window'>"):
        derived.smooth(base.Series([1.0]), base.Series([1.0]))


def test_another_class_of_the_same_name_is_called_a_copy(derived: Any) -> None:
    twin = type("Series", (), {"__module__": "series_base"})
    with pytest.raises(TypeError, match="another copy of the class: it was compiled into two modules"):
        derived.mean(twin())


def test_a_subclass_in_python_goes_wherever_its_base_goes(base: Any, derived: Any) -> None:
    class Tide(base.Series):  # type: ignore[misc]
        """With attributes of its own."""

    tide = Tide([3.0, 5.0], label="Husum")
    tide.place = "harbour"
    assert derived.is_series(tide)
    assert derived.mean(tide) == 4.0
    assert derived.smooth(tide, base.Window(0)).label == "Husum, smoothed"
    assert tide.place == "harbour"


def test_fields_are_set_and_read_across_modules(base: Any, derived: Any) -> None:
    window = base.Window(2)
    derived.set(window, 5, 0.25)
    assert (window.width, window.weight, derived.width(window)) == (5, 0.25, 5)
    window.width = 7
    assert derived.widen(window, 3) == 7
    assert derived.width(window) == window.width == 10
    even = derived.even_window(4)
    assert (type(even), even.width, even.weight) == (base.Window, 4, 1.0)


def test_getters_and_setters_respect_the_borrow_flag_of_the_base_module(base: Any, derived: Any) -> None:
    window = base.Window(2)
    for action in (
        lambda: derived.width(window),
        lambda: derived.set(window, 1, 1.0),
        lambda: derived.widen(window, 1),
        lambda: derived.smooth(base.Series([1.0]), window),
    ):
        with pytest.raises(RuntimeError, match=r"[Aa]lready (mutably )?borrowed"):
            window.edit(action)
    assert window.edit(lambda: 1) == 1
    assert derived.widen(window, 1) == 2


def test_exceptions_of_the_base_module_arrive_as_they_are(base: Any, derived: Any) -> None:
    with pytest.raises(IndexError, match="there is no number 2 in a series of 2"):
        derived.at(base.Series([1.0, 2.0]), 2)
    with pytest.raises(ValueError, match="a series goes on by a positive step, not by -1"):
        derived.ramp(3, -1.0)
    window = base.Window(2)
    with pytest.raises(OverflowError, match="is too wide"):
        derived.widen(window, 2**32 - 1)
    assert window.width == 2


def test_every_kind_of_argument_and_result_crosses(every: Any) -> None:
    thing = every.Every("one")
    assert [getattr(every, "not")(thing, value) for value in (True, False)] == [False, True]
    assert every.doubled(thing, [1, -2, 16_000]) == [2, -4, 32_000]
    assert every.doubled(thing, []) == []
    assert every.table(thing) == 31
    assert every.sum(thing, -(2**40), 255, 0.5) == -(2**40) + 255.5
    every.set_text(thing, "größer")
    assert every.text(thing) == "größer"
    assert every.text(getattr(every, "with")("new")) == "new"
    with pytest.raises(ValueError, match=r"^no text$"):
        getattr(every, "with")("")
    with pytest.raises(ValueError, match=r"^for a reason$"):
        every.fail(thing, "for a reason")


def test_a_panic_of_the_base_module_is_an_exception_and_leaves_the_object_usable(
    every: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    thing = every.Every("one")
    with pytest.raises(RuntimeError, match=r"^Every\.panic panicked: the end of one$"):
        every.panic(thing)
    assert "the end of one" in capfd.readouterr().err
    every.set_text(thing, "two")
    assert every.text(thing) == "two"


BOTH = r"series-checks 1\.0\.0 cannot use the class series_base\.Series of series-base 1\.4\.0: .*"
VERSIONS = r".*series-core 1\.2\.0 \(ABI 1\), and this one with series-checks 1\.0\.0 \(ABI {}\)"


@pytest.mark.parametrize(
    ("name", "reason", "abi"),
    [
        ("other_layout", "the layout of the class's data differs", 1),
        ("other_method", "the declarations of the method `labelled` differ", 1),
        ("other_abi", "the ABI numbers of the class differ", 2),
        ("later", "that module has no method `resampled` yet", 1),
    ],
)
def test_a_mismatch_is_an_import_error_that_names_both_packages_and_both_versions(
    base: Any, checks: Any, name: str, reason: str, abi: int
) -> None:
    with pytest.raises(ImportError, match=BOTH + reason + VERSIONS.format(abi)):
        _load(checks, name)


def test_an_importer_from_before_methods_were_added_goes_on_working(base: Any, checks: Any) -> None:
    assert _load(checks, "earlier").__name__ == "earlier"


def test_python_code_cannot_talk_the_check_out_of_it(base: Any, checks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "__version__", (1, 0, 0, 2), raising=False)
    monkeypatch.setattr(base.Window, "__version__", (1, 0, 0, 2), raising=False)
    assert "the ABI numbers of the class differ" in str(_refused(checks, "other_abi"))


def test_a_module_that_is_not_the_one_is_refused_and_named(
    base: Any, checks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = _refused(checks, "elsewhere")
    assert "series-checks 1.0.0 cannot use the class series_elsewhere.Series: the module could not be imported" in str(
        missing
    )
    assert isinstance(missing.__cause__, ModuleNotFoundError)

    imposter: Any = types.ModuleType("series_elsewhere")
    monkeypatch.setitem(sys.modules, "series_elsewhere", imposter)
    bare = _refused(checks, "elsewhere")
    assert "the module has no `_shared_Series`" in str(bare)
    assert isinstance(bare.__cause__, AttributeError)

    datetime_capsule = importlib.import_module("_datetime").datetime_CAPI
    for junk in (5, "text", None, datetime_capsule):
        imposter._shared_Series = junk
        assert "`_shared_Series` is not the capsule of a shared class" in str(_refused(checks, "elsewhere"))

    for name in ("Series", "Window"):
        imposter._shared_Series = getattr(base, f"_shared_{name}")
        assert f"the capsule is that of series_base.{name}" in str(_refused(checks, "elsewhere"))


def test_an_interrupted_import_is_an_interrupt(checks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(importlib.abc.MetaPathFinder):
        def find_spec(
            self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
        ) -> importlib.machinery.ModuleSpec | None:
            if fullname == "series_elsewhere":
                raise KeyboardInterrupt
            return None

    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
    with pytest.raises(KeyboardInterrupt):
        _load(checks, "elsewhere")


def _run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_derived_module_brings_its_base_along_and_says_what_is_missing_without(derived: Any) -> None:
    name = derived.__name__
    assert _run(f"import {name}, sys; print({name}.ramp(2, 1.0), 'series_base' in sys.modules)").endswith("True\n")
    program = f"""
import sys
sys.modules["series_base"] = None
try:
    import {name}
except ImportError as error:
    print(error)
    print(repr(error.__cause__))
"""
    message = _run(program)
    assert f"{name.replace('_', '-')} 0.3.0 cannot use the class series_base.Series" in message
    assert "Install the package that has it, for series-core 1.2.0 (ABI 1)" in message
    assert "ModuleNotFoundError" in message


def test_the_program_of_the_guide_prints_what_the_guide_says(base: Any) -> None:
    folder = Path(__file__).resolve().parents[2] / "examples" / "shared-classes" / "programs"
    program = (folder / "series.py").read_text(encoding="utf-8")
    assert _run(program) == (folder / "series.txt").read_text(encoding="utf-8")


def test_threads_share_objects_across_modules(base: Any) -> None:
    modules = [_module(name) for name in DERIVED]
    series = base.Series(range(200))
    windows = [base.Window(0) for _ in range(4)]
    start = threading.Barrier(len(modules) * 2)

    def work(module: Any) -> int:
        start.wait(timeout=30)
        wider = 0
        for turn in range(400):
            assert module.mean(series) == 99.5
            assert len(module.smooth(series, base.Window(1))) == 200
            module.widen(windows[turn % 4], 1)
            wider += 1
        return wider

    with ThreadPoolExecutor(len(modules) * 2) as threads:
        total = sum(threads.map(work, modules * 2))
    assert sum(window.width for window in windows) == total == 2400


def test_pickling_says_what_to_do(base: Any, derived: Any) -> None:
    series = derived.ramp(3, 1.0)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match=r"cannot be pickled: pickle numpy\.asarray\(series\)"):
            attempt(series)
    assert pickle.loads(pickle.dumps(np.asarray(series))).tolist() == [0.0, 1.0, 2.0]


def test_cycles_through_shared_objects_are_collected(base: Any, derived: Any) -> None:
    class Tide(base.Series):  # type: ignore[misc]
        """Can refer to itself."""

    before = base.live()
    kept = [base.Series([1.0]) for _ in range(5)]
    assert base.live() == before + 5
    del kept
    window = derived.even_window(1)
    window.note = [window]
    tide = Tide([1.0])
    tide.itself = tide
    derived.mean(tide)
    derived.width(window)
    dead = weakref.ref(window)
    del window, tide
    gc.collect()
    assert dead() is None
    assert base.live() == before


def _resident() -> int:
    """Bytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@linux
def test_a_million_conversions_leave_nothing_behind(base: Any, derived: Any) -> None:
    many = 1_000_000
    series = base.Series([2.0])

    def both(count: int) -> None:
        assert derived.casts(series, count) == 2.0 * count
        derived.creations(count)

    both(10_000)
    gc.collect()
    before = {"live": base.live(), "references": sys.getrefcount(series), "memory": _resident()}
    both(many)
    assert (base.live(), sys.getrefcount(series)) == (before["live"], before["references"])
    # One lost allocation each would be sixteen times as much, at least.
    assert _resident() - before["memory"] < 2**20


def _kept(folder: Path, *arguments: int) -> int:
    """Blocks of memory that were still there when `shared_programs.py` had ended, as valgrind counts them."""
    log, program = folder / "-".join(map(str, arguments)), Path(__file__).with_name("shared_programs.py")
    command = ["valgrind", f"--log-file={log}", sys.executable, str(program), *map(str, arguments)]
    settings = {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    text = log.read_text(encoding="utf-8", errors="replace")
    assert "Invalid read" not in text
    assert "Invalid write" not in text
    in_use = re.search(r"in use at exit: [\d,]+ bytes in ([\d,]+) blocks", text)
    assert in_use is not None, text
    return int(in_use[1].replace(",", ""))


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_valgrind_finds_nothing_more_left_after_many_conversions_than_after_few(
    pair: tuple[Any, Any], tmp_path: Path
) -> None:
    for name in DERIVED:
        _module(name)
    with ThreadPoolExecutor(3) as threads:
        runs = [threads.submit(_kept, tmp_path, *arguments) for arguments in ((100,), (1000,), (100, 50))]
        few, many, losing = [run.result() for run in runs]
    assert many == few
    # An object, its vector, and the box around that.
    assert losing >= few + 3 * 50


def test_values_cross_in_capsules_between_two_wheels(pair: tuple[Any, Any]) -> None:
    pair_base, pair_turn = pair
    output = pair_turn.run(pair_base.Input(1, 3))
    assert type(output) is pair_base.Output
    assert output == pair_base.Output(-3, 1)
    output.x = 8
    assert output == pair_base.Output.__from_capsule__(output.__capsule__())
    assert output != pair_base.Output(-3, 1)


def test_a_capsule_can_be_taken_again_and_outlives_its_object(pair: tuple[Any, Any]) -> None:
    pair_base, _ = pair
    capsule = pair_base.Input(2**31 - 1, -(2**31)).__capsule__()
    gc.collect()
    for _ in range(2):
        assert pair_base.Input.__from_capsule__(capsule) == pair_base.Input(2**31 - 1, -(2**31))


def test_what_is_no_such_capsule_is_a_type_error(base: Any, pair: tuple[Any, Any]) -> None:
    pair_base, pair_turn = pair
    foreign = importlib.import_module("_datetime").datetime_CAPI
    for wrong in (None, 5, pair_base.Input(1, 2), foreign, base._shared_Series):
        with pytest.raises(TypeError, match=r"pair-base 1\.1\.0 cannot take the value Input: this is no capsule"):
            pair_base.Input.__from_capsule__(wrong)
    with pytest.raises(TypeError, match="it is the value Output of pair-base"):
        pair_base.Input.__from_capsule__(pair_base.Output(1, 2).__capsule__())
    with pytest.raises(TypeError, match="it is the value Output of pair-base"):
        pair_turn.run(pair_base.Output(1, 2))


def test_a_reassigned_version_does_not_let_another_abi_in(
    pair: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair_base, pair_turn = pair
    assert pair_base.__version__ == (1, 1, 0, 1)
    monkeypatch.setattr(pair_base, "__version__", (0, 9, 0, 0))
    for attempt in (1, 2):
        with pytest.raises(
            ImportError,
            match=r"pair-turn 0\.2\.0 .* the ABI numbers differ; it is Input of pair-base 1\.1\.0, "
            r"built with pair-ffi 1\.1\.0 \(ABI 1\), and .* \(ABI 0\)",
        ):
            pair_turn.run_old(pair_base.Input(attempt, 2))
    assert pair_turn.run(pair_base.Input(1, 3)) == pair_base.Output(-3, 1)


def test_a_module_that_compares_the_version_says_so_at_import(pair: tuple[Any, Any]) -> None:
    program = """
import pair_base
pair_base.__version__ = (2, 0, 0, 2)
try:
    import pair_turn
except ImportError as error:
    print(error)
"""
    expected = "pair-turn 0.2.0 needs pair-base with ABI 1, and pair-base 2.0.0 with ABI 2 is installed\n"
    assert _run(program) == expected


@linux
def test_a_million_capsules_leave_nothing_behind(pair: tuple[Any, Any]) -> None:
    pair_base, _ = pair
    value = pair_base.Input(1, 2)

    def cross(count: int) -> None:
        take: Callable[[Any], Any] = pair_base.Input.__from_capsule__
        give = value.__capsule__
        for _ in range(count):
            take(give())

    cross(10_000)
    before = _resident()
    cross(1_000_000)
    assert _resident() - before < 2**20
