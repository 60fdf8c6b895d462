from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import orjson
import pytest

from runref.capture.environment.conda_packages import conda_packages
from runref.capture.environment.packages import Package, installed_packages, normalised


def write(path: Path, content: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def install(folder: Path, name: str, *, installer: str = "pip", direct_url: object = None) -> None:
    write(folder / f"{name}.dist-info/METADATA", "Metadata-Version: 2.1\n")
    if installer:
        write(folder / f"{name}.dist-info/INSTALLER", installer + "\n")
    if direct_url is not None:
        write(folder / f"{name}.dist-info/direct_url.json", orjson.dumps(direct_url).decode())


def found(*folders: Path) -> list[Package]:
    return installed_packages([str(folder) for folder in folders], home="/home/ada")


def test_they_are_what_the_standard_library_finds() -> None:
    standard = {}
    for each in importlib.metadata.distributions():
        standard.setdefault(normalised(each.metadata["Name"]), each.version)
    mine = installed_packages(sys.path, home="")
    assert {str(each["name"]): each["version"] for each in mine} == standard
    assert [str(each["name"]) for each in mine] == sorted(standard)


def test_names_are_normalised_and_versions_exact(tmp_path: Path) -> None:
    install(tmp_path, "ruamel.yaml-0.18.6")
    install(tmp_path, "Flask_SQLAlchemy-3.1.1+cu121")
    assert found(tmp_path) == [
        {"name": "flask-sqlalchemy", "version": "3.1.1+cu121"},
        {"name": "ruamel-yaml", "version": "0.18.6"},
    ]


def test_the_first_folder_wins_and_a_folder_counts_once(tmp_path: Path) -> None:
    install(tmp_path / "a", "pkg-2.0")
    install(tmp_path / "b", "pkg-1.0")
    (tmp_path / "link").symlink_to("a")
    folders = [tmp_path / "none", tmp_path / "a", tmp_path / "b", tmp_path / "link"]
    assert found(*folders) == [{"name": "pkg", "version": "2.0"}]


def test_what_is_left_of_a_removed_package_does_not_count(tmp_path: Path) -> None:
    install(tmp_path, "~kg-1.0")
    write(tmp_path / "gone-1.0.dist-info/notes.txt")
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    ("direct_url", "source"),
    [
        (
            {"url": "file:///home/ada/my%20code", "dir_info": {"editable": True}},
            {"editable": True, "folder": "~/my code"},
        ),
        ({"url": "file:///srv/code", "dir_info": {}}, {"folder": "/srv/code"}),
        (
            {
                "url": "https://ada:ghp_secret@example.org/x.git",
                "vcs_info": {"vcs": "git", "commit_id": "9ac1f02", "requested_revision": "main"},
                "subdirectory": "python",
            },
            {
                "commit": "9ac1f02",
                "revision": "main",
                "subdirectory": "python",
                "url": "https://example.org/x.git",
                "vcs": "git",
            },
        ),
        (
            {"url": "file:///tmp/x.whl", "archive_info": {"hashes": {"md5": "0", "sha256": "ab"}}},
            {"file": "/tmp/x.whl", "hash": "sha256:ab"},
        ),
        (
            {"url": "https://example.org/x.whl", "archive_info": {"hash": "sha256=ab"}},
            {"hash": "sha256:ab", "url": "https://example.org/x.whl"},
        ),
        ({"url": "https://example.org/x.whl"}, {"url": "https://example.org/x.whl"}),
        (["no mapping"], {"unreadable": True}),
        ({"url": "file:///a", "dir_info": None, "vcs_info": "x"}, {"folder": "/a"}),
    ],
)
def test_where_a_package_came_from(
    tmp_path: Path, direct_url: object, source: dict[str, object]
) -> None:
    install(tmp_path, "pkg-1.0", direct_url=direct_url)
    assert found(tmp_path) == [{"name": "pkg", "version": "1.0", "source": source}]


def test_a_damaged_origin_is_said_to_be_unreadable(tmp_path: Path) -> None:
    install(tmp_path, "pkg-1.0")
    write(tmp_path / "pkg-1.0.dist-info/direct_url.json", "{")
    assert found(tmp_path)[0]["source"] == {"unreadable": True}


def test_the_installer_is_named_where_it_is_not_pip(tmp_path: Path) -> None:
    install(tmp_path, "a-1.0", installer="uv")
    install(tmp_path, "b-1.0", installer="pip")
    install(tmp_path, "c-1.0", installer="")
    assert [each.get("installer") for each in found(tmp_path)] == ["uv", None, None]


def test_eggs_of_every_kind(tmp_path: Path) -> None:
    site, project = tmp_path / "site", tmp_path / "project"
    write(site / "PyYAML-6.0.egg-info", "Name: PyYAML\nVersion: 6.0\n")
    write(site / "old_one-1.2-py3.8.egg-info/PKG-INFO", "Name: old-one\nVersion: 1.2\n")
    write(site / "my-project.egg-link", f"{project}\n.")
    write(project / "my_project.egg-info/PKG-INFO", "Name: my-project\nVersion: 0.3.dev1\n\nx")
    egg = site / "zipped-2.0-py3.8.egg"
    write(egg / "EGG-INFO/PKG-INFO", "Name: zipped\nVersion: 2.0\n")
    link = {"editable": True, "folder": str(project)}
    assert found(site, egg) == [
        {"name": "my-project", "version": "0.3.dev1", "source": link},
        {"name": "old-one", "version": "1.2"},
        {"name": "pyyaml", "version": "6.0"},
        {"name": "zipped", "version": "2.0"},
    ]
    assert found(project) == [{"name": "my-project", "version": "0.3.dev1"}]


def test_conda_packages_that_are_not_python(tmp_path: Path) -> None:
    channel = "https://conda.anaconda.org/t/to-ken/conda-forge/linux-64"
    write(
        tmp_path / "conda-meta/libblas-3.9.0-20_linux64_openblas.json",
        f'{{"channel": "{channel}"}}',
    )
    write(tmp_path / "conda-meta/cuda-nvcc-12.4.131-0.json", '{\n  "channel": "nvidia"\n}')
    write(tmp_path / "conda-meta/numpy-1.26.4-py311h64a7726_0.json", "{}")
    write(tmp_path / "conda-meta/history", "")
    assert conda_packages(tmp_path, {"numpy"}) == [
        {"build": "0", "channel": "nvidia", "name": "cuda-nvcc", "version": "12.4.131"},
        {
            "build": "20_linux64_openblas",
            "channel": "conda-forge",
            "name": "libblas",
            "version": "3.9.0",
        },
    ]
    assert conda_packages(tmp_path / "none", set()) == []
