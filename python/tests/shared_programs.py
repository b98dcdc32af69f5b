"""Crosses between the modules of `examples/shared-classes` again and again, for valgrind: `shared_programs.py COUNT [LOST]`.

With LOST, that many objects lose their last owner without being freed: the control.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import sys
from contextlib import suppress
from typing import Any

base: Any = importlib.import_module("series_base")
pair: Any = importlib.import_module("pair_base")
MODULES: list[Any] = [
    importlib.import_module(name) for name in ("series_smooth", "series_smooth_23", "series_smooth_26")
]


def cross(module: Any, count: int) -> None:
    """What modules do with each other's objects, and what they refuse."""
    series, window = base.Series([1.0, 2.0, 3.0], label="tide"), base.Window(1)
    module.casts(series, count)
    module.creations(count)
    for _ in range(count // 10):
        module.smooth(series, window)
        module.set(window, 2, 0.5)
        module.widen(window, 1)
        module.set(window, 1, 0.5)
        with suppress(TypeError):
            module.mean(5)
        with suppress(IndexError):
            module.at(series, 9)


def share(module: Any, count: int) -> None:
    """Every kind of method of a class of the module itself."""
    thing = module.Every("one")
    for _ in range(count // 10):
        module.doubled(thing, [1, 2])
        module.set_text(thing, module.text(thing))
        getattr(module, "with")("two")
        with suppress(ValueError):
            getattr(module, "with")("")


def main(count: int, lost: int = 0) -> None:
    for module in MODULES:
        cross(module, count)
    for module in MODULES[1:]:
        share(module, count)
    for _ in range(count):
        pair.Input.__from_capsule__(pair.Input(1, 2).__capsule__())
    for _ in range(lost):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(base.Series([1.0])))
    gc.collect()


main(*map(int, sys.argv[1:]))
