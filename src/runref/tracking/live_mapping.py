"""Mappings of a live run whose changes are recorded as they happen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any


class LiveMapping(MutableMapping[str, Any]):
    """Parameters or summary values of a run, readable and settable like a dictionary."""

    def __init__(
        self, values: Mapping[str, Any], on_change: Callable[[Mapping[str, Any]], None]
    ) -> None:
        self._values = dict(values)
        self._on_change = on_change

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.update({name: value})

    def __delitem__(self, name: str) -> None:
        raise TypeError(f"{name!r} is recorded and cannot be taken back")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)

    def update(self, *values: Any, **more: Any) -> None:
        """Set several values as one change."""
        changed = {str(name): value for name, value in dict(*values, **more).items()}
        self._values.update(changed)
        if changed:
            self._on_change(changed)
