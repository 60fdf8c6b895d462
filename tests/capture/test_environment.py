from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runref.capture.environment.accelerators import accelerators
from runref.capture.environment.container import container
from runref.capture.environment.document import capture_environment
from runref.capture.environment.folded_home import folded
from runref.capture.environment.hardware import memory, processor
from runref.capture.environment.interpreter import (
    interpreter_at,
    interpreter_of,
    other_interpreter,
    this_interpreter,
)
from runref.capture.environment.libraries import numerical_libraries
from runref.capture.environment.operating_system import operating_system
from runref.model.codec import dump_yaml, load_yaml

CAPTURE = """
import os, sys
from runref.capture.environment.document import capture_environment
from runref.model.codec import dump_yaml
sys.stdout.buffer.write(dump_yaml(capture_environment(os.environ)))
"""


def write(root: Path, path: str, content: str) -> Path:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(content)
    return root / path


def test_two_processes_have_one_document(tmp_path: Path) -> None:
    documents = set()
    for number, hash_seed in enumerate(("0", "1")):
        folder = tmp_path / str(number)
        folder.mkdir()
        program = "import numpy, random\n" + CAPTURE if number else CAPTURE
        environ = {**os.environ, "PYTHONHASHSEED": hash_seed}
        documents.add(
            subprocess.run(
                [sys.executable, "-c", program],
                cwd=folder,
                env=environ,
                capture_output=True,
                check=True,
            ).stdout
        )
    (document,) = documents
    assert load_yaml(document)["python"]["version"].startswith("3.")


def test_the_document_names_what_a_result_depends_on() -> None:
    document = capture_environment(os.environ)
    assert {"python", "packages", "os", "cpu", "memory"} <= document.keys()
    numpy = next(each for each in document["packages"] if each["name"] == "numpy")
    assert numpy["version"] == sys.modules["numpy"].__version__ if "numpy" in sys.modules else True
    assert load_yaml(dump_yaml(document)) == document


def test_capture_imports_nothing_of_the_programs() -> None:
    program = CAPTURE + "\nassert not {'numpy', 'torch', 'email'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)


def test_the_interpreter_is_told_exactly() -> None:
    described = this_interpreter(home=str(Path(sys.prefix).parent)).description
    assert described["version"] == sys.version.split()[0]
    assert str(described["build"]) in sys.version
    assert str(described["compiler"]) in sys.version
    assert described["prefix"] == f"~/{Path(sys.prefix).name}"


@pytest.fixture(scope="session")
def other_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("other") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin" / "python"


def test_another_environment_is_asked(other_python: Path) -> None:
    argv = [str(other_python), "train.py"]
    document = capture_environment(os.environ, interpreter=interpreter_of(argv, os.environ))
    assert document["python"]["environment"] == {"kind": "venv", "name": "venv"}
    names = {package["name"] for package in document.get("packages", ())}
    assert "runref" not in names
    assert "runref" in {package["name"] for package in capture_environment(os.environ)["packages"]}


def test_the_python_of_a_script_counts(other_python: Path, tmp_path: Path) -> None:
    script = write(tmp_path, "torchrun", f"#!{other_python}\nimport sys\n")
    script.chmod(0o755)
    assert other_interpreter([str(script), "train.py"], os.environ) == str(other_python)


def test_this_environment_is_not_asked_again() -> None:
    environ = {**os.environ, "PATH": str(Path(sys.executable).parent)}
    assert other_interpreter(["python", "train.py"], environ) == ""
    assert other_interpreter(["no-such-program"], environ) == ""
    assert other_interpreter(["/bin/sh", "-c", "true"], environ) == ""


def test_what_is_no_python_is_not_taken_for_one(tmp_path: Path) -> None:
    impostor = write(tmp_path, "python3", "#!/bin/sh\necho hello\n")
    impostor.chmod(0o755)
    interpreter = interpreter_of([str(impostor)], os.environ)
    assert interpreter == interpreter_at(str(impostor), os.environ)
    described = interpreter.description
    assert described == {"executable": str(impostor), "problem": "it does not answer as a Python"}
    assert "packages" not in capture_environment(os.environ, interpreter=interpreter)


def test_a_home_is_folded_at_the_start_of_a_path_only() -> None:
    assert folded("/home/ada/x", "/home/ada/") == "~/x"
    assert folded("/home/ada", "/home/ada") == "~"
    assert folded("/home/adam/x", "/home/ada") == "/home/adam/x"
    assert folded("/srv/home/ada/x", "/home/ada") == "/srv/home/ada/x"
    assert folded("/x", "") == "/x"


def test_the_distribution_is_named(tmp_path: Path) -> None:
    write(tmp_path, "usr/lib/os-release", '# vendor\nNAME="Debian"\nPRETTY_NAME="Debian 12"\n')
    assert operating_system(tmp_path)["distribution"] == "Debian 12"
    write(tmp_path, "etc/os-release", "NAME=Alpine\n")
    assert operating_system(tmp_path)["distribution"] == "Alpine"
    assert "distribution" not in operating_system(tmp_path / "none")


X86 = """processor\t: 0
vendor_id\t: AuthenticAMD
model name\t: AMD EPYC 7763 64-Core  Processor
cpu MHz\t\t: 2450.000
flags\t\t: fpu sse4_2 avx avx2 fma f16c avx512f nopl

processor\t: 1
model name\t: another
"""
ARM = """processor\t: 0
BogoMIPS\t: 243.75
Features\t: fp asimd evtstrm aes sve asimddp
CPU implementer\t: 0x41
CPU part\t: 0xd40
"""


def test_the_processor_of_a_pc(tmp_path: Path) -> None:
    write(tmp_path, "proc/cpuinfo", X86)
    write(tmp_path, "sys/devices/system/cpu/cpu0/topology/thread_siblings_list", "0,64\n")
    described = processor(tmp_path)
    assert described["model"] == "AMD EPYC 7763 64-Core Processor"
    assert described["vector_extensions"] == ["avx", "avx2", "avx512f", "f16c", "fma", "sse4_2"]
    assert described["physical"] == max((os.cpu_count() or 0) // 2, 1)


def test_the_processor_of_an_arm_server(tmp_path: Path) -> None:
    write(tmp_path, "proc/cpuinfo", ARM)
    described = processor(tmp_path)
    assert described["model"] == "Arm implementer 0x41 part 0xd40"
    assert described["vector_extensions"] == ["asimd", "asimddp", "sve"]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux has affinity")
def test_only_the_cores_this_process_may_use_are_available(tmp_path: Path) -> None:
    program = (
        "import os; from pathlib import Path; os.sched_setaffinity(0, {0});"
        "from runref.capture.environment.hardware import processor; "
        "print(processor(Path('/'))['available'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"1\n"


def test_memory_is_what_the_kernel_counts() -> None:
    total = memory()["total"]
    assert abs(total - os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")) <= 128 << 20


NVIDIA_INFORMATION = """Model: \t\t NVIDIA A100-SXM4-80GB
IRQ:   \t\t 131
GPU UUID: \t GPU-00000000-1111-2222-3333-444444444444
Video BIOS: \t 92.00.45.00.03
Bus Type: \t PCIe
DMA Size: \t 47 bits
DMA Mask: \t 0x7fffffffffff
Bus Location: \t 0000:07:00.0
Device Minor: \t 0
GPU Excluded:\t No
"""


@pytest.mark.parametrize(
    "line",
    [
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 01:44:30 UTC 2024",
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.14  Release Build  (b@h)",
    ],
)
def test_nvidia_cards(tmp_path: Path, line: str) -> None:
    write(tmp_path, "proc/driver/nvidia/version", line + "\nGCC version:  gcc version 12.2.0\n")
    write(tmp_path, "proc/driver/nvidia/gpus/0000:0f:00.0/information", NVIDIA_INFORMATION)
    other = NVIDIA_INFORMATION.replace("NVIDIA A100-SXM4-80GB", "Tesla V100-PCIE-16GB")
    write(tmp_path, "proc/driver/nvidia/gpus/0000:07:00.0/information", other)
    write(
        tmp_path, "usr/local/cuda/version.json", '{\n "cuda" : {"name": "x", "version": "12.4.1"}}'
    )
    found = accelerators({}, tmp_path)
    assert found == {
        "gpus": [
            {"model": "Tesla V100-PCIE-16GB", "vendor": "NVIDIA"},
            {"model": "NVIDIA A100-SXM4-80GB", "vendor": "NVIDIA"},
        ],
        "drivers": {"nvidia": "550.54.14"},
        "cuda_toolkit": "12.4.1",
    }
    assert "GPU-0000" not in repr(found)


def test_amd_cards(tmp_path: Path) -> None:
    for card, address, name in (
        ("card1", "0000:03:00.0", "AMD Instinct MI210"),
        ("card0", "0000:05:00.0", ""),
    ):
        device = tmp_path / "sys/devices" / address
        for file, content in {
            "vendor": "0x1002\n", "device": "0x740f\n", "mem_info_vram_total": "68702699520\n",
            "product_name": name,
        }.items():  # fmt: skip
            write(device, file, content)
        (tmp_path / f"sys/class/drm/{card}").mkdir(parents=True)
        (tmp_path / f"sys/class/drm/{card}/device").symlink_to(device)
        (tmp_path / f"sys/class/drm/{card}-DP-1").mkdir()
    write(tmp_path, "sys/class/drm/card2/device/vendor", "0x8086\n")
    write(tmp_path, "sys/module/amdgpu/version", "6.8.5\n")
    assert accelerators({}, tmp_path) == {
        "gpus": [
            {"memory": 68702699520, "model": "AMD Instinct MI210", "vendor": "AMD"},
            {"memory": 68702699520, "model": "device 0x740f", "vendor": "AMD"},
        ],
        "drivers": {"amdgpu": "6.8.5"},
    }


def test_the_cuda_toolkit_is_where_the_environment_says(tmp_path: Path) -> None:
    write(tmp_path, "opt/cuda-10/version.txt", "CUDA Version 10.0.130\n")
    assert accelerators({"CUDA_HOME": "/opt/cuda-10"}, tmp_path) == {"cuda_toolkit": "10.0.130"}
    assert accelerators({}, tmp_path) == {}


PODMAN = """engine="podman-4.9.3"
name="x"
image="docker.io/py:3"
imageid="ab"
rootless=1
"""


@pytest.mark.parametrize(
    ("files", "environ", "expected"),
    [
        ({}, {}, {}),
        ({".dockerenv": ""}, {}, {"runtime": "docker"}),
        (
            {"run/.containerenv": PODMAN},
            {},
            {"runtime": "podman", "image": "docker.io/py:3", "image_id": "ab"},
        ),
        ({"run/.containerenv": ""}, {}, {"runtime": "podman"}),
        (
            {},
            {"APPTAINER_CONTAINER": "/home/ada/x.sif", "SINGULARITY_CONTAINER": "/x"},
            {"runtime": "apptainer", "image": "~/x.sif"},
        ),
        ({}, {"SINGULARITY_CONTAINER": "/x.sif"}, {"runtime": "singularity", "image": "/x.sif"}),
        ({}, {"container": "systemd-nspawn"}, {"runtime": "systemd-nspawn"}),
        ({".dockerenv": ""}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"},
         {"runtime": "docker", "orchestrator": "kubernetes"}),
    ],
)  # fmt: skip
def test_containers(
    tmp_path: Path, files: dict[str, str], environ: dict[str, str], expected: dict[str, str]
) -> None:
    for path, content in files.items():
        write(tmp_path, path, content)
    assert container(environ, tmp_path, home="/home/ada") == expected


TORCH_VERSION = """from typing import Optional

__all__ = ['__version__', 'debug', 'cuda', 'git_version', 'hip']
__version__ = '2.3.0+cu121'
debug = False
cuda: Optional[str] = '12.1'
git_version = '97ff6cfd9c86c5c09d7ce775ab64ec5c99230f5d'
hip: Optional[str] = None
"""


def test_numerical_libraries_are_read_without_an_import(tmp_path: Path) -> None:
    write(tmp_path, "torch/version.py", TORCH_VERSION)
    assert numerical_libraries(["/nowhere", str(tmp_path)]) == {
        "torch": {"cuda": "12.1", "git_version": "97ff6cfd9c86c5c09d7ce775ab64ec5c99230f5d"}
    }
    assert "openblas" in numerical_libraries(sys.path)["numpy"]["blas"]
