"""A YAML text as plain values, built from the events of PyYAML's parser.

PyYAML's own loaders are not used: hostile input makes them overflow the C stack (deep nesting),
take exponential time (aliases and merge keys) or raise whatever a constructor runs into (``!!bool
foo``), and they are slower. Ordinary text means the same here, except that dates stay text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

_DEPTH_LIMIT = 200
_CONSTRUCTED = ("null", "bool", "int", "float")


def read_yaml(data: bytes) -> Any:
    """Return what the one YAML document in `data` says; none where it is empty.

    Raises:
        yaml.YAMLError: it is no YAML.
        ValueError: it has aliases, tags, keys that are no text, a key twice, several documents,
            more than 200 levels, or a number that cannot be represented.
    """
    import yaml

    return _Reader(yaml.parse(data, Loader=yaml.CSafeLoader)).document()


class _Reader:
    def __init__(self, events: Iterator[Any]) -> None:
        import yaml

        self._events = events
        self._yaml = yaml
        constructor = yaml.constructor.SafeConstructor()
        self._construct: dict[str, Callable[[Any], Any]] = {
            f"tag:yaml.org,2002:{kind}": getattr(constructor, f"construct_yaml_{kind}")
            for kind in _CONSTRUCTED
        }

    def document(self) -> Any:
        next(self._events)  # the stream's start
        if type(next(self._events)) is self._yaml.StreamEndEvent:
            return None
        value = self._value(next(self._events), _DEPTH_LIMIT)
        next(self._events)  # the document's end
        if type(next(self._events)) is not self._yaml.StreamEndEvent:
            raise ValueError("it holds several documents")
        return value

    def _value(self, event: Any, depth: int) -> Any:
        if event.anchor is not None:
            raise ValueError("it uses anchors or aliases, which records never do")
        if event.tag is not None:
            raise ValueError(f"it uses the tag {event.tag!r}; records use none")
        if type(event) is self._yaml.ScalarEvent:
            return self._scalar(event) if event.implicit[0] else event.value
        if not depth:
            raise ValueError(f"it is nested more than {_DEPTH_LIMIT} levels deep")
        if type(event) is self._yaml.SequenceStartEvent:
            end = self._yaml.SequenceEndEvent
            return [self._value(each, depth - 1) for each in self._until(end)]
        return self._mapping(depth - 1)

    def _mapping(self, depth: int) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for event in self._until(self._yaml.MappingEndEvent):
            name = self._value(event, depth)
            if not isinstance(name, str):
                raise ValueError(f"the key {name!r:.60} is no text; quote it")
            if name in mapping:
                raise ValueError(f"the key {name!r:.60} stands there twice")
            mapping[name] = self._value(next(self._events), depth)
        return mapping

    def _until(self, end: type[Any]) -> Iterator[Any]:
        for event in self._events:
            if type(event) is end:
                return
            yield event

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        for tag, pattern in self._yaml.CSafeLoader.yaml_implicit_resolvers.get(text[:1], ()):
            if pattern.match(text):
                construct = self._construct.get(tag)
                return construct(self._yaml.ScalarNode(tag, text)) if construct else text
        return text
