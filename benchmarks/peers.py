"""The same runs in MLflow, Aim, Trackio and DVC: list, query with a sort, curves.

``python benchmarks/peers.py mlflow=PYTHON aim=PYTHON trackio=PYTHON dvc=PYTHON`` measures each
whose interpreter is named, beside runref with as many runs. The runs are those of `histories`,
written through each one's own Python interface and, of DVC, its command; of all metrics but `loss`
they get only the last value, which spares them four fifths of the points. All are whole processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from histories import build
from measure import Figure, by_turns, repository, show, whole

RUNREF = str(Path(sys.executable).with_name("runref"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
RUNS = int(os.environ.get("RUNS", "1000"))
WITH_CURVES = min(200, RUNS)
QUERY = 'val/acc > 0.9 and lr < 1e-2 and "baseline" not in tags'

CURVES = """
import runref
runs = runref.open(".").runs(limit=200)
assert len(runs.series("loss")) == len(runs)
"""


@dataclass(frozen=True)
class Peer:
    """Programs for one interpreter, run in a folder beside ``../runs.jsonl``.

    Attributes:
        runs: The most runs that it is given; writing more takes too long.
        write: Writes them.
        read: What is measured, by what it does.
    """

    runs: int
    write: str
    read: dict[str, str]


_MLFLOW = """
import itertools, json, os, sys
from mlflow.tracking import MlflowClient
client = MlflowClient("sqlite:///mlflow.db")
"""
# MLflow compares parameters as text only, so that the learning rate is logged as a metric too.
MLFLOW = Peer(
    10_000,
    _MLFLOW
    + """
from mlflow.entities import Metric, Param, RunTag
experiment = client.create_experiment("bench")
for line in open("../runs.jsonl"):
    run = json.loads(line)
    tags = {"baseline": str("baseline" in run["tags"]), "tags": ",".join(run["tags"])}
    start = int(run["started"] * 1000)
    id = client.create_run(experiment, start_time=start, tags=tags).info.run_id
    metrics = [Metric("lr", run["params"]["lr"], start, 0)]
    for name, values in run["series"].items():
        metrics += [Metric(name, value, start, step) for step, value in enumerate(values)]
    params = [Param(name, str(value)) for name, value in run["params"].items()]
    client.log_batch(id, metrics[:900], params, [])
    for begin in range(900, len(metrics), 1000):
        client.log_batch(id, metrics[begin:begin + 1000])
    client.set_terminated(id)
""",
    {
        "list the newest 20": _MLFLOW
        + """
found = client.search_runs(["1"], max_results=20, order_by=["attributes.start_time DESC"])
for run in found:
    print(run.info.run_id, run.info.start_time, run.data.params, run.data.metrics)
assert len(found) == 20
""",
        "query, sorted": _MLFLOW
        + """
query = 'metrics."val/acc" > 0.9 and metrics.lr < 0.01 and tags.baseline != "True"'
for run in client.search_runs(["1"], query, max_results=10, order_by=['metrics."val/acc" DESC']):
    print(run.info.run_id, run.data.params, run.data.metrics)
""",
        "curves": _MLFLOW
        + """
import numpy
found = client.search_runs(["1"], max_results=200, order_by=["attributes.start_time DESC"])
for run in found:
    points = client.get_metric_history(run.info.run_id, "loss")
    assert len(numpy.array([each.value for each in points])) == 1000
""",
    },
)

_AIM = """
import itertools, json, logging
from aim import Repo, Run
from aim.sdk.types import QueryReportMode
from aim.storage.context import Context
quiet = QueryReportMode.DISABLED
"""
AIM = Peer(
    10_000,
    _AIM
    + """
Repo.from_path(".", init=True)
for line in open("../runs.jsonl"):
    each = json.loads(line)
    run = Run(repo=".", system_tracking_interval=None, log_system_params=False,
              capture_terminal_logs=False)
    run["hparams"] = each["params"]
    for tag in each["tags"]:
        run.add_tag(tag)
    for name, values in each["series"].items():
        for step, value in enumerate(values):
            run.track(value, name=name, step=step)
    run.close()
Repo(".")._recreate_index()  # what its server does in the background; without it nothing is found
""",
    {
        "list the newest 20": _AIM
        + """
found = Repo(".").query_runs("", report_mode=quiet).iter_runs()
for each in itertools.islice(found, 20):
    run = each.run
    last = {name: run.get_metric(name, context).values.last_value()
            for name, context, _ in run.iter_metrics_info()}
    print(run.hash, run.created_at, run["hparams"], last)
""",
        "query, sorted": _AIM
        + """
query = ('run.metrics["val/acc", {}].last > 0.9 and run.hparams.lr < 0.01'
         ' and "baseline" not in run.tags')
found = []
for each in Repo(".").query_runs(query, report_mode=quiet).iter_runs():
    metric = each.run.get_metric("val/acc", Context({}))
    found.append((metric.values.last_value(), each.run.hash, each.run["hparams"]))
for each in sorted(found, key=lambda each: -each[0])[:10]:
    print(*each)
""",
        "curves": _AIM
        + """
found = Repo(".").query_metrics('metric.name == "loss"', report_mode=quiet)
count = 0
for metric in itertools.islice(found, 200):
    steps, values = metric.values.sparse_numpy()
    assert len(values) == 1000
""",
    },
)

_TRACKIO = """
import json, os
os.environ["TRACKIO_DIR"] = os.getcwd() + "/data"
from trackio.sqlite_storage import SQLiteStorage as Storage
"""
TRACKIO = Peer(
    10_000,
    _TRACKIO
    + """
from datetime import datetime, timezone
for number, line in enumerate(open("../runs.jsonl")):
    run = json.loads(line)
    rows = [{"loss": value} for value in run["series"]["loss"]]
    rows[-1] |= {name: values[-1] for name, values in run["series"].items()}
    time = datetime.fromtimestamp(run["started"], timezone.utc).isoformat()
    config = {**run["params"], "tags": run["tags"]}
    Storage.bulk_log("bench", f"run{number:06d}", rows, timestamps=[time] * len(rows),
                     config=config, run_id=f"{number:06d}")
""",
    {
        "list the newest 20": _TRACKIO
        + """
import trackio
runs = list(trackio.Api().runs("bench"))
for run in sorted(runs, key=lambda run: run.name)[-20:]:
    print(run.name, run.config, Storage.get_logs("bench", run.name, run_id=run.id)[-1])
""",
        "query, sorted": _TRACKIO
        + '''
sql = """
select c.run_name, c.config, json_extract(m.metrics, '$."val/acc"') as acc
from configs c join metrics m on m.run_id = c.run_id
join (select run_id, max(step) as step from metrics group by run_id) l
  on l.run_id = m.run_id and l.step = m.step
where acc > 0.9 and json_extract(c.config, '$.lr') < 0.01
  and c.config not like '%"baseline"%'
order by acc desc limit 10
"""
print(Storage.query_project("bench", sql))
''',
        "curves": _TRACKIO
        + """
import numpy
import trackio
runs = sorted(trackio.Api().runs("bench"), key=lambda run: run.name)[-200:]
for run in runs:
    points = Storage.get_metric_values("bench", run.name, "loss", run_id=run.id)
    assert len(numpy.array([each["value"] for each in points])) == 1000
""",
    },
)

# DVC has no query: everything is shown, sorted, and what does not fit is left out by the caller.
DVC = Peer(
    100,
    """
import json, subprocess, sys
dvc = [sys.executable, "-m", "dvc"]
subprocess.run(["git", "init", "-q"], check=True)
subprocess.run([*dvc, "init", "-q"], check=True)
open("dvc.yaml", "w").write(
    "params: [params.json]\\nmetrics: [metrics.json]\\n"
    "plots: [{loss.csv: {x: step, y: loss}}]\\n")
def write(run):
    json.dump({**run["params"], "tags": run["tags"]}, open("params.json", "w"))
    json.dump({name: values[-1] for name, values in run["series"].items()},
              open("metrics.json", "w"))
    with open("loss.csv", "w") as file:
        file.write("step,loss\\n")
        file.writelines(f"{step},{value}\\n" for step, value in enumerate(run["series"]["loss"]))
runs = [json.loads(line) for line in open("../runs.jsonl")]
write(runs[0])
subprocess.run(["git", "add", "-A"], check=True)
subprocess.run(["git", "commit", "-qm", "first"], check=True)
for number, run in enumerate(runs):
    write(run)
    subprocess.run([*dvc, "exp", "save", "-q", "-n", f"run{number}"], check=True)
""",
    {
        "list all": "import sys; from dvc.cli import main; sys.exit(main("
        "['exp', 'show', '--json']))",
        "query, sorted": """
import json, subprocess, sys
text = subprocess.run([sys.executable, "-m", "dvc", "exp", "show", "--json", "--sort-by", "lr"],
                      check=True, capture_output=True).stdout
found = []
for commit in json.loads(text):
    for each in commit["experiments"] or ():
        data = each["revs"][0]["data"]
        params, metrics = data["params"]["params.json"], data["metrics"]["metrics.json"]
        accuracy, tags = metrics["data"]["val/acc"], params["data"]["tags"]
        if accuracy > 0.9 and params["data"]["lr"] < 0.01 and "baseline" not in tags:
            found.append((accuracy, each["name"]))
print(sorted(found, reverse=True)[:10])
""",
        "curves": """
import subprocess, sys
names = [f"run{number}" for number in range(COUNT)]
text = subprocess.run([sys.executable, "-m", "dvc", "plots", "diff", "--json", *names],
                      check=True, capture_output=True).stdout
assert len(text) > 1000 * len(names)
""",
    },
)

PEERS = {"mlflow": MLFLOW, "aim": AIM, "trackio": TRACKIO, "dvc": DVC}


def history(root: Path, runs: int) -> None:
    """Make runs of 20 steps, and at the end those that curves are read of, of 1,000."""
    if runs > WITH_CURVES:
        build(root, runs - WITH_CURVES, steps=(20, 20), pool=100, repack=False)
    build(root, WITH_CURVES, seed=2, first=runs, steps=(1_000, 1_000), pool=WITH_CURVES)


def export(root: Path, file: Path) -> None:
    """Write the runs for the peers, the oldest first: `loss` whole, of other metrics the last."""
    import runref

    runs = runref.open(root).runs()
    with file.open("w") as out:
        names = ("loss", "val/loss", "val/acc", "train/lr", "grad_norm")
        series = {name: runs.series(name) for name in names}
        for run in reversed(runs):
            values = {name: found[run.id].value.tolist() for name, found in series.items()}
            kept = {name: each if name == "loss" else each[-1:] for name, each in values.items()}
            exported = {
                "started": time.mktime(time.strptime(str(run.started)[:19], "%Y-%m-%dT%H:%M:%S")),
                "params": dict(run.params),
                "tags": sorted(run.tags),
                "series": kept,
            }
            out.write(json.dumps(exported) + "\n")


def main() -> None:
    for argument in sys.argv[1:]:
        name, _, interpreter = argument.partition("=")
        runs = min(RUNS, PEERS[name].runs)
        with repository() as root:
            compare(root, name, interpreter, runs)


def compare(root: Path, name: str, interpreter: str, runs: int) -> None:
    """Measure one peer by turns with runref at the same number of runs."""
    peer = PEERS[name]
    history(root, runs)
    export(root, root.parent / "runs.jsonl")
    place = root.parent / name
    place.mkdir()
    begin = time.perf_counter()
    subprocess.run([interpreter, "-c", peer.write], cwd=place, check=True, stdout=2)
    show(Figure(f"{name}: {runs:,} runs, write", "s", (time.perf_counter() - begin,)))
    ours = {
        "list": (RUNREF, "ls"),
        "query": (RUNREF, "ls", QUERY, "--sort", "-val/acc", "--limit", "10"),
        "curves": (sys.executable, "-c", CURVES),
    }
    for (what, program), command in zip(peer.read.items(), ours.values(), strict=True):
        code = program.replace("COUNT", str(runs))
        theirs = whole(interpreter, "-c", code, cwd=place)
        took = by_turns({"theirs": theirs, "ours": whole(*command, cwd=root)}, ROUNDS)
        show(
            Figure(f"{name}: {what}", "s", took["theirs"]),
            Figure(f"runref: {what}", "s", took["ours"]),
        )


if __name__ == "__main__":
    main()
