"""Damage: what is stored, and is not as the history claims."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is not as it should be.

    Attributes:
        kind: What is wrong, as programs read it: ``object-missing``, ``file-digest`` …
        run: Id of the run that it belongs to; empty where it is the history's own.
        place: Where: ``run.yaml``, ``code/train.py``, ``outputs model.bin``, a path of the ref.
        object: The git object or digest that is concerned; empty where none is.
        message: What was found, for people.
        hint: What can be done about it.
    """

    kind: str
    run: str
    place: str
    object: str
    message: str
    hint: str = ""


ANOTHER_CLONE = (
    "`runref fsck --repair` brings it back from a git remote, and `--from PATH` from another clone"
)
"""What can be done about everything that another clone of the history may have whole."""

NOT_RUNREF = (
    "runref does not write this: the run was changed after it was recorded, or made by another "
    "program; a clone that has the history as it was shows which"
)
"""What can be said of an object that is whole, and of what it holds is not."""
