from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path

import pytest

from runref.capture.working_paths import python_path_inside


def test_folders_inside_come_in_the_order_of_import(tmp_path: Path) -> None:
    for folder in ("src", "lib/python", "tools"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path.parent / "outside").mkdir(exist_ok=True)
    (tmp_path / "alias").symlink_to("src")
    path = [
        str(tmp_path / "tools"),
        str(tmp_path / "src"),
        str(tmp_path),
        str(tmp_path.parent / "outside"),
        str(tmp_path / "alias"),
        str(tmp_path / "missing"),
    ]
    found = python_path_inside(tmp_path, search_path=path, modules={}, prefix="/usr")
    assert found == ["tools", "src", "."]


def test_the_current_folder_is_what_an_empty_entry_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    assert python_path_inside(tmp_path, search_path=[""], modules={}, prefix="/usr") == ["sub"]


def test_an_environment_inside_is_no_part_of_the_code(tmp_path: Path) -> None:
    site = tmp_path / ".venv/lib/python3.11/site-packages"
    site.mkdir(parents=True)
    (tmp_path / ".venv/bin").mkdir()
    (tmp_path / "src").mkdir()
    path = [str(tmp_path / ".venv/bin"), str(site), str(tmp_path / "src")]
    prefix = str(tmp_path / ".venv")
    assert python_path_inside(tmp_path, search_path=path, modules={}, prefix=prefix) == ["src"]


@pytest.mark.parametrize("where", [".", ".."])
def test_code_below_the_environments_root_is_found(tmp_path: Path, where: str) -> None:
    root = tmp_path / "env" / "project"
    (root / "src").mkdir(parents=True)
    path = [str(root / "src")]
    found = python_path_inside(root, search_path=path, modules={}, prefix=str(root / where))
    assert found == ["src"]


def test_setuptools_finders_are_read(tmp_path: Path) -> None:
    for folder in ("src/pkg", "ns/space", "python"):
        (tmp_path / folder).mkdir(parents=True)
    finder = types.ModuleType("__editable___pkg_1_0_finder")
    finder.MAPPING = {
        "pkg": str(tmp_path / "src/pkg"),
        "renamed": str(tmp_path / "python"),
        "elsewhere": "/srv/elsewhere",
    }
    finder.NAMESPACES = {"space": [str(tmp_path / "ns/space")]}
    modules = {finder.__name__: finder}
    found = python_path_inside(tmp_path, search_path=[], modules=modules, prefix="/usr")
    assert found == ["src", "ns"]


def test_a_real_editable_install_is_found(tmp_path: Path) -> None:
    """A .pth file, as hatchling and setuptools write it, in a folder that site processes."""
    site, root = tmp_path / "site", tmp_path / "code"
    site.mkdir()
    (root / "src").mkdir(parents=True)
    (site / "_editable_impl_demo.pth").write_text(f"{root}/src\n")
    program = (
        f"import site; site.addsitedir({str(site)!r}); from pathlib import Path;"
        "from runref.capture.working_paths import python_path_inside;"
        f"print(python_path_inside(Path({str(root)!r})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, check=True
    )
    assert done.stdout == b"['src']\n"
