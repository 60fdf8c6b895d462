"""The signatures of runs, as they stand in annotations; nothing is checked here."""

from __future__ import annotations

from typing import NamedTuple

from runref.errors import RunrefError
from runref.model.annotations import Annotation, Signature, read_annotation
from runref.model.codec import load_yaml
from runref.project.project import Project
from runref.store.runs_ref import StoredRun


class Signed(NamedTuple):
    """An annotation that holds a signature: the name of its file, itself, and the signature."""

    file: str
    annotation: Annotation
    signature: Signature


def signed_runs(project: Project) -> list[StoredRun]:
    """Return the runs that have a signature, whatever it is worth; newest day first."""
    root = project.runs.root()
    annotated = project.runs.changes("", root).annotations
    return [
        run
        for run in project.runs.runs()
        if run.id in annotated and read_signatures(project, run.id, root)[0]
    ]


def signatures_of(project: Project, run_id: str) -> list[Signed]:
    """Return the signatures of a run, unchecked, in the order of their files."""
    return read_signatures(project, run_id, project.runs.root())[0]


def read_signatures(
    project: Project, run_id: str, root: str
) -> tuple[list[Signed], tuple[str, ...]]:
    """Return the signatures of a run, unchecked, and the annotations that cannot be read.

    Both stand in the order of their files.

    Args:
        project: Where the run is.
        run_id: Its id.
        root: Root tree in which to look.
    """
    found, unreadable = [], []
    for file, data in sorted(project.runs.annotation_files(run_id, root).items()):
        try:
            annotation = read_annotation(load_yaml(data))
        except RunrefError:
            unreadable.append(file)
            continue
        if annotation.signature is not None:
            found.append(Signed(file, annotation, annotation.signature))
    return found, tuple(unreadable)
