"""``runref remote``."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from runref.artifacts.remote.check import Check, check_remote
from runref.artifacts.remote.options import typed
from runref.cli.options import here, json_option, store_option
from runref.cli.output import print_json, printable, say, tell, to_json
from runref.cli.table import Column, print_table
from runref.cli.text import format_value
from runref.errors import ExitStatus, RunrefError
from runref.project.config import CONFIG_NAME, RemoteSettings
from runref.project.remote_settings import add_remote, remove_remote
from runref.project.remotes import NoRemote, Remote

_OPTION = re.compile(r"(?P<name>[A-Za-z_][\w.-]*)=(?P<value>.*)", re.DOTALL)


@click.group()
def command() -> None:
    """Add, list, check and remove the remotes that artifacts go to.

    A remote is a folder, an S3 bucket, an SFTP server, or whatever else fsspec reaches. Remotes
    stand in .runref.yaml, for all clones, or with --local in this clone's own settings, which only
    you can read. Credentials are looked for where they always are: in ~/.aws and AWS_PROFILE, in
    ~/.ssh and the ssh agent.

    \b
    Examples:
      runref remote add lab s3://experiments/team-a
      runref remote check lab
      runref push --artifacts
    """


local_option = click.option(
    "--local", is_flag=True, help="This clone's own settings, which only you can read."
)


def _parsed(
    _context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]
) -> dict[str, object]:
    """Return options by name; what is given may be a secret, so no message repeats it."""
    options: dict[str, object] = {}
    for place, text in enumerate(given, 1):
        match = _OPTION.fullmatch(text)
        if match is None:
            raise click.BadParameter(f"the one in place {place} does not look like NAME=VALUE")
        options[match["name"]] = typed(match["name"], match["value"])
    return options


@command.command("add", short_help="Write a remote into the settings.")
@click.argument("name")
@click.argument("url", required=False, default="")
@click.option(
    "--option",
    "options",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_parsed,
    help="For the driver, as endpoint_url=https://…; repeatable.",
)
@local_option
@click.option("--no-push", is_flag=True, help="Push there only with --remote NAME.")
@click.option("--default", is_flag=True, help="Read from it before the others.")
@click.option("-f", "--force", is_flag=True, help="Replace a remote of that name.")
@json_option
@store_option
def add(
    name: str,
    url: str,
    options: dict[str, object],
    store: str,
    *,
    local: bool,
    no_push: bool,
    default: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Write the remote NAME into the settings; nothing is asked of it yet.

    URL is s3://BUCKET/FOLDER, sftp://HOST/FOLDER, gs://…, abfs://…, or a folder. In .runref.yaml, a
    relative folder is relative to the root of the working tree. With --local and without URL, the
    options are added to those of a remote that all clones share.

    \b
    Examples:
      runref remote add lab s3://experiments/team-a --option endpoint_url=https://minio.lab:9000
      runref remote add lab --local --option profile=me
      runref remote add nfs /mnt/team/artifacts --default
    """
    project = here(store)
    settings = RemoteSettings(url, options, push=False if no_push else None)
    path = add_remote(project, name, settings, local=local, default=default, replace=force)
    if as_json:
        print_json({"remote": name, "settings": str(path)})
        return
    say(f"wrote remote {name} to {printable(str(path))}")
    say(f"check it:  runref remote check {name}")


@command.command("ls", short_help="List the remotes.")
@json_option
@store_option
def list_(store: str, *, as_json: bool) -> None:
    """List the remotes, in the order in which they are set; secrets are not shown.

    \b
    Examples:
      runref remote ls
    """
    remotes = here(store).remotes
    if as_json:
        documents = [_document(each, default=each is remotes.default) for each in remotes.all]
        print_json({"remotes": documents})
    elif remotes.all:
        _print(remotes.all, remotes.default)
    else:
        say("no remotes yet; `runref remote add NAME URL` adds one", err=True)
    for each in remotes.all:
        if each.exposed:
            names = printable(", ".join(each.exposed))
            tell(f"{CONFIG_NAME} holds credentials of remote {each.name}: {names}")


@command.command("rm", short_help="Take a remote out of the settings.")
@click.argument("name")
@local_option
@json_option
@store_option
def remove(name: str, store: str, *, local: bool, as_json: bool) -> None:
    """Take the remote NAME out of the settings; what it holds stays there.

    \b
    Examples:
      runref remote rm lab
      runref remote rm lab --local
    """
    path = remove_remote(here(store), name, local=local)
    if as_json:
        print_json({"remote": name, "settings": str(path)})
        return
    say(f"removed remote {name} from {printable(str(path))}")


@command.command("check", short_help="Try what runref does with a remote.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@json_option
@store_option
def check(names: tuple[str, ...], store: str, *, as_json: bool) -> int:
    """Try what runref does with the remotes NAME, or with all of them.

    Small files are written there and removed again. Exit status 1 where something failed.

    \b
    Examples:
      runref remote check
      runref remote check lab --json
    """
    remotes = here(store).remotes
    chosen = remotes.chosen(names) or remotes.all
    if not chosen:
        raise NoRemote(
            "this repository has no remote to check", hint="`runref remote add NAME URL` adds one."
        )
    checked: list[dict[str, object]] = []
    healthy = True
    for remote in chosen:
        if not as_json:
            say(f"{click.style(remote.name, bold=True)}  {printable(remote.shown_url)}")
        checks: list[Check] = []
        for each in _checks(remote):
            checks.append(each)
            healthy &= each.ok is not False
            if not as_json:
                _print_check(each)
        checked.append({"name": remote.name, "url": remote.shown_url, "checks": to_json(checks)})
    if as_json:
        print_json({"remotes": checked})
    return ExitStatus.DONE if healthy else ExitStatus.NO


def _checks(remote: Remote) -> Iterator[Check]:
    try:
        store = remote.connect_bare()
    except RunrefError as error:
        yield Check("settings", ok=False, detail=error.message, hint=error.hint)
    else:
        yield from check_remote(store)


def _print_check(check: Check) -> None:
    mark = {True: ("ok  ", "green"), False: ("BAD ", "red"), None: ("-   ", "yellow")}[check.ok]
    say(f"{click.style(mark[0], fg=mark[1])} {check.name:<16} {printable(check.detail)}")
    if check.hint:
        say(f"     {'':<16} {printable(check.hint)}")


def _print(remotes: tuple[Remote, ...], default: Remote | None) -> None:
    yes_no = {True: "yes", False: "no"}
    cells = {
        "name": [each.name for each in remotes],
        "url": [each.shown_url for each in remotes],
        "push": [yes_no[each.push] for each in remotes],
        "default": ["yes" if each is default else "" for each in remotes],
        "set in": [_set_in(each) for each in remotes],
        "options": [_options(each) for each in remotes],
    }
    print_table([Column(name, column) for name, column in cells.items()])


def _set_in(remote: Remote) -> str:
    places = [CONFIG_NAME] if remote.committed else []
    return " + ".join([*places, *(["this clone"] if remote.local else [])])


def _options(remote: Remote) -> str:
    return " ".join(f"{name}={format_value(held)}" for name, held in remote.shown_options.items())


def _document(remote: Remote, *, default: bool) -> dict[str, object]:
    return {
        "name": remote.name,
        "url": remote.shown_url,
        "options": remote.shown_options,
        "push": remote.push,
        "default": default,
        "concurrency": remote.concurrency,
        "max_rate": remote.max_rate,
        "committed": remote.committed,
        "local": remote.local,
        "exposed": list(remote.exposed),
    }
