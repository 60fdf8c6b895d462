"""What numerical libraries were built with: it decides the last bits of a result.

Read from files of the installed packages and not from imported modules, so that it does not depend
on what a program imports before its run begins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

# torch/version.py: cuda: Optional[str] = '12.1'
_TORCH = re.compile(r"^(cuda|hip|git_version)\b[^=\n]*=\s*'([^'\n]+)'", re.MULTILINE)
_BLAS = re.compile(r'"blas":\s*\{(?P<fields>[^}]*)\}')
_FIELD = re.compile(r'"(name|version)":\s*r?"([^"]*)"')


def numerical_libraries(search_path: Sequence[str]) -> dict[str, object]:
    """Return CUDA or HIP and commit of torch, and the BLAS of numpy and scipy, by package."""
    found: dict[str, object] = {}
    for package, file_name, read in (
        ("numpy", "__config__.py", _blas),
        ("scipy", "__config__.py", _blas),
        ("torch", "version.py", _torch),
    ):
        places = (Path(folder, package, file_name) for folder in search_path)
        place = next(filter(Path.is_file, places), None)
        if place is not None and (described := read(place)):
            found[package] = described
    return found


def _torch(path: Path) -> dict[str, str]:
    text = path.read_text(encoding="utf-8", errors="replace")
    return dict(sorted(_TORCH.findall(text)))


def _blas(path: Path) -> dict[str, str]:
    found = _BLAS.search(path.read_text(encoding="utf-8", errors="replace"))
    fields = dict(_FIELD.findall(found["fields"])) if found else {}
    named = " ".join(fields[key] for key in ("name", "version") if fields.get(key))
    return {"blas": named} if named else {}
