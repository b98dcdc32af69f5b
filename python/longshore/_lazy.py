"""Modules that annotations name and few programs need.

Annotations are texts until somebody evaluates them, as ``typing.get_type_hints`` and documentation tools do. The names in them
must then be found in the module that has them, and importing them for that alone would make ``import longshore`` several times
slower. The modules here are imported when something is first asked of them.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    import datetime
    import typing
    from collections import abc

    import numpy.typing as npt

    from longshore import types
else:

    class _Lazy(type(sys)):
        """Stands for the module of its name."""

        def __getattr__(self, attribute):
            # A list of names to import makes `__import__` give the module itself rather than its topmost package.
            return getattr(__import__(self.__name__, fromlist=[attribute]), attribute)

    abc = _Lazy("collections.abc")
    asyncio = _Lazy("asyncio")
    datetime = _Lazy("datetime")
    npt = _Lazy("numpy.typing")
    types = _Lazy("longshore.types")
    typing = _Lazy("typing")

__all__ = ["abc", "asyncio", "datetime", "npt", "types", "typing"]
