"""The JSON Schemas of the format (2020-12), shipped with the package, and checking against them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from runref.errors import RunrefError
from runref.model.codec import escape

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator


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
    try:
        try:
            error = next(_validator(name).iter_errors(document), None)
        except UnicodeEncodeError:
            error = next(_validator(name).iter_errors(escape(document)), None)
    except ValueError as unfit:  # a value of a type that JSON does not have
        raise InvalidDocument(f"{name}: {unfit}") from unfit
    if error is not None:
        where = _where(error.instance_path) or "the document"
        raise InvalidDocument(f"{name}: {where}: {error.message[:300]}")


def _where(path: Iterable[str | int]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


@cache
def _validator(name: str) -> Draft202012Validator:
    from jsonschema_rs import Draft202012Validator

    return Draft202012Validator(load_schema(name))
