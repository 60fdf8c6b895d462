"""Two people at two machines, with nothing but a network folder between them."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.servers.nfs import NfsServer
from tests.servers.node import MOUNT, Node
from tests.sync import transcript_on_node
from tests.sync.clones import Clone, check_server, runs_of
from tests.sync.conftest import MakeClone, MakeNode

pytestmark = pytest.mark.slow

TRAIN = """
import sys
import runref
path, line = sys.argv[1:]
lines = sorted(open("data.csv"))
with open(path, "w") as file:
    file.writelines([*lines, line])
with runref.init() as run:
    run.log({"val/acc": len(line) / 100})
"""

# Through a pipe: a node has no pseudo-terminals.
ON_NODE = """
git config --global safe.directory '*'
git config --global user.name {name}
git config --global user.email {name}@x
{command} 2>&1 | cat
exit ${{PIPESTATUS[0]}}
"""


@pytest.mark.parametrize("shared", [True, False], ids=["in one clone", "in clones of their own"])
def test_two_people_share_a_day(
    nfs: NfsServer, make_clone: MakeClone, node: MakeNode, tmp_path: Path, *, shared: bool
):
    team = nfs.export / tmp_path.name
    bare = team / "team.git"
    subprocess.run(["git", "init", "-q", "--bare", str(bare)], check=True)
    there = f"{MOUNT}/{tmp_path.name}"
    clone = make_clone("work", f"{there}/team.git")
    (clone.path / "data.csv").write_text("3\n1\n2\n")
    (clone.path / "train.py").write_text(TRAIN)
    (clone.path / ".runref.yaml").write_text(f"remotes:\n  lab:\n    url: {there}/lab\n")
    (team / "lab").mkdir()
    clone.git("add", "-A")
    clone.git("commit", "-qm", "data")
    places = {name: "work" if shared else f"work-of-{name}" for name in ("ada", "bob")}
    for place in set(places.values()):
        shutil.copytree(clone.path, team / place)

    def script(name: str, other: str) -> str:
        own, others = (f"{tmp_path}/{each}/shared" for each in (name, other))
        argv = [name, f"{there}/{places[name]}", there, own, others]
        command = shlex.join([sys.executable, transcript_on_node.__file__, *argv])
        return ON_NODE.format(name=name, command=command)

    nodes = [node(*pair) for pair in (("ada", script("ada", "bob")), ("bob", script("bob", "ada")))]
    for each in nodes:
        each.start()
    for each in nodes:
        each.wait(500)
    check_server(bare)
    for place in places.values():
        assert runs_of(bare).items() <= runs_of(team / place).items()
        assert Clone(team / place).leftovers() == []
    # Here, as a node may take a while to see that a file is not there any more.
    digits = (team / transcript_on_node.FORGOTTEN).read_text().removeprefix("sha256:")
    stores = [team / "lab", *(team / place / ".git/runref/artifacts" for place in places.values())]
    for store in stores:
        assert any(path.is_file() for path in (store / "sha256").rglob("*"))
        assert not (store / "sha256" / digits[:2] / digits[2:]).exists()


# A client of NFS remembers for up to a minute that a name did not exist.
LOOK_TWICE = """
{at}
{python} -m runref ls --json > {own}/before || exit 1
for each in {{0..255}}; do printf -v name %02x $each; [ -e {team}/objects/$name ] && exit 1; done
touch {own}/looked
until [ -e {others}/added ]; do sleep 0.1; done
{second}
{python} -m runref ls --json > {own}/after
"""
RECORD = """
{at}
until [ -e {others}/looked ]; do sleep 0.1; done
{python} -m runref run -- true 2>&1 | cat
{first}
{python} -m runref ls --json > {own}/after || exit 1
touch {own}/added
"""
AT = "git config --global safe.directory '*'; cd {work} || exit 1"
PUSH, PULL = (f"{sys.executable} -m runref {verb} 2>&1 | cat" for verb in ("push", "pull"))


@pytest.mark.parametrize(
    ("first", "second"), [("", ""), ("git gc --quiet", ""), (PUSH, PULL)], ids=["", "gc", "push"]
)
def test_what_another_machine_did_is_seen_at_once(
    nfs: NfsServer, make_clone: MakeClone, node: MakeNode, tmp_path: Path, first: str, second: str
):
    served, there = nfs.export / tmp_path.name, f"{MOUNT}/{tmp_path.name}"
    subprocess.run(["git", "init", "-q", "--bare", str(served / "team.git")], check=True)
    clone = make_clone("work", f"{there}/team.git")
    places = {"looks": "work", "records": "other" if second else "work"}
    for place in set(places.values()):
        shutil.copytree(clone.path, served / place)
    assert not (served / "work/.git/refs/runref").exists()

    def start(name: str, other: str, script: str) -> Node:
        own, others = tmp_path / f"{name}/shared", tmp_path / f"{other}/shared"
        at = AT.format(work=f"{there}/{places[name]}")
        text = script.format(
            at=at, python=sys.executable, own=own, others=others, team=f"{there}/team.git",
            first=first, second=second,
        )  # fmt: skip
        return node(name, text)

    nodes = [start("looks", "records", LOOK_TWICE), start("records", "looks", RECORD)]
    for each in nodes:
        each.start()
    for each in nodes:
        each.wait()
    before, seen, recorded = (
        [run["id"] for run in json.loads((tmp_path / name).read_text())["runs"]]
        for name in ("looks/shared/before", "looks/shared/after", "records/shared/after")
    )
    assert before == []
    assert len(recorded) == 1
    assert seen == recorded
