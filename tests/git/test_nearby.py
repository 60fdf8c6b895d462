"""Repositories in folders of this machine: found by what a remote's URL says."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from runref.git.transport.nearby import folder_of


@pytest.mark.parametrize("url", ["{}", "file://{}", "../there"])
@pytest.mark.parametrize("bare", [True, False])
def test_a_folder_is_known_by_path_and_by_url(tmp_path: Path, url: str, *, bare: bool) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    here.mkdir()
    subprocess.run(["git", "init", "-q", *["--bare"] * bare, str(there)], check=True)
    found = folder_of(url.format(there), here)
    assert found is not None
    assert found.resolve() == (there if bare else there / ".git")


@pytest.mark.parametrize(
    "url", ["https://example.org/there.git", "ssh://host/there", "host:there", "nowhere", "here"]
)
def test_what_is_no_repository_of_this_machine(tmp_path: Path, url: str) -> None:
    (tmp_path / "here").mkdir()
    assert folder_of(url, tmp_path) is None
