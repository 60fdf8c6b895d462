"""What was pushed to an empty remote and fetched into an empty store is what it was."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.artifacts.transfer.parts import Workshop, verified

from runref.artifacts.remote.location import open_remote
from runref.artifacts.transfer.fetch import fetch
from runref.artifacts.transfer.push import push

contents = st.binary(max_size=3) | st.sampled_from([b"", b"shared", b"large" * 300_000])
names = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8
).filter(lambda name: name not in (".", ".."))
# Every path begins with the depth it has, so that no path is the folder of another.
paths = st.lists(names, min_size=1, max_size=3).map(
    lambda parts: f"{len(parts)}/" + "/".join(parts)
)
trees = st.dictionaries(paths, contents | st.none() | st.just("1"), max_size=8)


@pytest.mark.slow
@settings(max_examples=25)
@given(st.lists(trees | contents, max_size=4), st.integers(1, 20))
def test_everything_comes_back(things, concurrency):
    with tempfile.TemporaryDirectory() as folder:
        here, there = (Path(folder) / name for name in ("here", "there"))
        here.mkdir()
        there.mkdir()
        source, target = Workshop(here), Workshop(there)
        wanted = [
            source.file(each) if isinstance(each, bytes) else source.tree(each) for each in things
        ]
        remote = open_remote(f"{folder}/remote")

        pushed = push(source.local, remote, wanted, concurrency=concurrency)
        fetched = fetch(target.local, [remote], wanted, concurrency=concurrency)

        assert pushed.is_complete
        assert fetched.is_complete
        assert fetched.received == pushed.sent
        assert fetched.received_bytes == pushed.sent_bytes
        assert (
            verified(Path(folder) / "remote")
            == verified(here / "store")
            == verified(there / "store")
        )
        for each in wanted:
            assert target.restored(each) == source.restored(each)
