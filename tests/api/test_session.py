"""Opening runs: once, again, within one another, in children, and using them after their end."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.slow  # many processes: `make check` is for all day


def test_a_second_init_gives_the_same_run_with_what_is_new(programs):
    source = """
        import runref
        first = runref.init(experiment="a", params={"lr": 1}, tags=["x"])
        second = runref.init(experiment="b", params={"depth": 2}, tags=["y"], note="again")
        assert first is second
        assert dict(first.config) == {"lr": 1, "depth": 2}
    """
    programs.run(source)
    record = programs.record()
    assert (record.experiment, record.tags, record.note) == ("b", ("x", "y"), "again")
    assert {name: each.value for name, each in record.params.items()} == {"lr": 1, "depth": 2}


BLOCKS = {
    "plain, then a block": """
        run = runref.init()
        with runref.init(): pass
        still_open()
    """,
    "plain, then a block in a block": """
        run = runref.init()
        with runref.init():
            with runref.init(): pass
        still_open()
    """,
    "a block in a block": """
        with runref.init() as run:
            with runref.init(): pass
            still_open()
    """,
    "a plain call in a block": """
        with runref.init() as run:
            runref.init()
            still_open()
    """,
    "an exception that the outer block handles": """
        with runref.init() as run:
            try:
                with runref.init(): raise KeyError
            except KeyError:
                still_open()
    """,
}


@pytest.mark.parametrize("blocks", BLOCKS.values(), ids=BLOCKS)
def test_an_inner_block_does_not_end_what_an_outer_one_holds(programs, blocks):
    source = """
        import runref
        def still_open():
            assert run.active
            run.log({"loss": 1})
    """
    programs.run(source + blocks)
    assert programs.record().status == "finished"
    assert programs.values("loss") == [1]


def test_a_block_around_a_run_that_was_opened_plainly_ends_it(programs):
    source = """
        import runref
        run = runref.init()
        with run:
            run.log({"loss": 1})
        assert not run.active
        assert len(run.record_hash) == 40
        assert runref.init() is not run
    """
    programs.run(source)
    assert len(programs.records()) == 2


def test_a_nested_run_names_its_parent(programs):
    source = """
        import runref
        with runref.init(params={"outer": 1}) as outer:
            for number in range(2):
                with runref.init(nested=True, params={"number": number}) as inner:
                    inner.log({"loss": number})
                    assert runref.active_run() is inner
            assert runref.active_run() is outer
            outer.log({"best": 0})
    """
    programs.run(source)
    outer, *inner = programs.records()
    assert [record.parent for record in inner] == [outer.id, outer.id]
    assert [record.params["number"].value for record in inner] == [0, 1]
    assert list(outer.metrics) == ["best"]


def test_a_nested_run_under_runref_run_names_the_command_its_parent(programs, runref_command):
    source = """
        import runref
        with runref.init(nested=True) as run:
            run.log({"loss": 1})
    """
    programs.run(source, *runref_command)
    outer, inner = programs.records()
    assert (outer.parent, inner.parent) == ("", outer.id)


def test_ending_twice_and_logging_afterwards_is_noticed_once_and_raises_nothing(programs):
    source = """
        import runref
        run = runref.init()
        run.log({"loss": 1})
        run.finish()
        run.finish()
        runref.finish()
        for _ in range(3):
            run.log({"loss": 2})
            runref.log({"loss": 2})
        run.config["late"] = 1
        run.summary["late"] = 1
        run.log_output("nothing")
        runref.tag("late")
    """
    done = programs.run(source)
    assert done.stderr.count("after the end") == 1
    assert programs.values("loss") == [1]


def test_logging_without_any_run_says_what_to_do(programs):
    done = programs.run("import runref\nrunref.log({'loss': 1})\n", status=1)
    assert "no run is open" in done.stderr
    assert programs.records() == []


def test_the_habits_of_other_trackers_work(programs):
    source = """
        import runref
        runref.start_run(experiment="e")
        runref.log_params({"lr": 1, "net": {"depth": 3}})
        runref.log_param("seed", 7)
        runref.log_metric("loss", 0.5, step=4)
        runref.log_metrics({"loss": 0.25}, step=5)
        runref.config["late"] = True
        runref.config.update(batch=8)
        runref.note("fine")
        open("model.bin", "wb").write(b"weights")
        runref.log_artifact("model.bin")
        runref.use_input("train.py")
        runref.end_run()
    """
    programs.run(source)
    record = programs.record()
    assert {name: each.value for name, each in record.params.items()} == {
        "lr": 1,
        "net": {"depth": 3},
        "seed": 7,
        "late": True,
        "batch": 8,
    }
    assert (programs.steps(), programs.values("loss")) == ([4, 5], [0.5, 0.25])
    assert (record.note, record.outputs[0].path, record.inputs[0].path) == (
        "fine",
        "model.bin",
        "train.py",
    )


def test_threads_and_forked_processes_log_into_one_run_and_nothing_is_lost(programs):
    source = """
        import multiprocessing, os, threading
        import runref
        def log(name):
            for number in range(500):
                run.log({name: number, "text" * 50: 1.0})
        def work(name):
            log(name)
        with runref.init() as run:
            threads = [threading.Thread(target=log, args=(f"thread{n}",)) for n in range(4)]
            for thread in threads:
                thread.start()
            context = multiprocessing.get_context("fork")
            processes = [context.Process(target=work, args=(f"worker{n}",)) for n in range(2)]
            for process in processes:
                process.start()
            if not (child := os.fork()):
                log("child")
                os._exit(0)
            for each in (*threads, *processes):
                each.join()
            os.waitpid(child, 0)
    """
    done = programs.run(source)
    assert done.stderr == ""
    record = programs.record()
    assert record.notices == ()
    for name in (*(f"thread{n}" for n in range(4)), "worker0", "worker1", "child"):
        assert programs.values(name) == list(range(500)), name


def test_steps_taken_by_default_by_several_threads_are_each_taken_once(programs):
    source = """
        import sys, threading
        import runref
        sys.setswitchinterval(1e-6)
        def log():
            for _ in range(2000):
                run.log({"loss": 1.0})
        with runref.init() as run:
            threads = [threading.Thread(target=log) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    """
    programs.run(source)
    assert sorted(programs.steps()) == list(range(8000))


def test_a_forked_child_cannot_end_the_run_and_tells_nothing_twice(programs):
    source = """
        import os, sys
        import runref
        run = runref.init()
        run.log({"loss": "high"})
        if not os.fork():
            run.log({"loss": "higher", "child": 1})
            run.finish()
            sys.exit(5)
        os.wait()
        run.log({"loss": 2})
    """
    done = programs.run(source)
    assert done.stderr.count("'high' is not a number") == 1
    assert "higher" not in done.stderr
    record = programs.record()
    assert (record.status, programs.values("child")) == ("finished", [1])
    assert programs.values("loss") == [2]
    assert [notice.count for notice in record.notices] == [1, 1]


def test_what_a_signal_handler_logs_in_the_midst_of_a_log_call_is_kept(programs):
    source = """
        import signal
        import runref
        count = 0
        def handler(*_):
            global count
            count += 1
            run.log({"ticks": count})
        with runref.init() as run:
            signal.signal(signal.SIGALRM, handler)
            signal.setitimer(signal.ITIMER_REAL, 1e-3, 1e-3)
            for step in range(20000):
                run.log({"loss": step})
            signal.setitimer(signal.ITIMER_REAL, 0)
        print(count)
    """
    count = int(programs.run(source).stdout)
    assert count > 10
    assert sorted(programs.values("ticks")) == list(range(1, count + 1))
    assert programs.values("loss") == list(range(20000))


def test_a_child_process_takes_part_in_the_run_of_its_parent(programs, runref_command):
    child = "import runref; runref.init(params={'child': 2}).log({'inner': 3})"
    source = f"""
        import subprocess, sys
        import runref
        run = runref.init(params={{"parent": 1}})
        run.log({{"outer": 1}})
        subprocess.run([sys.executable, "-c", {child!r}], check=True)
    """
    programs.run(source, *runref_command)
    record = programs.record()
    assert {name: each.value for name, each in record.params.items()} == {"parent": 1, "child": 2}
    assert (programs.values("outer"), programs.values("inner")) == ([1], [3])


def test_a_run_that_has_ended_takes_nobody_in(programs):
    done = programs.run(
        "import runref\nrunref.init().log({'loss': 1})\n",
        env={"RUNREF_RUN": str(programs.root / ".git/runref/spool/20260101-0123456789ab")},
    )
    assert "this process opens a run of its own" in done.stderr
    assert programs.values("loss") == [1]


def test_a_variable_that_names_no_run_does_not_end_up_in_the_record(programs):
    done = programs.run("import runref\nrunref.init()\n", env={"RUNREF_RUN": "nonsense"})
    assert "there is no run at nonsense" in done.stderr
    assert programs.record().parent == ""


def test_what_is_printed_is_recorded_and_seen(programs):
    source = """
        import os, sys
        import runref
        with runref.init() as run:
            print("to the screen")
            print("a complaint", file=sys.stderr)
            if not os.fork():
                run.log({"loss": 1})
                run.finish()
                print("from a child")
                os._exit(0)
            os.wait()
        print("afterwards")
    """
    done = programs.run(source)
    assert done.stdout == "to the screen\nfrom a child\nafterwards\n"
    assert programs.console() == "to the screen\na complaint\nfrom a child\n"


def test_seeds_are_those_at_the_first_log_call(programs):
    source = """
        import random
        import runref
        run = runref.init()
        random.seed(42)
        run.log({"loss": 1})
        random.seed(1)
        run.log({"loss": 1})
    """
    programs.run(source, env={"PYTHONHASHSEED": "5"})
    assert programs.record().seeds == {"hash": "5", "python": {"seed": 42}}


def test_inputs_and_outputs_that_are_missing_are_named_and_stop_nothing(programs):
    source = """
        import os, runref
        with runref.init(inputs=["gone.csv"]) as run:
            run.use_input("also-gone.csv")
            run.log_output("model.pkl")
            os.symlink("loop", "loop")
            run.log_output("loop")
            run.log_output("a\\0b")
            run.log({"loss": 1})
    """
    done = programs.run(source)
    record = programs.record()
    assert [each.path for each in record.inputs] == ["gone.csv", "also-gone.csv"]
    assert [each.path for each in record.outputs] == ["model.pkl", "loop", "a\0b"]
    assert all(each.problem and not each.stored for each in (*record.inputs, *record.outputs))
    assert done.stderr.count("runref: input ") == 2
    assert len(record.notices) == 5


def test_inputs_and_outputs_are_named_by_patterns_and_urls(programs):
    source = """
        import pathlib, runref
        for name in ("a.csv", "b.csv", "c.txt"):
            pathlib.Path(name).write_text(name)
        with runref.init(inputs=["*.txt"]) as run:
            runref.use_input("[ab].csv", copy=True)
            runref.use_input("http://ada:hunter2@127.0.0.1:1/d.csv")
            runref.log_output(pathlib.Path("*.csv"))
            run.log({"loss": 1})
    """
    done = programs.run(source)
    record = programs.record()
    assert [each.path for each in record.inputs] == [
        "c.txt",
        "a.csv",
        "b.csv",
        "http://127.0.0.1:1/d.csv",
    ]
    assert [each.path for each in record.outputs] == ["a.csv", "b.csv"]
    assert [each.stored for each in record.inputs] == [True, True, True, False]
    assert "does not answer" in record.inputs[-1].problem
    assert "hunter2" not in done.stderr + repr(record)


def test_figures_are_recorded_as_outputs(programs):
    source = """
        import matplotlib
        matplotlib.use("Agg")
        from matplotlib.figure import Figure
        import runref
        figure = Figure()
        figure.subplots().plot([1, 2])
        class Broken:
            def savefig(self, target): raise RuntimeError("no LaTeX here")
        with runref.init() as run:
            run.log_figure(figure, "plots/loss.png")
            run.log_figure(figure, "plots/loss.nonsense")
            run.log_figure(Broken(), "broken.svg")
            run.log_figure(3, "three.png")
    """
    done = programs.run(source)
    good, bad, broken = programs.record().outputs
    assert (good.path, good.stored, good.problem) == ("plots/loss.png", True, "")
    assert "nonsense" in bad.problem
    assert broken.problem == "no LaTeX here"
    assert "three.png: a int is no figure" in done.stderr
    assert not (programs.root / "plots").exists()


def test_importing_runref_loads_nothing_heavy(programs):
    source = """
        import sys
        import runref
        print(sorted(name for name in sys.modules if name.startswith("runref")))
    """
    assert programs.run(source).stdout == "['runref', 'runref.version']\n"


def test_a_folder_that_is_gone_is_named_when_a_run_is_opened_in_it(programs):
    source = """
        import os, tempfile
        import runref
        os.chdir(tempfile.mkdtemp(dir="."))
        os.rmdir(os.getcwd())
        runref.init()
    """
    done = programs.run(source, status=1)
    assert "cannot take a snapshot of .: No such file or directory" in done.stderr


def test_a_closed_screen_stops_nothing(programs):
    source = """
        import os, sys
        import runref
        run = runref.init()
        os.close(2)
        run.log({"loss": "high"})
        run.log({"loss": 1})
    """
    programs.run(source)
    assert programs.values("loss") == [1]


RANK = """
    import os, sys
    import runref
    with runref.init(wait_for_rank_zero=float(os.environ.get("WAIT", "30"))) as run:
        for step in range(5):
            run.log({"loss": step + 10 * int(os.environ["RANK"])}, step=step)
        print("logged", flush=True)
        sys.stdin.readline()
"""


def _rank(programs, rank, size, **more):
    env = {"RANK": str(rank), "WORLD_SIZE": str(size), "MASTER_PORT": "29500", **more}
    return programs.start(RANK, name=f"rank{rank}.py", env=env)


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2, 1)])
def test_ranks_write_into_one_run_and_the_last_one_makes_the_record(programs, order):
    ranks = {rank: _rank(programs, rank, 3) for rank in (2, 1, 0)}
    for process in ranks.values():
        assert process.stdout.readline() == "logged\n"
    for rank in order:
        assert programs.records() == []
        _, err = ranks[rank].communicate("end\n", timeout=30)
        assert (ranks[rank].returncode, err) == (0, "")
    record = programs.record()
    assert (record.status, record.ranks, record.metrics["loss"].last) == ("finished", 3, 4)
    for rank in range(3):
        expected = [step + 10 * rank for step in range(5)]
        assert programs.values("loss", rank=rank) == expected
    assert list((programs.root / ".git/runref/spool/jobs").iterdir()) == []


def test_a_rank_goes_on_without_rank_zero(programs):
    with _rank(programs, 1, 2, WAIT="0.2") as process:
        _, err = process.communicate("end\n", timeout=30)
    assert process.returncode == 0
    assert "rank 0 of this job opened no run within 0.2 s" in err
    assert programs.records() == []


def test_a_plain_name_of_the_interpreter_is_kept_in_the_command(programs):
    programs.run("import runref\nrunref.init()\n")
    assert programs.record().command.argv == (sys.executable, "main.py")
