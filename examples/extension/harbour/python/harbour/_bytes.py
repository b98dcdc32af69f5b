"""The class Bytes. The build script writes its type hints beside this."""

from ._harbour import Bytes as Bytes
