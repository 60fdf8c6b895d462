"""Telling objects that they live in a forked child now."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class AwareOfForks(Protocol):
    """What has to change when a process is forked."""

    def become_child(self) -> None:
        """Forget what belongs to the parent; called in the child, before anything else runs."""


_aware: weakref.WeakSet[AwareOfForks] = weakref.WeakSet()


def tell_after_fork(member: AwareOfForks) -> None:
    """Call `member` in every child that this process forks, as long as it exists."""
    _aware.add(member)


def _after_fork() -> None:
    for member in _aware:
        member.become_child()


os.register_at_fork(after_in_child=_after_fork)
