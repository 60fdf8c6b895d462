"""The commit message of a run: what ran and how it came out, for `git log`."""

from __future__ import annotations

import shlex

from runref.model.headline import format_number, main_metrics
from runref.model.record import FINISHED, Record

_SUBJECT_LENGTH = 100


def commit_message(record: Record) -> str:
    """Return a subject line for people and git trailers for programs."""
    parts = [record.experiment, _command(record), *_outcome(record)]
    subject = " · ".join(_one_line(part) for part in parts if part)
    trailers = [("Run", record.id), ("Status", record.status)]
    trailers += [("Experiment", record.experiment)] if record.experiment else []
    trailers += [("Tag", tag) for tag in record.tags]
    if record.reproduction:
        trailers.append(("Reproduces", record.reproduction.run))
        trailers.append(("Verdict", record.reproduction.verdict))
    body = [f"{name}: {_one_line(value)}" for name, value in trailers]
    return _shortened(subject) + "\n\n" + "\n".join(body) + "\n"


def _command(record: Record) -> str:
    return shlex.join(record.command.argv)


def _outcome(record: Record) -> list[str]:
    outcome = []
    if record.status != FINISHED:
        why = record.failure.type if record.failure else record.signal
        outcome.append(f"{record.status} {why}".strip())
    if again := record.reproduction:
        outcome.append(f"reproduces {again.run[9:17]}: {again.verdict}")
    shown = main_metrics(record.metrics)
    return outcome + [f"{name} {format_number(value)}" for name, value in shown]


def _one_line(text: str) -> str:
    clean = text.encode("utf-8", "replace").decode()
    return " ".join(clean.split())


def _shortened(subject: str) -> str:
    if len(subject) <= _SUBJECT_LENGTH:
        return subject
    head, separator, outcome = subject.rpartition(" · ")
    room = _SUBJECT_LENGTH - len(separator + outcome) - 1
    return f"{head[:room]}…{separator}{outcome}" if room > 20 else f"{subject[:_SUBJECT_LENGTH]}…"
