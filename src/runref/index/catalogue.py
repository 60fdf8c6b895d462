"""The names that runs have, read off the index."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from runref.model.codec import unescape_text

Ask = Callable[..., Sequence[tuple[Any, ...]]]
"""Returns the rows that a select statement finds, given its text and its parameters."""


class IndexCatalogue:
    """What names there are; see `runref.query.catalogue.Catalogue`."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def parameters(self) -> Mapping[str, frozenset[str]]:
        """Return the types of each parameter by its dotted path."""
        return self._types("param")

    def metrics(self) -> Collection[str]:
        """Return the names of all metrics."""
        rows = self._ask("select name from names where kind = 'metric' order by n")
        return [unescape_text(name) for (name,) in rows]

    def summary(self) -> Mapping[str, frozenset[str]]:
        """Return the types of each summary value by its dotted path."""
        return self._types("summary")

    def packages(self) -> Collection[str]:
        """Return the normalised names of all packages."""
        rows = self._ask("select distinct name from packages")
        return [unescape_text(name) for (name,) in rows]

    def environment(self) -> Mapping[str, frozenset[str]]:
        """Return the types of each value of the environments by its path."""
        return _gathered(self._ask("select distinct path, type from environment_values"))

    def _types(self, kind: str) -> Mapping[str, frozenset[str]]:
        query = (
            "select names.name, types.type from names join types on types.name = names.n"
            " where kind = ? order by n"
        )
        return _gathered(self._ask(query, (kind,)))


def _gathered(rows: Iterable[tuple[str, str]]) -> Mapping[str, frozenset[str]]:
    types: dict[str, set[str]] = {}
    for name, kind in rows:
        types.setdefault(unescape_text(name), set()).add(kind)
    return {name: frozenset(kinds) for name, kinds in types.items()}
