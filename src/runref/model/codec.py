"""Canonical YAML and JSON lines: one document has one byte string, and it comes back equal.

YAML is written by libyaml with the order of keys as given, block style, no aliases and no line
folding. Text that is no Unicode (paths of other encodings) is written as ``bytes:`` and
percent-encoding, and so is text that itself begins with ``bytes:``, so that nothing is ambiguous.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

from runref.errors import RunrefError

_BYTES = "bytes:"
_MEANINGLESS = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_LONG_INTEGER = re.compile(rb"[:,\[]-?\d{19,}[,\]}]")
_ALIAS = re.compile(rb"(?:^|[\s\[{,])[*&][^\s]", re.MULTILINE)


class UnreadableDocument(RunrefError):
    """Bytes that should hold a YAML or JSON document do not."""

    code = "unreadable-document"


def dump_yaml(document: Mapping[str, Any]) -> bytes:
    """Return `document` as canonical YAML."""
    import yaml

    text: str = yaml.dump(
        _escaped(document),
        Dumper=_dumper(),
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=2**30,
    )
    return text.encode()


def load_yaml(data: bytes) -> dict[str, Any]:
    """Return the mapping that `data` holds.

    Raises:
        UnreadableDocument: it is no YAML, no mapping, or uses anchors and aliases, which can make a
            small file expand without bound.
    """
    import yaml

    try:
        if _ALIAS.search(data) and _has_alias(data):
            raise UnreadableDocument("the document uses YAML anchors, which records never do")
        document = yaml.load(data, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise UnreadableDocument(f"not readable as YAML: {error}") from error
    if not isinstance(document, dict):
        raise UnreadableDocument("not a YAML mapping")
    unescaped: dict[str, Any] = _unescaped(document)
    return unescaped


def dump_json_line(document: Mapping[str, Any]) -> bytes:
    """Return `document` as one line of JSON, newline included."""
    import orjson

    try:
        return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # integers over 64 bits, text that is no Unicode
        line = json.dumps(_escaped(document), ensure_ascii=False, separators=(",", ":"))
        return line.encode() + b"\n"


def load_json(data: bytes) -> Any:
    """Return what one JSON text holds.

    Raises:
        UnreadableDocument: it is no JSON.
    """
    import orjson

    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise UnreadableDocument(f"not readable as JSON: {error}") from error
    return _unescaped(document) if b'"bytes:' in data else _exact(document, data)


def _exact(document: Any, data: bytes) -> Any:
    # orjson reads integers over 64 bits as floats; the standard library keeps every digit.
    return json.loads(data) if _LONG_INTEGER.search(data) else document


def _dumper() -> Any:
    import yaml

    global _Dumper  # noqa: PLW0603 - built once, on first use, so that import stays light
    if _Dumper is None:

        class CanonicalDumper(yaml.CSafeDumper):
            def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
                return True

        _Dumper = CanonicalDumper
    return _Dumper


_Dumper: Any = None


def _has_alias(data: bytes) -> bool:
    import yaml

    return any(
        isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None)
        for event in yaml.parse(data, Loader=yaml.CSafeLoader)
    )


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() and not value.startswith(_BYTES) else _escaped_text(value)
    if isinstance(value, Mapping):
        return {_escaped(name): _escaped(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_escaped(inner) for inner in value]
    return value


def _escaped_text(text: str) -> str:
    try:
        raw = text.encode()
        if not text.startswith(_BYTES):
            return text
    except UnicodeEncodeError:
        # Only U+DC80 to U+DCFF stand for bytes; other lone surrogates mean nothing and never
        # come from the operating system.
        raw = _MEANINGLESS.sub("\ufffd", text).encode("utf-8", "surrogateescape")
    return _BYTES + quote_from_bytes(raw)


def _unescaped(value: Any) -> Any:
    if isinstance(value, str):
        if not value.startswith(_BYTES):
            return value
        return unquote_to_bytes(value[len(_BYTES) :]).decode("utf-8", "surrogateescape")
    if isinstance(value, dict):
        return {_unescaped(name): _unescaped(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_unescaped(inner) for inner in value]
    return value
