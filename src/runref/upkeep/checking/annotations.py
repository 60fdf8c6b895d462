"""What was added to runs later, and what was said of forgotten ones: schema, and path against id.

Annotations and tombstones lie alike: one YAML document a file, below the path of its run.
"""

from __future__ import annotations

from collections.abc import Iterator

from runref.errors import RunrefError
from runref.git.format import FILE
from runref.git.objects import ObjectStore, TreeEntry
from runref.model.codec import load_yaml
from runref.model.damage import NOT_RUNREF, Damage
from runref.model.record import FORMAT
from runref.model.schema import validate
from runref.model.times import parse_time
from runref.store.claims import unreadable
from runref.store.runs_ref import StoredRun


def check_documents(
    objects: ObjectStore, folder: StoredRun, kind: str, above: str
) -> Iterator[Damage]:
    """Yield what is wrong with the documents that were added to one run.

    Args:
        objects: Where they are.
        folder: The run's id, and the tree of the folder with its documents.
        kind: Which schema they follow: ``annotation`` or ``tombstone``.
        above: Path of the folder in the ref.
    """
    try:
        entries = objects.read_tree(folder.tree)
    except RunrefError as error:
        yield unreadable(folder.id, above, folder.tree, error)
        return
    for entry in entries:
        name = entry.name.decode("utf-8", "backslashreplace")
        yield from _check(objects, folder.id, kind, f"{above}/{name}", entry)


def _check(
    objects: ObjectStore, run_id: str, kind: str, place: str, entry: TreeEntry
) -> Iterator[Damage]:
    if entry.mode != FILE or not entry.name.endswith(b".yaml"):
        message = "it is no YAML file"
        yield Damage("unknown-entry", run_id, place, entry.oid, message, NOT_RUNREF)
        return
    try:
        data = objects.read_blob(entry.oid)
    except RunrefError as error:
        yield unreadable(run_id, place, entry.oid, error)
        return
    try:
        document = load_yaml(data)
        format_number = document.get("format")
        if type(format_number) is int and format_number > FORMAT:
            message = f"its format is {format_number}, and this runref reads up to {FORMAT}"
            hint = "a newer runref reads it: `pip install -U runref`"
            yield Damage(f"{kind}-format", run_id, place, entry.oid, message, hint)
            return
        validate(kind, document)
        parse_time(document["time"])
    except RunrefError as error:
        yield Damage(f"{kind}-invalid", run_id, place, entry.oid, error.message, NOT_RUNREF)
        return
    except ValueError as error:
        yield Damage(f"{kind}-invalid", run_id, place, entry.oid, str(error), NOT_RUNREF)
        return
    if document["run"] != run_id:
        message = f"it speaks of run {document['run']}"
        yield Damage(f"{kind}-run", run_id, place, entry.oid, message, NOT_RUNREF)
