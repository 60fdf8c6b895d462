"""How the end of a program ends its run, and what the shell sees."""

from __future__ import annotations

import signal

import pytest

pytestmark = pytest.mark.slow  # many processes: `make check` is for all day

STUCK = """
    import sys, time
    import runref
    run = runref.init({})
    run.log({{"loss": 1.0}})
    print("ready", flush=True)
    while True:
        time.sleep(0.01)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_run_as_interrupted_and_the_program_by_the_signal(programs, number):
    with programs.start(STUCK.format("")) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == -number
    record = programs.record()
    assert (record.status, record.signal) == ("interrupted", number.name)
    assert programs.values("loss") == [1.0]
    assert "Terminated" not in err


def test_what_exit_functions_print_is_not_lost_when_a_signal_ends_the_program(programs):
    source = """
        import atexit, os, signal
        import runref
        runref.init()
        atexit.register(print, "the last words")
        os.kill(os.getpid(), signal.SIGTERM)
    """
    done = programs.run(source, status=-signal.SIGTERM, env={"PYTHONUNBUFFERED": ""})
    assert done.stdout == "the last words\n"


def test_a_handler_of_the_program_is_left_alone(programs):
    source = """
        import os, signal
        import runref
        signal.signal(signal.SIGTERM, lambda *_: print("mine"))
        with runref.init() as run:
            os.kill(os.getpid(), signal.SIGTERM)
            run.log({"loss": 1})
    """
    assert programs.run(source).stdout == "mine\n"
    assert programs.record().status == "finished"


def test_an_exception_fails_the_run_with_its_traceback(programs):
    source = """
        import runref
        def train():
            raise ValueError("the loss exploded")
        with runref.init():
            train()
    """
    assert "the loss exploded" in programs.run(source, status=1).stderr
    record = programs.record()
    assert record.status == "failed"
    assert (record.failure.type, record.failure.message) == ("ValueError", "the loss exploded")
    assert "in train" in record.failure.traceback


@pytest.mark.parametrize("hook", ["", "sys.excepthook = lambda *_: None"])
def test_an_exception_that_ends_a_plain_script_fails_its_run(programs, hook):
    source = f"""
        import sys
        import runref
        runref.init()
        {hook}
        def train():
            raise KeyError("no such layer")
        train()
    """
    programs.run(source, status=1)
    record = programs.record()
    assert (record.status, record.failure.type) == ("failed", "KeyError")
    assert "in train" in record.failure.traceback


def test_an_exception_that_was_handled_does_not_fail_the_run(programs):
    source = """
        import runref
        run = runref.init()
        try:
            raise ValueError
        except ValueError:
            run.log({"loss": 1})
    """
    programs.run(source)
    assert programs.record().status == "finished"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("with runref.init(): sys.exit(3)", 3),
        ("runref.init(); sys.exit(3)", 3),
        ("runref.init(); sys.exit('no data')", 1),
    ],
)
def test_an_exit_status_fails_the_run(programs, body, status):
    programs.run(f"import sys, runref\n{body}\n", status=status)
    record = programs.record()
    assert (record.status, record.exit_status) == ("failed", status)


def test_exiting_with_zero_finishes_the_run(programs):
    programs.run("import sys, runref\nrunref.init()\nsys.exit(0)\n")
    record = programs.record()
    assert (record.status, record.exit_status) == ("finished", 0)


def test_the_end_of_another_thread_is_not_the_end_of_the_program(programs):
    source = """
        import sys, threading
        import runref
        runref.init()
        thread = threading.Thread(target=sys.exit, args=(3,))
        thread.start()
        thread.join()
    """
    programs.run(source)
    assert programs.record().status == "finished"


@pytest.mark.parametrize("death", ["os._exit(7)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_run_that_dies_at_once_is_recovered_with_every_line(programs, death):
    source = f"""
        import os, signal
        import runref
        run = runref.init(params={{"lr": 0.5}})
        for step in range(1000):
            run.log({{"loss": step}}, step=step)
        run.summary["best"] = 7
        {death}
    """
    programs.run(source, status=7 if "_exit" in death else -signal.SIGKILL)
    done = programs.recover()
    record = programs.record()
    assert done.recovered == [record.id] == done.committed
    assert (record.status, record.summary, record.params["lr"].value) == (
        "interrupted",
        {"best": 7},
        0.5,
    )
    assert programs.values("loss") == list(range(1000))
    assert record.duration > 0
    assert programs.recover().committed == []


def test_under_runref_run_a_failure_in_the_program_stands_in_the_record(programs, runref_command):
    source = """
        import runref
        run = runref.init(params={"lr": 1})
        run.log({"loss": 1})
        raise ZeroDivisionError("by zero")
    """
    programs.run(source, *runref_command, status=1)
    record = programs.record()
    assert (record.status, record.exit_status) == ("failed", 1)
    assert record.failure.type == "ZeroDivisionError"
    assert "by zero" in record.failure.traceback
    assert record.params["lr"].value == 1
    assert "ZeroDivisionError" in programs.console()


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, "interrupted"), (signal.SIGSEGV, "failed")]
)
def test_under_runref_run_a_signal_is_told_to_the_shell(programs, runref_command, number, status):
    source = f"import os\nos.kill(os.getpid(), {number})\n"
    programs.run(source, *runref_command, status=128 + number)
    record = programs.record()
    assert (record.status, record.signal) == (status, signal.Signals(number).name)


def test_a_killed_worker_of_multiprocessing_ends_as_without_runref(programs):
    source = """
        import multiprocessing, time
        import runref
        def work(queue):
            queue.put("ready")
            time.sleep(60)
        run = runref.init()
        context = multiprocessing.get_context("fork")
        queue = context.SimpleQueue()
        process = context.Process(target=work, args=(queue,))
        process.start()
        queue.get()
        process.terminate()
        process.join()
        print(process.exitcode)
    """
    done = programs.run(source)
    assert (done.stdout, done.stderr) == (f"{-signal.SIGTERM}\n", "")


@pytest.mark.parametrize(("end", "status"), [("", "finished"), ("1 / 0", "failed")])
def test_a_run_that_a_worker_opened_ends_with_the_worker(programs, end, status):
    source = f"""
        import multiprocessing
        import runref
        def work():
            run = runref.init()
            run.log({{"loss": 1}})
            {end}
        process = multiprocessing.get_context("fork").Process(target=work)
        process.start()
        process.join()
    """
    programs.run(source)
    assert programs.record().status == status
