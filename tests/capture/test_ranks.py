from __future__ import annotations

import pytest

from runref.capture.ranks import Rank, rank_from

TORCHRUN = {
    "RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2", "GROUP_RANK": "1",
    "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29500", "TORCHELASTIC_RUN_ID": "job7",
    "TORCHELASTIC_RESTART_COUNT": "0",
}  # fmt: skip
OPEN_MPI = {
    "OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4", "PMIX_NAMESPACE": "prterun-n1-77@1",
}  # fmt: skip
MPICH = {"PMI_RANK": "3", "PMI_SIZE": "4", "PMI_HOSTNAME": "n1", "PMI_FD": "9", "SLURM_JOB_ID": "5"}
SRUN = {
    "SLURM_JOB_ID": "55", "SLURM_STEP_ID": "2", "SLURM_PROCID": "3", "SLURM_NTASKS": "4",
    "SLURM_STEP_NUM_TASKS": "4",
}  # fmt: skip
LIGHTNING = {
    "LOCAL_RANK": "1", "NODE_RANK": "1", "WORLD_SIZE": "4", "MASTER_ADDR": "n1",
    "MASTER_PORT": "3456",
}  # fmt: skip

LAUNCHERS = {
    "torchrun": (TORCHRUN, "RANK", "TORCHELASTIC_RUN_ID"),
    "open-mpi": (OPEN_MPI, "OMPI_COMM_WORLD_RANK", "PMIX_NAMESPACE"),
    "mpich": (MPICH, "PMI_RANK", "SLURM_JOB_ID"),
    "srun": (SRUN, "SLURM_PROCID", "SLURM_STEP_ID"),
}


@pytest.mark.parametrize(("environ", "rank", "launch"), LAUNCHERS.values(), ids=LAUNCHERS)
def test_ranks_of_one_launch_share_a_key(environ: dict[str, str], rank: str, launch: str) -> None:
    mine = rank_from(environ)
    first = rank_from({**environ, rank: "0"})
    assert (mine.rank, mine.world_size) == (3, 4)
    assert (first.rank, first.world_size) == (0, 4)
    assert mine.job == first.job != ""
    assert rank_from({**environ, launch: "another"}).job != mine.job


def test_mpichs_ranks_on_two_hosts_share_a_key() -> None:
    there = {**MPICH, "PMI_RANK": "0", "PMI_HOSTNAME": "n2", "PMI_FD": "11"}
    assert rank_from(there).job == rank_from(MPICH).job


def test_a_restart_by_torchrun_is_another_launch() -> None:
    again = rank_from({**TORCHRUN, "TORCHELASTIC_RESTART_COUNT": "1"})
    assert again.job != rank_from(TORCHRUN).job


def test_lightnings_ranks_differ_between_nodes() -> None:
    ranks = [
        rank_from({**LIGHTNING, "NODE_RANK": node, "LOCAL_RANK": local})
        for node in "01"
        for local in "01"
    ]
    assert ranks[0].rank == 0
    assert len({each.rank for each in ranks}) == 4
    assert len({each.job for each in ranks}) == 1


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"RANK": "0", "WORLD_SIZE": "1"},
        {"RANK": "x", "WORLD_SIZE": "2"},
        {"RANK": "5", "WORLD_SIZE": "2"},
        {"LOCAL_RANK": "0"},
        {"SLURM_JOB_ID": "55", "SLURM_PROCID": "0", "SLURM_NTASKS": "4"},  # a batch script itself
    ],
)
def test_a_single_process_is_no_job(environ: dict[str, str]) -> None:
    assert rank_from(environ) == Rank(0, 1, "")


def test_a_launcher_inside_a_slurm_step_is_the_nearer_one() -> None:
    inside = rank_from({**SRUN, **TORCHRUN, "RANK": "1", "WORLD_SIZE": "2"})
    assert (inside.rank, inside.world_size) == (1, 2)
