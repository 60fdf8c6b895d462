"""The text that the signature of a run is over.

Four lines, each ended by a newline::

    runref signature 1
    run <run id>
    run.yaml sha256:<64 lower-case hexadecimal digits>
    time <RFC 3339 UTC>

``run.yaml`` carries the SHA-256 of every file beside it and of the manifest of the snapshot, so
these lines hold all of the run, whatever hash the repository uses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from runref.errors import RunrefError

NAMESPACE = "runref"
"""What ssh signatures of runs are for (``ssh-keygen -n``)."""

_FORM = re.compile(
    r"runref signature 1\n"
    r"run (?P<run>[0-9]{8}-[0-9a-f]{12})\n"
    r"run\.yaml (?P<digest>sha256:[0-9a-f]{64})\n"
    r"time (?P<time>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)\n"
)


class MalformedStatement(RunrefError):
    """What a signature is over is no statement about a run."""

    code = "malformed-statement"


@dataclass(frozen=True, slots=True)
class Statement:
    """What is signed about a run.

    Attributes:
        run: Id of the run.
        digest: ``sha256:<hex>`` of its ``run.yaml``.
        time: When it was signed, as the signer says: RFC 3339 UTC.
    """

    run: str
    digest: str
    time: str

    def text(self) -> str:
        """Return the text that is signed."""
        return f"runref signature 1\nrun {self.run}\nrun.yaml {self.digest}\ntime {self.time}\n"


def parse_statement(text: str) -> Statement:
    """Read a statement.

    Raises:
        MalformedStatement: `text` is not exactly of this form.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise MalformedStatement("the signed text is no statement about a run")
    return Statement(found["run"], found["digest"], found["time"])
