"""The library alone, without the host."""

from pyo3_common import Input
from python_lib.lib import run

print(run(Input(1, 3)))
