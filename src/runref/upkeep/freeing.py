"""Freeing the objects that only forgotten histories led to, while others record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from runref.errors import RunrefError
from runref.git.freeing import Freed, free_objects, present, time_of_objects
from runref.git.program import GitProgram
from runref.git.reachable import leading_to, objects_below, unreferenced, without_content
from runref.git.sweep_mark import renew_sweep_mark, sweeping
from runref.project.project import Project
from runref.tracking.apart import borrowed
from runref.upkeep.unfinished import Unfinished

_ATTEMPTS = 3
_LOOKS = 3
_LOCK_SECONDS = 600.0


class InUseUnknown(RunrefError):
    """What a live run uses cannot be found out, so nothing may be removed."""

    code = "in-use-unknown"


def noted(project: Project, git: GitProgram, unfinished: Unfinished) -> Unfinished:
    """Return what is unfinished with all objects that only forgotten histories lead to.

    To be written down before any of them is freed: when some are gone, the rest could not be found.

    Raises:
        GitFailed: git could not follow the histories.
        InUseUnknown: A live run cannot be read.
    """
    objects = project.repository.objects
    roots = [oid for oid in (*unfinished.tips, *unfinished.runs.values()) if objects.contains(oid)]
    below = dict.fromkeys((*unfinished.objects, *objects_below(git, roots)))
    unused = unreferenced(git, (*below, *without_content(git)), roots_in_use(project))
    garbage: list[str] = []
    doomed: list[str] = []
    for oid in unused:
        (doomed if oid in below else garbage).append(oid)
    # What was written in vain before, and leads to what goes, would be broken afterwards.
    return replace(unfinished, objects=(*leading_to(objects, garbage, doomed), *doomed))


def free(project: Project, git: GitProgram, objects: Sequence[str]) -> Freed:
    """Remove those objects that nothing refers to now, and that nobody is about to refer to.

    What others make young meanwhile stays for another attempt, after which it is in use or not.

    Raises:
        GitFailed, CannotWrite, InUseUnknown: Some may be freed then; going on is safe.
    """
    repository = project.repository
    total, folder = Freed(), repository.objects.folder
    with sweeping(repository.common_dir, repository.sharing, wait=_LOCK_SECONDS):
        for _ in range(_ATTEMPTS):
            before = time_of_objects(folder)
            renew_sweep_mark(repository.common_dir, repository.sharing)
            there = present(git, objects)
            unused = unreferenced(git, filter(there.__contains__, objects), roots_in_use(project))
            freed = free_objects(
                git, folder, unused, before, object_format=repository.object_format
            )
            total.objects += freed.objects
            total.size += freed.size
            total.young, total.kept = freed.young, freed.kept
            if not freed.young:
                break
    return total


def roots_in_use(project: Project) -> list[str]:
    """Return what runs of the spool use that no ref names yet.

    To be asked for before what refs name: a run that is recorded in between is in one of the two.

    Raises:
        InUseUnknown: A run cannot be read.
    """
    ids = [run.run_id for run in (*project.spool.live(), *project.spool.ready())]
    return sorted({oid for run_id in dict.fromkeys(ids) for oid in _used_by(project, run_id)})


def _used_by(project: Project, run_id: str) -> list[str]:
    problem = "its folder has no start.json"
    for _ in range(_LOOKS):
        run = project.spool.find(run_id)
        if run is None:
            return []  # recorded meanwhile
        try:
            code, sealed = run.read_start().code, run.read_sealed()
        except FileNotFoundError:
            continue  # it has another name since it ended
        except RunrefError as error:
            problem = error.message
            break
        trees = [each.tree for each in (code, sealed) if each]
        return [oid for tree in trees for oid in borrowed(run, tree, project.runs)]
    raise InUseUnknown(
        f"run {run_id} goes on or waits, and cannot be read: {problem}",
        hint="`runref recover` tells more; nothing was freed.",
    )
