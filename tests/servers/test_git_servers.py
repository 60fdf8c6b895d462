"""Plain git on the git servers: what they let through, and to whom."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.conftest import GitRepo
from tests.servers.faults import CutBody, CutUpload, HangUpAfter
from tests.servers.git_hosting import (
    READER,
    WRITERS,
    GitHost,
    during_fetch,
    during_push,
    limit_pushes,
    refuse_pushes,
    refuse_rewinding,
)
from tests.servers.git_http import GitHttp
from tests.servers.git_ssh import GitSsh
from tests.servers.proxy import Proxy

pytestmark = pytest.mark.slow

REF = "refs/runref/runs"


@pytest.fixture(params=["git_http", "git_https", "git_ssh"])
def host(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> GitHost:
    host: GitHost = request.getfixturevalue(request.param)
    for name, value in host.client_environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")
    return host


@pytest.fixture
def bare(host: GitHost, tmp_path: Path) -> Path:
    return host.create(tmp_path.name)


def refused(repo: GitRepo, *arguments: str) -> str:
    """Run git, which fails, and return what it says."""
    with pytest.raises(AssertionError) as failure:
        repo.git(*arguments)
    return str(failure.value)


def refs(bare: Path) -> list[str]:
    command = ["git", "-C", str(bare), "for-each-ref", "--format=%(refname)"]
    return subprocess.check_output(command, text=True).split()


def test_what_one_user_pushes_all_users_fetch(
    host: GitHost, bare: Path, make_repo: Callable[..., GitRepo], repo: GitRepo
):
    repo.git("push", "-q", host.url(bare.stem, WRITERS[0]), f"HEAD:{REF}", "HEAD:refs/heads/main")
    for user in (*WRITERS, READER):
        clone = make_repo(user)
        clone.git("fetch", "-q", host.url(bare.stem, user), f"{REF}:{REF}")
        assert clone.git("rev-parse", REF) == repo.git("rev-parse", "HEAD")
    clone = repo.path.with_name("shallow")
    repo.git("clone", "-q", "--depth=1", host.url(bare.stem, READER), str(clone))
    assert (clone / "train.py").exists()


def test_both_writers_push(host: GitHost, bare: Path, repo: GitRepo):
    for user in WRITERS:
        repo.git("push", "-q", host.url(bare.stem, user), f"HEAD:refs/heads/{user}")
    assert refs(bare) == [f"refs/heads/{user}" for user in WRITERS]


def test_the_reader_may_not_push(host: GitHost, bare: Path, repo: GitRepo):
    said = refused(repo, "push", host.url(bare.stem, READER), f"HEAD:{REF}")
    assert ("may only fetch" if isinstance(host, GitSsh) else "403") in said
    assert refs(bare) == []


def test_strangers_are_not_let_in(host: GitHost, bare: Path, repo: GitRepo):
    said = refused(repo, "fetch", host.url(bare.stem))
    assert "Permission denied" in said or "terminal prompts disabled" in said


def test_a_wrong_password_is_refused(git_http: GitHttp, tmp_path: Path, repo: GitRepo):
    bare = git_http.create(tmp_path.name)
    said = refused(repo, "fetch", git_http.url(bare.stem, WRITERS[0], "wrong"))
    assert "Authentication failed" in said


def test_https_needs_its_authority(git_http: GitHttp, tmp_path: Path, repo: GitRepo):
    bare = git_http.create(tmp_path.name)
    said = refused(repo, "fetch", git_http.https.url(bare.stem, WRITERS[0]))
    assert "certificate" in said


def test_a_swap_on_an_old_value_is_refused(host: GitHost, bare: Path, repo: GitRepo):
    url = host.url(bare.stem, WRITERS[0])
    repo.git("push", "-q", url, f"HEAD:{REF}")
    repo.commit("second")
    said = refused(repo, "push", f"--force-with-lease={REF}:", url, f"HEAD:{REF}")
    assert "stale info" in said
    repo.git("push", "-q", f"--force-with-lease={REF}:HEAD~", url, f"HEAD:{REF}")
    assert repo.git("ls-remote", url, REF).split()[0] == repo.git("rev-parse", "HEAD")


def test_one_of_many_creates_a_ref(host: GitHost, bare: Path, make_repo: Callable[..., GitRepo]):
    repos = [make_repo(f"repo-{number}") for number in range(8)]
    for number, repo in enumerate(repos):
        repo.commit(f"commit {number}")

    def push(number: int) -> bool:
        url = host.url(bare.stem, WRITERS[number % 2])
        command = ["git", "push", "-q", f"--force-with-lease={REF}:", url, f"HEAD:{REF}"]
        done = subprocess.run(command, cwd=repos[number].path, capture_output=True, check=False)
        return done.returncode == 0

    with ThreadPoolExecutor(len(repos)) as threads:
        assert sum(threads.map(push, range(len(repos)))) == 1
    assert refs(bare) == [REF]


def test_many_push_at_once(host: GitHost, bare: Path, repo: GitRepo):
    def push(number: int) -> None:
        url = host.url(bare.stem, WRITERS[number % 2])
        repo.git("push", "-q", url, f"HEAD:refs/heads/b{number:02}")

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(push, range(32)))
    assert refs(bare) == [f"refs/heads/b{number:02}" for number in range(32)]


def test_a_hook_refuses_with_its_words(host: GitHost, bare: Path, repo: GitRepo):
    refuse_pushes(bare, 'GH013: Repository rule violations; it\'s "protected"')
    said = refused(repo, "push", host.url(bare.stem, WRITERS[0]), f"HEAD:{REF}")
    assert 'GH013: Repository rule violations; it\'s "protected"' in said
    assert "pre-receive hook declined" in said


@pytest.mark.parametrize(
    ("ref", "said"), [("refs/heads/main", "non-fast-forward"), (REF, "may not be rewound")]
)
def test_rewinding_is_refused(host: GitHost, bare: Path, repo: GitRepo, ref: str, said: str):
    refuse_rewinding(bare)
    url = host.url(bare.stem, WRITERS[0])
    repo.commit("second")
    repo.git("push", "-q", url, f"HEAD~:{ref}")
    repo.git("push", "-q", url, f"HEAD:{ref}")
    assert said in refused(repo, "push", "--force", url, f"HEAD~:{ref}")


def test_a_push_over_the_limit_is_refused(host: GitHost, bare: Path, repo: GitRepo):
    limit_pushes(bare, 10_000)
    url = host.url(bare.stem, WRITERS[0])
    repo.git("push", "-q", url, "HEAD:refs/heads/small")
    repo.write("noise", repo.git("rev-list", "--objects", "--all") * 1000)
    repo.git("config", "core.compression", "0")
    repo.commit("large")
    assert "pack exceeds maximum allowed size" in refused(repo, "push", url, f"HEAD:{REF}")
    assert refs(bare) == ["refs/heads/small"]


def test_a_push_that_is_cut_changes_nothing(
    git_http: GitHttp, git_proxy: Proxy, tmp_path: Path, repo: GitRepo
):
    bare = git_http.create(tmp_path.name)
    url = git_http.behind(git_proxy.url).url(bare.stem, WRITERS[0])
    git_proxy.rule = during_push(CutUpload(200))
    refused(repo, "push", url, f"HEAD:{REF}")
    assert refs(bare) == []


def test_a_push_whose_answer_is_lost_is_done(
    git_http: GitHttp, git_proxy: Proxy, tmp_path: Path, repo: GitRepo
):
    bare = git_http.create(tmp_path.name)
    url = git_http.behind(git_proxy.url).url(bare.stem, WRITERS[0])
    git_proxy.rule = during_push(HangUpAfter())
    refused(repo, "push", url, f"HEAD:{REF}")
    assert refs(bare) == [REF]


def test_a_fetch_that_is_cut_fails(
    git_http: GitHttp,
    git_proxy: Proxy,
    tmp_path: Path,
    repo: GitRepo,
    make_repo: Callable[..., GitRepo],
):
    bare = git_http.create(tmp_path.name)
    url = git_http.behind(git_proxy.url).url(bare.stem, WRITERS[0])
    repo.git("push", "-q", url, f"HEAD:{REF}")
    git_proxy.rule = during_fetch(CutBody(300))
    clone = make_repo("clone")
    refused(clone, "fetch", url, f"{REF}:{REF}")
    assert clone.git("for-each-ref", REF) == ""
