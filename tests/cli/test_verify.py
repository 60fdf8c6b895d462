"""Signing runs and verifying them, by real keys."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.signers import GpgHome, SshKey, SshKeys

from runref.errors import ExitStatus
from runref.git.repository import Repository
from runref.model.codec import dump_yaml, load_yaml
from runref.model.ids import run_path
from runref.store.runs_ref import RunsRef
from runref.store.trees import BLOB, TreeEditor

pytestmark = pytest.mark.slow  # each test runs commands and programs of its own

REF = "refs/runref/runs"


@pytest.fixture
def key(repo: Any, ssh_keys: SshKeys) -> SshKey:
    """The user's key, which git's settings name, and which is allowed."""
    return ssh_keys.set_up(repo)


@pytest.fixture
def signed(cli: Any, key: SshKey) -> str:
    """The id of a signed run."""
    run_id = record(cli)
    done = cli("sign", "@")
    assert (done.status, done.out) == (0, f"signed {run_id}\n")
    return run_id


def record(cli: Any) -> str:
    assert cli("run", "--", "echo", "hello").status == 0
    run_id: str = cli("show", "@", "--json").json["id"]
    return run_id


def only(document: Any) -> Any:
    (run,) = document["runs"]
    return run


def signature_of(done: Any) -> Any:
    (signature,) = only(done.json)["signatures"]
    return signature


def rewrite(repo: Any, path: tuple[str, ...], content: bytes | None, oid: str = "") -> None:
    """Replace a file of the ref, as whoever may push to it can: in a commit of one's own."""
    runs = RunsRef(Repository.open(repo.path, environ=os.environ))
    blob = oid or runs.objects.write_blob(content or b"")
    root = TreeEditor(runs.objects).insert(runs.root(), path, BLOB, blob)
    made = repo.git("commit-tree", root, "-p", runs.tip(), "-m", "by hand")
    repo.git("update-ref", REF, made)


def annotation(repo: Any, run_id: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the path and the content of the only annotation of a run."""
    folder = "/".join(("annotations", *run_path(run_id)))
    (path,) = repo.git("ls-tree", "-r", "--name-only", REF, f"{folder}/").splitlines()
    return tuple(path.split("/")), load_yaml(repo.git("show", f"{REF}:{path}").encode() + b"\n")


def change_signature(repo: Any, run_id: str, change: Mapping[str, Any]) -> None:
    path, document = annotation(repo, run_id)
    rewrite(repo, path, dump_yaml({**document, "signature": {**document["signature"], **change}}))


def test_a_signed_run_is_verified(
    cli: Any, repo: Any, key: SshKey, signed: str, validate: Any
) -> None:
    done = cli("verify", "--json")
    assert done.status == 0
    validate("verify", done.json)
    assert done.json["verified"]
    run = only(done.json)
    assert (run["run"], run["verified"]) == (signed, True)
    assert run["integrity"]["problems"] == []
    assert run["integrity"]["files"] == 2  # console.log, environment.yaml
    signature = run["signatures"][0]
    assert (signature["state"], signature["signer"]) == ("good", "ada@example.org")
    assert (signature["format"], signature["key"]) == ("ssh", key.fingerprint)
    assert run["commit"]["state"] == "unsigned"
    assert run["commit"]["commit"] == repo.git("rev-parse", f"{REF}~1")
    shown = cli("verify", signed)
    assert shown.status == 0
    assert f"run {signed}: verified" in shown.out
    assert "run.yaml and 2 files beside it, snapshot of 2 files" in shown.out
    assert "signature  good by ada@example.org" in shown.out
    assert shown.out.endswith("verified: 1 of 1\n")
    repo.fsck()


def test_the_signature_is_shown_with_the_run(
    cli: Any, key: SshKey, signed: str, validate: Any
) -> None:
    document = cli("show", signed, "--json").json
    validate("show", document)
    (signature,) = document["signatures"]
    assert signature["statement"].startswith(f"runref signature 1\nrun {signed}\n")
    assert "signatures, not checked here (`runref verify` does):" in cli("show", signed).out


def test_plain_ssh_keygen_and_git_are_enough(
    cli: Any, repo: Any, signed: str, tmp_path: Path
) -> None:
    """The recipe of docs/format.md, word by word."""
    path = "/".join(annotation(repo, signed)[0])
    record_path = "/".join(("runs", *run_path(signed), "run.yaml"))
    script = f"""
set -e
git show {REF}:{path} > annotation.yaml
sed -n "/^  statement:/,/^ *time /{{s/.*'//;s/^ *//;/./p;}}" annotation.yaml > statement
sed -n "/BEGIN SSH/,/END SSH/{{s/.*'//;s/^ *//;/./p;}}" annotation.yaml > statement.sig
ssh-keygen -Y verify -f "$(git config gpg.ssh.allowedSignersFile)" -I ada@example.org \
    -n runref -s statement.sig < statement
test "run.yaml sha256:$(git show {REF}:{record_path} | sha256sum | cut -d' ' -f1)" = \
    "$(sed -n 3p statement)"
"""
    subprocess.run(["bash", "-c", script], cwd=repo.path, check=True)


def test_a_run_without_signature_is_not_verified(cli: Any, signed: str, key: SshKey) -> None:
    second = record(cli)
    done = cli("verify", second)
    assert done.status == ExitStatus.NO
    assert f"run {second}: NOT VERIFIED" in done.out
    assert "signature  none" in done.out
    both = cli("verify", signed, second, signed, "--json")
    assert both.status == ExitStatus.NO
    assert [run["verified"] for run in both.json["runs"]] == [True, False]
    assert cli("verify").status == 0  # of the signed ones


def test_where_nothing_is_signed_nothing_is_verified(cli: Any, key: SshKey, validate: Any) -> None:
    assert cli("verify").status == ExitStatus.NO
    record(cli)
    done = cli("verify", "--json")
    assert (done.status, done.json) == (ExitStatus.NO, {"verified": False, "runs": []})
    validate("verify", done.json)


def test_a_signature_of_another_run_is_named(cli: Any, repo: Any, signed: str) -> None:
    other = record(cli)
    path, document = annotation(repo, signed)
    target = ("annotations", *run_path(other), path[-1])
    rewrite(repo, target, dump_yaml({**document, "run": other}))
    done = cli("verify", other, "--json")
    assert done.status == ExitStatus.NO
    assert signature_of(done)["state"] == "other-run"
    assert signature_of(done)["detail"] == f"it is a signature of run {signed}"
    change_signature(
        repo, other, {"statement": document["signature"]["statement"].replace(signed, other)}
    )
    assert signature_of(cli("verify", other, "--json"))["state"] == "bad"


def test_a_record_that_was_changed_after_signing_is_named(
    cli: Any, repo: Any, signed: str, validate: Any
) -> None:
    path = ("runs", *run_path(signed), "run.yaml")
    text = repo.git("show", f"{REF}:{'/'.join(path)}") + "\n"
    rewrite(repo, path, text.replace("echo", "exit").encode())
    done = cli("verify", signed, "--json")
    assert done.status == ExitStatus.NO
    validate("verify", done.json)
    assert only(done.json)["integrity"]["problems"] == []  # it is a record, of something else
    assert signature_of(done)["state"] == "record-changed"
    assert "is over the run.yaml with sha256:" in signature_of(done)["detail"]


@pytest.mark.parametrize(
    ("below", "content", "says"),
    [
        (("console.log",), b"other\n", "console.log: it is not what the record has the SHA-256"),
        (("extra.txt",), b"x", "extra.txt: the record does not name it"),
        (("code", "train.py"), b"evil()\n", "code: the record names the tree"),
    ],
)
def test_what_lies_beside_a_record_is_held_against_it(
    cli: Any, repo: Any, signed: str, below: tuple[str, ...], content: bytes, says: str
) -> None:
    rewrite(repo, ("runs", *run_path(signed), *below), content)
    done = cli("verify", signed, "--json")
    assert done.status == ExitStatus.NO
    assert says in only(done.json)["integrity"]["problems"][0]
    assert signature_of(done)["state"] == "good"  # of run.yaml, which is as it was
    assert not only(done.json)["verified"]
    assert "does not hold" in cli("verify", signed).out
    refused = cli("sign", signed, "--json")
    assert (refused.status, refused.error["code"]) == (ExitStatus.NO, "record-broken")


def test_a_record_that_cannot_be_read_is_named(cli: Any, repo: Any, signed: str) -> None:
    rewrite(repo, ("runs", *run_path(signed), "run.yaml"), b"format: 1\n")
    for done in (cli("verify", signed, "--json"), cli("verify", "--json")):
        assert done.status == ExitStatus.NO
        assert "is a required property" in only(done.json)["integrity"]["problems"][0]
        assert signature_of(done)["state"] == "record-changed"


@pytest.mark.parametrize(
    "change",
    [
        lambda held: {"text": held["text"].replace("\nU1N", "\nU1O", 1)},
        lambda held: {"statement": held["statement"].replace("time 2", "time 1")},
        lambda held: {"statement": held["statement"] + "\n"},
        lambda held: {"statement": held["statement"].replace("time ", "time x")},
        lambda held: {"statement": held["statement"][:-28] + "9999-99-99T99:99:99.999999Z\n"},
        lambda held: {"format": "gpg"},
        lambda held: {"text": ""},
    ],
)
def test_a_signature_that_was_tampered_with_is_bad(
    cli: Any, repo: Any, signed: str, change: Callable[[Any], Mapping[str, Any]]
) -> None:
    change_signature(repo, signed, change(annotation(repo, signed)[1]["signature"]))
    done = cli("verify", signed, "--json")
    assert done.status == ExitStatus.NO
    assert signature_of(done)["state"] == "bad"
    assert signature_of(done)["detail"]


def test_annotations_that_cannot_be_read_are_named(cli: Any, repo: Any, signed: str) -> None:
    folder = ("annotations", *run_path(signed))
    rewrite(repo, (*folder, "torn.yaml"), b"signature: [")
    done = cli("verify", signed, "--json")
    assert only(done.json)["unreadable"] == ["torn.yaml"]
    assert "unreadable annotation torn.yaml" in cli("verify", signed).out


@pytest.mark.parametrize(
    ("options", "state"),
    [('valid-before="20200101"', "expired"), ('namespaces="git"', "not-allowed")],
)
def test_a_key_that_may_not_sign_runs_is_named(
    cli: Any, ssh_keys: SshKeys, key: SshKey, signed: str, options: str, state: str
) -> None:
    ssh_keys.allow(key, options=options)
    done = cli("verify", signed, "--json")
    assert (done.status, signature_of(done)["state"]) == (ExitStatus.NO, state)
    assert signature_of(done)["detail"] in cli("verify", signed).out


def test_allowed_signers_can_be_given(
    cli: Any, repo: Any, ssh_keys: SshKeys, key: SshKey, signed: str
) -> None:
    theirs = ssh_keys.folder / "theirs"
    theirs.write_text(f"bob@example.org {ssh_keys.make('bob').public}\n")
    done = cli("verify", signed, "--allowed-signers", str(theirs), "--json")
    assert (done.status, signature_of(done)["state"]) == (ExitStatus.NO, "unknown-signer")
    repo.git("config", "gpg.ssh.allowedSignersFile", "/nowhere")
    missing = cli("verify", signed, "--json")
    assert missing.error["code"] == "allowed-signers-missing"
    assert cli("verify", signed, "--allowed-signers", str(theirs)).status == ExitStatus.NO


def test_another_signature_counts_beside_one_of_nobody(
    cli: Any, ssh_keys: SshKeys, key: SshKey, signed: str
) -> None:
    bob = ssh_keys.make("bob")
    ssh_keys.allow(bob, "bob@example.org")
    assert cli("verify", signed).status == ExitStatus.NO
    assert cli("sign", signed, "--key", str(bob.path)).status == 0
    done = cli("verify", signed, "--json")
    assert done.status == 0
    states = {each["state"] for each in only(done.json)["signatures"]}
    assert states == {"good", "unknown-signer"}


def test_signing_by_gpg(cli: Any, repo: Any, gpg: GpgHome) -> None:
    fingerprint = gpg.make("Ada Tester <ada@example.org>")
    run_id = record(cli)
    assert cli("sign", run_id, "--json").json["runs"] == [run_id]
    done = cli("verify", "--json")
    assert (done.status, signature_of(done)["state"]) == (0, "good")
    assert signature_of(done)["key"] == fingerprint
    assert signature_of(done)["signer"] == "Ada Tester <ada@example.org>"
    by_key = cli("sign", run_id, "--key", "nobody@example.org", "--json")
    assert by_key.error["code"] == "cannot-sign"
    assert by_key.status == ExitStatus.COULD_NOT_RUN


def test_the_commit_of_a_run_is_checked_too(cli: Any, repo: Any, key: SshKey) -> None:
    repo.git("config", "commit.gpgSign", "true")
    run_id = record(cli)
    cli("sign", run_id)
    run = only(cli("verify", run_id, "--json").json)
    assert (run["commit"]["state"], run["commit"]["signer"]) == ("good", "ada@example.org")
    assert run["commit"]["key"] == key.fingerprint
    assert "good by ada@example.org" in cli("verify", run_id).out
    repo.git("verify-commit", REF)


def test_a_run_is_recorded_where_its_commit_cannot_be_signed(cli: Any, repo: Any) -> None:
    repo.git("config", "gpg.format", "ssh")
    repo.git("config", "commit.gpgSign", "true")
    done = cli("run", "--", "true")
    assert done.status == 0
    assert done.err.count("commits of the runs ref are not signed, runs are recorded") == 1
    assert cli("ls", "--json").json["total"] == 1
    refused = cli("sign", "@", "--json")
    assert refused.error["code"] == "no-signing-key"


def test_a_literal_key_without_an_agent(cli: Any, key: SshKey, monkeypatch: Any) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    record(cli)
    refused = cli("sign", "@", "--key", f"key::{key.public}", "--json")
    assert (refused.error["code"], "agent" in refused.error["message"]) == ("cannot-sign", True)
