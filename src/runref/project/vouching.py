"""Who vouches for a run: its claims recomputed, its signatures and that of its commit checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from runref.git.signing.commits import NAMESPACE as COMMITS
from runref.git.signing.commits import committed_at, split_signature
from runref.git.signing.finding import State
from runref.git.signing.settings import SigningSettings
from runref.git.signing.signatures import check, format_of
from runref.model.statement import NAMESPACE, MalformedStatement, parse_statement
from runref.model.times import parse_time
from runref.project.integrity import Integrity, integrity_of
from runref.project.project import Project
from runref.project.signatures import Signed, read_signatures
from runref.store.origins import adding_commits
from runref.store.runs_ref import StoredRun


@dataclass(frozen=True, slots=True)
class RunSignature:
    """A signature of a run, with what it turned out to be worth.

    Attributes:
        state: What came out: that of the signature itself, or ``other-run`` and ``record-changed``
            where it is over a statement about another run or another ``run.yaml``.
        format: ``ssh`` or ``gpg``.
        author: Who added it, as the annotation says; nothing proves that.
        file: Name of the annotation.
        signer: Who vouches: a principal, or the user id of a gpg key; empty where nobody does.
        key: Fingerprint of the key, where the signature is over its statement.
        time: When it was signed, as the signer says.
        detail: Why it is not good.
    """

    state: State | Literal["other-run", "record-changed"]
    format: str
    author: str
    file: str
    signer: str = ""
    key: str = ""
    time: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CommitSignature:
    """Whether the commit that added a run is signed.

    Attributes:
        state: What came out; ``unsigned`` where it has no signature, ``not-found`` where no commit
            was found that added the run.
        commit: The commit; empty where none was found.
        signer: Who vouches for it.
        key: Fingerprint of the key.
        detail: Why it is not good.
    """

    state: State | Literal["unsigned", "not-found"]
    commit: str = ""
    signer: str = ""
    key: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Vouching:
    """Everything that could be verified about one run.

    Attributes:
        run: The run id.
        record_hash: Object id of the run's folder.
        integrity: Its claims about itself, recomputed.
        signatures: Its signatures, in the order of their files.
        unreadable: Annotations that cannot be read, by file name; they may be signatures.
        commit: The commit that added it.
    """

    run: str
    record_hash: str
    integrity: Integrity
    signatures: tuple[RunSignature, ...]
    unreadable: tuple[str, ...]
    commit: CommitSignature

    @property
    def verified(self) -> bool:
        """Whether all claims hold, and somebody who is allowed to vouches for them."""
        good = any(each.state == "good" for each in self.signatures)
        return good and not self.integrity.problems


def vouch(
    project: Project, runs: Sequence[StoredRun], settings: SigningSettings
) -> Iterator[Vouching]:
    """Verify runs, one after the other.

    Args:
        project: Where they are.
        runs: Which.
        settings: Whom to trust.

    Raises:
        AllowedSignersMissing: The file of allowed signers cannot be read.
        RunrefError: The history of the ref cannot be read.
    """
    objects, root = project.repository.objects, project.runs.root()
    commits = adding_commits(objects, project.runs.tip(), {run.id: run.tree for run in runs})
    for run in runs:
        integrity = integrity_of(objects, run.id, run.tree)
        signatures, unreadable = read_signatures(project, run.id, root)
        yield Vouching(
            run.id,
            run.tree,
            integrity,
            tuple(_checked(run.id, integrity, each, settings) for each in signatures),
            unreadable,
            _checked_commit(project, commits.get(run.id, ""), settings),
        )


def _checked(
    run_id: str, integrity: Integrity, signed: Signed, settings: SigningSettings
) -> RunSignature:
    held = signed.signature
    bad = RunSignature("bad", held.format, author=signed.annotation.author, file=signed.file)
    if format_of(held.text) != held.format:
        return replace(bad, detail=f"it is no signature of the format {held.format:.20}")
    try:
        statement = parse_statement(held.statement)
        moment = int(parse_time(statement.time).timestamp())
    except (MalformedStatement, ValueError) as error:
        return replace(bad, detail=str(error))
    found = check(settings, held.statement.encode(), held.text, NAMESPACE, moment)
    checked = replace(
        bad,
        state=found.state,
        signer=found.signer,
        key=found.key,
        time=statement.time,
        detail=found.detail,
    )
    if found.state in ("bad", "not-checked"):
        return checked
    if statement.run != run_id:
        why = f"it is a signature of run {statement.run}"
        return replace(checked, state="other-run", detail=why)
    if statement.digest != integrity.digest:
        now = integrity.digest or "cannot be read"
        why = f"it is over the run.yaml with {statement.digest}; that of the run is now {now}"
        return replace(checked, state="record-changed", detail=why)
    return checked


def _checked_commit(project: Project, oid: str, settings: SigningSettings) -> CommitSignature:
    if not oid:
        return CommitSignature("not-found", detail="no commit of the ref names the run and adds it")
    _, body = project.repository.objects.read(oid)
    payload, signature = split_signature(body, project.repository.object_format)
    if not signature:
        return CommitSignature("unsigned", oid)
    found = check(settings, payload, signature, COMMITS, committed_at(body))
    return CommitSignature(found.state, oid, found.signer, found.key, found.detail)
