"""The tree of the ref: its FORMAT, and every path against the id of its run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from runref.errors import RunrefError
from runref.git.format import FILE
from runref.git.objects import ObjectStore, TreeEntry
from runref.git.tree_rules import broken_rule
from runref.model.damage import NOT_RUNREF, Damage
from runref.model.ids import is_run_id, run_path
from runref.store.claims import unreadable
from runref.store.runs_ref import StoredRun, check_format

FOLDERS = ("runs", "annotations", "tombstones")
_RUN_DEPTH = 4  # YYYY-MM/DD/h/<id>


@dataclass(slots=True)
class Layout:
    """What the tree of the ref holds.

    Attributes:
        runs: Its runs.
        annotations: The folders of annotations, by their runs.
        tombstones: The folders of tombstones, by their runs.
        damage: What stands where it should not, or cannot be read.
        objects: How many git objects were read.
    """

    runs: list[StoredRun] = field(default_factory=list)
    annotations: list[StoredRun] = field(default_factory=list)
    tombstones: list[StoredRun] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)
    objects: int = 0


def read_layout(objects: ObjectStore, root: str) -> Layout:
    """Return what a root tree holds; nothing is raised, what is wrong is in the answer."""
    layout = Layout()
    try:
        check_format(objects, root)
        entries = objects.read_tree(root)
    except RunrefError as error:
        layout.damage.append(
            unreadable("", "", root, error)
            if error.code.startswith("object-")
            else Damage(error.code, "", "FORMAT", root, error.message, error.hint)
        )
        return layout
    layout.objects += 2
    _note_broken(layout, "", root, entries)
    for entry in entries:
        name = entry.name.decode("utf-8", "backslashreplace")
        if name in FOLDERS and entry.is_tree:
            getattr(layout, name).extend(_below(objects, layout, (name,), entry.oid))
        elif name != "FORMAT" or entry.mode != FILE:
            layout.damage.append(_foreign(name, entry.oid))
    _check_orphans(layout)
    return layout


def _below(
    objects: ObjectStore, layout: Layout, above: tuple[str, ...], tree: str
) -> Iterator[StoredRun]:
    """Yield what lies at the depth of runs below a folder of the root."""
    place = "/".join(above)
    try:
        entries = objects.read_tree(tree)
    except RunrefError as error:
        layout.damage.append(unreadable("", place, tree, error))
        return
    layout.objects += 1
    _note_broken(layout, place, tree, entries)
    for entry in entries:
        path = (*above, entry.name.decode("utf-8", "backslashreplace"))
        if not entry.is_tree:
            layout.damage.append(_foreign("/".join(path), entry.oid))
        elif len(path) <= _RUN_DEPTH:
            yield from _below(objects, layout, path, entry.oid)
        elif not is_run_id(path[-1]) or run_path(path[-1]) != path[1:]:
            layout.damage.append(_misplaced(path, entry.oid))
        else:
            yield StoredRun(path[-1], entry.oid)


def _check_orphans(layout: Layout) -> None:
    known = {run.id for run in layout.runs}
    for each in layout.annotations:
        if each.id not in known:
            place = "/".join(("annotations", *run_path(each.id)))
            message = "the history holds no such run"
            hint = "a clone that has the run brings it: fetch its history"
            layout.damage.append(
                Damage("annotation-orphan", each.id, place, each.tree, message, hint)
            )
    for each in layout.tombstones:
        if each.id in known:
            place = "/".join(("tombstones", *run_path(each.id)))
            message = "the history holds the run that was forgotten"
            hint = "`runref forget` it again: a history that still had it was joined by other means"
            layout.damage.append(Damage("forgotten-run", each.id, place, each.tree, message, hint))


def _note_broken(layout: Layout, place: str, tree: str, entries: tuple[TreeEntry, ...]) -> None:
    if problem := broken_rule(entries):
        message = f"its tree: {problem}"
        layout.damage.append(Damage("tree-invalid", "", place, tree, message, NOT_RUNREF))


def _foreign(place: str, oid: str) -> Damage:
    return Damage("unknown-entry", "", place, oid, "nothing of runref's lies there", NOT_RUNREF)


def _misplaced(path: tuple[str, ...], oid: str) -> Damage:
    place, name = "/".join(path), path[-1]
    if not is_run_id(name):
        return Damage("wrong-path", "", place, oid, f"{name!r:.60} is no run id", NOT_RUNREF)
    message = f"run {name} belongs at {'/'.join((path[0], *run_path(name)))}"
    return Damage("wrong-path", name, place, oid, message, NOT_RUNREF)
