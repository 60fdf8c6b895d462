"""Making a bundle, or going on with one that was begun."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from runref.artifacts.transfer.progress import TransferProgress
from runref.bundle.choosing import still_holds
from runref.bundle.container import BLOCK, length_of
from runref.bundle.manifest import Manifest
from runref.bundle.partial import Begun, PartialFile
from runref.bundle.planning import Order, Plan, plan_bundle
from runref.bundle.writing import Part, head_length, part_of, write_artifacts, write_head
from runref.git.files import writing
from runref.project.project import Project
from runref.project.supply import Supply


@dataclass(frozen=True, slots=True)
class Created:
    """What was made.

    Attributes:
        manifest: What is in it.
        size: Bytes of the file.
        plan: What was planned now; none where an earlier attempt was gone on with.
        reused: How many artifacts an earlier attempt had written.
        signed: Whether it is signed.
    """

    manifest: Manifest
    size: int
    plan: Plan | None
    reused: int = 0
    signed: bool = False


def create(
    project: Project,
    order: Order,
    target: Path,
    supply: Supply,
    *,
    progress: TransferProgress,
    replace: bool = False,
) -> Created:
    """Make a bundle; it appears whole, on the disk, or not at all.

    What a killed attempt left in ``FILE.partial`` is gone on with, where the same was asked for and
    no run in it was forgotten meanwhile: the bundle then holds what it held when it was begun.

    Args:
        project: The repository; nothing but brought artifacts is written to it.
        order: What it is to be.
        target: The file.
        supply: Where artifacts come from.
        progress: Told what is written.
        replace: Whether the file may exist.

    Raises:
        BundleExists: The file exists.
        BundleBusy: Another process makes it.
        CannotWrite: The system refused it; what was written is gone on with the next time.
        RunrefError: see `plan_bundle` and `write_artifacts`.
    """
    with PartialFile(target, replace=replace) as partial:
        begun, part = partial.begun(), None
        if begun is not None and _may_go_on(project, order, begun):
            manifest, plan, reused = begun.head.manifest, None, begun.artifacts
            progress.notice(f"goes on with the bundle that was begun at {manifest.created}")
            part = _part(project, begun)
            partial.go_on_at(begun.end + (BLOCK + part.size if part else 0))
            _tell_reused(progress, begun, part)
        else:
            partial.go_on_at(0)
            plan = plan_bundle(project, order, supply, target.parent)
            manifest, reused = plan.manifest, 0
        progress.total(sum(manifest.sizes()), len(manifest.artifacts))
        with writing(str(partial.path)):
            if plan is not None:
                write_head(partial.stream, plan, progress)
                plan.records.close()
            write_artifacts(
                partial.stream, manifest, project.artifacts, progress, written=reused, part=part
            )
        return Created(manifest, partial.finish(), plan, reused, signed=order.sign is not None)


def stream(
    project: Project,
    order: Order,
    out: BinaryIO,
    supply: Supply,
    *,
    progress: TransferProgress,
    folder: Path,
) -> Created:
    """Make a bundle that is written to a pipe, so that it cannot be gone on with.

    Args:
        project: The repository.
        order: What it is to be.
        out: Where to.
        supply: Where artifacts come from.
        progress: Told what is written.
        folder: Where there is room for the records.

    Raises:
        OSError: The system refused it.
        RunrefError: see `plan_bundle` and `write_artifacts`.
    """
    plan = plan_bundle(project, order, supply, folder)
    manifest = plan.manifest
    progress.total(sum(manifest.sizes()), len(manifest.artifacts))
    with plan.records:
        write_head(out, plan, progress)
    write_artifacts(out, manifest, project.artifacts, progress)
    out.flush()
    head = head_length(plan.encoded, plan.signature, manifest)
    size = head + length_of(manifest.artifacts.values())
    return Created(manifest, size, plan, signed=order.sign is not None)


def _tell_reused(progress: TransferProgress, begun: Begun, part: Part | None) -> None:
    progress.advance(sum(islice(begun.head.manifest.sizes(), begun.artifacts + 1)))
    progress.advance(part.size if part else 0)
    for _ in range(begun.artifacts):
        progress.file_done()


def _part(project: Project, begun: Begun) -> Part | None:
    """Return what is there of the artifact in whose middle the earlier attempt ended."""
    if not begun.part:
        return None
    digest = next(islice(begun.head.manifest.artifacts, begun.artifacts, None))
    return part_of(project.artifacts, digest, begun.part, begun.part_sha256)


def _may_go_on(project: Project, order: Order, begun: Begun) -> bool:
    manifest = begun.head.manifest
    return (
        manifest.request == order.request
        and bool(begun.head.signature) == (order.sign is not None)
        and still_holds(project, manifest)
        and all(project.artifacts.contains(digest) for digest in manifest.artifacts)
    )
