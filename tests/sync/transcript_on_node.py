"""What each of two nodes runs in `test_two_nodes`: two people share a day's runs over NFS.

Usage: transcript_on_node.py NAME CLONE TEAM OWN OTHER

NAME is ada or bob. Both track in CLONE, which may be one for both, and TEAM is a folder with the
bare repository, the remote of artifacts, and whatever one gives the other. They wait for each other
by the folders OWN and OTHER.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from runref.cli.main import run as run_command

FORGOTTEN = "forgotten"
"""Which content is to be gone in the end."""
FAILED = "failed"
"""What went wrong with one, for the other to read."""


class Person:
    """One of the two, at a node of their own."""

    def __init__(self, name: str, clone: Path, team: Path, own: Path, other: Path) -> None:
        self.name = name
        self.clone = clone
        self.team = team
        self._own = own
        self._other = other
        self._met = 0

    def meet(self, *told: str) -> list[str]:
        """Wait until both are here, and return what the other tells."""
        self._met += 1
        own, other = (folder / f"{self._met}" for folder in (self._own, self._other))
        written = own.with_suffix(".new")
        written.write_text(json.dumps(told))
        written.rename(own)
        deadline = time.monotonic() + 240
        while not other.exists():
            assert time.monotonic() < deadline, "the other one does not come"
            assert not (self._other / FAILED).exists(), (self._other / FAILED).read_text()
            time.sleep(0.1)
        heard: list[str] = json.loads(other.read_text())
        return heard

    def runref(self, *argv: str, at: Path | None = None, status: int = 0) -> str:
        """Run a command and return what it prints.

        In this process: on a node, Python takes a second to start.
        """
        os.chdir(at or self.clone)
        with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
            ended = run_command(argv)
        assert ended == status, f"{argv}: {ended}\n{out.getvalue()}{err.getvalue()}"
        return out.getvalue()

    def json(self, *argv: str, at: Path | None = None) -> Any:
        return json.loads(self.runref(*argv, "--json", at=at))

    def runs(self, at: Path | None = None) -> set[str]:
        return {each["id"] for each in self.json("ls", "--limit", "999", at=at)["runs"]}

    def git(self, *argv: str) -> str:
        done = subprocess.run(
            ["git", *argv], cwd=self.clone, check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout.strip()

    def track(self, line: str) -> str:
        """Run ``train.py``, which writes a file and logs ``val/acc``; return the run."""
        before = self.runs()
        self.runref(
            *("run", "-e", self.name, "-i", "data.csv", "-o", f"{self.name}.txt"),
            *("--", sys.executable, "train.py", f"{self.name}.txt", line),
        )
        made = [
            each["id"]
            for each in self.json("ls", f'experiment == "{self.name}"', "--limit", "999")["runs"]
            if each["id"] not in before
        ]
        assert len(made) == 1, made
        return str(made[0])


def share(me: Person) -> list[str]:
    """Track, push and pull at once; return the ids of both, the first of each as a secret."""
    own = [me.track("secret of " + me.name), me.track("plain")]
    me.runref("push")
    other = me.meet(*own)
    me.runref("pull")
    assert me.runs() == {*own, *other}
    me.runref("sync")
    me.meet()
    return own + other


def carry(me: Person, *, gives: bool) -> None:
    """Give a bundle to the other one, who looks into it, imports it twice, and runs it again."""
    stick = me.team / "week.rrb"
    if gives:
        query = 'started > "2026-11-16"'
        me.runref("bundle", "create", str(stick), "--query", query, "--with", "outputs,inputs")
        me.meet()
    else:
        me.meet()
        room = me.team / "room"
        subprocess.run(["git", "init", "-q", str(room)], check=True)
        assert me.json("bundle", "inspect", str(stick), at=room)["runs"]
        me.runref("bundle", "import", str(stick), at=room)
        me.runref("bundle", "import", str(stick), at=room)
        assert me.runs(room) == me.runs()
        assert me.json("reproduce", min(me.runs(room)), at=room)["verdict"] == "identical"
    me.meet()


def remove_and_restore(me: Person, run: str, *, removes: bool) -> None:
    """One removes a run, the other misses it, brings it back and both have it."""
    for mine, verb in ((removes, "rm"), (not removes, "restore")):
        if mine:
            me.runref(verb, run)
            me.runref("push", "--no-artifacts")
            me.meet()
        else:
            me.meet()
            me.runref("pull")
        assert (run in me.runs()) == (verb == "restore")
        me.meet()


def annotate(me: Person, run: str) -> None:
    """Both tag one run without knowing of each other, and share it at once."""
    me.runref("tag", run, "--add", f"seen-by-{me.name}")
    me.meet()
    me.runref("sync")
    me.meet()
    me.runref("sync")
    assert set(me.json("show", run)["tags"]) == {"seen-by-ada", "seen-by-bob"}
    me.meet()


def vouch(me: Person, run: str) -> None:
    """Both sign a run, and each sees the signatures of both."""
    key = Path(os.environ["HOME"]) / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    me.runref("sign", run, "--key", str(key))
    public = key.with_suffix(".pub").read_text()
    (other,) = me.meet(public)
    me.runref("sync")
    me.meet()
    me.runref("sync")
    names = (me.name, "bob" if me.name == "ada" else "ada")
    allowed = me.team / f"allowed-by-{me.name}"
    allowed.write_text(
        "".join(f"{name}@x {each}" for name, each in zip(names, (public, other), strict=True))
    )
    found = me.json("verify", run, "--allowed-signers", str(allowed))["runs"][0]
    assert found["verified"]
    assert {each["signer"] for each in found["signatures"]} == {"ada@x", "bob@x"}
    me.meet()


def tidy_up(me: Person, *, tidies: bool) -> None:
    """One frees what failed while the other records and pushes."""
    me.runref("run", "-e", me.name, "--", "false", status=1)
    me.runref("sync")
    me.meet()
    me.runref("sync")
    before = me.runs()
    policy = ("gc", "--failed", "0s", "--keep-best", "5", "--by", "val/acc", "--keep-tagged")
    me.meet()
    kept: list[str] = []
    if tidies:
        planned = me.json(*policy, "--dry-run")
        assert len(planned["going"]) == 2, planned
        me.runref(*policy, "--yes")
    else:
        kept = [me.track(f"meanwhile {number}") for number in range(3)]
        me.runref("push")
    others = me.meet(*kept)
    me.runref("sync")
    me.meet()
    me.runref("sync")
    after = me.runs()
    assert {*kept, *others} <= after
    assert len(before | {*kept, *others}) - len(after) == 2
    me.meet()


def forget(me: Person, run: str, *, forgets: bool) -> None:
    """One forgets a run with its contents, and the other's clone follows."""
    objects = me.git("rev-list", "--objects", "--no-object-names", "refs/runref/runs").split()
    me.meet()
    if forgets:
        (output,) = me.json("show", run)["outputs"]
        (me.team / FORGOTTEN).write_text(output["digest"])
        me.runref("forget", run, "--reason", "personal data")
        me.meet()
    else:
        me.meet()
        me.runref("pull")
    me.meet()
    assert run not in me.runs()
    left = me.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)").split()
    assert set(objects) - set(left), "objects were freed"
    me.runref("sync")
    me.meet()


def main(name: str, clone: str, team: str, own: str, other: str) -> None:
    me = Person(name, *(Path(each) for each in (clone, team, own, other)))
    is_ada = name == "ada"
    runs = share(me)
    mine, theirs = runs[0], runs[2]
    carry(me, gives=is_ada)
    assert not me.json("fsck", "--remote", "lab")["damage"]
    remove_and_restore(me, runs[1] if is_ada else runs[3], removes=is_ada)
    annotate(me, min(runs[1], runs[3]))
    vouch(me, min(runs[1], runs[3]))
    tidy_up(me, tidies=not is_ada)
    forget(me, mine if is_ada else theirs, forgets=is_ada)
    assert not me.json("fsck", "--remote", "lab", "--full")["damage"]
    assert me.json("reproduce", min(me.runs()))["verdict"] == "identical"


if __name__ == "__main__":
    name, clone, team, own, other = sys.argv[1:]
    try:
        main(name, clone, team, own, other)
    except BaseException:
        (Path(own) / FAILED).write_text(f"{name}: {traceback.format_exc()}")
        raise
