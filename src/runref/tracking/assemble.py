"""From what the spool holds of a run to its record: a pure fold over start, events and end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from runref.capture.secrecy import mask_values
from runref.model.documents import MalformedDocument, from_document
from runref.model.record import (
    DataFile,
    Failure,
    FileDigest,
    MetricSummary,
    Notice,
    Parameter,
    Record,
    Reproduction,
)
from runref.model.times import after
from runref.tracking.run_directory import End, Start
from runref.version import __version__


@dataclass(slots=True)
class Known:
    """What is known of a run after some of its events."""

    params: dict[str, Parameter]
    tags: dict[str, None]
    notes: list[str]
    summary: dict[str, Any] = field(default_factory=dict)
    seeds: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, DataFile] = field(default_factory=dict)
    outputs: dict[str, DataFile] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    failure: Failure | None = None
    experiment: str = ""
    name: str = ""
    reproduction: Reproduction | None = None


def known_from(start: Start, events: Iterable[Mapping[str, Any]]) -> Known:
    """Return what is known after all `events`; the later of two that set one thing holds."""
    known = Known(
        params=dict(start.params),
        tags=dict.fromkeys(start.tags),
        notes=[start.note] if start.note else [],
        inputs={each.path: each for each in start.inputs},
        notices=list(start.notices),
        experiment=start.experiment,
        name=start.name,
    )
    for event in events:
        kind, value = event["event"], event["value"]
        try:
            _take(known, kind, value)
        except (MalformedDocument, TypeError) as error:
            message = f"an event of kind {kind!r} could not be understood: {error}"
            known.notices.append(Notice("damaged-events", message))
    return known


def _take(known: Known, kind: str, value: Any) -> None:
    match kind:
        case "params":
            params = _checked(value, dict)
            known.params.update({name: Parameter(held) for name, held in params.items()})
        case "tags":
            known.tags.update(dict.fromkeys(_checked(value, list)))
        case "note":
            known.notes.append(_checked(value, str))
        case "summary" | "seeds":
            getattr(known, kind).update(_checked(value, dict))
        case "input" | "output":
            file = from_document(DataFile, value)
            getattr(known, f"{kind}s")[file.path] = file
        case "notice":
            known.notices.append(from_document(Notice, value))
        case "failure":
            known.failure = from_document(Failure, value)
        case "reproduction":
            known.reproduction = from_document(Reproduction, value)
        case "experiment" | "name":
            setattr(known, kind, _checked(value, str))
        case _:
            known.notices.append(Notice("unknown-event", f"an event of kind {kind!r} was ignored"))


def _checked(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise MalformedDocument(f"{value!r:.60} is no {kind.__name__}")
    return value


def assemble(
    start: Start,
    known: Known,
    end: End,
    *,
    metrics: Mapping[str, MetricSummary],
    environment: str,
    files: Mapping[str, FileDigest],
    notices: Iterable[Notice] = (),
) -> Record:
    """Return the record of a run from everything that is known of it, secrets masked."""
    values = mask_values({name: each.value for name, each in known.params.items()})
    return Record(
        runref=__version__,
        id=start.id,
        status=end.status,
        started=start.started,
        finished=after(start.started, end.duration),
        duration=end.duration,
        experiment=known.experiment,
        name=known.name,
        tags=tuple(known.tags),
        note="\n\n".join(known.notes),
        author=start.author,
        host=start.host,
        parent=start.parent,
        ranks=start.ranks,
        command=start.command,
        exit_status=end.exit_status,
        signal=end.signal,
        failure=end.failure or known.failure,
        params={name: replace(each, value=values[name]) for name, each in known.params.items()},
        summary=mask_values(known.summary),
        metrics=metrics,
        code=start.code,
        environment=environment,
        seeds=known.seeds,
        inputs=tuple(known.inputs.values()),
        outputs=tuple(known.outputs.values()),
        resources=end.resources,
        reproduction=known.reproduction,
        notices=(*known.notices, *notices),
        files=files,
    )
