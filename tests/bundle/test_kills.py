"""Processes that are killed while they make or take a bundle: what is left is whole."""

from __future__ import annotations

import json
import resource
import signal
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

_LARGE = 48 << 20


@pytest.fixture
def large(recorded) -> bytes:
    """A run whose output takes a moment to be written and read."""
    (recorded.path / "write.py").write_text(
        f"open('model.bin', 'wb').write(b'\\0' + bytes({_LARGE}))"
    )
    recorded.runref("run", "-o", "model.bin", "--", "python3", "write.py")
    return b""


def kill(process) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("written", [1, 20_000, 4 << 20, 40 << 20])
def test_a_killed_create_is_gone_on_with(recorded, large, cli, tmp_path, written):
    target = tmp_path / "x.rrb"
    partial = Path(f"{target}.partial")
    process = recorded.process("bundle", "create", str(target), "--with", "inputs,outputs")
    while process.poll() is None and size_of(partial) < written:
        pass
    if process.poll() is None:
        kill(process)
        assert not target.exists() or size_of(target) > _LARGE
    done = cli(recorded, "bundle", "create", str(target), "--with", "inputs,outputs", "--force")
    assert done.status == 0, done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["recorded", "x.rrb"]
    shown = cli(recorded, "bundle", "inspect", str(target), "--json")
    assert (shown.status, len(shown.json["runs"])) == (0, 4)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9, 1.0])
def test_an_import_that_is_killed_while_it_reads_leaves_nothing_to_be_seen(
    bundle, empty, cli, share
):
    data = bundle.read_bytes()
    before = {name for name in empty.state() if "incoming" not in name}
    process = empty.process("bundle", "import", "-")
    process.stdin.write(data[: int(len(data) * share)])
    process.stdin.flush()
    incoming = empty.path / ".git/runref/incoming"
    while share and not any(incoming.glob("*/HEAD")):  # it has begun to read
        assert process.poll() is None
    kill(process)
    assert not empty.artifacts()
    visible = {name for name in empty.state() if "incoming" not in name and "/tmp/" not in name}
    assert visible == before
    done = cli(empty, "bundle", "import", str(bundle), "--json")
    assert (done.status, len(done.json["runs"])) == (0, 3), done.err
    assert not any(incoming.iterdir()), "what the killed one left is gone"
    empty.git("fsck", "--strict")


def test_an_import_that_is_killed_while_things_appear_is_ended_by_the_next(
    bundle, empty, cli, recorded
):
    store = empty.path / ".git/runref/artifacts/sha256"
    process = empty.process("bundle", "import", str(bundle))
    while process.poll() is None and not any(store.glob("*/*")):
        pass
    if process.poll() is None:
        kill(process)
    for digits, path in empty.artifacts().items():
        assert path.read_bytes() == recorded.artifacts()[digits].read_bytes()
    empty.git("fsck", "--strict")
    assert cli(empty, "bundle", "import", str(bundle)).status == 0
    assert empty.runs() == recorded.runs()
    assert empty.artifacts().keys() == recorded.artifacts().keys()


def test_a_system_that_takes_no_more_is_told_and_what_is_there_is_gone_on_with(
    recorded, large, cli, tmp_path
):
    def at_most_20_mib() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20 << 20, 20 << 20))

    target = tmp_path / "x.rrb"
    command = ("bundle", "create", str(target), "--with", "inputs,outputs", "--json")
    with recorded.process(*command, preexec_fn=at_most_20_mib) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 3
    error = json.loads(err.splitlines()[-1])["error"]
    assert error["code"] == "cannot-write"
    assert f"{target}.partial" in error["message"]
    assert not target.exists()
    assert cli(recorded, *command).json["resumed"]
    assert cli(recorded, "bundle", "inspect", str(target)).status == 0


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
