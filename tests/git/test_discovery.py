"""Finding and opening repositories in every shape that git makes them, and refusing some."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runref.git.discovery import ForeignRepository, NotARepository, UnsupportedRepository
from runref.git.repository import Repository


def find(path: Path, **environ: str) -> Repository:
    return Repository.discover(path, environ={**os.environ, **environ})


def check_works(repository: Repository, run_git) -> None:
    """Read HEAD, write an object, move the ref; git must agree about all of it."""
    objects = repository.objects
    assert repository.head().commit == run_git("rev-parse", "HEAD")
    tree = objects.read_commit(repository.head().commit).tree
    commit = objects.write_commit(
        tree=tree, parents=[], identity=repository.identity(), time=1, message="m"
    )
    ref = repository.ref("refs/runref/runs")
    assert ref.compare_and_swap("", commit, message="m")
    assert run_git("rev-parse", "refs/runref/runs") == commit
    assert str(repository.git_dir) == run_git("rev-parse", "--absolute-git-dir")
    listed = run_git("ls-files").splitlines()
    assert [os.fsdecode(path) for path in repository.tracked()] == listed
    run_git("fsck", "--strict", "--no-dangling")


def test_from_the_root_and_from_subfolders(repo):
    folder = repo.path / "pkg/deep/er"
    folder.mkdir(parents=True)
    for start in (repo.path, repo.path / "pkg", folder, repo.path / "train.py"):
        repository = find(start)
        assert repository.root == repo.path
        assert repository.git_dir == repository.common_dir == repo.path / ".git"
    check_works(repository, repo.git)


def test_through_a_symbolic_link(repo, tmp_path):
    (tmp_path / "link").symlink_to(repo.path / "pkg")
    assert find(tmp_path / "link").root == repo.path


def test_in_a_linked_worktree(repo, make_repo, tmp_path):
    repo.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    side = type(repo)(tmp_path / "side")
    side.write("new.py", "x")
    side.commit()
    (side.path / "sub").mkdir()
    repository = find(side.path / "sub")
    assert repository.root == side.path
    assert repository.common_dir == repo.path / ".git"
    assert repository.git_dir == repo.path / ".git/worktrees/side"
    assert repository.head().branch == "side"
    check_works(repository, side.git)
    assert (
        find(repo.path).ref("refs/runref/runs").read() == repository.ref("refs/runref/runs").read()
    )
    assert Repository.open(repository.git_dir).root == side.path


def test_in_a_worktree_with_settings_of_its_own(repo, tmp_path):
    repo.git("worktree", "add", "-q", str(tmp_path / "side"))
    repo.git("config", "extensions.worktreeConfig", "true")
    side = type(repo)(tmp_path / "side")
    side.git("config", "--worktree", "user.email", "side@example.org")
    assert find(side.path).config("user", "email") == "side@example.org"
    assert find(repo.path).config("user", "email") is None
    check_works(find(side.path), side.git)


def test_in_a_submodule(repo, make_repo):
    outer = make_repo("outer")
    outer.git(
        "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repo.path), "libs/it"
    )
    outer.commit()
    inner = type(repo)(outer.path / "libs/it")
    repository = find(inner.path / "pkg")
    assert repository.root == inner.path
    assert repository.git_dir == outer.path / ".git/modules/libs/it"
    check_works(repository, inner.git)
    assert Repository.open(repository.git_dir).root == inner.path
    (module,) = find(outer.path).submodules()
    assert (module.path, module.commit, module.url) == (
        b"libs/it",
        inner.git("rev-parse", "HEAD"),
        str(repo.path),
    )
    assert find(repo.path).submodules() == ()


def test_with_a_separate_git_dir(make_repo, tmp_path):
    repo = make_repo("r", "--separate-git-dir", str(tmp_path / "elsewhere"))
    repo.write("a", "a")
    repo.commit()
    repository = find(repo.path)
    assert (repository.root, repository.git_dir) == (repo.path, tmp_path / "elsewhere")
    check_works(repository, repo.git)


def test_bare(repo, tmp_path):
    repo.git("clone", "-q", "--bare", str(repo.path), str(tmp_path / "bare.git"))
    bare = type(repo)(tmp_path / "bare.git")
    for repository in (find(bare.path), find(bare.path / "refs"), Repository.open(bare.path)):
        assert repository.root is None
        assert repository.git_dir == bare.path
        assert repository.tracked() == {}
    check_works(repository, bare.git)


def test_with_alternates_of_alternates_and_shallow(repo, tmp_path):
    repo.write("b", "b")
    repo.commit()
    first, second = tmp_path / "first", tmp_path / "second"
    repo.git("clone", "-q", "--shared", str(repo.path), str(first))
    repo.git("clone", "-q", "--shared", str(first), str(second))
    repo.git("clone", "-q", "--depth=1", f"file://{repo.path}", str(tmp_path / "shallow"))
    for path in (first, second, tmp_path / "shallow"):
        clone = type(repo)(path)
        repository = find(path)
        assert repository.objects.read_blob(clone.git("rev-parse", "HEAD:b")) == b"b"
        check_works(repository, clone.git)


def test_relative_alternates(repo, tmp_path):
    borrower = tmp_path / "borrower"
    repo.git("clone", "-q", "--shared", str(repo.path), str(borrower))
    alternates = borrower / ".git/objects/info/alternates"
    alternates.write_text("# a comment\n\n../../../repo/.git/objects\n")
    check_works(find(borrower), type(repo)(borrower).git)


def test_sha256(make_repo):
    repo = make_repo("r", "--object-format=sha256")
    repo.write("a", "a")
    repo.commit()
    assert find(repo.path).object_format == "sha256"
    check_works(find(repo.path), repo.git)


def test_core_worktree_names_the_root(repo, tmp_path):
    (tmp_path / "files").mkdir()
    repo.git("config", "core.worktree", str(tmp_path / "files"))
    assert find(repo.path).root == tmp_path / "files"


def test_inside_the_git_dir_the_root_is_still_known(repo):
    assert find(repo.path / ".git/objects").root == repo.path
    assert Repository.open(repo.path / ".git").root == repo.path


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("partialClone", "origin"),
        ("preciousObjects", "true"),
        ("noop", "x"),
        ("refStorage", "files"),
    ],
)
def test_harmless_extensions_are_accepted(repo, setting, value):
    repo.git("config", "core.repositoryFormatVersion", "1")
    with (repo.path / ".git/config").open("a") as file:
        file.write(f"[extensions]\n\t{setting} = {value}\n")
    assert find(repo.path).head().commit


@pytest.mark.parametrize(
    ("version", "setting", "named"),
    [
        ("1", "refStorage = reftable", "extensions.refstorage = reftable"),
        ("1", "objectFormat = sha512", "extensions.objectformat = sha512"),
        ("1", "compatObjectFormat = sha256", "extensions.compatobjectformat"),
        ("1", "somethingNew = true", "extensions.somethingnew"),
        ("0", "objectFormat = sha256", "extensions.objectformat"),
        ("2", "noop = 1", "version 2"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(repo, version, setting, named):
    config = repo.path / ".git/config"
    text = config.read_text().replace(
        "repositoryformatversion = 0", f"repositoryformatversion = {version}"
    )
    config.write_text(f"{text}[extensions]\n\t{setting}\n")
    with pytest.raises(UnsupportedRepository, match=named) as caught:
        find(repo.path)
    assert caught.value.code == "unsupported-repository"
    assert caught.value.hint


def test_unknown_extensions_of_old_repositories_do_not_count(repo):
    """As in git: before format version 1 nobody promised to heed them."""
    with (repo.path / ".git/config").open("a") as file:
        file.write("[extensions]\n\tsomethingNew = true\n")
    assert find(repo.path).head().commit == repo.git("rev-parse", "HEAD")


def test_outside_a_repository_the_error_names_git_init(tmp_path):
    for path in (tmp_path, tmp_path / "does/not/exist"):
        with pytest.raises(NotARepository) as caught:
            find(path)
        assert "git init" in caught.value.hint
    (tmp_path / "repo/.git").mkdir(parents=True)  # looks like one, is none
    with pytest.raises(NotARepository):
        find(tmp_path / "repo")
    with pytest.raises(NotARepository, match="repo"):
        Repository.open(tmp_path / "repo")


@pytest.mark.parametrize("content", ["gitdir: /nowhere\n", "garbage", ""])
def test_a_git_file_that_leads_nowhere_is_named(tmp_path, content):
    (tmp_path / ".git").write_text(content)
    with pytest.raises(NotARepository, match=r"\.git does not lead"):
        find(tmp_path)


# repositories of other users


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def foreign(repo):
    for path in (repo.path, repo.path / ".git"):
        os.chown(path, 12345, -1)
    return repo


@needs_root
def test_a_repository_of_someone_else_is_refused_as_git_does(foreign):
    with pytest.raises(ForeignRepository) as caught:
        find(foreign.path / "pkg")
    assert f"git config --global --add safe.directory {foreign.path}" in caught.value.hint
    with pytest.raises(AssertionError, match="dubious ownership"):
        foreign.git("status")


@needs_root
@pytest.mark.parametrize(
    ("values", "accepted"),
    [
        (["*"], True),
        (["{repo}"], True),
        (["{repo}/"], True),
        (["{parent}/*"], True),
        (["/somewhere/else"], False),
        (["{repo}", ""], False),
        (["", "{repo}"], True),
        (["{parent}"], False),
    ],
)
def test_safe_directory_is_heeded(foreign, isolated_home, values, accepted):
    for value in values:
        filled = value.format(repo=foreign.path, parent=foreign.path.parent)
        with (isolated_home / ".gitconfig").open("a") as file:
            file.write(f"[safe]\n\tdirectory = {filled}\n")
    if accepted:
        assert find(foreign.path).root == foreign.path
    else:
        with pytest.raises(ForeignRepository):
            find(foreign.path)


@needs_root
def test_safe_directory_in_the_repository_itself_does_not_count(foreign):
    with (foreign.path / ".git/config").open("a") as file:
        file.write("[safe]\n\tdirectory = *\n")
    with pytest.raises(ForeignRepository):
        find(foreign.path)


@needs_root
def test_safe_directory_from_the_environment_and_the_user_behind_sudo(foreign):
    safe = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
    }
    assert find(foreign.path, **safe).root == foreign.path
    assert find(foreign.path, SUDO_UID="12345").root == foreign.path
    with pytest.raises(ForeignRepository):
        find(foreign.path, SUDO_UID="54321")


@needs_root
def test_a_foreign_bare_repository_is_refused(repo, tmp_path):
    repo.git("clone", "-q", "--bare", str(repo.path), str(tmp_path / "bare.git"))
    os.chown(tmp_path / "bare.git", 12345, -1)
    with pytest.raises(ForeignRepository, match=r"bare\.git"):
        find(tmp_path / "bare.git")
