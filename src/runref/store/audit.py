"""Looking at a history that came from elsewhere, before anything of it counts here.

Git has checked by then that every object is what its name says. What it cannot know is whether the
trees are those of a runs ref: that nothing lies where runref would not have put it, that a record
is that of the run under whose id it stands, and that nothing is so large that reading it hurts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from runref.errors import ExitStatus, RunrefError
from runref.git.bulk import Content, read_each
from runref.git.format import decode_tree
from runref.git.objects import ObjectStore, TreeEntry
from runref.model.ids import is_run_id, run_path
from runref.model.merge import Item, Kind
from runref.model.series import parse_segment_name
from runref.store.differences import RUN_DEPTH, forgotten_runs
from runref.store.recorded import UnreadableRun, read_record
from runref.store.runs_ref import check_format
from runref.store.trees import BLOB, TREE

_LARGEST_TREE = 32 << 20
"""Bytes: some 500,000 runs in one of a day's sixteen folders."""
_LARGEST_DOCUMENT = 16 << 20
"""Bytes of a record or an annotation."""
_READ_FULLY = 1000
"""Up to so many new runs, each record is parsed; of more, each is searched for its id, as parsing
takes 1 ms. The index parses all of them, and names those it cannot read."""

_FOLDERS = (
    re.compile(rb"[0-9]{4}-[0-9]{2}"),
    re.compile(rb"[0-9]{2}"),
    re.compile(rb"[0-9a-f]"),
    re.compile(rb"[0-9]{8}-[0-9a-f]{12}"),
)
_ADDED_FILE = re.compile(rb"[^./\x00-\x20\x7f][^/\x00-\x20\x7f]{0,200}\.yaml")
_RUN_FILES = re.compile(rb"run\.yaml|console\.log|environment\.yaml|damaged\.rank-[0-9]+\.txt")
_SEGMENTS = re.compile(rb"(?:metrics|system)[A-Za-z0-9.-]*\.jsonl")
_ID_LINE = re.compile(rb"^id: *['\"]?([^'\"\r\n]*)['\"]? *\r?$", re.MULTILINE)


ReadMany = Callable[[Sequence[str], int], Iterator[Content | None]]
"""Reads objects up to a size; see `runref.git.bulk.read_each`."""


class HistoryRefused(RunrefError):
    """A history that came from elsewhere is not what runref writes."""

    code = "history-refused"
    exit_status = ExitStatus.NO


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What a history from elsewhere holds that ours does not.

    Attributes:
        runs: Record hash by id.
        annotations: How many files of annotations.
        tombstones: Runs that were forgotten there.
    """

    runs: dict[str, str]
    annotations: int
    tombstones: tuple[str, ...]


def audit(
    objects: ObjectStore, known: str, root: str, read_many: ReadMany | None = None
) -> Arrivals:
    """Look at what a root tree holds that a known one does not.

    Args:
        objects: Where the trees are.
        known: A root tree of our own; empty: there is none.
        root: The one that came from elsewhere.
        read_many: Reads many of the objects; none: one after the other.

    Raises:
        HistoryRefused: something is not as runref writes it; the message names it.
        UnsupportedFormat, DamagedRef: as for every runs ref.
        ObjectMissing, ObjectDamaged: it is not whole.
    """
    check_format(objects, root)
    before, after = _entries(objects, known, "/"), _entries(objects, root, "/")
    found: dict[Item, str] = {}
    for name, entry in after.items():
        if name == b"FORMAT":
            continue
        kind = next((each for each in Kind if each.value.encode() == name), None)
        if kind is None or entry.mode != TREE:
            raise _refused(_shown(name), "nothing like this belongs into a runs ref")
        old = before[name].oid if name in before else ""
        found.update(_items(objects, kind, old, entry.oid))
    runs = {item.run: oid for item, oid in found.items() if item.kind is Kind.RUN}
    for run_id in sorted(forgotten_runs(objects, root) & runs.keys()):
        raise _refused(run_id, "it was forgotten there and is there all the same")
    _check_runs(objects, runs, read_many or partial(read_each, objects))
    return Arrivals(
        runs,
        sum(item.kind is Kind.ANNOTATION for item in found),
        tuple(sorted({item.run for item in found if item.kind is Kind.TOMBSTONE})),
    )


def _items(objects: ObjectStore, kind: Kind, old: str, new: str) -> Iterator[tuple[Item, str]]:
    for path, entry in _new_entries(objects, old, new, (kind.value,)):
        run_id = path[-1]
        if entry.mode != TREE or not is_run_id(run_id) or run_path(run_id) != path[1:]:
            raise _refused("/".join(path), "no run with this id belongs there")
        if kind is Kind.RUN:
            yield Item(kind, run_id), entry.oid
            continue
        for name, file in _entries(objects, entry.oid, "/".join(path)).items():
            if file.mode != BLOB or not _ADDED_FILE.fullmatch(name):
                raise _refused(f"{'/'.join(path)}/{_shown(name)}", "it is no file of runref's")
            if objects.size(file.oid) > _LARGEST_DOCUMENT:
                raise _refused(f"{'/'.join(path)}/{_shown(name)}", "it is too large")
            yield Item(kind, run_id, name.decode()), file.oid


def _new_entries(
    objects: ObjectStore, old: str, new: str, above: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], TreeEntry]]:
    """Yield the folders of runs that are new or another one, with their paths."""
    if old == new:
        return
    level = len(above)
    before = {} if not old else _entries(objects, old, "/".join(above))
    for name, entry in _entries(objects, new, "/".join(above)).items():
        if before.get(name) == entry:
            continue
        if entry.mode != TREE or not _FOLDERS[level - 1].fullmatch(name):
            raise _refused("/".join((*above, _shown(name))), "nothing like this belongs there")
        path = (*above, name.decode())
        if level == RUN_DEPTH:
            yield path, entry
        else:
            known = before[name].oid if name in before else ""
            yield from _new_entries(objects, known, entry.oid, path)


def _check_runs(objects: ObjectStore, runs: Mapping[str, str], read_many: ReadMany) -> None:
    records: dict[str, str] = {}
    trees = read_many(list(runs.values()), _LARGEST_TREE)
    for (run_id, tree), found in zip(runs.items(), trees, strict=True):
        body = _content(found, "tree", run_id)
        entries = _by_name(decode_tree(body, len(tree) // 2), run_id)
        records[run_id] = _record_among(entries, run_id)
    texts = read_many(list(records.values()), _LARGEST_DOCUMENT)
    for run_id, found in zip(records, texts, strict=True):
        ids = _ID_LINE.findall(_content(found, "blob", f"{run_id}/run.yaml"))
        if len(runs) <= _READ_FULLY or len(ids) != 1:
            try:
                read_record(objects, run_id, runs[run_id])
            except UnreadableRun as error:
                raise _refused(run_id, error.message) from error
        elif ids[0].decode("utf-8", "replace").strip() != run_id:
            raise _refused(run_id, "its record is that of another run")


def _record_among(entries: Mapping[bytes, TreeEntry], run_id: str) -> str:
    for name, entry in entries.items():
        wanted = TREE if name == b"code" else BLOB
        if entry.mode != wanted or not (name == b"code" or _is_run_file(name)):
            raise _refused(f"{run_id}/{_shown(name)}", "no record of a run holds this")
    if b"run.yaml" not in entries:
        raise _refused(run_id, "it has no run.yaml")
    return entries[b"run.yaml"].oid


def _content(found: Content | None, kind: str, where: str) -> bytes:
    if found is None:
        raise _refused(where, "it is too large")
    if found[0] != kind:
        raise _refused(where, f"it is a {found[0]}, where a {kind} should be")
    return found[1]


def _is_run_file(name: bytes) -> bool:
    if _SEGMENTS.fullmatch(name):
        return name.startswith(b"system") or bool(parse_segment_name(name.decode()))
    return bool(_RUN_FILES.fullmatch(name))


def _entries(objects: ObjectStore, tree: str, where: str) -> dict[bytes, TreeEntry]:
    if not tree:
        return {}
    size = objects.size(tree)
    if size > _LARGEST_TREE:
        raise _refused(where, f"its list of names alone takes {size:,} bytes")
    return _by_name(objects.read_tree(tree), where)


def _by_name(entries: Sequence[TreeEntry], where: str) -> dict[bytes, TreeEntry]:
    found = {entry.name: entry for entry in entries}
    if len(found) != len(entries):
        raise _refused(where, "it holds a name twice")
    return found


def _shown(name: bytes) -> str:
    """Return a stranger's name as a message can hold it: without control over a terminal."""
    return ascii(name.decode("utf-8", "backslashreplace"))[1:-1]


def _refused(where: str, why: str) -> HistoryRefused:
    return HistoryRefused(
        f"refused, as nothing runref writes: {where}: {why}",
        hint="Nothing was written. Ask whoever pushed it; `git log` of the remote's ref says who.",
    )
