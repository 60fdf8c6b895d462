"""The JSON Schemas of the format (2020-12), shipped with the package, and checking against them."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from runref.errors import RunrefError


class InvalidDocument(RunrefError):
    """A document breaks its schema."""

    code = "invalid-document"


def load_schema(name: str) -> dict[str, Any]:
    """Return the schema ``schemas/<name>.schema.json``."""
    file = resources.files("runref") / "schemas" / f"{name}.schema.json"
    text = file.read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def validate(name: str, document: object) -> None:
    """Check `document` against the schema `name` (``run``, ``environment``, ``config``, …).

    Raises:
        InvalidDocument: the message names the field and says what is wrong with it.
    """
    error = next(_validator(name).iter_errors(document), None)
    if error is not None:
        where = error.json_path.removeprefix("$").lstrip(".") or "the document"
        raise InvalidDocument(f"{name}: {where}: {error.message[:300]}")


@cache
def _validator(name: str) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(load_schema(name))
