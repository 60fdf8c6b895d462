"""The place of this process in a distributed job, as its launcher put it into the environment."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rank:
    """One process of a job.

    Attributes:
        rank: 0 for the process that opens the run. Unique within the job.
        world_size: Processes in the job; 1 where it is not distributed.
        job: A key that all processes of one launch share; empty where it is not distributed. Two
            launches have different keys as far as launchers tell them apart. Outside a scheduler,
            MPICH's Hydra does not, nor does torchrun with one address and port and no
            ``--rdzv-id``: who looks a run up by this key has to check that it is live.
    """

    rank: int = 0
    world_size: int = 1
    job: str = ""


_SCHEDULER = ("SLURM_JOB_ID", "SLURM_RESTART_COUNT", "PBS_JOBID", "LSB_JOBID", "JOB_ID")
_TORCH = (
    "TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "MASTER_ADDR", "MASTER_PORT",
)  # fmt: skip
_LAUNCHERS = (
    # (variable with the rank, with the world's size, variables that name the launch)
    ("RANK", "WORLD_SIZE", _TORCH),
    (
        "OMPI_COMM_WORLD_RANK",
        "OMPI_COMM_WORLD_SIZE",
        ("PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid", "OMPI_MCA_orte_ess_jobid"),
    ),
    ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", ("MV2_COMM_WORLD_JOBID", "PMI_KVSNAME")),
    ("PMI_RANK", "PMI_SIZE", ("PMI_KVSNAME", "PMI_JOBID")),
    # Only a step started by srun has STEP_NUM_TASKS: a batch script that asked for four tasks and
    # starts python itself is one process.
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", ("SLURM_STEP_ID",)),
)


def rank_from(environ: Mapping[str, str]) -> Rank:
    """Return this process's place in its job.

    Read, in this order: torchrun (and all that set ``RANK`` and ``WORLD_SIZE``), Open MPI,
    MVAPICH2, MPICH and other PMI launchers, Slurm's ``srun``, Lightning. Variables that are no
    numbers, or that contradict one another, count as absent.
    """
    for rank_name, size_name, naming in _LAUNCHERS:
        rank, size = _number(environ, rank_name), _number(environ, size_name)
        if rank is not None and size is not None and rank < size:
            return Rank(rank, size, _job(environ, naming)) if size > 1 else Rank()
    return _lightning(environ)


def _lightning(environ: Mapping[str, str]) -> Rank:
    """Read what Lightning's own launcher sets: the global rank only exists inside the process."""
    local, size = _number(environ, "LOCAL_RANK"), _number(environ, "WORLD_SIZE")
    node = _number(environ, "NODE_RANK") or _number(environ, "GROUP_RANK") or 0
    if local is None or not (local or node or (size or 1) > 1):
        return Rank()
    # Without the number of processes a node has, the size of the world keeps ranks of different
    # nodes apart; they are names, nothing is computed from them.
    per_node = _number(environ, "LOCAL_WORLD_SIZE") or size or local + 1
    rank = node * per_node + local
    return Rank(rank, max(size or 0, rank + 1), _job(environ, _TORCH))


def _number(environ: Mapping[str, str], name: str) -> int | None:
    text = environ.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else None


def _job(environ: Mapping[str, str], naming: tuple[str, ...]) -> str:
    names = [f"{name}={environ[name]}" for name in (*_SCHEDULER, *naming) if name in environ]
    return hashlib.sha256("\0".join(names).encode("utf-8", "surrogateescape")).hexdigest()[:16]
