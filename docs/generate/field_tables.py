"""Tables of fields, from the JSON Schemas that runref ships."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tables import table

from runref.model.schema import load_schema

Schema = Mapping[str, Any]


def field_table(name: str) -> str:
    """Return every field that a schema knows, nested ones with their path."""
    rows = list(fields(load_schema(name)))
    if any(required for _, _, required, _ in rows):
        header = ("field", "kind", "required", "meaning")
        return table(header, [(f"`{p}`", k, "yes" if r else "", m) for p, k, r, m in rows])
    return table(("field", "kind", "meaning"), [(f"`{p}`", k, m) for p, k, _, m in rows])


def manifest_table() -> str:
    """Return the kinds of lines of a directory manifest."""
    kinds: Schema = load_schema("manifest")["$defs"]
    rows = []
    for name in ("header", "file", "link", "empty_directory"):
        for field, inner in kinds[name]["properties"].items():
            target = _resolved(inner, {"$defs": kinds})
            meaning = inner.get("description") or target.get("description", "")
            rows.append((name.replace("_", " "), f"`{field}`", _kind(target), meaning))
    return table(("line", "field", "kind", "meaning"), rows)


def fields(schema: Schema) -> Iterator[tuple[str, str, bool, str]]:
    """Yield path, kind, whether it is required, and meaning of each field of a schema.

    A group of fields that has no meaning of its own is passed over.
    """
    for path, inner, required in _walk(schema, schema, ""):
        described = inner.get("description", "")
        if "properties" in inner and not described:
            continue
        if "default" in inner:
            described += f" Default: `{_plain(inner['default'])}`."
        yield path, _kind(_resolved(inner, schema)), required, described


def undescribed(name: str) -> list[str]:
    """Return the fields of a schema whose meaning it does not say."""
    return [path for path, _, _, described in fields(load_schema(name)) if not described]


def _walk(node: Schema, schema: Schema, above: str) -> Iterator[tuple[str, Schema, bool]]:
    required = node.get("required", ())
    for field, inner in node.get("properties", {}).items():
        path = f"{above}{field}"
        yield path, inner, field in required
        yield from _below(_resolved(inner, schema), schema, path)


def _below(node: Schema, schema: Schema, path: str) -> Iterator[tuple[str, Schema, bool]]:
    if "items" in node:
        yield from _walk(_resolved(node["items"], schema), schema, f"{path}[].")
    elif isinstance(node.get("additionalProperties"), Mapping):
        inner = _resolved(node["additionalProperties"], schema)
        yield from _walk(inner, schema, f"{path}.<name>.")
    else:
        yield from _walk(node, schema, f"{path}.")


def _resolved(node: Schema, schema: Schema) -> Schema:
    reference = node.get("$ref")
    if reference is None:
        return node
    found: Schema = schema["$defs"][reference.rpartition("/")[2]]
    return _resolved(found, schema)


def _plain(default: object) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)


def _kind(node: Schema) -> str:
    if "const" in node:
        return f"`{node['const']}`"
    if "enum" in node:
        return ", ".join(f"`{each}`" for each in node["enum"])
    if "anyOf" in node:
        return " or ".join(_kind(each) for each in node["anyOf"])
    kind = node.get("type", "any value")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)
