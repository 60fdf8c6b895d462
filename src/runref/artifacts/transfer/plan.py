"""What a push has to send: worked out from what is needed, what is there and what is here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter

from runref.artifacts.transfer.wanted import Needed


@dataclass(slots=True)
class PushPlan:
    """What is to be sent.

    Attributes:
        sizes: Digests to send, with their sizes in bytes.
        files: Those of them that are no manifests, the largest first.
        manifests: The manifests to send, with the digests of the files they name.
        already: How many contents are at the remote.
        replaced: Those to send that the remote has with another size or with other bytes.
        damaged: What the remote has with other bytes, to be sent or not.
        missing: Contents that are neither here nor at the remote.
    """

    sizes: dict[str, int] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    manifests: dict[str, tuple[str, ...]] = field(default_factory=dict)
    already: int = 0
    replaced: list[str] = field(default_factory=list)
    damaged: Collection[str] = ()
    missing: list[str] = field(default_factory=list)

    def rounds(self) -> Iterator[tuple[str, ...]]:
        """Yield the manifests so that each comes after every manifest that it names as a file."""
        order = TopologicalSorter(
            {
                digest: [each for each in named if each in self.manifests]
                for digest, named in self.manifests.items()
            }
        )
        order.prepare()
        while order.is_active():
            ready = order.get_ready()
            yield ready
            order.done(*ready)


def plan_push(
    needed: Needed,
    present: Mapping[str, int],
    held: Callable[[str], int | None],
    *,
    damaged: Collection[str] = (),
) -> PushPlan:
    """Return what a push has to send.

    Args:
        needed: The contents of what is wanted.
        present: Those of them that the remote has, with their sizes in bytes.
        held: Returns the size of a content that is here; asked only about what the remote lacks.
        damaged: What the remote has, and is not in `present` as its bytes are others.
    """
    plan = PushPlan(damaged=damaged)
    for digest in needed.digests:
        there, expected = present.get(digest), needed.files.get(digest)
        if there is not None and there == expected:
            plan.already += 1
            continue
        # A manifest that came only now names files that nobody has asked the remote for.
        here = None if digest in needed.absent else held(digest)
        if there is not None and (there == here or (expected is None and here is None)):
            plan.already += 1
        elif here is None:
            plan.missing.append(digest)
        else:
            plan.sizes[digest] = here
            if there is not None or digest in damaged:
                plan.replaced.append(digest)
    plan.manifests = {
        each: needed.manifests[each] for each in plan.sizes if each in needed.manifests
    }
    files = (each for each in plan.sizes if each not in plan.manifests)
    plan.files = sorted(files, key=plan.sizes.__getitem__, reverse=True)
    return plan
