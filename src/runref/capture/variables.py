"""Environment variables that change what a run computes, and no others.

An allow-list, since an environment is full of keys and of things that mean nothing elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import translate
from functools import cache

from runref.capture.secrecy import masked_value

# One string a topic, split at blanks: a list of eighty names reads badly one a line.
_PYTHON = """PYTHONHASHSEED PYTHONPATH PYTHONOPTIMIZE PYTHONWARNINGS PYTHONDEVMODE PYTHONNOUSERSITE
    PYTHONUTF8 PYTHON_GIL VIRTUAL_ENV CONDA_DEFAULT_ENV"""
_LIBRARIES = """OMP_* KMP_* MKL_* OPENBLAS_* BLIS_* NUMEXPR_* VECLIB_* GOTO_* NUMBA_* NPY_* TBB_*
    MALLOC_ARENA_MAX LD_PRELOAD LD_LIBRARY_PATH"""
_ACCELERATORS = """CUDA_* CUBLAS_* CUDNN_* NVIDIA_* NCCL_* HIP_* ROCR_* HSA_* MIOPEN_* RCCL_*
    GPU_DEVICE_ORDINAL ZE_AFFINITY_MASK TPU_*"""
_FRAMEWORKS = """TORCH_* TORCHINDUCTOR_* TORCHDYNAMO_* PYTORCH_* GLOO_* XLA_* JAX_* TRITON_* KERAS_*
    TF_CPP_* TF_CUDNN_* TF_DETERMINISTIC_OPS TF_ENABLE_* TF_FORCE_* TF_GPU_* TF_NUM_* TF_USE_*
    TF_XLA_* XGBOOST_* LIGHTNING_* PL_* DS_* ACCELERATE_* HYDRA_FULL_ERROR HF_HUB_OFFLINE HF_HOME
    HF_HUB_CACHE HF_DATASETS_* TRANSFORMERS_* TOKENIZERS_*"""
_JOBS = """RANK WORLD_SIZE LOCAL_RANK LOCAL_WORLD_SIZE GROUP_RANK NODE_RANK MASTER_ADDR MASTER_PORT
    OMPI_COMM_WORLD_* PMI_RANK PMI_SIZE SLURM_JOB_ID SLURM_JOB_NAME SLURM_JOB_PARTITION
    SLURM_JOB_NODELIST SLURM_JOB_NUM_NODES SLURM_STEP_ID SLURM_STEP_NUM_TASKS SLURM_NTASKS
    SLURM_PROCID SLURM_CPUS_PER_TASK SLURM_GPUS* SLURM_ARRAY_JOB_ID SLURM_ARRAY_TASK_ID
    SLURM_RESTART_COUNT PBS_JOBID PBS_ARRAY_INDEX LSB_JOBID LSB_JOBINDEX JOB_ID SGE_TASK_ID"""
_FORMATS = "LANG LC_ALL LC_NUMERIC TZ"

ALLOWED = tuple(f"{_PYTHON} {_LIBRARIES} {_ACCELERATORS} {_FRAMEWORKS} {_JOBS} {_FORMATS}".split())
"""Shell patterns of the names whose values are recorded."""


def capture_variables(environ: Mapping[str, str], extra: Sequence[str] = ()) -> dict[str, str]:
    """Return the variables of `environ` that `ALLOWED` or the patterns in `extra` name, sorted.

    A variable whose name or value looks secret stands there with a mask for its value, also where
    `extra` names it: that it was set is worth knowing. URLs lose their credentials.
    """
    wanted = _matcher((*ALLOWED, *extra))
    return {
        name: masked_value(name, environ[name]) for name in sorted(environ) if wanted.match(name)
    }


@cache
def _matcher(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(translate(pattern) for pattern in patterns))
