"""Between frozen values and the plain documents that files hold, for every class of the model."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from runref.errors import RunrefError
from runref.model.values import decode_number, encode_number

T = TypeVar("T")


class MalformedDocument(RunrefError):
    """A document does not have the shape that its format asks for."""

    code = "malformed-document"


def to_document(value: Any) -> Any:
    """Return a frozen value as plain data; fields that hold their default are left out."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            name: to_document(held)
            for name, default in _fields_of(type(value))
            if (held := getattr(value, name)) != default
        }
    if isinstance(value, Mapping):
        return {name: to_document(value[name]) for name in sorted(value)}
    if isinstance(value, (tuple, list)):
        return [to_document(inner) for inner in value]
    if isinstance(value, float):
        return encode_number(value)
    return value


def from_document(cls: type[T], document: object) -> T:
    """Return the value of class `cls` that `document` describes.

    Raises:
        MalformedDocument: a field is missing, unknown or of the wrong kind; the message names it.
    """
    if not isinstance(document, Mapping):
        raise MalformedDocument(f"a {cls.__name__} is a mapping, not {_kind_of(document)}")
    readers = _readers_of(cast("Any", cls))
    for name in document:
        if name not in readers:
            raise MalformedDocument(f"a {cls.__name__} has no field {name!r:.60}")
    for name in _required_of(cast("Any", cls)):
        if name not in document:
            raise MalformedDocument(f"a {cls.__name__} needs the field {name!r}")
    return cls(**{name: _field(readers[name], name, held) for name, held in document.items()})


def _field(read: Callable[[Any], Any], name: object, held: object) -> Any:
    try:
        return read(held)
    except RunrefError as error:
        raise MalformedDocument(f"{name!s:.60}: {error.message}") from error


_REQUIRED = object()


@cache
def _fields_of(cls: Any) -> tuple[tuple[str, object], ...]:
    return tuple((each.name, _default_of(each)) for each in fields(cls))


def _default_of(each: Field[Any]) -> object:
    if each.name == "format":
        return _REQUIRED  # the format's number is always written
    if each.default is not MISSING:
        return each.default
    return _REQUIRED if each.default_factory is MISSING else each.default_factory()


@cache
def _required_of(cls: Any) -> tuple[str, ...]:
    return tuple(
        each.name
        for each in fields(cls)
        if each.default is MISSING and each.default_factory is MISSING
    )


@cache
def _readers_of(cls: Any) -> Mapping[str, Callable[[Any], Any]]:
    hints = get_type_hints(cls)
    return {each.name: _reader(hints[each.name]) for each in fields(cls)}


def _reader(hint: Any) -> Callable[[Any], Any]:
    origin = get_origin(hint)
    if origin is types.UnionType:
        return _union_reader(get_args(hint))
    if origin is tuple:
        inner = _reader(get_args(hint)[0])
        return lambda held: tuple(inner(each) for each in _checked(held, list))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        inner = _reader(get_args(hint)[1])
        return lambda held: {
            _checked(name, str): _field(inner, name, each)
            for name, each in _checked(held, dict).items()
        }
    if is_dataclass(hint):
        return lambda held: from_document(cast("type[Any]", hint), held)
    if hint is float:
        return lambda held: float(decode_number(held))
    if hint in (str, int, bool):
        return lambda held: _checked(held, hint)
    return lambda held: held


def _union_reader(kinds: tuple[Any, ...]) -> Callable[[Any], Any]:
    present = [kind for kind in kinds if kind is not types.NoneType]
    inner = decode_number if present == [int, float] else _reader(present[0])
    if types.NoneType not in kinds:
        return inner
    return lambda held: None if held is None else inner(held)


def _checked(held: Any, kind: type) -> Any:
    if type(held) is not kind:
        raise MalformedDocument(f"{held!r:.60} is {_kind_of(held)}, not {_KINDS[kind]}")
    return held


_KINDS: Mapping[type, str] = {
    str: "text",
    int: "an integer",
    float: "a float",
    bool: "a boolean",
    list: "a list",
    dict: "a mapping",
    type(None): "nothing",
}


def _kind_of(held: object) -> str:
    return _KINDS.get(type(held), type(held).__name__)
