"""A YAML text as plain values, built from the events of PyYAML's parser.

PyYAML's own loaders are not used: hostile input makes them overflow the C stack (deep nesting),
take exponential time (aliases and merge keys) or raise whatever a constructor runs into (``!!bool
foo``), and they are slower. Ordinary text means the same here, except that dates stay text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

_DEPTH_LIMIT = 200
_CONSTRUCTED = ("null", "bool", "int", "float")

_REMEMBERED = 10_000
_TEXT_LIMIT = 80
_meanings: dict[str, Any] = {}
"""What short plain scalars mean. A history repeats the same few thousand, and asking the patterns
of YAML for each is a large part of reading it."""


def read_yaml(data: bytes) -> Any:
    """Return what the one YAML document in `data` says; none where it is empty.

    Raises:
        yaml.YAMLError: it is no YAML.
        ValueError: it has aliases, tags, keys that are no text, a key twice, several documents,
            more than 200 levels, or a number that cannot be represented.
    """
    return _Reader(data).document()


class _Reader:
    def __init__(self, data: bytes) -> None:
        import yaml

        self._next: Callable[[], Any] = yaml.CSafeLoader(data).get_event
        self._scalar_event = yaml.ScalarEvent
        self._list_start, self._list_end = yaml.SequenceStartEvent, yaml.SequenceEndEvent
        self._mapping_end, self._end = yaml.MappingEndEvent, yaml.StreamEndEvent
        self._yaml = yaml

    def document(self) -> Any:
        self._next()  # the stream's start
        if type(self._next()) is self._end:
            return None
        value = self._value(self._next(), _DEPTH_LIMIT)
        self._next()  # the document's end
        if type(self._next()) is not self._end:
            raise ValueError("it holds several documents")
        return value

    def _value(self, event: Any, depth: int) -> Any:
        if event.anchor is not None:
            raise ValueError("it uses anchors or aliases, which records never do")
        if event.tag is not None:
            raise ValueError(f"it uses the tag {event.tag!r}; records use none")
        kind = type(event)
        if kind is self._scalar_event:
            return self._scalar(event.value) if event.implicit[0] else event.value
        if not depth:
            raise ValueError(f"it is nested more than {_DEPTH_LIMIT} levels deep")
        return self._list(depth - 1) if kind is self._list_start else self._mapping(depth - 1)

    def _list(self, depth: int) -> list[Any]:
        items = []
        while type(event := self._next()) is not self._list_end:
            items.append(self._value(event, depth))
        return items

    def _mapping(self, depth: int) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        read, value = self._next, self._value
        while type(event := read()) is not self._mapping_end:
            name = value(event, depth)
            if not isinstance(name, str):
                raise ValueError(f"the key {name!r:.60} is no text; quote it")
            if name in mapping:
                raise ValueError(f"the key {name!r:.60} stands there twice")
            mapping[name] = value(read(), depth)
        return mapping

    def _scalar(self, text: str) -> Any:
        try:
            return _meanings[text]
        except KeyError:
            meaning = self._meaning(text)
        if len(text) <= _TEXT_LIMIT:
            if len(_meanings) >= _REMEMBERED:
                _meanings.clear()
            _meanings[text] = meaning
        return meaning

    def _meaning(self, text: str) -> Any:
        for tag, pattern in self._yaml.CSafeLoader.yaml_implicit_resolvers.get(text[:1], ()):
            if pattern.match(text):
                construct = _constructors().get(tag)
                return construct(self._yaml.ScalarNode(tag, text)) if construct else text
        return text


@cache
def _constructors() -> Mapping[str, Callable[[Any], Any]]:
    import yaml

    constructor = yaml.constructor.SafeConstructor()
    return {
        f"tag:yaml.org,2002:{kind}": getattr(constructor, f"construct_yaml_{kind}")
        for kind in _CONSTRUCTED
    }
