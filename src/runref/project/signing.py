"""Signing runs: somebody vouches for them, by an annotation that holds a signature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from runref.errors import ExitStatus, RunrefError
from runref.git.signing.settings import GPG, SSH, SigningSettings, literal_key
from runref.git.signing.signatures import sign
from runref.model.annotations import Annotation, Signature
from runref.model.statement import NAMESPACE, Statement
from runref.model.times import now
from runref.project.annotating import append_annotations
from runref.project.integrity import integrity_of
from runref.project.project import Project
from runref.store.recorded import RecordedRun


class RecordBroken(RunrefError):
    """A run is to be signed and is not what its record says."""

    code = "record-broken"
    exit_status = ExitStatus.NO


def sign_runs(project: Project, runs: Sequence[RecordedRun], *, key: str = "") -> str:
    """Sign runs and return the new tip of the ref; all are signed, or none is.

    The program that signs may ask for a passphrase.

    Args:
        project: Where the runs are.
        runs: Which.
        key: A file with an ssh key, a literal ssh key (``key::…``), or a gpg key id; empty: what
            git's configuration names.

    Raises:
        RecordBroken: What a run's record claims does not hold.
        CannotSign, NoSigningKey, SigningProgramMissing: see `runref.git.signing.signatures.sign`.
        LockBusy: another process holds the ref for long.
    """
    settings = with_key(project.repository.signing(), key)
    author, time = project.repository.identity(), now()
    changes = [
        (
            Annotation(
                run.id,
                time,
                author,
                revision=run.additions.next_revision,
                signature=_signature(project, run, time, settings),
            ),
            "sign",
        )
        for run in {run.id: run for run in runs}.values()
    ]
    return append_annotations(project, changes)


def with_key(settings: SigningSettings, key: str) -> SigningSettings:
    """Return the settings with another key, whose kind says which program signs; empty: as set."""
    if not key:
        return settings
    path = Path(key).expanduser()
    if literal_key(key) is not None:
        return replace(settings, format=SSH, key=key)
    if path.exists():
        return replace(settings, format=SSH, key=str(path.absolute()))
    return replace(settings, format=GPG, key=key)


def _signature(
    project: Project, run: RecordedRun, time: str, settings: SigningSettings
) -> Signature:
    found = integrity_of(project.repository.objects, run.id, run.tree)
    if found.problems:
        raise RecordBroken(
            f"run {run.id} is not signed: {found.problems[0]}",
            hint="Fetch the run from another clone; `runref verify` lists all that does not hold.",
        )
    text = Statement(run.id, found.digest, time).text()
    made = sign(settings, text.encode(), NAMESPACE, may_ask=True)
    return Signature(settings.format, text, made)
