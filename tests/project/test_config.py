"""The settings file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runref.model.codec import load_yaml
from runref.model.schema import validate
from runref.project.config import (
    CONFIG_NAME,
    TEMPLATE,
    Config,
    InvalidConfig,
    load_config,
    parse_size,
)


def write(folder: Path, text: str) -> Path:
    (folder / CONFIG_NAME).write_text(text)
    return folder


def uncommented() -> str:
    """Return the template with every setting switched on; sentences stay comments."""
    return re.sub(r"^# ?(?=[a-z_ ]+:)", "", TEMPLATE, flags=re.MULTILINE)


@pytest.mark.parametrize("text", ["", "\n", TEMPLATE, "# nothing\n"])
def test_an_empty_file_means_the_defaults(tmp_path: Path, text: str) -> None:
    assert load_config(write(tmp_path, text)) == Config()


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    assert load_config(tmp_path) == Config()


def test_the_template_names_every_setting_with_its_default(tmp_path: Path) -> None:
    document = load_yaml(uncommented().encode())
    validate("config", document)
    assert set(document) == set(Config.__slots__)
    del document["experiment"], document["spool"]  # examples: their default is empty
    config = load_config(write(tmp_path, uncommented()))
    assert config.experiment == "digits"
    assert config.spool == "/nfs/team/runref"
    assert config.tracking().snapshot == Config().tracking().snapshot
    assert config.tracking().console_limit == Config().tracking().console_limit
    assert config.fsync is Config().fsync
    assert config.inputs == config.outputs == config.environment.variables == ()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("experimnt: x\n", "experimnt"),
        ("snapshot: {max_size: 1}\n", "max_size"),
        ("artifacts: {link: soft}\n", "'soft' is not copy or hard"),
        ("snapshot: {max_file_size: big}\n", "'big' is no size"),
        ("console: {max_size: [1]}\n", "is no size"),
        ("inputs: data.csv\n", "data.csv"),
        ("fsync: maybe\n", "maybe"),
        ("- a list\n", "not a YAML mapping"),
        ("a: [\n", "not readable as YAML"),
    ],
)
def test_what_cannot_be_understood_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        load_config(write(tmp_path, text))
    assert named in caught.value.message
    assert str(tmp_path / CONFIG_NAME) in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, 0),
        (1048576, 1 << 20),
        ("512", 512),
        ("512 B", 512),
        ("1 KiB", 1024),
        ("1kb", 1000),
        ("1.5 GiB", 3 << 29),
        (" 2 TB ", 2 * 10**12),
    ],
)
def test_sizes(size: object, expected: int) -> None:
    assert parse_size(size) == expected


@pytest.mark.parametrize("size", [-1, True, 1.5, "", "1 XB", "KiB", None, "-1"])
def test_what_is_no_size(size: object) -> None:
    with pytest.raises(InvalidConfig):
        parse_size(size)
