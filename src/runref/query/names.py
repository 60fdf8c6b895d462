"""From a name as it is written to what it refers to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import TypeAlias, cast, get_args

from runref.query import reference
from runref.query.catalogue import Catalogue
from runref.query.errors import AmbiguousName, QueryInvalid, UnknownName, shown
from runref.query.fields import BY_NAME, COLLECTIONS
from runref.query.offered import normalised
from runref.query.printing import quoted
from runref.query.reference import (
    CodeFile,
    EnvironmentValue,
    Field,
    Metric,
    MetricPart,
    Package,
    Parameter,
    Reference,
    SummaryValue,
)
from runref.query.suggest import listed, nearest
from runref.query.syntax import Name
from runref.query.tokens import is_word

Target: TypeAlias = Reference | reference.Collection
Kinds: TypeAlias = frozenset[str]

PARTS: tuple[MetricPart, ...] = get_args(MetricPart)
NAMESPACES = ("params", "metrics", "summary", "packages", "environment")

_SINGULAR = {
    "params": "parameter",
    "metrics": "metric",
    "summary": "summary value",
    "packages": "package",
    "environment": "value of the environment",
}
_VERSIONS = ("python.version", "cuda_toolkit")
_VERSIONS_BELOW = ("drivers.", "conda_packages.")


class Names:
    """Looks names up in a catalogue, each part of which it asks for at most once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def target(self, name: Name) -> Target:
        """Return what a name refers to.

        Raises:
            UnknownName: no run has it.
            AmbiguousName: a bare name that several things have.
            QueryInvalid: it is not put together as a name can be.
        """
        first, *rest = name.parts
        if rest and first.text in NAMESPACES:
            return self._below(first.text, name)
        if rest and first.text == "code" and rest[0].quoted:
            return CodeFile(".".join(part.text for part in rest))
        if any(part.quoted for part in rest):
            raise QueryInvalid(
                f"{shown(first.text)} holds no names in brackets", name.span,
                hint=f"These do: {', '.join((*NAMESPACES, 'code'))}.",
            )  # fmt: skip
        return self._bare(name, ".".join(part.text for part in name.parts))

    def kinds(self, reference: Reference) -> Kinds:
        """Return the types that runs hold there: those of fields, or words of `kind_of`."""
        if isinstance(reference, Field):
            return frozenset({BY_NAME[reference.name].type})
        if isinstance(reference, Parameter):
            return self._parameters[reference.path]
        if isinstance(reference, SummaryValue):
            return self._summary[reference.path]
        if isinstance(reference, Metric):
            return frozenset({"number"})
        if isinstance(reference, EnvironmentValue) and not reference.version:
            return self._environment[reference.path]
        return frozenset({"hex" if isinstance(reference, CodeFile) else "version"})

    @cached_property
    def _parameters(self) -> Mapping[str, Kinds]:
        return self._catalogue.parameters()

    @cached_property
    def _metrics(self) -> Collection[str]:
        return frozenset(self._catalogue.metrics())

    @cached_property
    def _summary(self) -> Mapping[str, Kinds]:
        return self._catalogue.summary()

    @cached_property
    def _packages(self) -> Collection[str]:
        return frozenset(self._catalogue.packages())

    @cached_property
    def _environment(self) -> Mapping[str, Kinds]:
        return self._catalogue.environment()

    def _bare(self, name: Name, text: str) -> Target:
        if text in BY_NAME:
            return Field(BY_NAME[text].name)
        if text in COLLECTIONS:
            return reference.Collection(cast("reference.CollectionName", text))
        found = self._spellings(text)
        if len(found) > 1:
            raise AmbiguousName(
                f"{shown(text)} is both a {' and a '.join(map(_kind_of_name, found.values()))}",
                name.span,
                hint=f"Write {' or '.join(found)}.",
            )
        for target in found.values():
            return target
        raise self._unknown_bare(name, text)

    def _spellings(self, text: str) -> dict[str, Target]:
        """Return what a bare name may mean, each by a spelling that means nothing else."""
        found: dict[str, Target] = {}
        if text in self._parameters:
            found[spelled("params", text)] = Parameter(text)
        metrics = self._metrics_of(text)
        for metric in metrics:
            part = "" if metric.name == text else f".{metric.part}"
            name = spelled("metrics", metric.name, quote=bool(part) or len(metrics) > 1)
            found[name + part] = metric
        if text in self._summary:
            found[spelled("summary", text)] = SummaryValue(text)
        return found

    def _metrics_of(self, text: str) -> list[Metric]:
        found = [Metric(text)] if text in self._metrics else []
        name, _, part = text.rpartition(".")
        if part in PARTS and name in self._metrics:
            found.append(Metric(name, part))
        return found

    def _below(self, namespace: str, name: Name) -> Target:
        rest = name.parts[1:]
        text = ".".join(part.text for part in rest)
        if namespace == "metrics":
            return self._metric(name, text)
        if namespace == "params":
            self._check(name, namespace, text, self._parameters)
            return Parameter(text)
        if namespace == "summary":
            self._check(name, namespace, text, self._summary)
            return SummaryValue(text)
        if namespace == "environment" and rest[0].text != "packages":
            path = "python.version" if text == "python" else text
            self._check(name, namespace, path, self._environment)
            return EnvironmentValue(path, version=_is_versioned(path))
        package = normalised(text.removeprefix("packages.") if namespace != "packages" else text)
        self._check(name, "packages", package, self._packages)
        return Package(package)

    def _metric(self, name: Name, text: str) -> Metric:
        _, first, *tail = name.parts
        if not first.quoted:
            found = self._metrics_of(text)
            if len(found) > 1:
                spellings = [f"metrics[{quoted(text)}]"]
                spellings += [f"metrics[{quoted(found[1].name)}].{found[1].part}"]
                raise AmbiguousName(
                    f"{shown(text)} may be two metrics", name.span,
                    hint=f"Write {' or '.join(spellings)}.",
                )  # fmt: skip
            if found:
                return found[0]
            base, _, part = text.rpartition(".")
            if base in self._metrics:
                raise self._unknown_part(name, part)
            raise self._unknown(name, "metrics", text, self._metrics)
        if first.text not in self._metrics:
            raise self._unknown(name, "metrics", first.text, self._metrics)
        if not tail:
            return Metric(first.text)
        part = ".".join(each.text for each in tail)
        if part in PARTS and not tail[0].quoted:
            return Metric(first.text, part)
        raise self._unknown_part(name, part)

    def _check(self, name: Name, namespace: str, text: str, names: Collection[str]) -> None:
        if text not in names:
            raise self._unknown(name, namespace, text, names)

    def _unknown(
        self, name: Name, namespace: str, text: str, names: Collection[str]
    ) -> UnknownName:
        """Raise that a namespace lacks a name, with the nearest one, or with where it is."""
        elsewhere = self._spellings(text)
        if elsewhere:
            suggestion: str | None = next(iter(elsewhere))
        else:
            suggestion = _with_part(text, nearest, names) if namespace == "metrics" else None
            suggestion = suggestion or nearest(text, names)
            suggestion = suggestion and shown(suggestion)
        return _unknown_error(_SINGULAR[namespace], name, text, suggestion, names)

    def _unknown_bare(self, name: Name, text: str) -> UnknownName:
        base, _, part = text.rpartition(".")
        if base in self._metrics and base not in self._parameters:
            raise self._unknown_part(name, part)
        names = {*self._parameters, *self._metrics, *self._summary}
        suggestion = _with_part(text, nearest, self._metrics)
        suggestion = suggestion or nearest(text, {*names, *BY_NAME, *COLLECTIONS})
        if suggestion is None and normalised(text) in self._packages:
            suggestion = spelled("packages", normalised(text))
            return _unknown_error("name", name, text, suggestion, names)
        return _unknown_error("name", name, text, suggestion and shown(suggestion), names)

    def _unknown_part(self, name: Name, part: str) -> UnknownName:
        return _unknown_error("part of a metric", name, part, _shown(nearest(part, PARTS)), PARTS)


def spelled(namespace: str, text: str, *, quote: bool = False) -> str:
    """Return a name with its namespace as it is written in a query."""
    if is_word(text) and not quote:
        return f"{namespace}.{text}"
    return f"{namespace}[{quoted(text)}]"


def _with_part(
    text: str, find: Callable[[str, Collection[str]], str | None], names: Collection[str]
) -> str | None:
    base, _, part = text.rpartition(".")
    if part not in PARTS:
        return None
    found = find(base, names)
    return f"{found}.{part}" if found else None


def _unknown_error(
    kind: str, name: Name, text: str, suggestion: str | None, names: Collection[str]
) -> UnknownName:
    meant = f": did you mean {suggestion}?" if suggestion else ""
    if kind == "name" and text in ("null", "missing", "None"):
        hint = "Write `is missing` for what a run does not have, `== none` for a value of none."
    elif suggestion:
        hint = ""
    else:
        hint = f"There is: {listed(sorted(names))}." if names else "No run has any."
    return UnknownName(f"unknown {kind} {shown(text)}{meant}", name.span, hint=hint)


def _shown(text: str | None) -> str | None:
    return text and shown(text)


def _kind_of_name(target: Target) -> str:
    if isinstance(target, Parameter):
        return "parameter"
    return "metric" if isinstance(target, Metric) else "summary value"


def _is_versioned(path: str) -> bool:
    return path in _VERSIONS or path.startswith(_VERSIONS_BELOW)
