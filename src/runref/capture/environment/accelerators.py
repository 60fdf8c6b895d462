"""GPUs, their drivers and the CUDA toolkit, read from the kernel without starting a process.

Neither the serial number of a card nor its UUID is kept: an environment is what another machine can
be equal to, and the cards of a cluster's nodes are equal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_NVIDIA_VERSION = re.compile(r"Kernel Module(?: for \S+)?\s+([0-9][0-9.]*)")
_AMD = "0x1002"


def accelerators(environ: Mapping[str, str], root: Path) -> dict[str, object]:
    """Return ``gpus``, ``drivers`` and the CUDA toolkit's version; empty without any.

    A card has its vendor and, where the kernel tells them, its model and memory in bytes; NVIDIA's
    driver tells no memory. Cards are in the order of their addresses on the bus, which is that of
    ``CUDA_DEVICE_ORDER=PCI_BUS_ID``.
    """
    found: dict[str, object] = {}
    if gpus := [*_nvidia(root), *_amd(root)]:
        found["gpus"] = gpus
    drivers = {"nvidia": _nvidia_driver(root), "amdgpu": _amd_driver(root)}
    if known := {name: version for name, version in sorted(drivers.items()) if version}:
        found["drivers"] = known
    if toolkit := _cuda_toolkit(environ, root):
        found["cuda_toolkit"] = toolkit
    return found


def _nvidia(root: Path) -> list[dict[str, object]]:
    gpus: list[dict[str, object]] = []
    for path in sorted(root.glob("proc/driver/nvidia/gpus/*/information")):
        fields = dict(re.findall(r"^([^:\n]+):[ \t]*(.*?)[ \t]*$", _text(path), re.MULTILINE))
        gpus.append({"model": fields.get("Model", ""), "vendor": "NVIDIA"})
    return gpus


def _nvidia_driver(root: Path) -> str:
    found = _NVIDIA_VERSION.search(_text(root / "proc/driver/nvidia/version"))
    return found[1] if found else ""


def _amd(root: Path) -> list[dict[str, object]]:
    by_address: dict[str, dict[str, object]] = {}
    for card in root.glob("sys/class/drm/card[0-9]*"):
        device = card / "device"
        if _text(device / "vendor") != _AMD:  # another maker, or a connector such as card0-DP-1
            continue
        memory = _text(device / "mem_info_vram_total")
        gpu: dict[str, object] = {"vendor": "AMD"}
        if memory.isdigit():
            gpu["memory"] = int(memory)
        # Only server cards have a product name; the device's number tells the others.
        gpu["model"] = _text(device / "product_name") or f"device {_text(device / 'device')}"
        by_address[device.resolve().name] = {key: gpu[key] for key in sorted(gpu)}
    return [by_address[address] for address in sorted(by_address)]


def _amd_driver(root: Path) -> str:
    return _text(root / "sys/module/amdgpu/version")


def _cuda_toolkit(environ: Mapping[str, str], root: Path) -> str:
    place = environ.get("CUDA_HOME") or environ.get("CUDA_PATH") or "/usr/local/cuda"
    folder = root / place.lstrip("/")
    if found := re.search(
        r'"cuda"\s*:\s*\{[^}]*"version"\s*:\s*"([0-9.]+)"', _text(folder / "version.json")
    ):
        return found[1]
    found = re.search(r"CUDA Version ([0-9.]+)", _text(folder / "version.txt"))  # before CUDA 11
    return found[1] if found else ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
