"""Repositories with a long history, as a team's is after N runs.

Each run has 12 parameters, 5 metrics over 20 to 1,000 steps, 3 tags and the snapshot that all of
them share; a thousand runs start on a day. Two simplifications keep a history of 100,000 runs
buildable in minutes, and what reads records sees neither: series are drawn from a pool of 1,000
(the summaries in a record are those of its series), and the runs of a day are one commit.

``python benchmarks/histories.py FOLDER RUNS`` makes one to look at.
"""

from __future__ import annotations

import hashlib
import math
import os
import random
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

from measure import git, repository

PER_DAY = 1_000
POOL = 1_000
STEPS = (20, 1_000)
START = datetime(2026, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Series:
    """A series file of the pool: its blob, digest and size, and the summaries as YAML."""

    oid: str
    sha256: str
    size: int
    metrics: str


@dataclass(frozen=True)
class Shared:
    """What all runs have in common."""

    code: str
    manifest: str
    files: int
    commit: str
    environment_oid: str
    environment: bytes


def build(
    root: Path,
    runs: int,
    *,
    seed: int = 1,
    first: int = 0,
    steps: tuple[int, int] = STEPS,
    pool: int = POOL,
    repack: bool = True,
) -> None:
    """Add so many runs to the runs ref of a repository.

    Args:
        root: A repository with a commit.
        runs: How many.
        seed: Whatever is drawn follows from it.
        first: How many thousandths of a day the first run starts after `START`.
        steps: Between which numbers of steps a series has.
        pool: How many series there are to draw from.
        repack: Whether to pack as ``git gc`` would have done long ago.
    """
    from runref.git.repository import Repository
    from runref.store.runs_ref import RUNS_REF

    opened = Repository.open(root, environ=os.environ, fsync=False)
    draw = random.Random(seed)
    with opened.objects.batch():
        shared = _shared(opened.objects, root)
        drawn = [_series(opened.objects, number, steps, draw) for number in range(pool)]
    ref = opened.ref(RUNS_REF)
    begin = tip = ref.read()
    numbers = range(first, first + runs)
    for start in range(0, runs, PER_DAY):
        with opened.objects.batch():
            tip = _commit(
                opened.objects, shared, drawn, draw, numbers[start : start + PER_DAY], tip
            )
    if not ref.compare_and_swap(begin, tip, message="benchmark"):
        raise RuntimeError("somebody else wrote to the ref")
    if repack:
        git(root, "repack", "-adfq", "--window=10", "--depth=50")


def series_lines(seed: int, steps: int) -> bytes:
    """Return the lines of five metrics over so many steps: noisy curves."""
    draw = random.Random(seed)
    rate, best = draw.uniform(0.005, 0.1), draw.uniform(0.7, 0.99)
    lines = []
    for step in range(steps):
        fall = math.exp(-rate * step)
        loss = 0.05 + 2.2 * fall + draw.gauss(0, 0.02)
        values = (
            f'"loss":{loss!r},"val/loss":{loss * 1.1 + draw.gauss(0, 0.03)!r},'
            f'"val/acc":{min(1.0, best * (1 - 0.9 * fall) + draw.gauss(0, 0.005))!r},'
            f'"train/lr":{0.1 * (1 + math.cos(math.pi * step / steps)) / 2!r},'
            f'"grad_norm":{abs(draw.gauss(1, 0.4))!r}'
        )
        elapsed = step * 0.31 + draw.random() * 0.01
        lines.append(f'{{"step":{step},"elapsed":{elapsed:.6f},"values":{{{values}}}}}\n')
    return "".join(lines).encode()


def _shared(objects: Any, root: Path) -> Shared:
    from runref.capture.environment.document import capture_environment
    from runref.capture.snapshot import manifest_digest, manifest_of
    from runref.model.codec import dump_yaml

    environment = dump_yaml(capture_environment(os.environ))
    code = git(root, "rev-parse", "HEAD^{tree}").strip()
    manifest = manifest_of(objects, code)
    return Shared(
        code=code,
        manifest=manifest_digest(manifest),
        files=manifest.count(b"\n"),
        commit=git(root, "rev-parse", "HEAD").strip(),
        environment_oid=objects.write_blob(environment),
        environment=environment,
    )


def _series(objects: Any, number: int, between: tuple[int, int], draw: random.Random) -> Series:
    from runref.model.codec import dump_yaml
    from runref.model.documents import to_document
    from runref.model.series import Summariser, read_lines

    least, most = map(math.log, between)
    steps = round(math.exp(draw.uniform(least, most)))
    data = series_lines(number, steps)
    summariser = Summariser()
    summariser.add(read_lines(data).rows)
    metrics = dump_yaml({"metrics": to_document(summariser.result())}).decode()
    digest = hashlib.sha256(data).hexdigest()
    return Series(objects.write_blob(data), digest, len(data), metrics)


def _commit(
    objects: Any,
    shared: Shared,
    pool: list[Series],
    draw: random.Random,
    numbers: range,
    tip: str,
) -> str:
    from runref.git.objects import TreeEntry
    from runref.model.ids import run_path
    from runref.store.trees import BLOB, TREE, TreeEditor

    editor = TreeEditor(objects)
    root = objects.read_commit(tip).tree if tip else ""
    if not root:
        root = editor.insert("", ("FORMAT",), BLOB, objects.write_blob(b"runref 1\n"))
    folders: dict[tuple[str, ...], dict[bytes, TreeEntry]] = {}
    for number in numbers:
        started = START + timedelta(days=number / PER_DAY)
        run_id = f"{started:%Y%m%d}-{draw.getrandbits(48):012x}"
        series = draw.choice(pool)
        record = record_text(run_id, started, series, shared, draw)
        tree = objects.write_tree(
            [
                TreeEntry(b"code", TREE, shared.code),
                TreeEntry(b"environment.yaml", BLOB, shared.environment_oid),
                TreeEntry(b"metrics.jsonl", BLOB, series.oid),
                TreeEntry(b"run.yaml", BLOB, objects.write_blob(record)),
            ]
        )
        *folder, name = ("runs", *run_path(run_id))
        if tuple(folder) not in folders:
            folders[tuple(folder)] = dict(editor.entries(_tree_at(editor, root, folder)))
        folders[tuple(folder)][name.encode()] = TreeEntry(name.encode(), TREE, tree)
    for path, entries in folders.items():
        root = editor.insert(root, path, TREE, objects.write_tree(entries.values()))
    return str(
        objects.write_commit(
            tree=root,
            parents=[tip] if tip else [],
            identity="Ada <ada@example.org>",
            time=int((START + timedelta(days=numbers[-1] / PER_DAY)).timestamp()),
            message=f"{len(numbers)} runs",
        )
    )


def _tree_at(editor: Any, tree: str, path: list[str]) -> str:
    for name in path:
        entry = editor.entries(tree).get(name.encode())
        if entry is None:
            return ""
        tree = entry.oid
    return tree


def record_text(
    run_id: str, started: datetime, series: Series, shared: Shared, draw: random.Random
) -> bytes:
    """Return a ``run.yaml`` with drawn values, as `dump_yaml` writes it at many times the cost."""
    from runref.model.times import after, format_time

    start, duration = format_time(started), round(draw.uniform(20, 4_000), 3)
    params: dict[str, object] = {
        "lr": 10 ** draw.uniform(-4, -0.5),
        "batch_size": draw.choice((32, 64, 128, 256)),
        "dropout": round(draw.uniform(0, 0.5), 2),
        "weight_decay": 10 ** draw.uniform(-6, -2),
        "epochs": draw.choice((10, 20, 50)),
        "seed": draw.randrange(1_000),
        "warmup": draw.choice((0, 100, 500)),
        "augment": draw.random() < 0.5,
        "layers": draw.choice((2, 4, 8)),
        "optimizer": draw.choice(("adam", "sgd", "adamw", "lion")),
        "schedule": draw.choice(("cosine", "linear", "constant")),
        "model": draw.choice(("resnet18", "resnet50", "vit-small")),
    }
    tags = draw.sample(("baseline", "sweep", "paper", "debug", "night", "large"), 3)
    environment = hashlib.sha256(shared.environment).hexdigest()
    lines = [
        "format: 1",
        "runref: 0.1.0",
        f"id: {run_id}",
        "status: finished",
        f"started: '{start}'",
        f"finished: '{after(start, duration)}'",
        f"duration: {_scalar(duration)}",
        f"experiment: {draw.choice(('digits', 'imagenet', 'ablation', 'sweep-a'))}",
        "tags:",
        *(f"- {tag}" for tag in tags),
        "author: Ada <ada@example.org>",
        "host: node-17",
        "command:",
        "  argv:",
        "  - python",
        "  - train.py",
        *(f"  - --{name}={value}" for name, value in params.items()),
        "exit_status: 0",
        "params:",
    ]
    for name in sorted(params):
        lines += [f"  {name}:", f"    value: {_scalar(params[name])}", "    source: command-line"]
    lines += [
        series.metrics.rstrip("\n"),
        "code:",
        f"  tree: {_text(shared.code)}",
        f"  manifest: {shared.manifest}",
        f"  files: {shared.files}",
        f"  commit: {_text(shared.commit)}",
        "  branch: main",
        f"environment: sha256:{environment}",
        "resources:",
        f"  cpu_seconds: {_scalar(duration * 0.9)}",
        "  peak_memory: 812345678",
        "files:",
        "  environment.yaml:",
        f"    sha256: {_text(environment)}",
        f"    size: {len(shared.environment)}",
        "  metrics.jsonl:",
        f"    sha256: {_text(series.sha256)}",
        f"    size: {series.size}",
        "",
    ]
    return "\n".join(lines).encode()


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return (
        text.replace("e", ".0e", 1)
        if "e" in text and isinstance(value, float) and "." not in text
        else text
    )


@cache
def _text(digits: str) -> str:
    """Return hex digits in quotes where YAML would take them for a number."""
    from runref.model.codec import dump_yaml

    held: Mapping[str, str] = {"x": digits}
    return dump_yaml(held).decode().removeprefix("x: ").rstrip("\n")


def main(folder: str, runs: str) -> None:
    with repository(files=50) as root:
        build(root, int(runs))
        subprocess.run(["cp", "-r", root, folder], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
