"""Repositories of every format that was ever released stay readable, value by value."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from runref.model.record import FORMAT

FIXTURES = Path(__file__).parents[1] / "fixtures"
BUNDLES = sorted(FIXTURES.glob("format-*.bundle"))
describe = runpy.run_path(str(FIXTURES / "described.py"))["describe"]


def test_every_format_has_a_golden_repository() -> None:
    names = [f"format-{number}.bundle" for number in range(1, FORMAT + 1)]
    assert sorted(path.name for path in BUNDLES) == sorted(names)


@pytest.fixture(params=BUNDLES, ids=lambda path: path.stem)
def golden(request: pytest.FixtureRequest, make_repo: Any) -> tuple[Any, dict[str, Any]]:
    """A repository into which a golden bundle was fetched by plain git, and what it says."""
    repo = make_repo("golden", "--bare")
    repo.git("fetch", "-q", str(request.param), "refs/runref/runs:refs/runref/runs")
    return repo, json.loads(request.param.with_suffix(".json").read_text("utf-8"))


def test_every_value_of_every_run_is_read(golden: Any, tmp_path: Path) -> None:
    repo, expected = golden
    found = describe(repo.path, tmp_path / "cache")
    assert expected["unreadable"] == []
    for run, as_expected in zip(found["runs"], expected["runs"], strict=True):
        for part, known in as_expected.items():
            # Later versions may know more fields; those that are known stay what they are.
            read = known_part(run[part], known)
            assert exact(read) == exact(known), (run["record"]["id"], part)
    assert found["root"] == expected["root"]


def known_part(read: Any, known: Any) -> Any:
    """What was read, without the fields of which the format did not know yet."""
    if isinstance(read, dict) and isinstance(known, dict):
        return {name: known_part(read[name], known[name]) for name in known}
    if isinstance(read, list) and isinstance(known, list) and len(read) == len(known):
        return [known_part(*both) for both in zip(read, known, strict=True)]
    return read


def exact(value: object) -> str:
    """A text that tells 1 from 1.0 and True, and 0.0 from -0.0."""
    return json.dumps(value, sort_keys=True, indent=1)


def test_plain_git_finds_nothing_to_complain_about(golden: Any) -> None:
    golden[0].fsck()


def test_the_golden_runs_show_what_the_format_can_hold(golden: Any) -> None:
    runs = [run["record"] for run in golden[1]["runs"]]
    assert {run["status"] for run in runs} == {"finished", "failed", "interrupted"}
    assert any(run["reproduction"] for run in runs)
    assert any(run["notices"] for run in runs)
    assert any(metric["first"] == "NaN" for run in runs for metric in run["metrics"].values())
    assert any(not name.isascii() for run in runs for name in run["metrics"])
    assert any(len(run["rows"]) == 2 for run in golden[1]["runs"])
    assert any(run["additions"]["notes"] for run in golden[1]["runs"])
    # No field of the record is without an example.
    for name in runs[0]:
        assert any(run[name] for run in runs), name


def test_the_script_makes_the_same_objects_again(tmp_path: Path) -> None:
    build = runpy.run_path(str(FIXTURES / "make_golden.py"))["build"]
    tips = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        tips.append(build(tmp_path / name).runs.tip())
    assert tips[0] == tips[1]
