"""Several processes write into one object database, some of them killed at any moment."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runref.git.repository import Repository

SAME_BLOBS = """
import sys
from pathlib import Path
from runref.git.repository import Repository
objects = Repository.open(Path(sys.argv[1])).objects
sys.stdin.read()
for number in range(300):
    objects.write_blob(b"the same content %d" % number)
with objects.batch():
    for number in range(300):
        objects.write_blob(b"the same in a pack %d" % number)
"""


@pytest.mark.slow
def test_eight_processes_may_write_the_same_objects_at_once(repo):
    workers = [
        subprocess.Popen([sys.executable, "-c", SAME_BLOBS, str(repo.path)], stdin=subprocess.PIPE)
        for _ in range(8)
    ]
    for worker in workers:
        worker.stdin.close()  # all begin together
    assert [worker.wait() for worker in workers] == [0] * 8
    objects = Repository.open(repo.path).objects
    for number in range(300):
        assert objects.contains(objects.hash("blob", b"the same content %d" % number))
        assert objects.contains(objects.hash("blob", b"the same in a pack %d" % number))
    assert not [path for path in (repo.path / ".git/objects").rglob("*") if "tmp" in path.name]
    repo.fsck()


ENDLESS = """
import os, sys
from pathlib import Path
from runref.git.repository import Repository
objects = Repository.open(Path(sys.argv[1]), fsync=False).objects
print("ready", flush=True)
while True:
    print(objects.write_blob(os.urandom(20000)), flush=True)
    with objects.batch():
        oids = [objects.write_blob(os.urandom(300)) for _ in range(230)]
    print(*oids, sep="\\n", flush=True)
"""


@pytest.mark.slow
def test_a_killed_writer_leaves_only_files_that_git_gc_removes(repo, tmp_path):
    """Every name that was given out is of a whole object; the rest is tmp_*."""
    acknowledged: list[str] = []
    for round_number in range(30):
        worker = subprocess.Popen(
            [sys.executable, "-c", ENDLESS, str(repo.path)], stdout=subprocess.PIPE, text=True
        )
        assert worker.stdout.readline() == "ready\n"
        _spin(0.001 * (round_number % 10))
        worker.kill()
        names = worker.communicate()[0].splitlines()
        acknowledged += names[: -1 if names and len(names[-1]) != 40 else None]
    objects_folder = repo.path / ".git/objects"
    assert acknowledged
    assert not [path for path in objects_folder.rglob("*") if path.name.endswith(".lock")]
    listing = repo.git(
        "cat-file", "--batch-check=%(objecttype)", input="\n".join(acknowledged).encode()
    )
    assert listing.split() == ["blob"] * len(acknowledged)
    repo.fsck()
    _grow_old(objects_folder)
    repo.git("prune", "--expire=1.day.ago")
    repo.git("gc", "-q", "--prune=1.day.ago")
    assert not list(objects_folder.rglob("tmp_*"))


def _spin(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def _grow_old(folder: Path) -> None:
    for path in folder.rglob("tmp_*"):
        os.utime(path, (1, 1))


def test_nothing_here_needs_a_git_binary(repo, tmp_path):
    script = """
import os, sys
from pathlib import Path
from runref.git.checkout import write_out
from runref.git.locks import exclusive
from runref.git.repository import Repository
repository = Repository.discover(Path(sys.argv[1]), environ=os.environ)
objects = repository.objects
tree = objects.read_commit(repository.head().commit).tree
with exclusive(repository.common_dir / "runref/lock", wait=0), objects.batch():
    commit = objects.write_commit(tree=tree, parents=[], identity=repository.identity(),
                                  time=1, message="m")
assert repository.ref("refs/runref/runs").compare_and_swap("", commit, message="m")
assert len(repository.tracked()) == 2
assert write_out(objects, tree, Path(sys.argv[2])).files == 2
assert "subprocess" not in sys.modules
"""
    subprocess.run(
        [sys.executable, "-c", script, str(repo.path / "pkg"), str(tmp_path / "out")],
        env={**os.environ, "PATH": str(tmp_path)},
        check=True,
    )
    assert repo.git("log", "--format=%s", "refs/runref/runs") == "m"
