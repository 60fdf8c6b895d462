"""Canonical YAML and JSON lines: one document has one byte string, and it comes back equal.

YAML is written by libyaml with the order of keys as given, block style, no aliases and no line
folding. Text that is no Unicode (paths of other encodings) is written as ``bytes:`` and
percent-encoding, and so is text that itself begins with ``bytes:``, so that nothing is ambiguous.

Numbers that are not finite have no place in JSON: documents hold their names instead, see
`runref.model.values.encode_number`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

from runref.errors import RunrefError
from runref.model.values import NotANumber, Number, decode_number
from runref.model.yaml_events import read_yaml

_BYTES = "bytes:"
_BYTES_IN_JSON = b'"bytes:'
_MEANINGLESS = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_LONG_INTEGER = re.compile(rb"[\s:,\[](?:-[0-9]{19}|[0-9]{20})")
_NUMBER_OF_YAML_1_2 = re.compile(
    r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|0o[0-7]+)$"
)


class UnreadableDocument(RunrefError):
    """Bytes that should hold a YAML or JSON document do not."""

    code = "unreadable-document"


def dump_yaml(document: Mapping[str, Any]) -> bytes:
    """Return `document` as canonical YAML."""
    import yaml

    text: str = yaml.dump(
        escape(document),
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
        UnreadableDocument: it is no YAML, no mapping, or holds what no record does: aliases and
            anchors (which can make a small file expand without bound), tags, keys that are no text.
    """
    import yaml

    try:
        document = read_yaml(data)
    except (yaml.YAMLError, ValueError) as error:
        raise UnreadableDocument(f"not readable as YAML: {error}") from error
    if not isinstance(document, dict):
        raise UnreadableDocument("not a YAML mapping")
    # A text that holds no escape has nothing to undo: most records are such.
    unescaped: dict[str, Any] = _unescaped(document) if _BYTES.encode() in data else document
    return unescaped


def dump_json_line(document: Mapping[str, Any]) -> bytes:
    """Return `document` as one line of JSON, newline included."""
    import orjson

    try:
        line = orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)
        if _BYTES_IN_JSON not in line:
            return line
    except TypeError:  # integers over 64 bits, text that is no Unicode
        pass
    text = json.dumps(escape(document), ensure_ascii=False, separators=(",", ":"))
    return text.encode() + b"\n"


def load_json(data: bytes) -> Any:
    """Return what one JSON text holds.

    Raises:
        UnreadableDocument: it is no JSON, or holds a number beyond the range of a float.
    """
    import orjson

    try:
        document = orjson.loads(data)
        if _LONG_INTEGER.search(data):
            # orjson reads integers over 64 bits as floats; the standard library keeps every digit.
            document = json.loads(data, parse_int=_integer)
    except (ValueError, RecursionError, NotANumber) as error:
        raise UnreadableDocument(f"not readable as JSON: {error}") from error
    return _unescaped(document) if _BYTES_IN_JSON in data else document


def _integer(digits: str) -> Number:
    return decode_number(int(digits))


def _dumper() -> Any:
    import yaml

    global _Dumper  # noqa: PLW0603 - built once, on first use, so that import stays light
    if _Dumper is None:

        class CanonicalDumper(yaml.CSafeDumper):
            def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
                return True

        # PyYAML quotes text that YAML 1.1 would take for something else; readers of YAML 1.2 take
        # more for numbers: 1e3, 089, 0o7.
        CanonicalDumper.add_implicit_resolver(
            "number-of-yaml-1.2", _NUMBER_OF_YAML_1_2, list("-+.0123456789")
        )
        _Dumper = CanonicalDumper
    return _Dumper


_Dumper: Any = None


def escape(value: Any) -> Any:
    """Return a document whose texts are all Unicode; see `escape_text`."""
    if isinstance(value, str):
        return value if value.isascii() and not value.startswith(_BYTES) else escape_text(value)
    if isinstance(value, Mapping):
        return {escape(name): escape(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [escape(inner) for inner in value]
    return value


def escape_text(text: str) -> str:
    """Return text as Unicode: what is none, or begins with ``bytes:``, is percent-encoded."""
    try:
        raw = text.encode()
        if not text.startswith(_BYTES):
            return text
    except UnicodeEncodeError:
        # Only U+DC80 to U+DCFF stand for bytes; other lone surrogates mean nothing and never
        # come from the operating system.
        raw = _MEANINGLESS.sub("\ufffd", text).encode("utf-8", "surrogateescape")
    return _BYTES + quote_from_bytes(raw)


def unescape_text(text: str) -> str:
    """Undo `escape_text`."""
    if not text.startswith(_BYTES):
        return text
    return unquote_to_bytes(text[len(_BYTES) :]).decode("utf-8", "surrogateescape")


def _unescaped(value: Any) -> Any:
    if isinstance(value, str):
        return unescape_text(value)
    if isinstance(value, dict):
        return {_unescaped(name): _unescaped(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_unescaped(inner) for inner in value]
    return value
