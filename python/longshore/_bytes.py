"""The class `Bytes`. Its hints are those that every module with the class has; see `longshore stubs`."""

from __future__ import annotations

from longshore._native import Bytes as Bytes
