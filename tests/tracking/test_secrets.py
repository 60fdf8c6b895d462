"""Secrets that a program or its user hands over are in no record, and in no view of a live run."""

from __future__ import annotations

from runref.capture.command.parameters import parse_given
from runref.capture.secrecy import MASK
from runref.tracking.live import live_runs

SECRET = "Xq7hunter2Xq7"


def _run(tracker):
    given = dict([parse_given(f"wandb_key={SECRET}")])
    run = tracker.start(
        params={**given, "api_key": SECRET, "db": {"password": SECRET, "port": 5432}, "lr": 0.1}
    )
    run.log_params({"hf_token": SECRET, "max_tokens": 512, "repo": f"https://ada:{SECRET}@host/x"})
    run.config["secret"] = SECRET
    run.config["stages"] = [{"auth": SECRET, "use_auth": True, "pad_token_id": 0}]
    run.summary["api_token"] = SECRET
    run.summary["loss"] = 0.5
    return run


def _check(record) -> None:
    assert SECRET not in repr(record)
    assert {name: each.value for name, each in record.params.items()} == {
        "wandb_key": MASK,
        "api_key": MASK,
        "db": {"password": MASK, "port": 5432},
        "lr": 0.1,
        "hf_token": MASK,
        "max_tokens": 512,
        "repo": "https://host/x",
        "secret": MASK,
        "stages": [{"auth": MASK, "use_auth": True, "pad_token_id": 0}],
    }
    assert record.summary == {"api_token": MASK, "loss": 0.5}


def test_a_record_holds_no_secrets(tracker, repo):
    run = _run(tracker)
    run.finish()
    _check(tracker.record(run))
    assert SECRET not in repo.git("log", "-p", "refs/runref/runs")


def test_a_view_of_a_live_run_shows_no_secrets(tracker):
    run = _run(tracker)
    (live,) = live_runs(tracker.project.spool)
    _check(live.record)
    assert run.config["secret"] == SECRET  # the program itself goes on working with it
    run.finish()
