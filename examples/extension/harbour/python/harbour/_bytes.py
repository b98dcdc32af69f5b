"""The class Bytes. The build script writes its type hints beside this."""

from ._harbour import Bytes

__all__ = ["Bytes"]
