"""Room for arrays that the native module decodes. Imports NumPy, so it is itself imported on first use."""

from __future__ import annotations

import ast

import numpy as np

from longshore.exceptions import GenericError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray


def allocate(descr: str, fortran_order: bool, shape: list[int], size: int) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """An array as a ``.npy`` header describes it, and the memory beneath it as ``size`` plain bytes.

    ``descr`` is the Python literal of the header. The format is NumPy's, described in NEP 1.
    """
    try:
        dtype: np.dtype[Any] = np.lib.format.descr_to_dtype(ast.literal_eval(descr))
    except (LookupError, SyntaxError, TypeError, ValueError) as error:
        raise GenericError(f"the array's type {descr} is none that NumPy knows") from error
    if dtype.hasobject:
        raise GenericError(
            f"the array holds pickled Python objects ({dtype}), which are not read: loading them can run code"
        )
    expected = dtype.itemsize
    for length in shape:
        expected *= length
    if expected != size:
        raise GenericError(f"the array {tuple(shape)} of {dtype} needs {expected} bytes, and the file has {size}")
    try:
        memory = np.zeros(size, np.uint8)
    except (MemoryError, ValueError) as error:
        raise GenericError(f"there is not enough memory for the array {tuple(shape)} of {dtype}") from error
    array = np.ndarray(shape, dtype, buffer=memory, order="F" if fortran_order else "C")
    return array, memory
