"""``runref rm``, ``restore`` and ``amend``: lists are put in order, records stay as they are."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.cli.listed import add
from tests.store.conftest import Writer

import runref
from runref.project.project import open_project
from runref.store.joining import join

pytestmark = pytest.mark.slow  # `make check` is for all day

REF = "refs/runref/runs"
LIVE = """\
import runref
with runref.init(console=False, name="live") as run:
    print(run.id, flush=True)
    input()
"""


@pytest.fixture
def writer(repo: Any) -> Writer:
    return Writer(repo.path)


@pytest.fixture
def ids(writer: Writer) -> list[str]:
    """Three runs, the oldest first: n0, n1 and n2."""
    return [
        add(writer, number, {"lr": number / 10}, {"acc": number / 4}, tags=[f"t{number % 2}"])
        for number in range(3)
    ]


@pytest.fixture
def names(cli: Any) -> Callable[..., list[str]]:
    def call(*argv: str) -> list[str]:
        done = cli("ls", "--json", *argv)
        assert done.status == 0, done.err
        return [run["name"] for run in done.json["runs"]]

    return call


@contextmanager
def live_run(repo: Any) -> Iterator[str]:
    """A run that goes on inside the block, and ends by itself after it."""
    process = subprocess.Popen(
        [sys.executable, "-c", LIVE],
        cwd=repo.path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.write("\n")
        process.stdin.close()
        process.stdout.close()
        assert process.wait(60) == 0


# rm and restore


def test_a_removed_run_leaves_lists_and_comes_back(ids: Any, cli: Any, names: Any) -> None:
    done = cli("rm", ids[1], "-m", "wrong split\nof the data")
    assert (done.status, done.out) == (0, f"removed {ids[1]}\n")
    assert f"`runref restore {ids[1]}` brings it back" in done.err
    assert "nothing is freed: `runref forget`" in done.err
    assert names() == ["n2", "n0"]
    assert names("--removed") == ["n1"]
    table = cli("ls", "--removed").out
    head, row = table.splitlines()
    assert head.split()[-2:] == ["removed", "reason"]
    assert row.endswith("wrong split of the data")
    done = cli("restore", ids[1])
    assert (done.status, done.out, done.err) == (0, f"restored {ids[1]}\n", "")
    assert names() == ["n2", "n1", "n0"]
    assert names("--removed") == []
    assert "no run was removed" in cli("ls", "--removed").err


def test_a_removed_run_is_in_no_query_group_plot_table_or_position(
    ids: Any, cli: Any, names: Any, repo: Any
) -> None:
    cli("rm", ids[2])
    assert names("acc >= 0") == ["n1", "n0"]
    assert names("name == 'n2'") == []
    assert names("'t0' in tags") == names(f"id == '{ids[0]}'") == ["n0"]
    assert cli("ls", "--json", "--limit", "1").json["total"] == 2
    groups = cli("ls", "--json", "--group-by", "experiment").json["groups"]
    assert [each["runs"] for each in groups] == [2]
    assert cli("show", "--json", "@").json["name"] == "n1"
    assert cli("show", "@~2").status == 2
    error = cli("show", "--json", "@~2").error
    assert error["message"] == "@~2: the history holds 2 runs, 1 more that were removed"
    assert "`runref ls --removed`" in error["hint"]
    figure = cli("plot", "--json", "--scatter", "lr", "acc").json
    assert figure["runs"] == [ids[1], ids[0]]
    count = "select count(*) from {}"
    for view, number in (("runs", 2), ("params", 2), ("metrics", 2), ("tags", 2)):
        rows = cli("sql", "--json", count.format(view)).json["rows"]
        assert rows == [[number]], view
    assert cli("sql", "--json", "select id, name from removed_runs").json["rows"] == [
        [ids[2], "n2"]
    ]
    history = runref.open(repo.path)
    assert [run.name for run in history.runs()] == ["n1", "n0"]
    assert (history.run("@").name, history.run(ids[2]).name) == ("n1", "n2")
    assert history.run(ids[2]).removed is not None
    assert history.run("@").removed is None


def test_removed_runs_are_listed_in_every_form(ids: Any, cli: Any, names: Any) -> None:
    cli("rm", *ids)
    assert names("--removed", "--sort", "acc") == ["n0", "n1", "n2"]
    assert names("--removed", "acc > 0.3") == ["n2"]
    assert names("--removed", "--limit", "1") == ["n2"]
    groups = cli("ls", "--removed", "--json", "--group-by", "experiment").json["groups"]
    assert [each["runs"] for each in groups] == [3]
    assert cli("ls", "--removed", "--csv", "--columns", "name").out.split() == [
        "name", "n2", "n1", "n0",
    ]  # fmt: skip
    assert "removed |" in cli("ls", "--removed", "--markdown").out
    done = cli("ls")
    assert (done.status, done.out) == (0, "")
    assert "no runs but 3 that were removed: `runref ls --removed`" in done.err


def test_several_runs_are_one_chain_of_commits_and_doing_it_again_is_none(
    ids: Any, cli: Any, repo: Any, validate: Any
) -> None:
    before = repo.git("rev-parse", REF)
    done = cli("rm", "--json", *ids, ids[0][9:], "-m", "why")
    validate("rm", done.json)
    assert (done.json["removed"], done.json["unchanged"]) == (ids, [])
    assert repo.git("rev-list", "--count", f"{before}..{REF}") == "3"
    assert len(repo.git("reflog", REF).splitlines()) == 4
    tip = repo.git("rev-parse", REF)
    assert done.json["commit"] == tip
    assert repo.git("log", "-1", "--format=%s", REF) == f"remove · note: why · {ids[2]}"
    again = cli("rm", "--json", *ids)
    assert again.json == {"commit": tip, "removed": [], "unchanged": ids}
    plain = cli("rm", ids[0], "-m", "for another reason")
    assert (plain.status, plain.out) == (0, "")
    assert f"run {ids[0]} is removed already" in plain.err
    assert repo.git("rev-parse", REF) == tip
    back = cli("restore", "--json", *ids[:2])
    validate("restore", back.json)
    assert (back.json["restored"], back.json["unchanged"]) == (ids[:2], [])
    tip = repo.git("rev-parse", REF)
    again = cli("restore", ids[0])
    assert (again.status, again.out) == (0, "")
    assert f"run {ids[0]} is not removed" in again.err
    assert repo.git("rev-parse", REF) == tip
    repo.fsck()


def test_positions_are_those_before_anything_is_removed(ids: Any, cli: Any, names: Any) -> None:
    assert cli("rm", "@", "@~1").out.split() == ["removed", ids[2], "removed", ids[1]]
    assert names() == ["n0"]


def test_of_many_the_way_back_is_a_list(writer: Any, cli: Any) -> None:
    many = [add(writer, number) for number in range(5)]
    err = cli("rm", *many).err
    assert "`runref ls --removed` shows them" in err
    assert many[0] not in err


def test_a_removed_run_says_so_where_it_is_worked_with(
    training: Any, cli: Any, tmp_path: Path
) -> None:
    cli("run", "-o", "model.bin", "--", "python", "train.py", "--lr", "0.1")
    cli("run", "--", "python", "train.py", "--lr", "0.2")
    run_id, record = (cli("show", "--json", "@~1").json[key] for key in ("id", "record_hash"))
    cli("rm", run_id, "-m", "too slow")
    shown = cli("show", record[:10]).out
    assert f"by Ada Tester <ada@example.org>: too slow (`runref restore {run_id}`)" in shown
    document = cli("show", "--json", run_id[9:]).json
    assert document["removed"]["text"] == document["notes"][0]["text"] == "too slow"
    told = f"run {run_id} was removed; `runref restore {run_id}` brings it back"
    for command in (
        ("get", run_id, "-o", str(tmp_path / "got")),
        ("diff", run_id, "@"),
        ("plot", "loss", "-o", str(tmp_path / "loss.svg"), run_id),
        ("reproduce", run_id),
    ):
        done = cli(*command)
        assert done.status == (command[0] == "diff"), done.err
        assert done.err.count(told) == 1, command
    assert (tmp_path / "got" / "model.bin").read_text() == "weights 0.1"
    assert told not in cli("diff", "@", "@").err
    assert told in cli("plot", "--json", "loss", run_id).err


def test_unknown_and_live_runs_are_refused_and_nothing_is_written(
    ids: Any, cli: Any, repo: Any
) -> None:
    tip = repo.git("rev-parse", REF)
    for command in (("rm",), ("restore",), ("amend", "--name", "x")):
        done = cli(*command, "--json", ids[0], "20200101-000000000000")
        assert (done.status, done.error["code"]) == (2, "unknown-run")
        assert cli(*command).status == 2
    with live_run(repo) as run_id:
        for command in (("rm",), ("restore",), ("amend", "--status", "failed")):
            done = cli(*command, "--json", ids[0], run_id)
            assert (done.status, done.error["code"]) == (2, "still-running")
        assert repo.git("rev-parse", REF) == tip


def test_live_runs_are_listed_beside_removed_ones(
    ids: Any, cli: Any, names: Any, repo: Any
) -> None:
    with live_run(repo) as run_id:
        cli("rm", *ids)
        assert names() == ["live"]
        assert names("--removed") == ["n2", "n1", "n0"]
        assert names("status == 'running'") == ["live"]
    assert names() == ["live"]
    cli("rm", run_id)
    assert names() == []
    assert names("--removed")[0] == "live"


def test_a_run_that_cannot_be_read_is_refused_and_hidden_by_nothing(
    ids: Any, writer: Any, cli: Any
) -> None:
    damaged = "20261121-ffffffffffff"
    writer.run(damaged, {"run.yaml": b"not: [a record"})
    done = cli("rm", "--json", ids[0], damaged)
    assert done.error["code"] == "unreadable-run"
    writer.annotate(damaged, "1.yaml", revision=1, removed=True)
    listing = cli("ls", "--json").json
    assert len(listing["runs"]) == 3
    assert [each["id"] for each in listing["unreadable"]] == [damaged]


def test_what_removed_runs_hold_stays_held(training: Any, cli: Any) -> None:
    cli("run", "-o", "model.bin", "--", "python", "train.py")
    cli("rm", "@")
    (artifact,) = (training.path / ".git/runref/artifacts/sha256").glob("*/*")
    os.utime(artifact, (0, 0))
    done = cli("gc", "--artifacts")
    assert done.status == 0, done.err
    assert artifact.exists()


# amend


def test_a_corrected_run_is_shown_and_found_as_it_was_corrected(
    ids: Any, cli: Any, names: Any, repo: Any, validate: Any
) -> None:
    record = cli("show", "--json", ids[1]).json["record_hash"]
    done = cli("amend", ids[1], "--name", " wide ", "--status", "failed", "-m", "NaN from 3 on")
    assert (done.status, done.out, done.err) == (0, f"{ids[1]}  failed wide\n", "")
    assert names("status == 'failed'") == names("name == 'wide'") == ["wide"]
    assert names("status == 'finished'") == ["n2", "n0"]
    assert names("--sort", "name") == ["n0", "n2", "wide"]
    assert "wide" in cli("ls").out
    assert cli("ls", "--csv", "--columns", "name,status").out.split() == [
        "name,status", "n2,finished", "wide,failed", "n0,finished",
    ]  # fmt: skip
    groups = cli("ls", "--json", "--group-by", "status").json["groups"]
    assert {each["by"]["status"]: each["runs"] for each in groups} == {"finished": 2, "failed": 1}
    rows = cli("sql", "--json", "select name, status from runs order by 1").json["rows"]
    assert rows[-1] == ["wide", "failed"]
    document = cli("show", "--json", ids[1]).json
    validate("show", document)
    assert (document["name"], document["status"]) == ("wide", "failed")
    assert document["amended"] == {"name": "n1", "status": "finished"}
    assert document["record_hash"] == record
    assert [note["text"] for note in document["notes"]] == ["NaN from 3 on"]
    shown = cli("show", ids[1]).out
    assert "wide (recorded as n1)" in shown
    assert "failed (recorded as finished)" in shown
    past = runref.open(repo.path).run(ids[1])
    assert (past.name, past.status, past.record.name) == ("wide", "failed", "n1")
    assert repr(past) == f"<run {ids[1]} failed>"
    assert [run.status for run in runref.open(repo.path).runs("name == 'wide'")] == ["failed"]
    validate("ls", cli("ls", "--json").json)


def test_the_latest_correction_counts_and_one_that_changes_nothing_is_none(
    ids: Any, cli: Any, repo: Any, validate: Any
) -> None:
    first = cli("amend", "--json", "--name", "a", *ids[:2])
    validate("amend", first.json)
    assert (first.json["amended"], first.json["unchanged"]) == (ids[:2], [])
    second = cli("amend", "--json", "--name", "a", *ids)
    assert (second.json["amended"], second.json["unchanged"]) == (ids[2:], ids[:2])
    tip = repo.git("rev-parse", REF)
    done = cli("amend", "--name", "a", "--status", "finished", ids[0])
    assert (done.status, done.out) == (0, "")
    assert f"run {ids[0]} says so already" in done.err
    assert repo.git("rev-parse", REF) == tip
    cli("amend", "--name", "", ids[0])
    assert cli("show", "--json", ids[0]).json["name"] == ""
    assert "(none) (recorded as n0)" in cli("show", ids[0]).out
    cli("amend", "--name", "n0", ids[0])
    document = cli("show", "--json", ids[0]).json
    assert (document["name"], document["amended"]) == ("n0", {})
    assert "recorded as" not in cli("show", ids[0]).out
    repo.fsck()


def test_what_cannot_be_amended_is_refused(ids: Any, cli: Any, repo: Any) -> None:
    tip = repo.git("rev-parse", REF)
    assert "--name or --status" in cli("amend", ids[0]).err
    assert "--name or --status" in cli("amend", ids[0], "-m", "only a note").err
    assert cli("amend", ids[0], "--status", "running").status == 2
    assert repo.git("rev-parse", REF) == tip


def test_a_reproduction_goes_by_the_corrected_name(training: Any, cli: Any) -> None:
    cli("run", "-n", "old", "--", "python", "train.py", "--lr", "0.1")
    cli("amend", "@", "--name", "new")
    assert cli("reproduce", "@").status == 0
    document = cli("show", "--json", "@").json
    assert (document["name"], document["amended"]) == ("new", {})


# what people write who do not see each other


@pytest.fixture
def clone(ids: Any, repo: Any, tmp_path: Path) -> Path:
    """A clone of the repository, with its runs."""
    path = tmp_path / "clone"
    repo.git("clone", "-q", str(repo.path), str(path))
    repo.git("-C", str(path), "fetch", "-q", "origin", f"{REF}:{REF}")
    return path


def joined(repo: Any, clone: Path, run_id: str) -> Any:
    """Merge what is in either repository into the other, and return what the run comes to."""
    found = []
    tips = {path: repo.git("-C", str(path), "rev-parse", REF) for path in (repo.path, clone)}
    for path, other in ((repo.path, clone), (clone, repo.path)):
        repo.git("-C", str(path), "fetch", "-q", str(other), f"{REF}:refs/theirs")
        project = open_project(path, os.environ)
        join(project.runs, tips[other], origin="the other")
        additions = project.read(run_id).additions
        (listed,) = (run for run in project.index().newest() if run.id == run_id)
        assert listed.additions == additions
        found.append(additions)
        repo.git("-C", str(path), "update-ref", REF, tips[path])
    assert found[0] == found[1]
    assert not found[0].unreadable
    return found[0]


def test_tags_that_two_people_edit_offline_both_survive(
    ids: Any, cli: Any, repo: Any, clone: Path
) -> None:
    cli("tag", "-a", "ada", "-d", "t0", ids[0])
    cli("tag", "-a", "more", ids[0])
    cli("tag", "-a", "bo", ids[0], cwd=clone)
    cli("tag", "-d", "bo", "-a", "bo2", ids[0], cwd=clone)
    tip = repo.git("-C", str(clone), "rev-parse", REF)
    done = cli("tag", "-d", "more", ids[0], cwd=clone)  # of which nothing is known there
    assert (done.status, done.out.split()) == (0, [ids[0], "t0", "bo2"])
    assert repo.git("-C", str(clone), "rev-parse", REF) == tip
    assert set(joined(repo, clone, ids[0]).tags) == {"ada", "more", "bo2"}


def test_a_tag_that_is_added_here_and_taken_away_there_is_kept(
    ids: Any, cli: Any, repo: Any, clone: Path
) -> None:
    cli("tag", "-d", "t0", ids[0])
    cli("tag", "-a", "t0", ids[0], cwd=clone)
    assert joined(repo, clone, ids[0]).tags == ("t0",)


def test_notes_of_both_are_kept_and_of_names_and_status_the_latest(
    ids: Any, cli: Any, repo: Any, clone: Path
) -> None:
    cli("amend", ids[0], "--name", "early", "-m", "ours")
    cli("amend", ids[0], "--status", "failed", "-m", "theirs", cwd=clone)
    cli("amend", ids[0], "--name", "late", cwd=clone)
    cli("rm", ids[0], cwd=clone)
    cli("restore", ids[0], cwd=clone)
    found = joined(repo, clone, ids[0])
    assert (found.name, found.status, found.removed) == ("late", "failed", None)
    assert {note.text for note in found.notes} == {"ours", "theirs"}


def test_each_annotation_comes_after_those_that_were_there(ids: Any, cli: Any, repo: Any) -> None:
    for command in (
        ("tag", "-a", "x"), ("note", "-m", "y"), ("rm",), ("restore",), ("amend", "--name", "z"),
    ):  # fmt: skip
        assert cli(*command, ids[0]).status == 0
    project = open_project(repo.path, os.environ)
    texts = [data.decode() for data in project.runs.annotation_files(ids[0]).values()]
    assert [f"revision: {number}\n" in text for number, text in enumerate(texts, 1)] == [True] * 5


def test_a_correction_counts_over_one_from_a_clock_that_is_ahead(
    writer: Any, cli: Any, names: Any
) -> None:
    run_id = add(writer, 1)
    ahead = "2036-01-01T00:00:00.000000Z"
    writer.annotate(run_id, "x.yaml", time=ahead, revision=1, removed=True, name="theirs")
    assert names() == []
    assert cli("restore", run_id).status == 0
    assert cli("amend", run_id, "--name", "ours").status == 0
    assert names() == ["ours"]


def test_annotations_that_cannot_be_read_are_named(ids: Any, writer: Any, cli: Any) -> None:
    writer.annotate(ids[0], "odd.yaml", revision="later")
    writer.annotate(ids[0], "new.yaml", revision=3, from_the_future=True)
    shown = cli("show", ids[0]).out
    assert "annotations that cannot be read:\n  new.yaml\n  odd.yaml\n" in shown
    assert "annotations" not in cli("show", ids[1]).out
