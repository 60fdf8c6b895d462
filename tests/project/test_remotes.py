"""Remotes as the settings of all clones and of one clone make them."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from runref.artifacts.transfer.push import push
from runref.artifacts.transfer.wanted import Wanted
from runref.errors import RunrefError
from runref.model.codec import load_yaml
from runref.project.config import CONFIG_NAME, InvalidConfig, RemoteSettings, load_config
from runref.project.project import NoWorkingTree, Project, open_project
from runref.project.remote_secrets import SecretInSettings, masked
from runref.project.remote_settings import RemoteExists, add_remote, remove_remote
from runref.project.remotes import NoRemote, UnknownRemote

S3 = RemoteSettings("s3://experiments/team-a")


def project_of(repo: Any) -> Project:
    return open_project(repo.path, os.environ)


def committed(repo: Any, text: str) -> Project:
    repo.write(CONFIG_NAME, text)
    return project_of(repo)


def of_this_clone(repo: Any, text: str) -> Project:
    repo.write(".git/runref/remotes.yaml", text)
    return project_of(repo)


def test_the_settings_of_a_clone_lie_over_those_of_all(repo: Any) -> None:
    committed(
        repo,
        "remotes:\n"
        "  lab: {url: s3://b/x, options: {endpoint_url: https://a, nested: {x: 1, y: 2}},"
        " max_rate: 20 MB}\n"
        "  nfs: {url: /mnt/team, push: false, concurrency: 4}\n",
    )
    project = of_this_clone(
        repo,
        "remotes:\n"
        "  mine: {url: sftp://me@host/x}\n"
        "  lab: {push: false, options: {profile: me, nested: {y: 3}}}\n"
        "default_remote: nfs\n",
    )
    lab, nfs, mine = project.remotes.all
    assert (lab.name, lab.url, lab.push, lab.max_rate) == ("lab", "s3://b/x", False, 20_000_000)
    assert lab.options == {
        "endpoint_url": "https://a",
        "profile": "me",
        "nested": {"x": 1, "y": 3},
    }
    assert (lab.committed, lab.local, lab.concurrency) == (True, True, 16)
    assert (nfs.push, nfs.concurrency, nfs.committed, nfs.local) == (False, 4, True, False)
    assert (mine.push, mine.committed, mine.local, mine.max_rate) == (True, False, True, None)
    assert project.remotes.default is nfs
    assert project.remotes.to_push() == (mine,)
    assert project.remotes.to_push(["lab", "lab"]) == (lab,)


def test_the_nearest_is_read_first(repo: Any, tmp_path: Path) -> None:
    project = committed(
        repo,
        "remotes: {a: {url: s3://a/a}, b: {url: s3://b/b}, c: {url: file:///c}, d: {url: /d}}\n"
        "default_remote: b\n",
    )
    assert [each.name for each in project.remotes.by_distance()] == ["c", "d", "b", "a"]


def test_the_first_one_is_the_default(repo: Any) -> None:
    project = committed(repo, "remotes: {a: {url: s3://a/a}, b: {url: s3://b/b}}\n")
    assert project.remotes.default is project.remotes.named("a")
    assert [each.name for each in project.remotes.by_distance()] == ["a", "b"]


def test_without_remotes_there_is_nothing_to_push_to_or_read_from(repo: Any) -> None:
    remotes = project_of(repo).remotes
    assert (remotes.all, remotes.default) == ((), None)
    for ask in (remotes.to_push, remotes.by_distance):
        with pytest.raises(NoRemote, match="no remote"):
            ask()
    with pytest.raises(UnknownRemote):
        remotes.named("lab")


def test_where_nothing_is_pushed_a_remote_must_be_named(repo: Any) -> None:
    remotes = committed(repo, "remotes: {a: {url: s3://a/a, push: false}}\n").remotes
    with pytest.raises(NoRemote) as caught:
        remotes.to_push()
    assert "--remote a" in caught.value.hint
    assert [each.name for each in remotes.to_push(["a"])] == ["a"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("remotes: [a]\n", "remotes"),
        ("remotes: {lab: s3://b/x}\n", "lab"),
        ("remotes: {lab: {url: s3://b/x, pushh: true}}\n", "pushh"),
        ("remotes: {lab: {url: 5}}\n", "remotes: lab: url"),
        ("remotes: {lab: {push: maybe}}\n", "remotes: lab: push"),
        ("remotes: {lab: {concurrency: 0}}\n", "remotes: lab: concurrency: 0"),
        ("remotes: {lab: {max_rate: fast}}\n", "remotes: lab: max_rate: 'fast'"),
        ("remotes: {lab: {max_rate: 0}}\n", "remotes: lab: max_rate"),
        ("remotes: {a/b: {url: x}}\n", "remotes: a/b"),
        ("default_remote: [lab]\n", "default_remote"),
        ("artifacts: {reference_over: much}\n", "artifacts: reference_over: 'much'"),
    ],
)
def test_what_cannot_be_understood_is_named(repo: Any, text: str, named: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        committed(repo, text)
    assert named in caught.value.message


def test_sizes_of_artifacts(repo: Any) -> None:
    text = "artifacts: {reference_over: 2 GiB}\n"
    tracking = committed(repo, text).config.tracking()
    assert tracking.reference_over == 2 << 30
    repo.write(CONFIG_NAME, "")
    assert load_config(repo.path).reference_over is None


@pytest.mark.parametrize(
    ("text", "clone", "named"),
    [
        ("", "remotes: {lab: {options: {profile: me}}}\n", "remotes.yaml: remotes: lab: the url"),
        ("remotes: {lab: {push: true}}\n", "", f"{CONFIG_NAME}: remotes: lab: the url"),
        ("default_remote: lab\n", "", "default_remote: there is no remote 'lab'"),
        ("remotes: {lab: {url: /x}}\n", "default_remote: nfs\n", "there is no remote 'nfs'"),
        ("", "experiment: x\n", "experiment"),
    ],
)
def test_only_who_uses_remotes_meets_what_is_wrong_with_them(
    repo: Any, text: str, clone: str, named: str
) -> None:
    repo.write(CONFIG_NAME, text)
    project = of_this_clone(repo, clone)
    with pytest.raises(InvalidConfig) as caught:
        _ = project.remotes
    assert named in caught.value.message
    assert caught.value.hint


def test_a_folder_is_relative_to_the_working_tree(repo: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(repo.path / "pkg")
    add_remote(project_of(repo), "beside", RemoteSettings("../../artifacts"))
    add_remote(project_of(repo), "mine", RemoteSettings("../../mine"), local=True)
    add_remote(project_of(repo), "home", RemoteSettings("~/artifacts"))
    text = (repo.path / CONFIG_NAME).read_text()
    assert "url: ../artifacts\n" in text
    assert "url: ~/artifacts\n" in text
    beside, home, mine = project_of(repo).remotes.all
    assert (beside.url, home.url) == (str(repo.path.parent / "artifacts"), "~/artifacts")
    clone = load_yaml((repo.path / ".git/runref/remotes.yaml").read_bytes())
    assert clone["remotes"]["mine"]["url"] == mine.url == str(repo.path.parent / "mine")


def test_what_is_connected_is_the_folder(repo: Any, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("1")
    add_remote(project_of(repo), "lab", RemoteSettings(str(tmp_path / "remote")))
    project = project_of(repo)
    artifact = project.artifacts.add(tmp_path / "data")
    wanted = [Wanted(artifact.digest, "file", 1)]
    pushed = push(project.artifacts, project.remotes.named("lab").connect(), wanted)
    assert pushed.is_complete
    hexadecimal = artifact.digest.removeprefix("sha256:")
    stored = tmp_path / "remote/sha256" / hexadecimal[:2] / hexadecimal[2:]
    assert stored.read_text() == "1"


SECRET = RemoteSettings("s3://b/x", {"key": "AKIA", "secret": "hunter2", "region": "eu-1"})


@pytest.mark.parametrize(
    "settings",
    [
        SECRET,
        RemoteSettings("sftp://ada:hunter2@host/x"),
        RemoteSettings("s3://b/x", {"client_kwargs.aws_secret_access_key": "hunter2"}),
        RemoteSettings("s3://b/x", {"proxy": "http://ada:hunter2@proxy:3128"}),
        RemoteSettings("abfs://b/x?sig=hunter2"),
    ],
)
def test_a_secret_is_only_for_this_clone(repo: Any, settings: RemoteSettings) -> None:
    project = project_of(repo)
    with pytest.raises(SecretInSettings) as caught:
        add_remote(project, "lab", settings)
    assert "--local" in caught.value.hint
    assert "hunter2" not in f"{caught.value.message}{caught.value.hint}"
    assert not (repo.path / CONFIG_NAME).exists()
    if not settings.url.startswith("abfs"):  # whose driver is not among those that are installed
        path = add_remote(project, "lab", settings, local=True)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        remote = project_of(repo).remotes.named("lab")
        assert "hunter2" not in f"{remote}{remote.shown_url}{remote.shown_options}"
        assert "hunter2" in f"{remote.url}{remote.options}"
        assert remote.exposed == ()


def test_a_file_with_a_secret_is_never_open_to_others(repo: Any, tmp_path: Path) -> None:
    """Its permissions are looked at before each system call; the umask forbids nothing."""
    program = (
        "import os, stat, sys\n"
        "from pathlib import Path\n"
        "from runref.project.config import RemoteSettings\n"
        "from runref.project.project import open_project\n"
        "from runref.project.remote_settings import add_remote\n"
        "folder = Path('.git/runref')\n"
        "seen = set()\n"
        "def look(event, arguments):\n"
        "    if busy or not event.startswith(('os.', 'open')) or not folder.exists():\n"
        "        return\n"
        "    busy.append(event)\n"
        "    for path in folder.glob('remotes.yaml*'):\n"
        "        seen.add(oct(stat.S_IMODE(path.stat().st_mode)))\n"
        "    busy.clear()\n"
        "busy = []\n"
        "os.umask(0)\n"
        "sys.addaudithook(look)\n"
        "for n in range(3):\n"
        "    options = {'secret': 'hunter2'}\n"
        "    project = open_project(Path.cwd(), os.environ)\n"
        "    add_remote(project, f'r{n}', RemoteSettings('s3://b/x', options), local=True)\n"
        "print(sorted(seen))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repo.path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['0o600']"


def test_a_committed_secret_is_loud_where_the_remote_is_used(repo: Any) -> None:
    project = committed(repo, "remotes: {lab: {url: s3://b/x, options: {secret: hunter2}}}\n")
    remote = project.remotes.named("lab")
    assert remote.exposed == ("secret",)
    for connect in (remote.connect, remote.connect_bare):
        with pytest.raises(SecretInSettings) as caught:
            connect()
        assert "hunter2" not in f"{caught.value.message}{caught.value.hint}"


def test_masks() -> None:
    options = {"key": "a", "region": "b", "deep": {"password": "c", "url": "http://d:e@f"}, "n": 1}
    assert masked(options) == {
        "key": "***",
        "region": "b",
        "deep": {"password": "***", "url": "http://f"},
        "n": 1,
    }


def test_an_existing_remote_is_only_replaced_on_request(repo: Any) -> None:
    add_remote(project_of(repo), "lab", S3)
    for local in (False, True):
        with pytest.raises(RemoteExists):
            add_remote(project_of(repo), "lab", RemoteSettings("s3://b/y"), local=local)
    add_remote(project_of(repo), "lab", RemoteSettings("s3://b/y"), replace=True)
    assert project_of(repo).remotes.named("lab").url == "s3://b/y"
    add_remote(project_of(repo), "lab", RemoteSettings("s3://b/z"), local=True, replace=True)
    assert project_of(repo).remotes.named("lab").url == "s3://b/z"
    with pytest.raises(RemoteExists):
        add_remote(project_of(repo), "lab", RemoteSettings("", {"profile": "me"}), local=True)


def test_a_clone_can_add_to_what_all_share(repo: Any) -> None:
    mine = RemoteSettings("", {"profile": "me"}, push=False)
    for local in (False, True):
        with pytest.raises(UnknownRemote):
            add_remote(project_of(repo), "lab", mine, local=local)
    add_remote(project_of(repo), "lab", S3)
    add_remote(project_of(repo), "lab", mine, local=True)
    remote = project_of(repo).remotes.named("lab")
    assert (remote.url, remote.options, remote.push) == (S3.url, {"profile": "me"}, False)
    with pytest.raises(RemoteExists) as caught:
        remove_remote(project_of(repo), "lab")
    assert "remote rm --local lab" in caught.value.hint
    remove_remote(project_of(repo), "lab", local=True)
    remove_remote(project_of(repo), "lab")
    assert project_of(repo).remotes.all == ()


def test_a_remote_is_removed_where_it_is_set(repo: Any) -> None:
    add_remote(project_of(repo), "lab", S3)
    add_remote(project_of(repo), "mine", S3, local=True)
    for name, local in (("lab", True), ("mine", False)):
        with pytest.raises(UnknownRemote) as caught:
            remove_remote(project_of(repo), name, local=local)
        assert f"`runref remote rm {'' if local else '--local '}{name}`" in caught.value.hint
    with pytest.raises(UnknownRemote):
        remove_remote(project_of(repo), "other")
    remove_remote(project_of(repo), "mine", local=True)
    assert [each.name for each in project_of(repo).remotes.all] == ["lab"]


@pytest.mark.parametrize("clone", [False, True])
def test_what_named_a_removed_remote_as_the_default_goes_with_it(repo: Any, clone: bool) -> None:
    add_remote(project_of(repo), "nfs", RemoteSettings("/mnt/team"))
    add_remote(project_of(repo), "lab", S3, default=not clone)
    if clone:
        of_this_clone(repo, "# mine\ndefault_remote: lab\n")
    assert project_of(repo).remotes.default is not None
    assert project_of(repo).remotes.default.name == "lab"
    remove_remote(project_of(repo), "lab")
    assert project_of(repo).remotes.default.name == "nfs"
    if clone:
        assert (repo.path / ".git/runref/remotes.yaml").read_text() == "# mine\n"


@pytest.mark.parametrize("url", ["s3:/bucket/x", "host:folder", "lab-nas:x"])
def test_half_a_url_is_no_folder(repo: Any, url: str, monkeypatch: Any) -> None:
    monkeypatch.chdir(repo.path)
    with pytest.raises(InvalidConfig, match="neither a URL nor a folder"):
        add_remote(project_of(repo), "lab", RemoteSettings(url))
    add_remote(project_of(repo), "lab", RemoteSettings(f"./{url}"))


@pytest.mark.parametrize("name", ["", "-f", ".hidden", "a/b", "a b", "s3://k:hunter2@b/x", "é"])
def test_what_is_no_name(repo: Any, name: str) -> None:
    with pytest.raises(InvalidConfig, match="no name for a remote") as caught:
        add_remote(project_of(repo), name, S3)
    assert "hunter2" not in caught.value.message


NO_GCSFS = pytest.mark.skipif(find_spec("gcsfs") is not None, reason="the driver is installed")


@pytest.mark.parametrize(
    "url",
    ["gopher://x/y", pytest.param("gs://bucket/x", marks=NO_GCSFS), "s3://", "memory::s3://b/x"],
)
def test_what_cannot_be_reached_is_not_added(repo: Any, url: str) -> None:
    with pytest.raises(RunrefError) as caught:
        add_remote(project_of(repo), "lab", RemoteSettings(url))
    assert caught.value.hint
    assert not (repo.path / CONFIG_NAME).exists()


def test_a_bare_repository_keeps_remotes_to_itself(make_repo: Any) -> None:
    bare = make_repo("bare.git", "--bare")
    with pytest.raises(NoWorkingTree) as caught:
        add_remote(project_of(bare), "lab", S3)
    assert "--local" in caught.value.hint
    add_remote(project_of(bare), "lab", S3, local=True)
    assert project_of(bare).remotes.named("lab").url == S3.url
    remove_remote(project_of(bare), "lab", local=True)


def test_a_linked_worktree_has_the_remotes_of_its_clone(repo: Any, tmp_path: Path) -> None:
    add_remote(project_of(repo), "mine", S3, local=True)
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"))
    linked = open_project(tmp_path / "linked", os.environ)
    assert [each.name for each in linked.remotes.all] == ["mine"]


def test_nothing_else_is_made_in_the_working_tree(repo: Any) -> None:
    repo.write(CONFIG_NAME, "# ours\nfsync: true  # slow, and safe\n")
    repo.commit("settings")
    add_remote(project_of(repo), "lab", S3, default=True)
    add_remote(project_of(repo), "mine", SECRET, local=True)
    assert repo.git("status", "--porcelain") == f" M {CONFIG_NAME}"
    remove_remote(project_of(repo), "lab")
    assert repo.git("status", "--porcelain") == ""


@pytest.mark.slow
def test_processes_that_add_remotes_at_once_lose_none(repo: Any) -> None:
    repo.write(CONFIG_NAME, "# ours\n")
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from runref.project.config import RemoteSettings\n"
        "from runref.project.project import open_project\n"
        "from runref.project.remote_settings import add_remote\n"
        "input()\n"
        "for n in range(5):\n"
        "    project = open_project(Path.cwd(), os.environ)\n"
        "    add_remote(project, f'{sys.argv[1]}-{n}', RemoteSettings('/x'), local=n % 2 > 0)\n"
    )
    adding = [
        subprocess.Popen([sys.executable, "-c", program, f"p{n}"], cwd=repo.path, stdin=-1)
        for n in range(4)
    ]
    for each in adding:
        assert each.stdin is not None
        each.stdin.write(b"\n")
        each.stdin.flush()
    assert [each.wait(60) for each in adding] == [0] * 4
    names = {each.name for each in project_of(repo).remotes.all}
    assert names == {f"p{n}-{m}" for n in range(4) for m in range(5)}
    assert (repo.path / CONFIG_NAME).read_text().startswith("# ours\n")
    for each in adding:
        each.stdin.close()
