"""Generated parts of documents: what stands between two comments is written by a function.

::

    <!-- generated: commands -->
    …
    <!-- end of generated -->
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import command_help
import error_codes
import field_tables
import python_interface

GENERATORS: Mapping[str, Callable[[], str]] = {
    "commands": command_help.all_commands,
    "errors": error_codes.error_table,
    "notices": error_codes.notice_table,
    "functions": python_interface.functions,
    "methods of Run": python_interface.methods_of_run,
    "methods of History": python_interface.methods_of_history,
    "members of PastRun": python_interface.members_of_past_run,
    "fields of run.yaml": lambda: field_tables.field_table("run"),
    "fields of metrics.jsonl": lambda: field_tables.field_table("metrics"),
    "fields of annotations": lambda: field_tables.field_table("annotation"),
    "fields of tombstones": lambda: field_tables.field_table("tombstone"),
    "fields of the directory manifest": field_tables.manifest_table,
    "settings": lambda: field_tables.field_table("config"),
    "settings file": python_interface.settings_file,
}
"""What can be generated, by the name that the comment gives."""

_BLOCK = re.compile(
    r"(?P<open><!-- generated: (?P<name>[^\n]+?) -->\n).*?(?P<close><!-- end of generated -->)",
    re.DOTALL,
)


def filled(text: str) -> str:
    """Return a document with all its generated parts as they should be now.

    Raises:
        KeyError: it asks for a part that nothing generates.
    """
    return _BLOCK.sub(
        lambda block: f"{block['open']}\n{GENERATORS[block['name']]().strip()}\n\n{block['close']}",
        text,
    )


def names_in(text: str) -> list[str]:
    """Return the names of the generated parts of a document."""
    return [block["name"] for block in _BLOCK.finditer(text)]
