"""Processor and memory, read from the kernel without starting a process."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

_FIRST_PROCESSOR = 8192
"""Bytes of ``cpuinfo`` that hold the first processor; all of 256 take milliseconds to write."""
_STEP = 256 << 20
"""Machines of one model differ by some MiB in what firmware leaves over; 256 MiB hides that."""
# Numerical libraries choose their kernels by these, and with the kernels the last bits change.
_VECTOR = re.compile(
    r"sse4_2|avx|avx2|avx_vnni|fma|f16c|avx512(?:f|dq|bw|vl|_vnni|_bf16|_fp16)|amx_\w+"
    r"|asimd|asimddp|asimdhp|bf16|i8mm|sve|sve2|sme"
)


def processor(root: Path) -> dict[str, object]:
    """Return model, numbers of cores, and the vector extensions that numerical libraries use.

    ``available`` is what this process may use: a scheduler's share counts, not the machine.
    """
    logical = os.cpu_count() or 0
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else logical
    described: dict[str, object] = {"logical": logical, "available": available}
    if threads := _threads_per_core(root):
        described["physical"] = max(logical // threads, 1)
    text = _first_processor(root)
    if model := _model(text):
        described["model"] = model
    if extensions := _vector_extensions(text):
        described["vector_extensions"] = extensions
    return described


def memory() -> dict[str, object]:
    """Return the machine's memory in bytes, to the nearest 256 MiB."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"total": max(round(total / _STEP), 1) * _STEP}


def _first_processor(root: Path) -> str:
    try:
        with (root / "proc/cpuinfo").open("rb", buffering=0) as file:
            return file.read(_FIRST_PROCESSOR).decode("utf-8", "replace").partition("\n\n")[0]
    except OSError:
        return ""


def _model(text: str) -> str:
    fields = {
        key.strip(): value.strip()
        for key, _, value in (line.partition(":") for line in text.splitlines())
    }
    if model := fields.get("model name") or fields.get("cpu"):  # the latter on POWER
        return re.sub(r"\s+", " ", model)
    if "CPU part" in fields:  # Arm has numbers only
        return f"Arm implementer {fields.get('CPU implementer', '?')} part {fields['CPU part']}"
    return _darwin_model() if sys.platform == "darwin" else ""


def _vector_extensions(text: str) -> list[str]:
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return sorted(flag for flag in found[1].split() if _VECTOR.fullmatch(flag)) if found else []


def _threads_per_core(root: Path) -> int:
    place = root / "sys/devices/system/cpu/cpu0/topology/thread_siblings_list"
    try:
        text = place.read_text(encoding="ascii").strip()
    except OSError:
        return 0
    ranges = [part.split("-") for part in text.split(",") if part]  # "0,64" or "0-1"
    return sum(int(each[-1]) - int(each[0]) + 1 for each in ranges)


def _darwin_model() -> str:
    import ctypes

    name, size = ctypes.create_string_buffer(256), ctypes.c_size_t(256)
    library = ctypes.CDLL(None)
    failed = library.sysctlbyname(b"machdep.cpu.brand_string", name, ctypes.byref(size), None, 0)
    return "" if failed else name.value.decode("utf-8", "replace")
