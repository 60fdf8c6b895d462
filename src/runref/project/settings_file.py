"""Changing a settings file that a user writes, too: one entry, and nothing else of the text."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runref.errors import ExitStatus, RunrefError
from runref.git.files import sync_folder, write_fully, writing
from runref.model.codec import UnreadableDocument, dump_yaml, load_yaml
from runref.project.config import sets_anything
from runref.project.yaml_edit import UnclearText, with_value, without_value

_PRIVATE = 0o600
_USUAL = 0o666
"""Less what the umask takes away."""

Document = dict[str, Any]


class SettingsNotEdited(RunrefError):
    """A settings file is written in a way that cannot be changed without touching more of it."""

    code = "settings-not-edited"
    exit_status = ExitStatus.USAGE


@dataclass(frozen=True, slots=True)
class Put:
    """A value to put under the keys of `path`, replacing what is there."""

    path: tuple[str, ...]
    value: object

    def in_text(self, text: str) -> str:
        """Return the text of a file with the value."""
        return with_value(text, self.path, self.value)

    def in_document(self, document: Document) -> None:
        """Put the value into what a file says."""
        *groups, last = self.path
        for group in groups:
            document = document.setdefault(group, {})
        document[last] = self.value


@dataclass(frozen=True, slots=True)
class Drop:
    """A key to take away, with its value; the last of `path`."""

    path: tuple[str, ...]

    def in_text(self, text: str) -> str:
        """Return the text of a file without the key."""
        return without_value(text, self.path)

    def in_document(self, document: Document) -> None:
        """Take the key out of what a file says."""
        *groups, last = self.path
        for group in groups:
            document = document[group]
        del document[last]


def edit_settings(
    path: Path, edits: Sequence[Put | Drop], *, private: bool, by_hand: str = ""
) -> None:
    """Change a settings file, at once or not at all.

    Comments, order and line endings stay as they are, and so do the permissions. A symbolic link
    is followed. The changed text is read again: where it does not say what it should, nothing is
    written.

    Args:
        path: The file; created where there is none.
        edits: What to change, in this order.
        private: Whether the file is its owner's alone, from the first byte on.
        by_hand: What a user is told to do where the text cannot be changed. Without secrets.

    Raises:
        SettingsNotEdited: the file is not written in a way that can be changed.
        CannotWrite: the operating system refuses to let it be written.
        OSError: the operating system refuses to let it be read.
    """
    target = os.path.realpath(path)
    try:
        data = Path(target).read_bytes()
    except FileNotFoundError:
        data = b""
    changed = _changed(path, data, edits, by_hand)
    if changed != data:
        with writing(target):
            _replace(target, changed, private=private)


def _changed(path: Path, data: bytes, edits: Sequence[Put | Drop], by_hand: str) -> bytes:
    import yaml

    try:
        text, document = data.decode(), _document_of(data)
        for edit in edits:
            text = edit.in_text(text)
            edit.in_document(document)
        changed = text.encode()
        if _said(_document_of(changed)) != _said(document):
            raise UnclearText("a change at that place changes more than it should")
    except yaml.YAMLError as error:  # which quotes the file, secrets included
        raise _not_edited(path, "it is no usual YAML", by_hand) from error
    except (ValueError, UnreadableDocument) as error:
        raise _not_edited(path, str(error), by_hand) from error
    return changed


def _not_edited(path: Path, problem: str, by_hand: str) -> SettingsNotEdited:
    return SettingsNotEdited(
        f"{path} cannot be changed without touching more of it: {problem}", hint=by_hand
    )


def _document_of(data: bytes) -> Document:
    return load_yaml(data) if sets_anything(data) else {}


def _said(document: Document) -> bytes:
    """Return what a document says, as bytes: in Python, 1 equals true. Empty groups say nothing."""
    return dump_yaml({name: value for name, value in document.items() if value != {}})


def _replace(target: str, data: bytes, *, private: bool) -> None:
    """Give a file new content by one rename; raises `OSError`."""
    try:
        mode: int | None = stat.S_IMODE(os.stat(target).st_mode)  # noqa: PTH116
    except FileNotFoundError:
        mode = None
    temporary = f"{target}.{secrets.token_hex(6)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    first = _USUAL if mode is None and not private else _PRIVATE
    descriptor = os.open(temporary, flags, first)
    try:
        try:
            write_fully(descriptor, data)
            if mode is not None and not private:
                os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        Path(temporary).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
    sync_folder(str(Path(target).parent))
