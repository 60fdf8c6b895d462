"""``runref doctor``."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from runref.cli.options import here, json_option, store_option
from runref.cli.output import print_json, printable, say, to_json
from runref.cli.text import count_of, format_size
from runref.errors import ExitStatus, RunrefError
from runref.git.refs import STALE_LOCK_SECONDS
from runref.model.codec import load_yaml
from runref.model.schema import validate
from runref.project.config import CONFIG_NAME, sets_anything
from runref.project.project import Project
from runref.store.runs_ref import RUNS_REF
from runref.version import __version__

_LEAST_FREE = 100 << 20


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    message: str
    hint: str = ""


@click.command()
@json_option
@store_option
def command(store: str, *, as_json: bool) -> int:
    """Check that runref works here: repository, ref, spool, locks, settings, disk.

    Nothing is changed; exit status 1 where something needs attention.

    \b
    Examples:
      runref doctor
      runref doctor --json
    """
    project = here(store)
    checks = list(examine(project))
    if as_json:
        print_json({"checks": to_json(checks)})
    else:
        for check in checks:
            mark = click.style("ok  ", fg="green") if check.ok else click.style("BAD ", fg="red")
            say(f"{mark} {check.name:<12} {printable(check.message)}")
            if check.hint:
                say(f"     {'':<12} {check.hint}")
    return ExitStatus.DONE if all(check.ok for check in checks) else ExitStatus.NO


def examine(project: Project) -> Iterator[Check]:
    """Yield what can be said about a project, the simplest first."""
    python = ".".join(map(str, sys.version_info[:3]))
    yield Check("runref", ok=True, message=f"{__version__}, Python {python}")
    kind = f"{project.repository.object_format} objects"
    yield Check("repository", ok=True, message=f"{project.repository.common_dir} ({kind})")
    yield _guarded("settings", lambda: _settings(project))
    yield _guarded("runs ref", lambda: _runs(project))
    yield _guarded("spool", lambda: _spool(project))
    yield _guarded("locks", lambda: _locks(project))
    yield _guarded("writable", lambda: _writable(project.repository.common_dir))
    yield _guarded("disk", lambda: _disk(project.repository.common_dir))
    yield Check("identity", ok=True, message=project.repository.identity())


def _guarded(name: str, examine_it: Callable[[], Check]) -> Check:
    try:
        return examine_it()
    except RunrefError as error:
        return Check(name, ok=False, message=error.message, hint=error.hint)
    except OSError as error:
        return Check(name, ok=False, message=str(error))


def _settings(project: Project) -> Check:
    path = project.folder / CONFIG_NAME if project.folder else None
    if path is None or not path.exists():
        return Check("settings", ok=True, message="defaults (no .runref.yaml)")
    data = path.read_bytes()
    if sets_anything(data):
        validate("config", load_yaml(data))
    return Check("settings", ok=True, message=str(path))


def _runs(project: Project) -> Check:
    index = project.index()
    unreadable = index.unreadable()
    count = index.count()
    if unreadable:
        return Check(
            "runs ref",
            ok=False,
            message=f"{len(unreadable)} of {count} runs unreadable: {unreadable[0].problem}",
            hint="The other runs are unaffected; a clone may hold these whole.",
        )
    tip = project.runs.tip()
    return Check(
        "runs ref",
        ok=True,
        message=count_of(count, "run") + (f", tip {tip[:10]}" if tip else ""),
    )


def _spool(project: Project) -> Check:
    live, dead = 0, 0
    for run in project.spool.live():
        if run.has_live_writers():
            live += 1
        else:
            dead += 1
    ready = sum(1 for _ in project.spool.ready())
    message = f"{live} live, {ready} ready, {dead} killed in {project.spool.path}"
    hint = "`runref recover` records them." if ready or dead else ""
    return Check("spool", ok=not (ready or dead), message=message, hint=hint)


def _locks(project: Project) -> Check:
    age = project.repository.ref(RUNS_REF).lock_age()
    if age is None:
        return Check("locks", ok=True, message="none")
    stale = age >= STALE_LOCK_SECONDS
    hint = "The next run that ends removes it." if stale else ""
    message = f"the lock of {RUNS_REF} is {age:.0f} s old"
    return Check("locks", ok=not stale, message=message, hint=hint)


def _writable(folder: Path) -> Check:
    if os.access(folder, os.W_OK):
        return Check("writable", ok=True, message=str(folder))
    return Check(
        "writable",
        ok=False,
        message=f"{folder} cannot be written",
        hint="Runs are not recorded; `--store` names another repository.",
    )


def _disk(folder: Path) -> Check:
    free = shutil.disk_usage(folder).free
    ok = free > _LEAST_FREE
    hint = "" if ok else "Runs need room beside the repository; `git gc` may make some."
    return Check("disk", ok=ok, message=f"{format_size(free)} free", hint=hint)
