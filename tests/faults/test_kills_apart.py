"""``kill -9`` of who collects runs that wait with their objects and contents in the spool."""

from __future__ import annotations

import random
import select
import time
from pathlib import Path

import pytest
from tests.conftest import GitRepo
from tests.faults.conftest import Victims

RUNS = 60

JOBS = f"""
    import os
    import runref
    for number in range({RUNS}):
        open("edited.py", "w").write(f"NUMBER = {{number}}\\n")
        open("model", "w").write(f"{{number}} " * 20_000)
        with runref.init(console=False) as run:
            run.log({{"loss": number}})
            run.log_output("model")
"""

COLLECTOR = """
    import os
    from pathlib import Path
    from runref.project.project import open_project
    from runref.tracking.collect import recover
    project = open_project(Path.cwd(), os.environ)
    os.write(1, b"collecting\\n")
    recover(project.spool, project.runs)
"""


@pytest.mark.slow
def test_nothing_is_lost_whenever_the_collector_is_killed(
    repo: GitRepo, victims: Victims, read_only: tuple[str, ...], tmp_path: Path
):
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    repo.write(".runref.yaml", f"spool: {tmp_path}/spool\n")
    victims.run(JOBS, wrapper=read_only)
    for _ in range(12):
        process = victims.start(COLLECTOR)
        select.select([process.stdout], [], [], 30)
        time.sleep(chance.uniform(0, 0.3))
        process.kill()
        process.communicate(timeout=30)
    assert victims.recover().problems == {}, seed
    recorded = victims.recorded()
    assert len(recorded) == RUNS, seed
    assert repo.git("rev-list", "--count", "refs/runref/runs") == str(RUNS), seed
    store = victims.project().artifacts
    for record, _ in recorded.values():
        assert (record.status, record.notices) == ("finished", ()), seed
        store.verify(record.outputs[0].digest)
        number = int(record.metrics["loss"].last)
        edited = repo.git("show", f"{record.code.tree}:edited.py")
        assert edited == f"NUMBER = {number}", seed
        model = store.path_of(record.outputs[0].digest).read_text()
        assert model == f"{number} " * 20_000, seed
    repo.fsck()
