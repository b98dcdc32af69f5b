"""Writes the .npz files beside this script, which the reader's tests open. Run by hand: `python make.py`, NumPy 2."""

import io
import zipfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent

ARRAYS = {
    "float32": np.arange(6, dtype="<f4").reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6, dtype="<f8").reshape(2, 3)),
    "big_endian": np.arange(4, dtype=">i4"),
    "structured": np.array(
        [(1, b"ab", [1, 2]), (2, b"c", [3, 4])], dtype=[("a", "<i4"), ("b", "S3"), ("c", "<u2", (2,))]
    ),
    "unicode": np.array(["ab", "çde"]),
    "datetime": np.array(["2020-01-01", "NaT"], dtype="<M8[ns]"),
    "scalar": np.array(7, dtype="<i8"),
    "empty": np.zeros((0, 3), dtype="<f4"),
    "boolean": np.array([True, False, True]),
    "complex": np.array([1 + 2j]),
    "zeros": np.zeros(5000, dtype="u1"),
}


class Pipe(io.RawIOBase):
    """A file that can only be written forwards."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self.data += data
        return len(data)


def npy(array: np.ndarray, version: tuple[int, int]) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version)
    return file.getvalue()


def archive(name: str, method: int = zipfile.ZIP_STORED, **members: bytes) -> None:
    with zipfile.ZipFile(HERE / name, "w", method) as file:
        for member, data in members.items():
            file.writestr(member, data)


np.savez(HERE / "stored.npz", **ARRAYS)
np.savez_compressed(HERE / "compressed.npz", **ARRAYS)

pipe = Pipe()
np.savez(pipe, first=np.arange(3, dtype="<i8"), second=np.arange(2, dtype="<i8"))
(HERE / "streamed.npz").write_bytes(pipe.data)

# Names that look like other names, and arguments without one.
np.savez(
    HERE / "names.npz",
    np.array(0, dtype="u1"),
    **{"x.npy": np.array(1, dtype="u1"), "dir/x": np.array(2, dtype="u1"), "größe": np.array(3, dtype="u1")},
)

# Other versions of the header; version 3.0 is for names beyond Latin-1.
greek = np.array([(5,)], dtype=[("Ωμ", "<i4")])
python2 = b"{'descr': '<i8', 'fortran_order': False, 'shape': (2L,), }"
python2 = python2.ljust(117) + b"\n"
archive(
    "versions.npz",
    **{
        "one.npy": npy(np.arange(3, dtype="<i2"), (1, 0)),
        "two.npy": npy(np.arange(3, dtype="<i2"), (2, 0)),
        "three.npy": npy(greek, (3, 0)),
        "latin.npy": npy(np.array([(5,)], dtype=[("é", "<i4")]), (1, 0)),
        "python2.npy": b"\x93NUMPY\x01\x00"
        + len(python2).to_bytes(2, "little")
        + python2
        + np.arange(2, dtype="<i8").tobytes(),
    },
)

# Members that are no arrays, and methods that NumPy never uses.
archive("bzip2.npz", zipfile.ZIP_BZIP2, **{"a.npy": npy(np.arange(3), (1, 0))})
archive("lzma.npz", zipfile.ZIP_LZMA, **{"a.npy": npy(np.arange(3), (1, 0))})
archive(
    "mixed.npz",
    **{"README.txt": b"no array", "a.npy": npy(np.arange(3, dtype="<i8"), (1, 0)), "text.npy": b"no array either"},
)
archive("no_arrays.npz", **{"README.txt": b"no array"})
np.savez(HERE / "object.npz", a=np.array([{"any": "thing"}], dtype=object))

# Every number of the directory in its 64-bit form.
zipfile.ZIP64_LIMIT = 0
zipfile.ZIP_FILECOUNT_LIMIT = 0
np.savez(HERE / "zip64.npz", first=np.arange(3, dtype="<i8"), second=np.arange(2, dtype="<i8"))
