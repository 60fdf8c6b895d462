"""``kill -9`` at random moments of logging, ending, collecting and annotating."""

from __future__ import annotations

import json
import os
import random
import re
import select
import subprocess
import sys
import time
from collections import defaultdict

import pytest

from runref.project.annotating import annotate

ROUNDS = int(os.environ.get("RUNREF_KILL_ROUNDS", "10"))
"""Each kills three programs; set it to a hundred for a thorough search."""

WRITER = """
    import os
    import runref
    for _ in range(1000):
        run = runref.init(console=False)
        for step in range(30):
            run.log({"loss": step / 3}, step=step)
            os.write(1, f"{run.id} {step}\\n".encode())
        run.finish()
        os.write(1, f"{run.id} end\\n".encode())
"""

COLLECTOR = """
    import os
    from pathlib import Path
    from runref.project.project import open_project
    from runref.tracking.collect import recover
    project = open_project(Path.cwd(), os.environ)
    os.write(1, b"collecting\\n")
    while True:
        recover(project.spool, project.runs)
"""

ACKNOWLEDGED = re.compile(r"^(\S+) (\d+|end)$", re.MULTILINE)


@pytest.mark.slow
def test_no_acknowledged_line_is_lost_whenever_a_process_is_killed(repo, victims):
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    steps: dict[str, int] = defaultdict(int)
    ended: set[str] = set()
    for _ in range(ROUNDS):
        programs = [victims.start(source) for source in (WRITER, WRITER, COLLECTOR)]
        for process in programs:
            select.select([process.stdout], [], [], 30)
        for process in chance.sample(programs, 3):
            time.sleep(chance.uniform(0, 0.15))
            process.kill()
        for process in programs:
            out, err = process.communicate(timeout=30)
            assert err == "", seed
            for run_id, said in ACKNOWLEDGED.findall(out[: out.rfind("\n") + 1]):
                if said == "end":
                    ended.add(run_id)
                else:
                    steps[run_id] = max(steps[run_id], int(said) + 1)
    begin = time.monotonic()
    assert victims.recover().problems == {}, seed
    assert time.monotonic() - begin < 10, seed  # nobody's lock was in the way
    recorded = victims.recorded()
    for run_id, count in steps.items():
        record, kept = recorded[run_id]
        assert kept == list(range(len(kept))), seed
        assert len(kept) >= count, seed
        assert record.notices == (), seed
    assert {recorded[run_id][0].status for run_id in ended} <= {"finished"}, seed
    statuses = {record.status for record, _ in recorded.values()}
    assert statuses <= {"finished", "interrupted"}, seed
    assert [*victims.project().spool.live(), *victims.project().spool.ready()] == []
    repo.fsck()
    victims.run("import runref\nrunref.init().log({'loss': 1})")
    assert len(victims.recorded()) == len(recorded) + 1


TIDIER = """
    import os
    from pathlib import Path
    from runref.project.annotating import annotate
    from runref.project.project import open_project
    project = open_project(Path.cwd(), os.environ)
    ids = [run.id for run in project.runs.runs()]
    while True:
        for removed in (True, False):
            annotate(project, ids, removed=removed)
            os.write(1, f"{removed}\\n".encode())
"""


@pytest.mark.slow
def test_several_runs_are_removed_together_or_not_whenever_it_is_killed(repo, victims):
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    victims.run("import runref\nfor _ in range(5):\n    runref.init(console=False).finish()")
    for _ in range(ROUNDS):
        with victims.start(TIDIER) as process:
            select.select([process.stdout], [], [], 30)
            time.sleep(chance.uniform(0, 0.15))
            process.kill()
            out, err = process.communicate(timeout=30)
        assert err == "", seed
        assert out.startswith("True\n"), seed
        project = victims.project()
        states = [project.read(run.id).removed is not None for run in project.runs.runs()]
        assert len(states) == 5
        assert len(set(states)) == 1, seed
        left = subprocess.run(
            [sys.executable, "-m", "runref", "ls", "--json", "--removed", "--all"],
            cwd=repo.path, capture_output=True, check=True,
        )  # fmt: skip
        assert json.loads(left.stdout)["total"] == 5 * states[0], seed
        before = project.runs.tip()
        annotate(project, [run.id for run in project.runs.runs()], removed=False)
        assert project.runs.tip() != before  # nobody's lock was in the way
    repo.fsck()
