"""Options of a remote: how they are written, and what fsspec's drivers call them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from runref.errors import ExitStatus, RunrefError


class RemoteInvalid(RunrefError):
    """A remote's URL or one of its options cannot be understood."""

    code = "remote-invalid"
    exit_status = ExitStatus.USAGE


_S3_NAMES = {
    "region": ("client_kwargs", "region_name"),
    "ca_bundle": ("client_kwargs", "verify"),
    "addressing_style": ("config_kwargs", "s3", "addressing_style"),
    "anonymous": ("anon",),
}
"""What S3 options are called here, and where s3fs wants them; all other names are its own."""

_WORDS = {"true": True, "false": False}
_WHOLE_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,17}")
_ALWAYS_TEXT = re.compile(
    r"key|secret|token|profile|region|project|bucket|host|user(?:name)?|password|\w*_(?:id|name|key)"
)
"""Names whose values are text, even where they consist of digits."""


def typed(name: str, text: str) -> str | int | bool:
    """Return what the text of an option stands for: ``true``, ``false``, a whole number, or text.

    Args:
        name: The option's name, which tells an account number from a number.
        text: As it was typed.
    """
    if _ALWAYS_TEXT.fullmatch(name.rpartition(".")[2]):
        return text
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else text


def driver_options(protocol: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as the constructor of fsspec's driver takes them.

    ``client_kwargs.region_name: x`` is ``client_kwargs: {region_name: x}``, texts get their types,
    and the short names for S3 become those of s3fs.

    Raises:
        RemoteInvalid: A name is used both for a value and for a group of values.
    """
    short = _S3_NAMES if protocol == "s3" else {}
    result: dict[str, Any] = {}
    for name, value in options.items():
        path = short.get(name) or tuple(name.split("."))
        _put(result, path, _typed_below(name, value), name)
    return result


def _typed_below(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _typed_below(key, each) for key, each in value.items()}
    return typed(name, value) if isinstance(value, str) else value


def _put(target: dict[str, Any], path: tuple[str, ...], value: Any, name: str) -> None:
    *groups, last = path
    for group in groups:
        target = target.setdefault(group, {})
        if not isinstance(target, dict):
            raise _twice(name)
    if isinstance(value, dict) and isinstance(target.get(last), dict):
        for key, each in value.items():
            _put(target[last], (key,), each, f"{name}.{key}")
    elif last in target:
        raise _twice(name)
    else:
        target[last] = value


def _twice(name: str) -> RemoteInvalid:
    return RemoteInvalid(
        f"the option {name} of the remote is given twice, or is a value and a group at once",
        hint="give it once, by its short name or by the driver's own",
    )
