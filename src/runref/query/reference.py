"""What a query refers to: the things that a run has one of, and those that it has several of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneWordOf
from typing import TypeAlias

CollectionName: TypeAlias = OneWordOf["tags", "inputs", "outputs", "code"]
MetricPart: TypeAlias = OneWordOf[
    "last", "first", "min", "max", "mean", "count", "last_step", "step_of_min", "step_of_max"
]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the table in `runref.query.fields`, by the first of its names."""

    name: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter; one that is nested has a dotted path."""

    path: str


@dataclass(frozen=True, slots=True)
class Metric:
    """What a series comes to."""

    name: str
    part: MetricPart = "last"


@dataclass(frozen=True, slots=True)
class SummaryValue:
    """A summary value; one that is nested has a dotted path."""

    path: str


@dataclass(frozen=True, slots=True)
class Package:
    """The version of a Python package, by its normalised name (PEP 503)."""

    name: str


@dataclass(frozen=True, slots=True)
class EnvironmentValue:
    """A value of ``environment.yaml``, by the path that `runref.query.offered` gives it.

    Attributes:
        path: Dotted path.
        version: Whether it is compared as a version; else by the type that it has.
    """

    path: str
    version: bool = False


@dataclass(frozen=True, slots=True)
class CodeFile:
    """The git object id of a file of the snapshot."""

    path: str


Reference: TypeAlias = (
    Field | Parameter | Metric | SummaryValue | Package | EnvironmentValue | CodeFile
)


@dataclass(frozen=True, slots=True)
class Collection:
    """What a run has several of: its tags, or the paths of its inputs, outputs or snapshot."""

    name: CollectionName
