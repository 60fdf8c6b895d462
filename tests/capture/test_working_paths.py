from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runref.capture.environment import Interpreter, interpreter_of
from runref.capture.working_paths import python_path_inside


def inside(root: Path, path: list[str], prefix: str = "/usr") -> list[str]:
    return python_path_inside(root, Interpreter({}, Path(prefix), tuple(path)))


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
    assert inside(tmp_path, path) == ["tools", "src", "."]


def test_the_current_folder_is_what_an_empty_entry_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    assert inside(tmp_path, [""]) == ["sub"]


def test_an_environment_inside_is_no_part_of_the_code(tmp_path: Path) -> None:
    site = tmp_path / ".venv/lib/python3.11/site-packages"
    site.mkdir(parents=True)
    (tmp_path / ".venv/bin").mkdir()
    (tmp_path / "src").mkdir()
    path = [str(tmp_path / ".venv/bin"), str(site), str(tmp_path / "src")]
    assert inside(tmp_path, path, str(tmp_path / ".venv")) == ["src"]


@pytest.mark.parametrize("where", [".", ".."])
def test_code_below_the_environments_root_is_found(tmp_path: Path, where: str) -> None:
    root = tmp_path / "env" / "project"
    (root / "src").mkdir(parents=True)
    assert inside(root, [str(root / "src")], str(root / where)) == ["src"]


FINDER = """
MAPPING = {{"pkg": "{root}/src/pkg", "renamed": "{root}/python", "elsewhere": "/srv/elsewhere"}}
NAMESPACES = {{"space": ["{root}/ns/space"]}}
"""


@pytest.fixture(scope="module")
def other_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with editable installs of a project beside it."""
    root = tmp_path_factory.mktemp("code")
    environment = root / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    for folder in ("lib/plain", "src/pkg", "ns/space", "python"):
        (root / folder).mkdir(parents=True)
    # As hatchling and setuptools write them: a folder, and a finder that maps packages.
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "_editable_impl_plain.pth").write_text(f"{root}/lib\n")
    (site / "__editable___pkg_1_0_finder.py").write_text(FINDER.format(root=root))
    (site / "__editable__.pkg-1.0.pth").write_text("import __editable___pkg_1_0_finder\n")
    return environment / "bin" / "python"


def test_editable_installs_of_another_interpreter_are_found(other_python: Path) -> None:
    root = other_python.parents[2]
    interpreter = interpreter_of([str(other_python), "train.py"], {})
    assert python_path_inside(root, interpreter) == ["lib", "src", "ns"]


def test_editable_installs_of_this_interpreter_are_found(other_python: Path) -> None:
    """Seen by runref itself when it runs in that environment."""
    root = other_python.parents[2]
    program = (
        "from pathlib import Path; from runref.capture.environment import interpreter_of;"
        "from runref.capture.working_paths import python_path_inside;"
        f"print(python_path_inside(Path({str(root)!r}), interpreter_of((), {{}})))"
    )
    done = subprocess.run(
        [other_python, "-c", program],
        cwd=root.parent,
        env={"PYTHONPATH": os.pathsep.join(folder for folder in sys.path if folder)},
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout == "['lib', 'src', 'ns']\n"
