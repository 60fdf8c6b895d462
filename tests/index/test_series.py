"""Remembered series are those of the runs, whatever became of the file."""

from __future__ import annotations

import math
import sqlite3
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from runref.index import series as remembered
from runref.index.series import SeriesCache
from runref.model.points import Points, StepTooLarge
from runref.model.series import DamagedSeries

ODD = [
    (0, 0.0, "1"), (3, 0.5, '"NaN"'), (3, 0.5, '"Infinity"'), (1, 1.25, '"-Infinity"'),
    (-(2**63), 2, "1e-320"), (2**63 - 1, 3, str(2**53 + 1)), (0, 4, "-0.0"), (0, 5, str(2**80)),
]  # fmt: skip


def data(*rows: tuple[int, float, str], name: str = "m") -> bytes:
    return "".join(
        f'{{"step":{step},"elapsed":{elapsed},"values":{{"{name}":{value}}}}}\n'
        for step, elapsed, value in rows
    ).encode()


def same(one: Points, other: Points) -> bool:
    columns = zip(
        (one.step, one.elapsed, one.value), (other.step, other.elapsed, other.value), strict=True
    )
    return all(each.tobytes() == held.tobytes() for each, held in columns)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "series.sqlite3"


@pytest.fixture
def ask(writer: Any, path: Path) -> Callable[..., list[Points]]:
    """The points of some runs, from the file as it is and from nothing else."""

    def call(trees: Sequence[str], name: str = "m", **options: Any) -> list[Points]:
        return list(SeriesCache(writer.objects, path).points(trees, name, **options))

    return call


def kept(path: Path) -> int:
    database = sqlite3.connect(path)
    (count,) = database.execute("select count(*) from points").fetchone()
    database.close()
    return int(count)


def test_what_is_remembered_is_what_was_read(writer: Any, ask: Any, path: Path) -> None:
    tree = writer.tree("a", {"metrics.jsonl": data(*ODD)})
    (read,) = ask([tree])
    assert kept(path) == 1
    writer.lose(writer.objects.read_tree(tree)[0].oid)  # it is not looked at again
    (again,) = ask([tree])
    assert same(read, again)
    assert read.step == array("q", [step for step, _, _ in ODD])
    assert list(map(repr, read.value)) == [
        "1.0", "nan", "inf", "-inf", "1e-320", repr(float(2**53)), "-0.0", repr(float(2**80)),
    ]  # fmt: skip


def test_ranks_names_and_parts_are_kept_apart(writer: Any, ask: Any, path: Path) -> None:
    files = {
        "metrics.rank-1.jsonl": data((0, 0, "1")),
        "metrics.rank-1.part-2.jsonl": data((1, 1, "2")),
        "metrics.rank-1.part-10.jsonl": data((2, 2, "3")),
        "metrics.rank-2.jsonl": data((0, 0, "7"), name="M") + data((0, 0, "8"), name="größe/😀"),
    }
    tree = writer.tree("a", files)
    for _ in range(2):
        assert ask([tree], rank=0)[0].value == array("d")
        assert ask([tree], rank=None)[0].value == array("d", [1, 2, 3])
        assert ask([tree], rank=1)[0].value == array("d", [1, 2, 3])
        assert ask([tree], "M", rank=2)[0].value == array("d", [7])
        assert ask([tree], "m", rank=2)[0].value == array("d")
        assert ask([tree], "größe/😀", rank=2)[0].value == array("d", [8])
    assert kept(path) == 4


def test_runs_come_in_the_order_in_which_they_were_asked_for(writer: Any, ask: Any) -> None:
    trees = [writer.tree(str(n), {"metrics.jsonl": data((0, 0, str(n)))}) for n in range(4)]
    none = writer.tree("none")
    ask(trees[1:3])
    found = ask([trees[3], none, trees[1], trees[0], trees[3]])
    assert [list(each.value) for each in found] == [[3], [], [1], [0], [3]]


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"garbage" * 1000),
        lambda path: path.write_bytes(path.read_bytes()[:4096]),
        lambda path: path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 12000),
        lambda path: path.unlink(),
        lambda path: _execute(path, "pragma user_version = 9"),
        lambda path: _execute(path, "update points set value = x'00'"),
        lambda path: _execute(path, "update points set value = x'0000000000000000'"),
        lambda path: _execute(path, "update points set step = 'text'"),
        lambda path: _execute(path, "update points set step = 5"),
        lambda path: _execute(path, "drop table points"),
    ],
)
def test_damage_is_read_over(writer: Any, ask: Any, path: Path, damage: Any) -> None:
    tree = writer.tree("a", {"metrics.jsonl": data(*ODD)})
    (read,) = ask([tree])
    damage(path)
    assert same(ask([tree])[0], read)
    assert same(ask([tree])[0], read)


def _execute(path: Path, statement: str) -> None:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute(statement)
    database.close()


def test_without_room_for_a_file_nothing_is_remembered(writer: Any, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    tree = writer.tree("a", {"metrics.jsonl": data((0, 0, "1"))})
    cache = SeriesCache(writer.objects, tmp_path / "cache" / "series.sqlite3")
    assert [list(each.value) for each in cache.points([tree], "m")] == [[1]]


@pytest.mark.slow
def test_what_was_read_first_is_forgotten_first(
    writer: Any, ask: Any, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "_MOST_BYTES", 200_000)
    rows = [(step, 0.5, "0.25") for step in range(500)]
    trees = [writer.tree(str(n), {"metrics.jsonl": data(*rows, (n, 0, "1"))}) for n in range(40)]
    for tree in trees:
        assert len(ask([tree])[0]) == 501
    assert kept(path) < 40
    assert path.stat().st_size < 400_000
    database = sqlite3.connect(path)
    left = {tree for (tree,) in database.execute("select tree from points")}
    database.close()
    assert trees[-1] in left
    assert trees[0] not in left
    assert len(ask(trees)) == 40


def test_a_series_that_cannot_be_read_is_an_error_and_the_others_are_remembered(
    writer: Any, ask: Any, path: Path
) -> None:
    good = writer.tree("a", {"metrics.jsonl": data((0, 0, "1"))})
    damaged = writer.tree("b", {"metrics.jsonl": data((0, 0, "1")) + b"nonsense\n"})
    large = writer.tree("c", {"metrics.jsonl": data((2**63, 0, "1"))})
    for tree, error in ((damaged, DamagedSeries), (large, StepTooLarge)):
        with pytest.raises(error):
            ask([good, tree])
    assert kept(path) == 1
    with pytest.raises(StepTooLarge, match=f"m: step {2**63} does not fit"):
        ask([large])


def test_a_series_of_several_files(writer: Any, ask: Any) -> None:
    files = {
        f"metrics{'' if part == 1 else f'.part-{part}'}.jsonl": data((part, part, str(part)))
        for part in range(1, 13)
    }
    tree = writer.tree("a", files)
    assert list(ask([tree])[0].step) == list(range(1, 13))
    assert not any(map(math.isnan, ask([tree])[0].value))
