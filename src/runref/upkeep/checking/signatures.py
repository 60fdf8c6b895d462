"""Signatures of runs and of the commits that added them: whether they are over what is there.

Who is trusted is no question of damage: `runref verify` answers it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from runref.errors import RunrefError
from runref.model.damage import Damage
from runref.project.project import Project
from runref.project.signatures import read_signatures
from runref.project.vouching import Vouching, vouch
from runref.store.runs_ref import StoredRun

_BAD = frozenset({"bad", "other-run", "record-changed"})
_UNKNOWN = "not-checked"
_HINT = "`runref verify` tells more; whoever signed what they saw can say what it was"


@dataclass(slots=True)
class SignaturesChecked:
    """What was found out about signatures.

    Attributes:
        signatures: How many were checked.
        damage: Those that are over something else.
        unchecked: Why some could not be checked; empty where all could.
    """

    signatures: int = 0
    damage: list[Damage] = field(default_factory=list)
    unchecked: str = ""


def check_signatures(
    project: Project, runs: Sequence[StoredRun], annotated: Sequence[StoredRun]
) -> SignaturesChecked:
    """Check the signatures of runs, and those of their commits where the runs are signed.

    Args:
        project: Where they are.
        runs: The runs.
        annotated: The folders of annotations, in which signatures lie.
    """
    found = SignaturesChecked()
    with_annotations = {each.id for each in annotated}
    try:
        root = project.runs.root()
        signed = [
            run
            for run in runs
            if run.id in with_annotations and read_signatures(project, run.id, root)[0]
        ]
        for each in vouch(project, signed, project.repository.signing()) if signed else ():
            _take(each, found)
    except RunrefError as error:  # of an object that is damaged, which is named where it is read
        found.unchecked = f"all signatures: {error.message}"
    return found


def _take(vouching: Vouching, found: SignaturesChecked) -> None:
    for place, state, detail in _states(vouching):
        if state == _UNKNOWN:
            found.unchecked = f"some signatures: {detail}"
            continue
        found.signatures += 1
        if state in _BAD:
            message = f"the signature is not over what is there ({state}): {detail}"
            found.damage.append(Damage("signature-bad", vouching.run, place, "", message, _HINT))


def _states(vouching: Vouching) -> Iterator[tuple[str, str, str]]:
    for each in vouching.signatures:
        yield f"annotations {each.file}", each.state, each.detail
    commit = vouching.commit
    if commit.state not in ("unsigned", "not-found"):
        yield f"commit {commit.commit[:12]}", commit.state, commit.detail
