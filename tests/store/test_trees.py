"""Many changes of a tree at once come to the same as one after another."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runref.git.format import FORMATS
from runref.git.objects import ObjectStore, TreeEntry
from runref.store.trees import BLOB, TreeEditor

NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.tuples(NAMES, NAMES, NAMES)  # of one length: none leads below another


@given(held=st.sets(PATHS), changes=st.dictionaries(PATHS, st.booleans()))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_at_once_or_one_by_one(
    tmp_path: Path, held: set[tuple[str, ...]], changes: dict[tuple[str, ...], bool]
) -> None:
    objects = ObjectStore(str(tmp_path), FORMATS["sha1"], fsync=False)
    old, new = objects.write_blob(b"old"), objects.write_blob(b"new")
    editor, start = TreeEditor(objects), ""
    for path in held:
        start = editor.insert(start, path, BLOB, old)
    wanted = start
    for path, stays in changes.items():
        wanted = editor.insert(wanted, path, BLOB, new) if stays else editor.remove(wanted, path)
    entries = {
        path: TreeEntry(b"", BLOB, new) if stays else None for path, stays in changes.items()
    }
    assert TreeEditor(objects).change(start, entries) == wanted
