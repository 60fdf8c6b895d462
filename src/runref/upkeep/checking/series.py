"""Series: every line is a log call, and what they come to is what the record says."""

from __future__ import annotations

from runref.model.damage import NOT_RUNREF, Damage
from runref.model.documents import to_document
from runref.model.record import MetricSummary, Record
from runref.model.series import Summariser, parse_segment_name, read_lines

_SHOWN = 60
"""Bytes of a line that a message shows."""


class SeriesCheck:
    """Takes in the series of one run, file by file, and compares them with the record.

    Attributes:
        points: How many log calls were read.
    """

    def __init__(self, run_id: str) -> None:
        self._run = run_id
        self._damage: list[Damage] = []
        self._summaries: dict[int, Summariser] = {}
        self._whole: set[str] = set()
        self.points = 0

    def take(self, name: str, content: bytes) -> None:
        """Take in a file beside ``run.yaml``; those that are no series are passed over."""
        place = parse_segment_name(name)
        if place is None:
            return
        lines = read_lines(content)
        self.points += len(lines.rows)
        if bad := (*lines.damaged, *filter(None, (lines.torn,))):
            message = f"{len(bad)} of its lines are no log calls: {bad[0][:_SHOWN]!r}"
            self._damage.append(Damage("series-line", self._run, name, "", message, NOT_RUNREF))
            return
        self._whole.add(name)
        # Only the first rank that logged is summarised in the record.
        first = min(self._summaries, default=place[0])
        if place[0] == first:
            self._summaries.setdefault(first, Summariser()).add(lines.rows)

    def compare(self, record: Record) -> list[Damage]:
        """Return what is wrong with the series, and where their summaries in the record differ."""
        named = [name for name in record.files if parse_segment_name(name)]
        if self._whole.issuperset(named):  # what could not be read is named; its sum says nothing
            first = min(self._summaries, default=0)
            held = self._summaries.get(first, Summariser()).result()
            for name in sorted(held.keys() | record.metrics.keys()):
                self._compare(name, record.metrics.get(name), held.get(name))
        return self._damage

    def _compare(self, name: str, said: MetricSummary | None, held: MetricSummary | None) -> None:
        if said is None or held is None:
            what = "the record does not name it" if said is None else "no series holds it"
            self._note(f"metrics {name}", what)
            return
        claimed, found = to_document(said), to_document(held)
        for part in found:
            if claimed[part] != found[part]:
                message = f"the record says {claimed[part]}, the series come to {found[part]}"
                self._note(f"metrics {name}.{part}", message)

    def _note(self, place: str, message: str) -> None:
        self._damage.append(Damage("series-summary", self._run, place, "", message, NOT_RUNREF))
