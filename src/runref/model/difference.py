"""What differs between two plain values or mappings of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from runref.model.record import DataFile

ADDED, REMOVED, CHANGED = "added", "removed", "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: something that only one side has, or that the sides have differently.

    Attributes:
        name: What differs: a path, a dotted name.
        kind: ``added`` (only the right side has it), ``removed`` (only the left) or ``changed``.
        left: Value on the left side, where it has one.
        right: Value on the right side, where it has one.
    """

    name: str
    kind: str
    left: Any = None
    right: Any = None


def compare_environments(left: Mapping[str, Any], right: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return the differences of two environment documents, packages by name and version."""
    return compare_mappings(environment_facts(left), environment_facts(right))


def environment_facts(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return an environment document as one mapping, packages by name and version."""
    return flatten(_with_packages(document)) if document else {}


def compare_mappings(left: Mapping[str, Any], right: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return the differences of two mappings in the order of their names; NaN equals NaN."""
    changes = []
    for name in sorted(left.keys() | right.keys()):
        if name not in right:
            changes.append(Change(name, REMOVED, left=left[name]))
        elif name not in left:
            changes.append(Change(name, ADDED, right=right[name]))
        elif not same_value(left[name], right[name]):
            changes.append(Change(name, CHANGED, left[name], right[name]))
    return tuple(changes)


def same_value(left: object, right: object) -> bool:
    """Tell whether two plain values are the same to the bit; 1 and 1.0 are, 0.0 and -0.0 not."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        if left == right:
            return left != 0 or math.copysign(1, left) == math.copysign(1, right)
        return left != left and right != right  # noqa: PLR0124 - both NaN
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same_value, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return not compare_mappings(left, right)
    return left == right


def flatten(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one, with dotted names; empty mappings are values."""
    flat: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, Mapping) and value:
            flat.update(flatten(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def digests(files: Iterable[DataFile]) -> dict[str, str]:
    """Return the digest of each input or output by path; empty where it could not be hashed."""
    return {each.path: each.digest for each in files}


def _with_packages(environment: Mapping[str, Any]) -> dict[str, Any]:
    packages = {each["name"]: _version(each) for each in environment.get("packages", ())}
    return {**environment, "packages": packages}


def _version(package: Mapping[str, Any]) -> str:
    """Return a package's version; two builds of one version differ by where they came from."""
    version = str(package.get("version", ""))
    source = package.get("source") or {}
    told = ", ".join(f"{name}: {source[name]}" for name in sorted(source))
    return f"{version} ({told})" if told else version
