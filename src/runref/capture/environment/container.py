"""The container a process runs in, as far as it can be told from inside."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from runref.capture.environment.folded_home import folded


def container(environ: Mapping[str, str], root: Path, *, home: str) -> dict[str, object]:
    """Return runtime and image, where they are told; empty outside a container.

    Podman and Apptainer name the image. Docker does not: inside one, only that it is Docker can be
    known. A pod of Kubernetes is marked beside the runtime.
    """
    found = _runtime(environ, root, home)
    if "KUBERNETES_SERVICE_HOST" in environ:
        return {**found, "orchestrator": "kubernetes"}
    return found


def _runtime(environ: Mapping[str, str], root: Path, home: str) -> dict[str, object]:
    for variable in ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"):
        if image := environ.get(variable):
            return {"image": folded(image, home), "runtime": variable.partition("_")[0].lower()}
    podman = root / "run/.containerenv"
    if podman.exists():
        return {"runtime": "podman", **_podman(podman)}
    if (root / ".dockerenv").exists():
        return {"runtime": "docker"}
    if name := environ.get("container"):  # systemd's convention: lxc, systemd-nspawn, oci
        return {"runtime": name}
    return {}


def _podman(path: Path) -> dict[str, object]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")  # empty in rootless containers
    except OSError:
        return {}
    fields = dict(re.findall(r'^(\w+)="([^"]*)"$', text, re.MULTILINE))
    named = {"image": fields.get("image"), "image_id": fields.get("imageid")}
    return {key: value for key, value in named.items() if value}
