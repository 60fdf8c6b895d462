"""Which runs go into a bundle."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from runref.bundle.manifest import Manifest, Request
from runref.errors import ExitStatus, RunrefError
from runref.model.record import DataFile, Record
from runref.model.times import parse_time
from runref.project.project import Project
from runref.project.searching import Search
from runref.store.recorded import RecordedRun
from runref.store.trees import entry_at


class NothingToBundle(RunrefError):
    """No run is to go into a bundle."""

    code = "nothing-to-bundle"
    exit_status = ExitStatus.NO


class MomentInvalid(RunrefError):
    """What should be a date or a time is none."""

    code = "moment-invalid"
    exit_status = ExitStatus.USAGE


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an incremental bundle leaves out.

    Attributes:
        label: How the manifest names it.
        moment: Runs that ended before it; RFC 3339 UTC, empty where a bundle says which.
        runs: Record hashes by run id, those of an earlier bundle.
        artifacts: Digests that the earlier bundle holds.
    """

    label: str = ""
    moment: str = ""
    runs: Mapping[str, str] | None = None
    artifacts: Collection[str] = ()

    @classmethod
    def bundle(cls, manifest: Manifest, digest: str) -> Earlier:
        """Leave out what an earlier bundle holds, whose manifest has this SHA-256."""
        return cls(f"sha256:{digest}", "", manifest.runs, frozenset(manifest.artifacts))

    @classmethod
    def time(cls, text: str) -> Earlier:
        """Leave out what ended before a time: ``2026-11-16``, or RFC 3339; UTC unless it says.

        Raises:
            MomentInvalid: It is no time.
        """
        try:
            moment = datetime.fromisoformat(text.removesuffix("Z"))
        except ValueError as error:
            raise MomentInvalid(
                f"{text!r:.60} is neither a bundle nor a date",
                hint="name an earlier bundle, or a date such as 2026-11-16",
            ) from error
        moment = moment.replace(tzinfo=moment.tzinfo or timezone.utc)
        utc = moment.astimezone(timezone.utc).replace(tzinfo=None)
        told = f"{utc.isoformat(timespec='microseconds')}Z"
        return cls(told, told)

    def leaves_out(self, run: RecordedRun) -> bool:
        """Tell whether a run is not to be in the bundle."""
        if self.runs is not None:
            return self.runs.get(run.id) == run.tree
        return bool(self.moment) and parse_time(run.record.finished) < parse_time(self.moment)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What goes into a bundle, by what the runs ref is at one moment.

    Attributes:
        runs: Record hashes by run id.
        annotations: Folders of annotations by run id; also of runs that are left out, as tags and
            notes may have been added since.
        format: The ``FORMAT`` file.
        tombstones: Tree of all tombstones; empty where there are none.
        files: The inputs and outputs whose contents come along.
        by_reference: How many more were recorded without their content.
        left_out: How many runs an earlier bundle has, or ended too early.
        live: How many of the runs asked for have no record yet.
        unreadable: Ids of runs that cannot be read.
    """

    runs: Mapping[str, str]
    annotations: Mapping[str, str]
    format: str
    tombstones: str
    files: Sequence[DataFile]
    by_reference: int
    left_out: int
    live: int
    unreadable: Sequence[str]


def choose(project: Project, request: Request, earlier: Earlier) -> Chosen:
    """Return what goes into a bundle.

    Raises:
        NothingToBundle: No run is asked for, or there is none.
        QueryInvalid: The query cannot be understood.
        UnknownRun: A run that is named does not exist.
    """
    search = Search(project)
    found, unreadable = _found(project, search, request)
    asked = {run.id: run for run in found if not run.live}
    chosen = {each: run for each, run in asked.items() if not earlier.leaves_out(run)}
    if not asked:
        raise NothingToBundle(
            "no recorded run is asked for",
            hint="`runref ls` with the same query shows the runs it finds",
        )
    objects, root = project.repository.objects, project.runs.root()
    files = list(_data((run.record for run in chosen.values()), request.parts))
    annotated = project.runs.changes("", root).annotations
    top = {entry.name: entry.oid for entry in objects.read_tree(root)}
    return Chosen(
        runs={each: chosen[each].tree for each in sorted(chosen)},
        annotations={each: annotated[each] for each in sorted(asked) if each in annotated},
        format=top[b"FORMAT"],
        tombstones=top.get(b"tombstones", ""),
        files=[file for file in files if file.digest and file.stored],
        by_reference=sum(file.by_reference for file in files),
        left_out=len(asked) - len(chosen),
        live=len(found) - len(asked),
        unreadable=unreadable,
    )


def still_holds(project: Project, manifest: Manifest) -> bool:
    """Tell whether what was chosen before may still leave: no run was forgotten meanwhile."""
    root = project.runs.root()
    if not root:
        return False
    entry = entry_at(project.repository.objects, root, ("tombstones",))
    if manifest.tombstones != (entry.oid if entry else ""):
        return False
    runs = project.runs.changes("", root).runs
    return all(runs.get(each) == tree for each, tree in manifest.runs.items())


def _found(
    project: Project, search: Search, request: Request
) -> tuple[list[RecordedRun], list[str]]:
    """Return the runs that are named or found, and the ids of those that cannot be read.

    Where all are asked for, that includes the ones that were removed from lists: that they were is
    what the other side should know.
    """
    named = [project.read(run_id) for run_id in request.runs]
    if named and not request.query:
        return named, []
    found = {run.id: run for run in (*named, *search.find(search.condition(request.query)).runs)}
    if not request.query:
        found |= {run.id: run for run in Search(project, removed=True).find().runs}
    return list(found.values()), [each.id for each in search.unreadable()]


def _data(records: Iterable[Record], parts: Collection[str]) -> Iterator[DataFile]:
    for record in records:
        yield from record.inputs if "inputs" in parts else ()
        yield from record.outputs if "outputs" in parts else ()
