"""Adding remotes to the settings and taking them out again."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace as with_fields
from pathlib import Path

from runref.errors import ExitStatus, RunrefError
from runref.git.locks import exclusive
from runref.model.codec import dump_yaml
from runref.model.credentials import without_credentials
from runref.model.documents import to_document
from runref.project.config import (
    CONFIG_NAME,
    REMOTE_NAME,
    CloneConfig,
    Config,
    InvalidConfig,
    RemoteSettings,
    clone_config_path,
    load_clone_config,
    load_config,
)
from runref.project.project import NoWorkingTree, Project
from runref.project.remote_secrets import SecretInSettings, masked, secrets_in
from runref.project.remotes import UnknownRemote, is_path, merged
from runref.project.settings_file import Drop, Put, edit_settings

_LOCK_SECONDS = 10.0
_HALF_A_URL = re.compile(r"[\w.@+-]{2,}:")


class RemoteExists(RunrefError):
    """A remote of that name has settings that would be lost, or would say nothing any more."""

    code = "remote-exists"
    exit_status = ExitStatus.USAGE


def add_remote(
    project: Project,
    name: str,
    settings: RemoteSettings,
    *,
    local: bool = False,
    default: bool = False,
    replace: bool = False,
) -> Path:
    """Write a remote into the settings, and return the file; nothing is asked of the remote.

    Args:
        project: The repository.
        name: What commands will call it.
        settings: Where it is and what is special about it. Without a URL, they are added to those
            that all clones share. A relative path is one from the current folder.
        local: Whether they are for this clone alone, in a file that is its user's alone.
        default: Whether it is read before the others.
        replace: Whether settings of the same name in the same file give way.

    Raises:
        InvalidConfig: the name or the URL cannot be understood.
        RemoteInvalid: the URL or an option cannot be understood.
        RemoteUnsupported: the driver for the URL is not installed.
        RemoteExists: there is a remote of that name, and `replace` is not set.
        UnknownRemote: there is no URL, and no remote of that name to add to.
        SecretInSettings: they hold a credential and are not for this clone alone.
        SettingsNotEdited: the file is not written in a way that can be changed.
        NoWorkingTree: there is no place for a file that is committed.
    """
    if not REMOTE_NAME.fullmatch(name):
        raise InvalidConfig(
            f"{without_credentials(name)!r:.60} is no name for a remote",
            hint="A name has letters, digits, '.', '_' and '-'; the URL comes after it.",
        )
    if not local and (exposed := secrets_in(settings)):
        raise _secret(name, exposed)
    settings = with_fields(settings, url=_stored_url(settings.url, project.folder, local=local))
    with _settings(project) as (config, clone):
        _check_free(name, settings, config, clone, local=local, replace=replace)
        _check_usable(name, settings, config, project.folder, local=local)
        edits: list[Put | Drop] = [Put(("remotes", name), to_document(settings))]
        edits += [Put(("default_remote",), name)] if default else []
        path = _path(project, local=local)
        edit_settings(path, edits, private=local, by_hand=_by_hand(name, settings))
    return path


def remove_remote(project: Project, name: str, *, local: bool = False) -> Path:
    """Take a remote out of the settings, and return the file; what it holds stays there.

    Raises:
        UnknownRemote: the file has no remote of that name.
        RemoteExists: this clone adds to what all clones share, and would be left with half of it.
        SettingsNotEdited: the file is not written in a way that can be changed.
        NoWorkingTree: there is no file that is committed.
    """
    path = _path(project, local=local)
    with _settings(project) as (config, clone):
        own, other = (clone, config) if local else (config, clone)
        if name not in own.remotes:
            raise _not_in(path, name, other, local=local)
        if not local and name in clone.remotes and not clone.remotes[name].url:
            raise RemoteExists(
                f"this clone has settings for remote {name} that would be left without a URL",
                hint=f"Remove them first: `runref remote rm --local {name}`.",
            )
        edits = [Drop(("remotes", name))]
        if own.default_remote == name and not (local and name in config.remotes):
            edits.insert(0, Drop(("default_remote",)))
        edit_settings(path, edits, private=local, by_hand=f"Remove {name} from it by hand.")
        if not local and clone.default_remote == name and name not in clone.remotes:
            edit_settings(_path(project, local=True), [Drop(("default_remote",))], private=True)
    return path


@contextmanager
def _settings(project: Project) -> Iterator[tuple[Config, CloneConfig]]:
    """Return the settings as they are now, and keep other processes from changing them."""
    repository = project.repository
    lock = repository.common_dir / "runref" / "settings.lock"
    with exclusive(lock, wait=_LOCK_SECONDS, sharing=repository.sharing):
        config = load_config(project.folder) if project.folder else Config()
        yield config, load_clone_config(repository.common_dir)


def _path(project: Project, *, local: bool) -> Path:
    if local:
        return clone_config_path(project.repository.common_dir)
    if project.folder is None:
        raise NoWorkingTree(
            f"{project.repository.git_dir} has no working tree, and so no {CONFIG_NAME}",
            hint="--local keeps the remote in the settings of this repository alone.",
        )
    return project.folder / CONFIG_NAME


def _stored_url(url: str, folder: Path | None, *, local: bool) -> str:
    """Return a URL as it is written: paths absolute, or relative to the working tree."""
    if not url or not is_path(url) or url.startswith("~"):
        return url
    if _HALF_A_URL.match(url) and not Path(url).exists():
        raise InvalidConfig(
            "what is given as the URL is neither a URL nor a folder that exists",
            hint="Write s3://BUCKET/FOLDER or sftp://HOST/FOLDER, or ./NAME for a new folder.",
        )
    if local or folder is None or Path(url).is_absolute():
        return os.path.abspath(url)  # noqa: PTH100 - links stay as they are
    return os.path.relpath(url, folder)


def _check_free(
    name: str,
    settings: RemoteSettings,
    config: Config,
    clone: CloneConfig,
    *,
    local: bool,
    replace: bool,
) -> None:
    own, other = (clone, config) if local else (config, clone)
    if not settings.url and not (local and name in config.remotes):
        raise UnknownRemote(
            f"the settings that all clones share have no remote {name} to add to",
            hint=f"Give its URL: `runref remote add {name} URL`.",
        )
    taken = name in own.remotes
    if name in other.remotes and not taken:
        # What one clone adds to the others' settings leaves the remote what it is.
        taken = not local or settings.url not in ("", other.remotes[name].url)
    if taken and not replace:
        raise RemoteExists(f"there is a remote {name} already", hint="-f replaces it.")


def _check_usable(
    name: str, settings: RemoteSettings, config: Config, folder: Path | None, *, local: bool
) -> None:
    from runref.artifacts.remote.location import open_remote

    whole = merged(name, config.remotes.get(name) if local else None, settings, folder)
    open_remote(whole.url, whole.options, name=name)


def _secret(name: str, exposed: tuple[str, ...]) -> SecretInSettings:
    return SecretInSettings(
        f"{', '.join(exposed)} of remote {name} must not be in {CONFIG_NAME}, which is committed",
        hint="--local keeps it in this clone, for you alone. Better, leave it where its own tools "
        "keep it: ~/.aws/credentials or AWS_PROFILE, ~/.ssh and the ssh agent, `gcloud auth`.",
    )


def _not_in(path: Path, name: str, other: Config | CloneConfig, *, local: bool) -> UnknownRemote:
    hint = "`runref remote ls` shows them."
    if name in other.remotes:
        hint = f"It is set elsewhere: `runref remote rm {'' if local else '--local '}{name}`."
    return UnknownRemote(f"{path} has no remote {without_credentials(name)!r:.60}", hint=hint)


def _by_hand(name: str, settings: RemoteSettings) -> str:
    shown = with_fields(
        settings, url=without_credentials(settings.url), options=masked(settings.options)
    )
    lines = dump_yaml({"remotes": {name: to_document(shown)}}).decode()
    return f"Write these lines there yourself:\n{lines.rstrip()}"
