"""A reproduction sees the code and the data of the run, and leaves the user's own alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from runref.reproduce.checkout import _remove

pytestmark = pytest.mark.slow  # many processes: `make check` is for all day

LOG_INPUT = """\
import runref, sys
run = runref.init()
run.log({"size": len(open(sys.argv[1]).read())})
"""


def verdict(cli: Any, *options: str) -> str:
    done = cli("reproduce", "--json", *options, "@")
    return str(done.json["verdict"])


@pytest.mark.parametrize("fate", ["changed", "gone"])
def test_an_input_comes_back_by_its_digest(repo: Any, cli: Any, fate: str) -> None:
    repo.write(".gitignore", "data/\n")
    repo.write("train.py", LOG_INPUT)
    data = repo.write("data/train.csv", "1,2,3\n")
    cli("run", "-i", "data/train.csv", "--", "python", "train.py", "data/train.csv")
    if fate == "gone":
        data.unlink()
    else:
        data.write_text("something longer than before\n")
    assert verdict(cli) == "identical"
    assert data.exists() == (fate == "changed")


def test_a_directory_that_the_program_names_as_input_comes_back(repo: Any, cli: Any) -> None:
    repo.write(".gitignore", "data/\n")
    repo.write(
        "train.py",
        "import runref; r = runref.init(); r.use_input('data');"
        "r.log({'n': len(open('data/a/1').read())})",
    )
    repo.write("data/a/1", "one")
    cli("run", "--", "python", "train.py")
    (repo.path / "data/a/1").unlink()
    assert verdict(cli) == "identical"


def test_an_input_outside_the_tree_is_verified_where_it_lies(
    repo: Any, cli: Any, tmp_path: Path
) -> None:
    outside = tmp_path / "shared.csv"
    outside.write_text("1,2")
    repo.write("train.py", LOG_INPUT)
    cli("run", "-i", str(outside), "--", "python", "train.py", str(outside))
    assert verdict(cli) == "identical"
    outside.write_text("changed")
    done = cli("reproduce", "--json", "@")
    assert done.json["problems"] == [
        f"input {outside} has changed, and lies outside the working tree"
    ]
    assert outside.read_text() == "changed"


def test_a_missing_input_means_that_nothing_is_run(
    repo: Any, cli: Any, tmp_path: Path, checkouts: Any
) -> None:
    repo.write(".gitignore", "data\n")
    repo.write("train.py", f"open({str(tmp_path / 'ran')!r}, 'a').write('x')\n" + LOG_INPUT)
    repo.write("data", "1")
    cli("run", "-i", "data", "--", "python", "train.py", "data")
    (repo.path / "data").unlink()
    subprocess.run(["chmod", "-R", "u+w", str(repo.path / ".git/runref/artifacts")], check=True)
    for each in (repo.path / ".git/runref/artifacts/sha256").rglob("*"):
        if each.is_file():
            each.unlink()
    before = repo.git("rev-parse", "refs/runref/runs")
    done = cli("reproduce", "@")
    assert done.status == 3
    assert "input data is missing" in done.out
    assert "verdict     not-runnable" in done.out
    assert (tmp_path / "ran").read_text() == "x"
    assert repo.git("rev-parse", "refs/runref/runs") == before
    assert checkouts() == []


@pytest.mark.parametrize("how", ["PYTHONPATH", "editable"])
def test_the_snapshots_package_is_imported_and_not_the_present_one(
    repo: Any, cli: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, how: str
) -> None:
    repo.write("src/pkg/__init__.py", "LEVEL = 1\n")
    repo.write("src/pkg/train.py", "import runref, pkg; runref.init().log({'level': pkg.LEVEL})\n")
    python = [sys.executable]
    if how == "PYTHONPATH":
        monkeypatch.setenv("PYTHONPATH", "src")
    else:
        python = [str(make_environment(tmp_path, repo.path / "src"))]
    subprocess.run(
        [*python, "-m", "runref", "run", "--", *python, "-m", "pkg.train"],
        cwd=repo.path,
        check=True,
        capture_output=True,
    )
    repo.write("src/pkg/__init__.py", "LEVEL = 2\n")
    done = subprocess.run(
        [*python, "-m", "runref", "reproduce", "@"],
        cwd=repo.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "level 1 = 1" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0


def make_environment(folder: Path, source: Path) -> Path:
    """Make a virtual environment that sees runref, and `source` as an editable install does."""
    environment = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    (site,) = environment.glob("lib/python*/site-packages")
    packages = [path for path in sys.path if path.endswith("site-packages")]
    import runref

    own = str(Path(runref.__file__).parent.parent)
    (site / "project.pth").write_text("\n".join([str(source), own, *packages]) + "\n")
    return environment / "bin" / "python"


def test_a_script_named_by_its_whole_path_is_the_snapshots(repo: Any, cli: Any) -> None:
    repo.write("train.py", "import runref; runref.init().log({'level': 1})")
    cli("run", "--", "python", str(repo.path / "train.py"), f"--out={repo.path}/x")
    repo.write("train.py", "import runref; runref.init().log({'level': 2})")
    assert verdict(cli) == "identical"


def test_outputs_of_the_working_tree_are_not_touched(repo: Any, cli: Any) -> None:
    repo.write("train.py", "open('model', 'w').write('1'); open('other', 'w').write('1')")
    cli("run", "-o", "model", "-o", str(repo.path / "other"), "--", "python", "train.py")
    repo.write("model", "my own")
    assert verdict(cli) == "identical"
    assert (repo.path / "model").read_text() == "my own"


def test_outputs_outside_are_written_only_if_allowed(repo: Any, cli: Any, tmp_path: Path) -> None:
    outside = tmp_path / "model"
    repo.write("train.py", f"open({str(outside)!r}, 'a').write('x')")
    cli("run", "-o", str(outside), "--", "python", "train.py")
    done = cli("reproduce", "@")
    assert done.status == 3
    assert "--write-outside" in done.out
    assert outside.read_text() == "x"
    outside.unlink()
    assert verdict(cli, "--write-outside") == "identical"
    assert outside.read_text() == "x"


def test_outputs_that_the_program_logs_itself(repo: Any, cli: Any) -> None:
    repo.write(
        "train.py",
        """\
import pathlib, runref

class Figure:
    def savefig(self, path):
        pathlib.Path(path).write_text("picture")

with runref.init() as run:
    pathlib.Path("model").write_text("weights")
    run.log_output("model")
    run.log_figure(Figure(), "curve.png")
""",
    )
    repo.write(".gitignore", "model\n")
    cli("run", "--", "python", "train.py")
    document = cli("reproduce", "--json", "@").json
    assert document["outputs"] == [
        {"path": "curve.png", "result": "identical"},
        {"path": "model", "result": "identical"},
    ]


def test_a_program_that_asks_git_where_it_is(repo: Any, cli: Any) -> None:
    repo.write(
        "train.py",
        """\
import runref, subprocess
ask = lambda *words: subprocess.check_output(["git", *words], text=True).strip()
runref.init().log({"head": int(ask("rev-parse", "HEAD")[:12], 16), "log": len(ask("log"))})
""",
    )
    repo.commit("asks git")
    cli("run", "--", "python", "train.py")
    repo.commit("another one")
    assert verdict(cli) == "identical"


def test_a_program_that_asks_git_for_a_commit_that_is_gone(repo: Any, cli: Any) -> None:
    repo.write(
        "train.py",
        """\
import runref, subprocess
head = subprocess.check_output(["git", "rev-parse", "HEAD"], text=True)
runref.init().log({"head": int(head[:12], 16)})
""",
    )
    repo.commit("asks git")
    cli("run", "--", "python", "train.py")
    repo.git("commit", "-q", "--amend", "-m", "reworded")
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "-q", "--prune=now")
    assert verdict(cli) == "identical"


def test_git_variables_do_not_lead_the_program_to_the_users_tree(
    repo: Any, cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.write(
        "train.py",
        """\
import os, runref
runref.init().log({"git": "GIT_DIR" in os.environ})
""",
    )
    cli("run", "--", "python", "train.py")
    monkeypatch.setenv("GIT_INDEX_FILE", "elsewhere")
    monkeypatch.setenv("GIT_DIR", str(repo.path / ".git"))
    assert verdict(cli) == "identical"


def test_variables_that_change_results_are_as_they_were(
    repo: Any, cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.write(
        "train.py",
        """\
import os, runref
held = {"a": os.environ.get("OMP_NUM_THREADS"), "b": os.environ.get("MKL_NUM_THREADS")}
runref.init().log({name: int(value or 0) for name, value in held.items()})
""",
    )
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    cli("run", "--", "python", "train.py")
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setenv("MKL_NUM_THREADS", "7")
    done = cli("reproduce", "@")
    assert "variables   OMP_NUM_THREADS=3 set\n" in done.out
    assert "MKL_NUM_THREADS unset" in done.out
    assert "a 3 = 3" in done.out
    assert "b 0 = 0" in done.out


def test_a_run_in_a_subfolder(repo: Any, cli: Any) -> None:
    repo.write(
        "exp/train.py", "import runref; runref.init().log({'x': open('here').read() == 'h'})"
    )
    repo.write("exp/here", "h")
    cli("run", "-o", "here", "--", "python", "train.py", cwd=repo.path / "exp")
    document = cli("reproduce", "--json", "@").json
    assert document["verdict"] == "identical"
    assert document["outputs"] == [{"path": "exp/here", "result": "identical"}]


def test_an_input_behind_a_link_out_of_the_tree_is_never_overwritten(
    repo: Any, cli: Any, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    (disk / "train.csv").write_text("1,2,3")
    (repo.path / "data").symlink_to(disk)
    repo.write("train.py", LOG_INPUT)
    cli("run", "-i", "data/train.csv", "--", "python", "train.py", "data/train.csv")
    assert verdict(cli, "--write-outside") == "identical"
    (disk / "train.csv").write_text("precious new data")
    done = cli("reproduce", "--write-outside", "@")
    assert done.status == 3
    assert "behind a link" in done.err
    assert (disk / "train.csv").read_text() == "precious new data"


WRITE_THROUGH_LINK = """\
import os, runref
with open("latest/m.txt", "w") as file:
    file.write("from the program")
runref.init().log({"x": 1})
"""


@pytest.mark.parametrize("target", ["{root}/out", "{real}/out", "{beside}/out", "../repo/out"])
def test_a_link_into_the_working_tree_leads_into_the_checkout(
    repo: Any, cli: Any, tmp_path: Path, target: str
) -> None:
    real = Path(os.path.realpath(repo.path))
    (tmp_path / "beside").symlink_to(real)
    target = target.format(root=repo.path, real=real, beside=tmp_path / "beside")
    repo.write("train.py", WRITE_THROUGH_LINK)
    out = repo.write("out/m.txt", "as committed")
    (repo.path / "latest").symlink_to(target)
    repo.commit("a link")
    cli("run", "-o", "out/m.txt", "--", "python", "train.py")
    out.write_text("precious")
    assert verdict(cli) == "identical"
    assert out.read_text() == "precious"


def test_an_input_behind_a_link_into_an_ignored_folder(repo: Any, cli: Any) -> None:
    repo.write(".gitignore", "raw/\n")
    repo.write("train.py", LOG_INPUT)
    data = repo.write("raw/train.csv", "1,2,3")
    (repo.path / "data").symlink_to(repo.path / "raw")
    cli("run", "-i", "data/train.csv", "--", "python", "train.py", "data/train.csv")
    data.unlink()
    assert verdict(cli) == "identical"
    assert not data.exists()


@pytest.mark.parametrize("relative", [False, True])
def test_a_link_that_leads_elsewhere_needs_permission(
    repo: Any, cli: Any, tmp_path: Path, relative: bool
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    (repo.path / "latest").symlink_to("../disk" if relative else disk)
    repo.write("train.py", WRITE_THROUGH_LINK)
    cli("run", "--", "python", "train.py")
    (disk / "m.txt").write_text("precious")
    done = cli("reproduce", "--json", "@")
    assert (done.status, done.json["verdict"]) == (3, "not-runnable")
    assert done.json["problems"] == [
        f"links lead outside the working tree: latest → {disk} (--write-outside allows)"
    ]
    assert (disk / "m.txt").read_text() == "precious"
    assert verdict(cli, "--write-outside") == "identical"
    assert (disk / "m.txt").read_text() == "from the program"


def test_a_link_that_leads_out_by_way_of_another(
    repo: Any, cli: Any, tmp_path: Path, checkouts: Any
) -> None:
    repo.write("a/b/c/file", "")
    (repo.path / "a/b/c/up").symlink_to("../../..")
    (repo.path / "latest").symlink_to("a/b/c/up/../disk")
    (tmp_path / "disk").mkdir()
    repo.write("train.py", WRITE_THROUGH_LINK)
    cli("run", "--", "python", "train.py")
    done = cli("reproduce", "@")
    assert done.status == 3
    assert "the link latest leads out of the checkout by way of another one" in done.err
    assert checkouts() == []


def test_only_some_of_many_links_are_named(repo: Any, cli: Any, tmp_path: Path) -> None:
    for number in range(5):
        (repo.path / f"link{number}").symlink_to(tmp_path)
    repo.write("train.py", "import runref; runref.init().log({'x': 1})")
    cli("run", "--", "python", "train.py")
    (problem,) = cli("reproduce", "--json", "@").json["problems"]
    assert f"link0 → {tmp_path}, link1" in problem
    assert f"link2 → {tmp_path} and 2 more (" in problem


@pytest.mark.parametrize("removed", [False, True])
def test_without_a_commit_git_does_not_find_the_users_repository(
    make_repo: Any, cli: Any, monkeypatch: pytest.MonkeyPatch, removed: bool
) -> None:
    repo = make_repo("fresh")
    temporary = repo.path / "tmp"
    temporary.mkdir()
    repo.write(
        "train.py",
        f"""\
import os, runref, shutil, subprocess
again = os.path.dirname(os.getcwd()) == {str(temporary)!r}
if again:
    {'shutil.rmtree(".git")' if removed else ""}
    subprocess.run(["git", "add", "-f", "train.py"])
runref.init().log({{"x": 1}})
""",
    )
    cli("run", "--", "python", "train.py", cwd=repo.path)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    done = cli("reproduce", "--json", "@", cwd=repo.path)
    assert done.json["verdict"] == "identical"
    assert ("not a git repository" in done.err) == removed
    assert repo.git("ls-files") == ""


def test_every_variable_that_leads_git_elsewhere_is_dropped(
    repo: Any, cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = repo.git("rev-parse", "--local-env-vars").split()
    repo.write(
        "train.py",
        f"import os, runref; runref.init().log({{n: int(n in os.environ) for n in {names}}})",
    )
    cli("run", "--", "python", "train.py")
    git_dir = str(repo.path / ".git")
    places = {
        "GIT_DIR": git_dir,
        "GIT_COMMON_DIR": git_dir,
        "GIT_OBJECT_DIRECTORY": f"{git_dir}/objects",
        "GIT_WORK_TREE": str(repo.path),
    }
    for name in names:
        monkeypatch.setenv(name, places.get(name, "0"))
    done = cli("reproduce", "--json", "@")
    assert done.json["verdict"] == "identical"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a place that nobody may write")
def test_a_reproduction_that_cannot_be_recorded_says_why(repo: Any, cli: Any) -> None:
    repo.write("train.py", "import runref; runref.init().log({'x': 1})")
    cli("run", "--", "python", "train.py")
    repo.write(".runref.yaml", "spool: /proc/self/none\n")
    done = cli("reproduce", "@")
    assert done.status == 3
    assert "could not be recorded and so not be judged: /proc/self/none" in done.err
    assert "hint: Make it writable" in done.err


def test_the_checkout_goes_also_where_folders_are_read_only(
    repo: Any, cli: Any, checkouts: Any
) -> None:
    repo.write(
        "train.py",
        "import os, runref; runref.init().log({'x': 1}); os.mkdir('d');"
        "open('d/f', 'w'); os.chmod('d', 0o500)",
    )
    cli("run", "--", "python", "train.py")
    (repo.path / "d").chmod(0o700)
    assert verdict(cli) == "identical"
    assert checkouts() == []


def test_folders_that_nobody_may_write_are_removed() -> None:
    child = os.fork()
    if not child:
        gone = kept = False
        try:
            gone, kept = remove_as_nobody()
        finally:
            os._exit(int(not (gone and kept)))
    _, status = os.waitpid(child, 0)
    assert status == 0


def remove_as_nobody() -> tuple[bool, bool]:
    """Return whether such a folder is gone, and what a link in it leads to is as it was."""
    if os.geteuid() == 0:
        os.setuid(65534)  # root may write anything
    folder, outside = (Path(tempfile.mkdtemp(dir="/tmp")) for _ in range(2))
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "file").write_text("x")
    outside.chmod(0o500)
    (folder / "a" / "link").symlink_to(outside)
    (folder / "a" / "b").chmod(0)
    (folder / "a").chmod(0o500)
    _remove(folder)
    kept = outside.stat().st_mode & 0o777 == 0o500
    outside.rmdir()
    return not folder.exists(), kept


def test_keep_leaves_the_checkout(repo: Any, cli: Any) -> None:
    repo.write("train.py", "import runref; runref.init().log({'x': 1})")
    cli("run", "--", "python", "train.py")
    folder = cli("reproduce", "--json", "--keep", "@").json["folder"]
    assert (Path(folder) / "train.py").exists()


def test_a_dry_run_runs_nothing_and_writes_nothing(
    repo: Any, cli: Any, tmp_path: Path, checkouts: Any
) -> None:
    repo.write(
        "train.py",
        f"open({str(tmp_path / 'ran')!r}, 'a').write('x')\n"
        "import runref; runref.init().log({'x': 1})",
    )
    cli("run", "--", "python", "train.py")
    cli("ls")  # the index is derived, and up to date
    before = contents(repo.path / ".git")
    done = cli("reproduce", "--dry-run", "@")
    assert done.status == 0
    assert "command     python train.py" in done.out
    assert contents(repo.path / ".git") == before
    assert (tmp_path / "ran").read_text() == "x"
    assert checkouts() == []


def contents(folder: Path) -> dict[str, tuple[int, float]]:
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime)
        for path in folder.rglob("*")
        if path.is_file()
    }
