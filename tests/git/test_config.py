"""Configuration and identity: the values that `git config` and `git var` give."""

from __future__ import annotations

import os

import pytest

from runref.git.config import ConfigDamaged
from runref.git.repository import Repository


def opened(repo, **environ: str) -> Repository:
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("GIT_AUTHOR", "GIT_COMMITTER"))
    }
    return Repository.open(repo.path, environ=kept | environ)


def test_the_repository_wins_over_the_user_and_the_user_over_the_system(repo, isolated_home):
    system = isolated_home / "system"
    system.write_text("[a]\n\tb = system\n\tc = system\n\td = system\n")
    (isolated_home / ".config/git").mkdir(parents=True)
    (isolated_home / ".config/git/config").write_text("[a]\n\tc = xdg\n\td = xdg\n")
    (isolated_home / ".gitconfig").write_text("[a]\n\td = user\n\te = user\n")
    repo.git("config", "a.e", "repository")
    environ = {"GIT_CONFIG_SYSTEM": str(system), "GIT_CONFIG_NOSYSTEM": "0"}
    repository = opened(repo, **environ)
    assert [repository.config("a", name) for name in "bcdef"] == [
        "system", "xdg", "user", "repository", None,
    ]  # fmt: skip
    assert opened(repo).config("a", "b") is None  # GIT_CONFIG_NOSYSTEM of the test
    command = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.e", "GIT_CONFIG_VALUE_0": "command"}
    assert opened(repo, **command).config("a", "e") == "command"
    other = isolated_home / "other"
    other.write_text("[a]\n\td = other\n")
    repository = opened(repo, GIT_CONFIG_GLOBAL=str(other))
    assert (repository.config("a", "d"), repository.config("a", "c")) == ("other", None)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("gitdir:{parent}/", True),
        ("gitdir:{root}/.git", True),
        ("gitdir:repo/", True),
        ("gitdir:**/repo/**", True),
        ("gitdir:~/", False),
        ("gitdir:/else/where/", False),
        ("gitdir:{upper}/", False),
        ("gitdir/i:{upper}/", True),
        ("onbranch:main", True),
        ("onbranch:ma*", True),
        ("onbranch:main/", False),
        ("onbranch:other", False),
        ("something:else", False),
    ],
)
def test_conditional_includes_are_those_that_git_takes(repo, isolated_home, condition, holds):
    (isolated_home / "work").write_text("[user]\n\temail = at@work\n")
    parent = repo.path.parent
    filled = condition.format(parent=parent, root=repo.path, upper=str(parent).upper())
    (isolated_home / ".gitconfig").write_text(
        f'[user]\n\temail = at@home\n[includeIf "{filled}"]\n\tpath = work\n'
    )
    expected = "at@work" if holds else "at@home"
    assert repo.git("config", "user.email") == expected
    assert opened(repo).config("user", "email") == expected


def test_includes_are_followed(repo, isolated_home):
    (isolated_home / "more").write_text("[user]\n\tname = From Elsewhere\n")
    (isolated_home / ".gitconfig").write_text("[include]\n\tpath = ~/more\n")
    assert opened(repo).config("user", "name") == repo.git("config", "user.name")


def test_subsections_and_case(repo):
    repo.git("remote", "add", "My.Remote", "https://example.org/it.git")
    repo.git("config", "Core.SomeThing", "x")
    repository = opened(repo)
    assert repository.config("remote.My.Remote", "URL") == "https://example.org/it.git"
    assert repository.config("core", "something") == "x"
    assert repository.config("remote.my.remote", "url") is None


def test_a_broken_configuration_is_named(repo, isolated_home):
    (isolated_home / ".gitconfig").write_text("[user\nname = x\n")
    with pytest.raises(ConfigDamaged, match=r"\.gitconfig"):
        opened(repo).config("user", "name")
    assert "@" in opened(repo).identity()
    (repo.path / ".git/config").write_text("no section = x\n")
    with pytest.raises(ConfigDamaged, match="config"):
        opened(repo)


# identity


@pytest.mark.parametrize(
    ("settings", "environ"),
    [
        ({"user.name": "Ünal Ö.", "user.email": "u@x.org"}, {}),
        (
            {"user.name": "A", "user.email": "u@x", "author.name": "Author", "author.email": "a@x"},
            {},
        ),
        (
            {"user.name": "A", "user.email": "u@x"},
            {"GIT_AUTHOR_NAME": "Env", "GIT_AUTHOR_EMAIL": "e@x"},
        ),
        ({"user.name": "A", "user.email": "u@x"}, {"GIT_AUTHOR_NAME": "Env"}),
        ({"user.name": "A"}, {"EMAIL": "mail@x"}),
        ({"user.name": " <Mallory> \n Two. ", "user.email": "<m@x>\n"}, {}),
        ({"user.name": "'quoted\\' name,;", "user.email": '"q"@x.'}, {}),
    ],
)
def test_the_identity_is_the_one_git_uses(repo, monkeypatch, settings, environ):
    for name in (
        "GIT_AUTHOR_NAME",
        "GIT_AUTHOR_EMAIL",
        "GIT_COMMITTER_NAME",
        "GIT_COMMITTER_EMAIL",
    ):
        monkeypatch.delenv(name)
    for key, value in settings.items():
        repo.git("config", key, value)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    expected = repo.git("var", "GIT_AUTHOR_IDENT").rpartition(" ")[0].rpartition(" ")[0]
    assert opened(repo, **environ).identity() == expected


def test_the_identity_never_fails(repo):
    repository = opened(repo, GIT_AUTHOR_NAME="<>", GIT_AUTHOR_EMAIL="")
    identity = repository.identity()
    assert identity.endswith(">")
    assert " <" in identity
    commit = repository.objects.write_commit(
        tree=repository.objects.write_tree([]), parents=[], identity=identity, time=1, message="m"
    )
    repo.git("update-ref", "refs/runref/runs", commit)
    repo.fsck()


def test_without_an_environment_the_committer_or_the_repository_tells(repo):
    repo.git("config", "user.name", "Config")
    repo.git("config", "user.email", "c@x")
    assert Repository.open(repo.path).identity() == "Config <c@x>"
    both = {"GIT_COMMITTER_NAME": "Committer", "GIT_COMMITTER_EMAIL": "k@x"}
    assert opened(repo, **both).identity() == "Committer <k@x>"


# ignore files


def test_excludes_names_the_files_outside_the_working_tree(repo, isolated_home):
    shared = repo.path / ".git/info/exclude"
    assert opened(repo).excludes() == (shared, isolated_home / ".config/git/ignore")
    repo.git("config", "core.excludesFile", "~/mine")
    assert opened(repo).excludes() == (shared, isolated_home / "mine")
    repo.git("config", "core.excludesFile", "in-the-tree")
    assert opened(repo).excludes() == (shared, repo.path / "in-the-tree")
    repo.git("config", "core.excludesFile", "")
    assert opened(repo).excludes() == (shared,)
