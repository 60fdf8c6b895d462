"""Records by each way that git has to another repository, with the git binary and without."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.servers.git_hosting import READER, WRITERS, GitHost
from tests.servers.git_http import PASSWORDS, GitAddress, GitHttp
from tests.servers.git_ssh import GitSsh
from tests.sync.clones import RUNS, Clone, check_server, new_id, runs_of
from tests.sync.conftest import Cli, Folders, MakeClone

pytestmark = pytest.mark.slow

ALICE, BOB = WRITERS
SECRETS = [password.encode() for password in PASSWORDS.values()]


def occupy(clone: Clone) -> None:
    """Give a clone all that a user may have in it, and hooks that leave a trace."""
    clone.write("edited.py", "stashed = 1\n")
    clone.git("add", "edited.py")
    clone.git("stash", "push", "-q")
    clone.write("train.py", "print('edited')\n")
    clone.write("staged.py", "staged = 1\n")
    clone.git("add", "staged.py")
    clone.git("branch", "other")
    clone.git("tag", "-a", "-m", "a tag", "v1")
    clone.git("pack-refs", "--all")
    clone.git("fetch", "-q", ".", "main")  # which writes FETCH_HEAD
    hooks = clone.path.parent / f"hooks-of-{clone.path.name}"
    for folder in (hooks, clone.path / ".git" / "hooks"):
        folder.mkdir(exist_ok=True)
        for name in ("pre-push", "reference-transaction", "post-checkout", "pre-auto-gc"):
            hook = folder / name
            hook.write_text(f"#!/bin/sh\ntouch '{hooks}/was-run'\nexit 1\n")
            hook.chmod(0o755)
    clone.git("config", "core.hooksPath", str(hooks))


@contextmanager
def untouched(clone: Clone) -> Iterator[None]:
    """Fail unless all that is the user's is the same after the block, and nothing was left."""
    before = _users(clone.path), _status(clone)
    yield
    assert _users(clone.path) == before[0]
    assert _status(clone) == before[1]
    assert clone.leftovers() == []
    assert not list(clone.path.parent.glob("hooks-of-*/was-run"))
    clone.fsck()


def _status(clone: Clone) -> str:
    bare = clone.git("rev-parse", "--is-bare-repository") == "true"
    return "" if bare else clone.git("status", "--porcelain")


def _users(root: Path) -> dict[str, bytes]:
    """Return every file but objects, and what is runref's own."""
    ours = ("objects/", "runref/", "refs/runref/", "logs/refs/runref/")
    files = (path for path in root.rglob("*") if path.is_file())
    held = {str(path.relative_to(root)): path.read_bytes() for path in files}
    return {
        name: data
        for name, data in held.items()
        if not any(f"/.git/{part}" in f"/{name}" for part in ours)
        and not (name.startswith((*ours,)) and (root / "HEAD").exists())
    }


def no_secret_in(clone: Clone, *told: str) -> None:
    """Fail where a password stands in what was told or in what was written to a repository."""
    said = [text.encode() for text in told]
    written = [path.read_bytes() for path in (clone.path / ".git" / "logs").rglob("*runs")]
    said += [*written, clone.git("log", "--format=%B", "--all").encode()]
    said += [path.read_bytes() for path in (clone.path / ".git" / "refs").rglob("*")
             if path.is_file()]  # fmt: skip
    assert not [secret for secret in SECRETS for text in said if secret in text]


def test_what_two_users_do_comes_together(
    host: GitHost, bare: Path, by: Mapping[str, str], make_clone: MakeClone, cli: Cli
):
    alice = make_clone("alice", host.url(bare.stem, ALICE))
    bob = make_clone("bob", host.url(bare.stem, BOB))
    for clone in (alice, bob):
        occupy(clone)
    (first,) = alice.add()
    told = []
    with untouched(alice), untouched(bob):
        told += [cli(alice, "push", **by), cli(bob, "pull", **by)]
        assert bob.runs() == alice.runs() == runs_of(bare)
        alice.annotate(first, add_tags=["from-alice"])
        bob.add(new_id(), new_id(), size=2000)
        bob.annotate(first, add_tags=["from-bob"])
        told += [cli(bob, "push", **by), cli(alice, "sync", **by), cli(bob, "sync", **by)]
    assert [each.status for each in told] == [0] * 5, told
    assert bob.runs() == alice.runs() == runs_of(bare)
    assert len(alice.runs()) == 3
    assert alice.annotations() == bob.annotations() == 2
    assert alice.tip() == bob.tip()
    check_server(bare)
    for clone in (alice, bob):
        no_secret_in(clone, *(each.out + each.err for each in told))
        assert "\nrefs/runref/remotes/origin/runs" in clone.git(
            "for-each-ref", "--format=%0a%(refname)"
        )


def test_a_url_is_as_good_as_a_remote(
    host: GitHost, bare: Path, by: Mapping[str, str], make_clone: MakeClone, cli: Cli
):
    alice, bob = make_clone("alice"), make_clone("bob")
    alice.add()
    bob.add()
    url = host.url(bare.stem, ALICE)
    told = [cli(each, "sync", url, "--json", **by) for each in (alice, bob, alice)]
    assert [each.status for each in told] == [0] * 3, told
    assert bob.runs() == alice.runs() == runs_of(bare)
    for clone in (alice, bob):
        no_secret_in(clone, *(each.out + each.err for each in told))


def test_a_second_push_has_nothing_to_do(
    folders: Folders, make_clone: MakeClone, cli: Cli, by: Mapping[str, str]
):
    bare = folders.create("team")
    clone = make_clone("clone", str(bare))
    clone.add()
    assert "1 run sent" in cli(clone, "push", **by).out
    tip = clone.tip()
    assert "nothing to send" in cli(clone, "push", **by).out
    assert "nothing new" in cli(clone, "pull", **by).out
    assert clone.tip() == tip


def test_nothing_here_and_nothing_there(
    folders: Folders, make_clone: MakeClone, cli: Cli, by: Mapping[str, str]
):
    clone = make_clone("clone", str(folders.create("team")))
    assert "no runs here yet" in cli(clone, "push", **by).out
    assert "no runs there yet" in cli(clone, "pull", **by).out
    assert cli(clone, "sync", **by).status == 0
    assert clone.leftovers() == []


def test_histories_of_sha256(make_clone: MakeClone, tmp_path: Path, cli: Cli):
    bare = tmp_path / "team.git"
    subprocess.run(["git", "init", "-q", "--bare", "--object-format=sha256", str(bare)], check=True)
    alice = make_clone("alice", str(bare), "--object-format=sha256")
    bob = make_clone("bob", str(bare), "--object-format=sha256")
    occupy(alice)
    alice.add()
    bob.add()
    with untouched(alice), untouched(bob):
        for clone in (alice, bob, alice):
            assert cli(clone, "sync").status == 0
    assert alice.runs() == bob.runs() == runs_of(bare)
    check_server(bare)


def test_other_hashes_than_ours_are_refused(
    make_clone: MakeClone, tmp_path: Path, cli: Cli, by: Mapping[str, str]
):
    bare = tmp_path / "team.git"
    subprocess.run(["git", "init", "-q", "--bare", "--object-format=sha256", str(bare)], check=True)
    there = make_clone("there", str(bare), "--object-format=sha256")
    there.add()
    assert cli(there, "push").status == 0
    here = make_clone("here", str(bare))
    here.add()
    for verb in ("push", "pull"):
        done = cli(here, verb, "--json", **by)
        assert done.status != 0
        assert done.error["code"] in ("git-unreachable", "objects-refused")
    assert here.leftovers() == []


@pytest.fixture
def team(folders: Folders, make_clone: MakeClone, cli: Cli) -> Path:
    """A repository on the server with a branch, three commits, and a run."""
    bare = folders.create("team")
    origin = make_clone("origin", str(bare))
    for number in range(2):
        origin.commit(f"commit {number}")
    origin.git("push", "-q", "origin", "main")
    origin.add()
    assert cli(origin, "push").status == 0
    return bare


def cloned(team: Path, *arguments: str) -> Clone:
    path = team.parent.parent / "cloned"
    subprocess.run(["git", "clone", "-q", *arguments, f"file://{team}", str(path)], check=True)
    return Clone(path)


def both_ways(clone: Clone, team: Path, cli: Cli, by: Mapping[str, str]) -> None:
    """Bring a run and send one."""
    assert cli(clone, "pull", **by).status == 0
    assert clone.runs() == runs_of(team)
    clone.add()
    done = cli(clone, "push", **by)
    assert done.status == 0, done
    assert clone.runs() == runs_of(team)
    assert len(clone.runs()) == 2
    check_server(team)


def test_a_shallow_clone(team: Path, cli: Cli, by: Mapping[str, str]):
    clone = cloned(team, "--depth=1")
    with untouched(clone):
        both_ways(clone, team, cli, by)
    assert clone.git("rev-list", "--count", "HEAD") == "1"
    assert clone.git("rev-parse", "--is-shallow-repository") == "true"


def test_a_clone_of_one_branch_without_blobs(team: Path, cli: Cli, by: Mapping[str, str]):
    clone = cloned(team, "--filter=blob:none", "--single-branch", "--no-checkout")
    both_ways(clone, team, cli, by)
    missing = clone.git("rev-list", "--objects", "--missing=print", RUNS)
    assert [line for line in missing.splitlines() if line.startswith("?")] == []


def test_a_linked_worktree(team: Path, cli: Cli, by: Mapping[str, str]):
    clone = cloned(team)
    clone.git("worktree", "add", "-q", "../linked")
    linked = Clone(clone.path.parent / "linked")
    with untouched(clone):
        both_ways(linked, team, cli, by)
    assert clone.runs() == linked.runs()


def test_a_submodule(team: Path, make_clone: MakeClone, cli: Cli, by: Mapping[str, str]):
    above = make_clone("above")
    above.git("-c", "protocol.file.allow=always", "submodule", "-q", "add", str(team), "sub")
    sub = Clone(above.path / "sub")
    both_ways(sub, team, cli, by)
    assert sub.git("status", "--porcelain") == ""


@pytest.mark.parametrize("how", ["--bare", "--mirror"])
def test_a_bare_repository(team: Path, cli: Cli, by: Mapping[str, str], how: str):
    clone = cloned(team, how)
    clone.git("update-ref", "-d", RUNS)
    with untouched(clone):
        both_ways(clone, team, cli, by)
    assert clone.git("for-each-ref", "--format=%(refname)", "refs/heads") == "refs/heads/main"


def test_many_refs_do_not_matter(team: Path, cli: Cli, by: Mapping[str, str]):
    clone = cloned(team)
    for repository in (clone, Clone(team)):
        head = repository.git("rev-parse", "main")
        names = [f"refs/tags/t{number}" for number in range(3000)]
        names += [f"refs/heads/b{number}" for number in range(3000)]
        lines = "".join(f"create {name} {head}\n" for name in names)
        repository.git("update-ref", "--stdin", input=lines.encode())
    with untouched(clone):
        both_ways(clone, team, cli, by)


def test_other_settings_of_the_user_are_heeded(team: Path, cli: Cli, by: Mapping[str, str]):
    clone = cloned(team)
    clone.git("config", f"url.{team.parent}/.insteadOf", "forge:")
    clone.git("remote", "set-url", "origin", "forge:team.git")
    both_ways(clone, team, cli, by)
    clone.git("remote", "set-url", "origin", "forge:nowhere.git")
    clone.git("remote", "set-url", "--push", "origin", "forge:team.git")
    clone.add()
    assert cli(clone, "push", **by).status == 0
    assert clone.runs() == runs_of(team)


# Passwords


def test_a_credential_helper_is_asked(
    git_https: GitAddress,
    tmp_path: Path,
    make_clone: MakeClone,
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
):
    bare = git_https.create(tmp_path.name)
    clone = make_clone("clone", git_https.url(bare.stem))
    clone.git("config", "http.sslCAInfo", git_https.client_environment["GIT_SSL_CAINFO"])
    store = tmp_path / "credentials"
    address = git_https.base.removesuffix("/git").replace("://", f"://{BOB}:{PASSWORDS[BOB]}@")
    store.write_text(f"{address}\n")
    clone.git("config", "credential.helper", f"store --file={store}")
    clone.add()
    done = [cli(clone, "push"), cli(clone, "pull")]
    assert [each.status for each in done] == [0, 0], done
    assert runs_of(bare) == clone.runs()
    no_secret_in(clone, *(each.out + each.err for each in done))


def test_the_authority_of_the_settings_is_heeded(
    git_https: GitAddress, tmp_path: Path, make_clone: MakeClone, cli: Cli, by: Mapping[str, str]
):
    bare = git_https.create(tmp_path.name)
    clone = make_clone("clone", git_https.url(bare.stem, ALICE))
    clone.add()
    done = cli(clone, "push", "--json", **by)
    assert (done.status, done.error["code"]) == (3, "git-unreachable")
    assert "certificate" in done.error["message"]
    clone.git("config", "http.sslCAInfo", git_https.client_environment["GIT_SSL_CAINFO"])
    assert cli(clone, "push", **by).status == 0


def test_a_token_in_the_url_is_never_shown(
    git_http: GitHttp, tmp_path: Path, make_clone: MakeClone, cli: Cli, by: Mapping[str, str]
):
    token = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
    bare = git_http.create(tmp_path.name)
    url = git_http.base.replace("://", f"://{token}@") + f"/{bare.stem}.git"
    clone = make_clone("clone", url)
    clone.add()
    calls = (("push",), ("pull", url), ("sync", url))
    done = [cli(clone, *call, "--json", **by) for call in calls]
    for each in done:
        assert each.error["code"] == "git-unreachable"
        assert token not in each.out + each.err
    assert token not in clone.git("for-each-ref")


def test_a_wrong_password_is_said_and_not_shown(
    git_http: GitHttp, tmp_path: Path, make_clone: MakeClone, cli: Cli, by: Mapping[str, str]
):
    bare = git_http.create(tmp_path.name)
    clone = make_clone("clone", git_http.url(bare.stem, ALICE, "hunter2"))
    clone.add()
    for verb in ("push", "pull", "sync"):
        done = cli(clone, verb, "--json", **by)
        assert (done.status, done.error["code"]) == (3, "git-unreachable")
        assert re.search("Authentication|credentials", done.error["message"]), done
        assert "hunter2" not in done.out + done.err
        assert done.error["hint"]
    assert clone.leftovers() == []


def test_a_stranger_is_not_let_in(
    git_ssh: GitSsh,
    tmp_path: Path,
    make_clone: MakeClone,
    cli: Cli,
    by: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("GIT_SSH_COMMAND", git_ssh.client_environment["GIT_SSH_COMMAND"])
    bare = git_ssh.create(tmp_path.name)
    clone = make_clone("clone", git_ssh.url(bare.stem))
    clone.add()
    for verb in ("push", "pull"):
        done = cli(clone, verb, "--json", **by)
        assert (done.status, done.error["code"]) == (3, "git-unreachable")
        assert "Permission denied" in done.error["message"], done
    assert clone.leftovers() == []


UNREACHABLE = {
    "no such host": "https://no-such-host.invalid/team.git",
    "nobody listens": "http://127.0.0.1:9/team.git",
    "no such folder": "/nowhere/at/all.git",
    "no such scheme": "gopher://127.0.0.1/team.git",
}


@pytest.mark.parametrize("url", UNREACHABLE.values(), ids=UNREACHABLE.keys())
def test_what_cannot_be_reached_is_said(
    make_clone: MakeClone, cli: Cli, by: Mapping[str, str], url: str
):
    clone = make_clone("clone", url)
    clone.add()
    for verb in ("push", "pull", "sync"):
        done = cli(clone, verb, "--json", **by)
        assert (done.status, done.error["code"]) == (3, "git-unreachable"), done
        assert url.rsplit("//", maxsplit=1)[-1] in done.error["message"]
        assert done.error["hint"]
    assert clone.leftovers() == []


def test_who_may_only_read_pulls_and_is_told_on_pushing(
    git_http: GitHttp,
    git_ssh: GitSsh,
    tmp_path: Path,
    make_clone: MakeClone,
    cli: Cli,
    by: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("GIT_SSH_COMMAND", git_ssh.client_environment["GIT_SSH_COMMAND"])
    for name, host in (("http", git_http), ("ssh", git_ssh)):
        bare = host.create(tmp_path.name)
        writer = make_clone(f"writer-{name}", host.url(bare.stem, ALICE))
        writer.add()
        assert cli(writer, "push", **by).status == 0
        reader = make_clone(f"reader-{name}", host.url(bare.stem, READER))
        assert cli(reader, "pull", **by).status == 0
        assert reader.runs() == writer.runs()
        reader.add()
        done = cli(reader, "push", "--json", **by)
        assert done.status != 0
        over_http_by_git = name == "http" and not by
        expected = "push-refused" if over_http_by_git else "git-unreachable"
        assert done.error["code"] == expected, done
        assert "403" in done.error["message"] or "may only fetch" in done.error["message"], done
        assert len(reader.runs()) == 2
        no_secret_in(reader, done.out + done.err)
        assert runs_of(bare) == writer.runs()


def test_a_connection_that_ssh_keeps_open_is_not_waited_for(
    git_ssh: GitSsh, tmp_path: Path, make_clone: MakeClone, cli: Cli, by: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    control = f"{os.environ['HOME']}/c"
    keeping = f"-o ControlMaster=auto -o ControlPath={control} -o ControlPersist=60"
    command = f"{git_ssh.client_environment['GIT_SSH_COMMAND']} {keeping}"
    monkeypatch.setenv("GIT_SSH_COMMAND", command)
    bare = git_ssh.create(tmp_path.name)
    clone = make_clone("clone", git_ssh.url(bare.stem, ALICE))
    clone.add()
    try:
        done = clone.runref("push", **by)
        assert done.status == 0, done
    finally:
        subprocess.run(
            [*command.split()[:1], "-F", str(git_ssh.config), "-o", f"ControlPath={control}",
             "-O", "exit", ALICE], check=False, capture_output=True,
        )  # fmt: skip
    assert runs_of(bare) == clone.runs()
