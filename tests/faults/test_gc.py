"""gc beside processes that record and push, and gc that is killed: nothing in use is lost."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from tests.servers.seaweedfs import SeaweedFS

from runref.artifacts import LocalStore
from runref.artifacts.collection import collect_remote
from runref.artifacts.remote.claims import MARKS, Claimant, RemoteBusy, claim
from runref.artifacts.remote.location import open_remote
from runref.artifacts.remote.store import RemoteStore
from runref.artifacts.remote.verified import Verified
from runref.artifacts.transfer.push import push
from runref.artifacts.transfer.wanted import Wanted
from runref.project.config import RemoteSettings
from runref.project.project import open_project
from runref.project.reach import reach
from runref.project.remote_settings import add_remote

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("RUNREF_KILL_ROUNDS", "10"))
OURS = Claimant("20261121-4f1c9b2e7a3d", "digits")
MONTH = 30 * 24 * 3600.0

# It says how far it is after each run. What it uses was stored before, by hand, and is old; its
# output is new. Each third run uses a directory.
WRITER = """
    import os, sys
    import runref
    name, count = sys.argv[1], int(sys.argv[2])
    for number in range(count):
        with runref.init(console=False) as run:
            run.use_input(f"pool/{number}")
            if not number % 3:
                run.use_input("tree")
            with open(f"{name}.out", "w") as file:
                file.write(f"{name} {number}")
            run.log_output(f"{name}.out")
        os.write(1, b".")
"""

PUSHER = """
    import sys
    from runref.cli.main import run
    while not sys.stdin.buffer.peek():
        if run(["push", "--artifacts"]) not in (0, 3):  # 3: a gc is going on
            sys.exit(4)
"""

COLLECTOR = """
    import os, sys
    from runref.cli.main import run
    os.write(1, b"begun")
    while True:
        if run(["gc", "--artifacts", "--min-age", "1d", *sys.argv[1:]]) not in (0, 1):
            sys.exit(4)
"""


def age(path: Path) -> None:
    moment = path.stat().st_mtime - MONTH
    os.utime(path, (moment, moment))


def age_store(folder: Path) -> None:
    for path in folder.glob("sha256/*/*"):
        age(path)


def prepare(repo: Any) -> LocalStore:
    """Have what runs will use in the local store, old, and held by no record."""
    for number in range(12):
        repo.write(f"pool/{number}", f"input {number}")
        repo.write(f"tree/{number}", f"leaf {number}")
    repo.write(".gitignore", "pool\ntree\n*.out\n")
    repo.commit("data is elsewhere")
    local = open_project(repo.path, os.environ).artifacts
    local.add(repo.path / "pool")
    local.add(repo.path / "tree")
    return local


def verified(store: LocalStore | RemoteStore) -> set[str]:
    """Return what is there, after reading all of it."""
    found = {each.digest for each in store.contents()}
    for digest in found:
        if isinstance(store, LocalStore):
            store.verify(digest)
        else:
            Verified(store).read(digest, lambda _data: None)
    return found


@pytest.fixture
def start(victims: Any) -> Iterator[Callable[..., Any]]:
    """Starts programs, which do not outlive the test."""
    with ExitStack() as stack:

        def begin(source: str, *arguments: str) -> Any:
            process = stack.enter_context(victims.start(source, *arguments))
            stack.callback(process.kill)
            return process

        yield begin


def test_nothing_that_runs_use_is_removed_while_they_are_recorded(
    repo: Any, victims: Any, start: Callable[..., Any]
) -> None:
    local = prepare(repo)
    folder = repo.path / ".git/runref/artifacts"
    for _round in range(3):
        age_store(folder)
        collector = start(COLLECTOR)
        assert collector.stdout.read(5) == "begun"
        writers = [start(WRITER, name, "12") for name in ("a", "b")]
        for writer in writers:
            out, err = writer.communicate(timeout=120)
            assert (writer.returncode, out) == (0, "." * 12), err
        assert collector.poll() is None, collector.communicate()
        collector.kill()
    held = reach([open_project(repo.path, os.environ)]).digests
    assert len(held) >= 12 + 13 + 2 * 12
    assert held <= verified(local)
    assert len(victims.recorded()) == 3 * 24


USER = """
    import sys
    from pathlib import Path
    from runref.artifacts import LocalStore
    local = LocalStore(Path("store"), fsync=False)
    print("ready", flush=True)
    sys.stdin.readline()
    for folder in sorted(Path("data").iterdir()):
        local.add(folder)
"""

REMOVER = """
    import sys
    from pathlib import Path
    from runref.artifacts import LocalStore
    from runref.artifacts.collection import collect_local
    local = LocalStore(Path("store"))
    print("ready", flush=True)
    sys.stdin.readline()
    print(collect_local(local, (), 24 * 3600).freed.count)
"""


def test_what_is_stored_already_and_used_again_outlives_a_gc_that_goes_on(
    repo: Any, start: Callable[..., Any]
) -> None:
    """All contents are old and held by nobody; each is removed before it is used, or not at all."""
    for number in range(2000):
        repo.write(f"data/{number % 100}/{number}", f"input {number}")
    local = LocalStore(repo.path / "store", fsync=False)
    wanted = {local.add(folder).digest for folder in (repo.path / "data").iterdir()}
    wanted |= {each.digest for each in local.contents()}
    freed = 0
    for _round in range(3):
        age_store(repo.path / "store")
        both = [start(USER), start(REMOVER)]
        for process in both:
            assert process.stdout.readline() == "ready\n"
        for process in both:
            process.stdin.write("go\n")
            process.stdin.flush()
        outs = [process.communicate(timeout=120) for process in both]
        assert [process.returncode for process in both] == [0, 0], outs
        freed += int(outs[1][0])
        assert verified(local) == wanted
    assert freed  # it did remove what was not used yet


def test_a_push_beside_a_gc_is_stopped_or_complete(tmp_path: Path) -> None:
    """Many times over: all lies at the remote already, old, and in no record that gc knows."""
    local = LocalStore(tmp_path / "store", fsync=False)
    for number in range(20):
        (tmp_path / "content").write_text(str(number))
        local.add(tmp_path / "content")
    wanted = [Wanted(each.digest, "file", each.size) for each in local.contents()]
    digests = {each.digest for each in wanted}
    outcomes: Counter[str] = Counter()
    for number in range(60):
        url = str(tmp_path / f"lab-{number}")
        assert push(local, open_remote(url, name="lab"), wanted).is_complete
        age_store(Path(url))
        barrier = Barrier(2)

        def remove(url: str = url, barrier: Barrier = barrier) -> int:
            barrier.wait()
            store = open_remote(url, name="lab")
            return collect_remote(store, (), {OURS.oldest_run}, 24 * 3600, who="Ada").freed.count

        with ThreadPoolExecutor() as pool:
            removing = pool.submit(remove)
            barrier.wait()
            time.sleep(number / 60 * 0.03)  # where in the gc the push begins; nothing waits for it
            store = open_remote(url, name="lab")
            try:
                claim(store, OURS, digests)
                done = push(local, store, wanted)
            except RemoteBusy:
                outcomes["stopped"] += 1
                continue
            outcomes["all removed" if removing.result() else "all kept"] += 1
            assert done.is_complete
        assert verified(store) == digests, outcomes
    assert len(outcomes) > 1, outcomes


@pytest.fixture(params=["folder", "SeaweedFS"])
def remote(
    request: pytest.FixtureRequest, tmp_path: Path, repo: Any
) -> tuple[RemoteSettings, RemoteStore]:
    """A remote of the repository called lab, and the same past the settings."""
    if request.param == "folder":
        settings = RemoteSettings(str(tmp_path / "lab"))
    else:
        server: SeaweedFS = request.getfixturevalue("seaweedfs")
        url = server.remote_url(server.new_bucket(), "team")
        settings = RemoteSettings(url, options=server.options())
    add_remote(open_project(repo.path, os.environ), "lab", settings, local=True)
    return settings, open_remote(settings.url or "", settings.options, name="lab")


def test_nothing_that_was_pushed_is_removed_while_it_is_pushed(
    repo: Any, start: Callable[..., Any], remote: tuple[RemoteSettings, RemoteStore]
) -> None:
    """A push that gc stops says so, and succeeds afterwards.

    What runs use lies at the remote already, unclaimed, and in a folder also old.
    """
    settings, store = remote
    local = prepare(repo)
    for each in local.contents():
        store.write(each.digest, local.path_of(each.digest))
    if "://" not in (settings.url or ""):
        age_store(Path(settings.url or ""))
    collector = start(COLLECTOR, "--remote", "lab")
    assert collector.stdout.read(5) == "begun"
    pusher, writer = start(PUSHER), start(WRITER, "a", "12")
    out, err = writer.communicate(timeout=120)
    assert (writer.returncode, out) == (0, "." * 12), err
    pusher.communicate(input="enough", timeout=120)
    assert pusher.returncode == 0
    assert collector.poll() is None
    collector.kill()
    collector.wait()
    for _attempt in range(10):
        # The mark of the killed one would count for a day. A server may write it after the kill.
        for mark in store.notes(MARKS):
            store.delete_note(mark.name)
        done = runref(repo, "push", "--artifacts")
        if done.returncode != 3:
            break
    assert done.returncode == 0, done.stderr
    held = reach([open_project(repo.path, os.environ)]).digests
    assert held <= verified(store)


def runref(repo: Any, *words: str) -> Any:
    command = [sys.executable, "-m", "runref", *words]
    return subprocess.run(command, cwd=repo.path, capture_output=True, text=True, check=False)


def test_a_gc_that_is_killed_takes_nothing_in_use_and_the_next_one_ends_it(
    repo: Any, start: Callable[..., Any], tmp_path: Path, victims: Any
) -> None:
    local, lab = prepare(repo), tmp_path / "lab"
    add_remote(open_project(repo.path, os.environ), "lab", RemoteSettings(str(lab)), local=True)
    victims.run(WRITER, "a", "6")
    assert runref(repo, "push", "--artifacts").returncode == 0
    store = open_remote(str(lab), name="lab")
    held = reach([open_project(repo.path, os.environ)]).digests
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    for number in range(ROUNDS):
        for count in range(60):
            garbage = repo.write("pool/garbage", f"{number} {count}")
            store.write(local.add(garbage).digest, garbage)
        for folder in (repo.path / ".git/runref/artifacts", lab):
            age_store(folder)
        collector = start(COLLECTOR, "--all-remotes")
        assert collector.stdout.read(5) == "begun"
        time.sleep(chance.uniform(0, 0.4))
        collector.kill()
        collector.wait()
        assert held <= verified(local), seed
        assert held <= verified(store), seed
        for mark in store.notes(MARKS):
            age(lab / mark.name)
    for path in (repo.path / ".git/runref/artifacts/tmp").iterdir():
        age(path)
    done = runref(repo, "gc", "--artifacts", "--all-remotes", "--min-age", "1d")
    assert done.returncode == 0, done.stderr
    assert verified(local) == verified(store) == held
    assert list((repo.path / ".git/runref/artifacts/tmp").iterdir()) == []
    assert store.notes(MARKS) == []
    repo.fsck()
