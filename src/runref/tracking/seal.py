"""Sealing: an ended run's files become git objects, without a lock and before any commit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from runref.capture.console.cap import cap_console
from runref.git.objects import ObjectStore, TreeEntry
from runref.git.sweep_mark import unswept
from runref.model.codec import UnreadableDocument, dump_yaml, load_json
from runref.model.commit_message import commit_message
from runref.model.documents import to_document
from runref.model.record import Code, FileDigest, MetricSummary, Notice
from runref.model.schema import validate
from runref.model.series import (
    SEGMENT_SIZE,
    Lines,
    Summariser,
    merge_writers,
    read_lines,
    segment_name,
    segments,
)
from runref.model.times import parse_time
from runref.store.trees import BLOB, TREE
from runref.tracking.assemble import assemble, known_from
from runref.tracking.run_directory import RunDirectory, Sealed, SeriesFile, Start


@dataclass(slots=True)
class _Files:
    """The files of the record's tree, written to the object database one by one."""

    objects: ObjectStore
    entries: list[TreeEntry] = field(default_factory=list)
    digests: dict[str, FileDigest] = field(default_factory=dict)

    def add(self, name: str, content: bytes) -> None:
        self.entries.append(TreeEntry(name.encode(), BLOB, self.objects.write_blob(content)))
        if name != "run.yaml":
            digest = hashlib.sha256(content).hexdigest()
            self.digests[name] = FileDigest(digest, len(content))


def seal(run: RunDirectory, objects: ObjectStore) -> Sealed:
    """Write the record of a run that ended as git objects.

    The run's folder says afterwards which tree it became. Sealing again gives the same tree.

    Raises:
        RunrefError: the run's files are damaged beyond what recovery can tell, or its record would
            break the schema; nothing is lost, the folder stays.
        OSError: a file could not be read or written.
    """
    swept = (objects.lender or objects).folder
    return unswept(Path(swept).parent, lambda: _write_record(run, objects))


def _write_record(run: RunDirectory, objects: ObjectStore) -> Sealed:
    start = run.read_start()
    end = run.read_end()
    if end is None:
        raise UnreadableDocument(f"{run.path} does not say how its run ended: no end.json")
    events, damaged = run.events()
    notices = [Notice("damaged-events", "lines of events were unreadable", damaged)] * bool(damaged)
    files = _Files(objects)
    metrics = _add_series(run, files, notices)
    start = replace(start, code=_kept_code(start, objects, notices))
    _add_console(run, start, files, notices)
    environment = _add_environment(run, files)
    record = assemble(
        start,
        known_from(start, events),
        end,
        metrics=metrics,
        environment=environment,
        files=files.digests,
        notices=notices,
    )
    document = to_document(record)
    validate("run", document)
    files.add("run.yaml", dump_yaml(document))
    if start.code:
        files.entries.append(TreeEntry(b"code", TREE, start.code.tree))
    tree = objects.write_tree(files.entries)
    when = int(parse_time(record.finished).timestamp())
    sealed = Sealed(run.run_id, tree, commit_message(record), when)
    run.write_sealed(sealed)
    return sealed


def _kept_code(start: Start, objects: ObjectStore, notices: list[Notice]) -> Code | None:
    """Return the snapshot unless git has removed it: the record must not name what is not there."""
    if start.code is None or objects.contains(start.code.tree):
        return start.code
    message = f"the snapshot {start.code.tree} was removed from the repository during the run"
    notices.append(Notice("no-snapshot", message))
    return None


def _add_series(
    run: RunDirectory, files: _Files, notices: list[Notice]
) -> dict[str, MetricSummary]:
    """Write the series of all ranks; return the summaries of the first rank that logged."""
    by_rank: dict[int, list[SeriesFile]] = {}
    for each in run.series_files():
        by_rank.setdefault(each.rank, []).append(each)
    summaries: dict[str, MetricSummary] = {}
    for rank, parts in sorted(by_rank.items()):
        summariser = Summariser()
        damaged: list[bytes] = []
        for number, lines in enumerate(_pieces([part.path for part in parts]), 1):
            files.add(segment_name(rank, number), lines.good)
            summariser.add(lines.rows)
            damaged += lines.damaged
        if damaged:
            files.add(f"damaged.rank-{rank}.txt", b"".join(damaged))
            message = f"lines of rank {rank} were unreadable; they are in damaged.rank-{rank}.txt"
            notices.append(Notice("damaged-series", message, len(damaged)))
        summaries = summaries or summariser.result()
    return summaries


def _pieces(paths: list[Path]) -> Iterator[Lines]:
    """Yield a rank's lines in pieces that fit a segment; one writer's file is never read whole."""
    if len(paths) == 1:
        yield from _pieces_of_one(paths[0])
        return
    merged = merge_writers([lines for path in paths for lines in _pieces_of_one(path)])
    for piece in segments(merged.good):
        yield read_lines(piece)
    if merged.damaged:
        yield Lines(b"", (), merged.damaged)


def _pieces_of_one(path: Path) -> Iterator[Lines]:
    carried = b""
    with path.open("rb") as file:
        while chunk := file.read(SEGMENT_SIZE - len(carried)):
            lines = read_lines(carried + chunk)
            carried = lines.torn
            if lines.good or lines.damaged:
                yield Lines(lines.good, lines.rows, lines.damaged)
            if len(carried) >= SEGMENT_SIZE:  # one line larger than a segment: read its end
                carried += file.readline()


def _add_console(run: RunDirectory, start: Start, files: _Files, notices: list[Notice]) -> None:
    try:
        if run.console_path.stat().st_size:
            files.add("console.log", cap_console(run.console_path, start.console_limit))
    except FileNotFoundError:
        return
    except OSError as error:
        notices.append(Notice("console-not-recorded", f"console.log: {error.strerror}"))


def _add_environment(run: RunDirectory, files: _Files) -> str:
    try:
        document = (run.path / "environment.json").read_bytes()
    except FileNotFoundError:
        return ""
    if load_json(document) == {}:
        return ""
    files.add("environment.yaml", _environment_yaml(document))
    return f"sha256:{files.digests['environment.yaml'].sha256}"


@lru_cache(maxsize=4)
def _environment_yaml(document: bytes) -> bytes:
    environment = load_json(document)
    validate("environment", environment)
    return dump_yaml(environment)
