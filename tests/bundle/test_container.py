"""The tar that a bundle is: written as the standard library writes it, read as nothing else."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.bundle.container import BLOCK, END, TarReader, encode_header, length_of, padding
from runref.bundle.errors import BundleDamaged

names = st.text("abcdef0123456789/._", min_size=1, max_size=100).filter(
    lambda name: not name.endswith("/")
)


def read_all(whole: bytes) -> list[tuple[str, bytes]]:
    reader, found = TarReader(io.BytesIO(whole)), []
    while header := reader.next():
        data = b""
        while chunk := reader.read(700):
            data += chunk
        found.append((header.name, data))
    return found


@given(name=names, size=st.integers(0, 1 << 60), seconds=st.integers(0, (1 << 33) - 1))
def test_headers_are_those_of_the_standard_library(name, size, seconds):
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, seconds, 0o644
    assert encode_header(name, size, seconds) == info.tobuf(tarfile.GNU_FORMAT, "utf-8")


@given(files=st.lists(st.tuples(names, st.binary(max_size=1500)), max_size=5))
def test_what_was_written_comes_back(files):
    parts = [encode_header(n, len(data), 0) + data + padding(len(data)) for n, data in files]
    whole = b"".join(parts) + END
    assert len(whole) == length_of(len(data) for _, data in files)
    assert read_all(whole) == files


def test_a_file_must_be_read_before_the_next():
    reader = TarReader(io.BytesIO(encode_header("a", 3, 0) + b"abc" + padding(3) + END))
    reader.next()
    with pytest.raises(ValueError, match="not read to its end"):
        reader.next()


def test_no_cut_in_a_header_or_a_file_gets_through():
    whole = encode_header("a", 3, 0) + b"abc" + padding(3)
    for end in range(2 * BLOCK):
        with pytest.raises(BundleDamaged):
            read_all(whole[:end])


def test_a_changed_header_is_damage():
    whole = bytearray(encode_header("a", 0, 0) + END)
    whole[0] ^= 1
    with pytest.raises(BundleDamaged, match="a header is none"):
        TarReader(io.BytesIO(bytes(whole))).next()
