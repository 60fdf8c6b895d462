"""Disks that are full or read-only: the training goes on, and nothing that was there is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from runref.tracking.run_directory import End
from runref.tracking.seal import seal

pytestmark = pytest.mark.slow  # many processes: `make check` is for all day

TRAIN = """
    import sys
    import runref
    with runref.init() as run:
        run.log({"loss": 0})
        print("begun", flush=True)
        sys.stdin.readline()
        for step in range(1, int(sys.argv[1])):
            run.log({"loss": step}, step=step)
        print("trained", flush=True)
"""


def _spool_on(repo, path: Path) -> None:
    repo.write(".runref.yaml", f"spool: {path}\n")
    repo.commit("configure")


def test_a_full_spool_costs_lines_and_nothing_else(repo, victims, make_disk):
    disk = make_disk("2m")
    _spool_on(repo, disk.path)
    victims.run(TRAIN, "2")
    (before,) = victims.recorded()
    with victims.start(TRAIN, "20000") as process:
        assert process.stdout.readline() == "begun\n"
        disk.fill()
        out, err = process.communicate("go on\n", timeout=60)
    assert (process.returncode, out) == (0, "trained\n")
    assert err.count("metrics of run") == 1
    assert "No space left on device" in err
    assert "is not in the repository yet" in err
    disk.free()
    (run_id,) = victims.recover().committed
    _, steps = victims.recorded()[run_id]
    assert steps == list(range(len(steps)))
    assert 1 <= len(steps) < 20000
    assert set(victims.recorded()) == {before, run_id}
    repo.fsck()


def test_space_that_comes_back_is_used(repo, victims, make_disk):
    disk = make_disk("2m")
    _spool_on(repo, disk.path)
    source = """
        import sys
        import runref
        with runref.init(console=False) as run:
            for step in range(40000):
                run.log({"loss": step}, step=step)
            print("full", flush=True)
            sys.stdin.readline()
            for step in range(40000, 40010):
                run.log({"loss": step}, step=step)
    """
    with victims.start(source) as process:
        assert process.stdout.readline() == "full\n"
        disk.resize("20m")
        _, err = process.communicate("go on\n", timeout=60)
    assert "metrics of run" in err
    ((record, steps),) = victims.recorded().values()
    assert record.status == "finished"
    kept = len(steps) - 10  # the last few into gaps that longer lines did not fit into
    assert steps == sorted(set(steps))
    assert steps[kept:] == list(range(40000, 40010))
    (notice,) = record.notices
    assert (notice.code, notice.count) == ("not-recorded", 40000 - kept)


def test_a_full_spool_at_the_start_is_told_and_the_training_goes_on(repo, victims, make_disk):
    disk = make_disk("1m")
    _spool_on(repo, disk.path)
    disk.fill()
    with victims.start(TRAIN, "10") as process:
        out, err = process.communicate("go on\n", timeout=60)
    assert (process.returncode, out) == (0, "begun\ntrained\n")
    assert "this run is not recorded" in err
    assert [path.name for path in disk.path.rglob("*") if not path.is_dir()] == ["filler"]
    assert list(victims.project().spool.path.iterdir()) == []


def test_a_full_repository_keeps_the_run_in_the_spool(tmp_path, make_repo, victims, make_disk):
    disk = make_disk("4m")
    repo = make_repo(f"{disk.path.name}/repo")
    repo.write("train.py", "print()\n")
    _spool_on(repo, tmp_path / "spool")
    victims.root = repo.path
    victims.run(TRAIN, "2")
    (before,) = victims.recorded()
    with victims.start(TRAIN, "20000") as process:
        assert process.stdout.readline() == "begun\n"
        disk.fill()
        out, err = process.communicate("go on\n", timeout=60)
    assert (process.returncode, out) == (0, "trained\n")
    assert "is not in the repository yet" in err
    assert list(victims.recover().problems) != []
    repo.fsck()
    assert list(victims.recorded()) == [before]
    disk.free()
    (run_id,) = victims.recover().committed
    record, steps = victims.recorded()[run_id]
    assert (record.status, steps) == ("finished", list(range(20000)))
    assert list((tmp_path / "spool").glob("2*")) == []
    repo.fsck()


def _files(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*")}


def test_a_read_only_repository_is_told_and_the_training_goes_on(repo, victims, read_only):
    repo.write("edited.py", "new = 1\n")
    before = _files(repo.path / ".git")
    with victims.start(TRAIN, "10", wrapper=read_only) as process:
        out, err = process.communicate("go on\n", timeout=60)
    assert (process.returncode, out) == (0, "begun\ntrained\n")
    assert "this run is not recorded" in err
    assert "Read-only file system" in err
    assert _files(repo.path / ".git") == before


def test_a_run_that_cannot_be_recorded_can_be_used_as_any_other(victims, read_only):
    source = """
        import runref
        run = runref.init(experiment="e", params={"lr": 0.5})
        runref.config["depth"] = 3
        assert (run.config["lr"], runref.config["depth"]) == (0.5, 3)
        with runref.init(nested=True, params={"inner": 1}) as inner:
            inner.log({"loss": inner.config["inner"]})
        runref.log({"loss": 1})
        runref.tag("x")
        runref.log_output("nothing")
        run.summary["best"] = 1
        assert (run.id, run.record_hash, run.directory) == ("", "", None)
        runref.finish()
    """
    _, err = victims.run(source, wrapper=read_only)
    assert err.count("this run is not recorded") == 2
    assert "after the end" not in err


RECOVER = """
    import os
    from pathlib import Path
    from runref.project.project import open_project
    from runref.tracking.collect import recover
    project = open_project(Path.cwd(), os.environ)
    print(recover(project.spool, project.runs).problems)
"""


@pytest.mark.parametrize("ready", [False, True])
def test_what_waits_in_a_read_only_repository_is_named(repo, victims, read_only, ready):
    with victims.start(TRAIN, "2") as process:
        assert process.stdout.readline() == "begun\n"
        process.kill()
    project = victims.project()
    (run,) = project.spool.live()
    if ready:
        run.write_end(End(status="interrupted", duration=1.0))
        seal(run, project.repository.objects)
        project.spool.make_ready(run)
    before = _files(repo.path / ".git")
    out, _ = victims.run(RECOVER, wrapper=read_only)
    assert run.run_id in out
    assert "Read-only file system" in out
    assert _files(repo.path / ".git") == before
    assert victims.recover().committed == [run.run_id]


def test_a_read_only_repository_where_nothing_waits_is_not_written(victims, read_only):
    victims.run(TRAIN, "2")
    out, err = victims.run(RECOVER, wrapper=read_only)
    assert (out, err) == ("{}\n", "")
