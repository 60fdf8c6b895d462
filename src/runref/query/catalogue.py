"""What names there are: a query is resolved against the names that some run has."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol


class Catalogue(Protocol):
    """The names that runs have, with the types of what they hold.

    Types are the words of `runref.query.offered.kind_of`. Each method is called at most once for a
    query, and only where a name is looked up that may be one of its own.
    """

    def parameters(self) -> Mapping[str, frozenset[str]]:
        """Return the types of each parameter by its dotted path."""

    def metrics(self) -> Collection[str]:
        """Return the names of all metrics."""

    def summary(self) -> Mapping[str, frozenset[str]]:
        """Return the types of each summary value by its dotted path."""

    def packages(self) -> Collection[str]:
        """Return the normalised names of all packages."""

    def environment(self) -> Mapping[str, frozenset[str]]:
        """Return the types of each value of the environments, by the paths of `offered`."""
