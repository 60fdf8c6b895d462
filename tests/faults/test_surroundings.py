"""Folders and files that vanish under a run, and many runs that end at once."""

from __future__ import annotations

import os

import pytest

from runref.tracking.start import Request, start_run

pytestmark = pytest.mark.slow  # many processes: `make check` is for all day


def test_a_working_directory_that_is_deleted_during_the_run(victims):
    source = """
        import os, shutil
        import runref
        os.mkdir("scratch")
        os.chdir("scratch")
        with runref.init() as run:
            run.log({"loss": 0})
            shutil.rmtree(os.getcwd())
            run.log({"loss": 1})
            run.log_output("model.pkl")
            run.use_input("/etc/hostname")
            run.log({"loss": 2})
    """
    _, err = victims.run(source)
    ((record, steps),) = victims.recorded().values()
    assert (record.status, steps) == ("finished", [0, 1, 2])
    assert (record.outputs[0].path, record.outputs[0].problem) == (
        "model.pkl",
        "the working directory was deleted",
    )
    assert err.count("runref:") == 1


def test_an_output_that_vanishes_while_it_is_hashed(repo, victims):
    folder = repo.path / "out"
    folder.mkdir()
    for number in range(64):
        (folder / f"{number}.bin").write_bytes(os.urandom(100_000))

    def vanish(_count: int) -> None:
        for path in folder.iterdir():
            path.unlink(missing_ok=True)

    told: list[str] = []
    request = Request(argv=["train"], directory=repo.path, environment={}, on_bytes=vanish)
    run = start_run(victims.project().stores, request, told.append)
    run.log_output(folder)
    run.log({"loss": 0})
    run.finish()
    ((record, steps),) = victims.recorded().values()
    (output,) = record.outputs
    assert (record.status, steps, output.stored, output.digest) == ("finished", [0], False, "")
    assert output.problem
    assert len(told) == len(record.notices) == 1


def test_the_spool_is_deleted_during_the_run(victims):
    source = """
        import os, shutil
        import runref
        with runref.init() as run:
            run.log({"loss": 0})
            shutil.rmtree(run.directory.path.parent)
            run.log({"loss": 1})
            run.tag("late")
        print("trained")
    """
    out, err = victims.run(source)
    assert out == "trained\n"
    assert "is not recorded: its folder" in err


MANY = """
    import sys
    import runref
    for number in range(int(sys.argv[1])):
        with runref.init(nested=True, console=False) as run:
            run.log({"loss": number})
"""


@pytest.mark.slow
def test_many_processes_whose_runs_end_at_once(repo, victims):
    processes, runs = 8, 10
    programs = [victims.start(MANY, str(runs)) for _ in range(processes)]
    for process in programs:
        _, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, "")
    recorded = victims.recorded()
    assert len(recorded) == processes * runs
    assert all(steps == [0] for _, steps in recorded.values())
    assert [*victims.project().spool.live(), *victims.project().spool.ready()] == []
    repo.fsck()
