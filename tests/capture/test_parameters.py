from __future__ import annotations

import shlex
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.capture.command.command_line import program_arguments
from runref.capture.command.parameters import (
    ParameterNotUnderstood,
    parameters_from_command,
    parse_given,
    redact_command,
)
from runref.capture.secrecy import MASK
from runref.model.record import Parameter


@pytest.mark.parametrize(
    "command",
    [
        "python train.py --lr 0.1 in.csv",
        "python3.12 -u train.py --lr 0.1 in.csv",
        "/opt/py/bin/python -X dev -W error -OO train.py --lr 0.1 in.csv",
        "python -m pkg.train --lr 0.1 in.csv",
        "python -um pkg.train --lr 0.1 in.csv",
        "python -mpkg.train --lr 0.1 in.csv",
        "python -c 'print(1)' --lr 0.1 in.csv",
        "python -- train.py --lr 0.1 in.csv",
        "./train --lr 0.1 in.csv",
        "train.py --lr 0.1 in.csv",
        "bash run.sh --lr 0.1 in.csv",
        "bash -x run.sh --lr 0.1 in.csv",
        "julia --project=. train.jl --lr 0.1 in.csv",
        "torchrun --nproc_per_node 2 train.py --lr 0.1 in.csv",
        "torchrun --nproc_per_node=2 -m pkg.train --lr 0.1 in.csv",
        "python -m torch.distributed.run --nnodes 2 train.py --lr 0.1 in.csv",
        "accelerate launch --config_file c.yaml train.py --lr 0.1 in.csv",
        "accelerate launch -m pkg.train --lr 0.1 in.csv",
        "mpirun -n 4 python train.py --lr 0.1 in.csv",
        "mpirun --hostfile /etc/hosts -n 4 ./train --lr 0.1 in.csv",
        "mpirun -n 4 ./train.py --lr 0.1 in.csv",
        "srun -n 4 -m block python -u train.py --lr 0.1 in.csv",
        "srun torchrun --nproc_per_node 2 train.py --lr 0.1 in.csv",
        "uv run train.py --lr 0.1 in.csv",
        "uv run --with numpy python train.py --lr 0.1 in.csv",
        "uv run train --lr 0.1 in.csv",
        "conda run -n env python train.py --lr 0.1 in.csv",
        "env OMP_NUM_THREADS=1 python train.py --lr 0.1 in.csv",
        "OMP_NUM_THREADS=1 python train.py --lr 0.1 in.csv",
        "nohup nice -n 5 python train.py --lr 0.1 in.csv",
        "deepspeed --num_gpus 2 train.py --lr 0.1 in.csv",
    ],
)
def test_only_the_programs_own_arguments_count(command: str) -> None:
    assert program_arguments(shlex.split(command)) == ["--lr", "0.1", "in.csv"]


@pytest.mark.parametrize("command", ["", "python", "python -u", "A=1", "torchrun", "python -m"])
def test_a_command_without_arguments_has_none(command: str) -> None:
    assert program_arguments(shlex.split(command)) == []


def parameters(arguments: str) -> dict[str, object]:
    found = parameters_from_command(["python", "train.py", *shlex.split(arguments)])
    assert {each.source for each in found.values()} <= {"command-line"}
    return {name: each.value for name, each in found.items()}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("--lr 0.1 --name=a=b --amp", {"lr": 0.1, "name": "a=b", "amp": True}),
        ("--learning-rate 1e-4", {"learning_rate": 1e-4}),
        ("--amp --no-cuda --epochs 3", {"amp": True, "cuda": False, "epochs": 3}),
        ("--no-op-size 3", {"no_op_size": 3}),
        ("--shift -3 --low -1e-4 --x -.5", {"shift": -3, "low": -1e-4, "x": -0.5}),
        ("-b 32 -j4 -lr 0.1 -v", {"b": 32, "j": 4, "lr": 0.1, "v": True}),
        ("--tag a --tag b --tag 3", {"tag": ["a", "b", 3]}),
        ("--layers 64 64 32 --lr 1", {"layers": [64, 64, 32], "lr": 1}),
        ("--empty= --flag", {"empty": "", "flag": True}),
        ("--lr 0.1 -- --not-option 3 a=1", {"lr": 0.1, "a": 1}),
        ("- data.csv", {}),
        ("optimizer.lr=0.1 +extra=x ++force=true ~gone ~old=1",
         {"optimizer.lr": 0.1, "extra": "x", "force": True, "gone": None, "old": None}),
        ("-m lr=0.1,0.2 db=[1,2] hydra/launcher=slurm db@pkg=my",
         {"m": True, "lr": "0.1,0.2", "db": [1, 2], "hydra/launcher": "slurm", "db@pkg": "my"}),
        ("lr=1 lr=2", {"lr": 2}),
        ("https://host/a?b=c x==1", {}),
        ("--api-key abc --hf_token=x token=y", {"api_key": MASK, "hf_token": MASK, "token": MASK}),
        ("--use_auth_token --max_tokens 512", {"use_auth_token": True, "max_tokens": 512}),
        ("--repo https://u:p@host/x", {"repo": "https://host/x"}),
        ("--größe 3", {"größe": 3}),
    ],
)  # fmt: skip
def test_parameters_are_read_as_documented(arguments: str, expected: dict[str, object]) -> None:
    assert parameters(arguments) == expected


def test_a_parameter_says_where_it_was_read() -> None:
    found = parameters_from_command(["train.py", "--lr", "0.1"])
    assert found == {"lr": Parameter(0.1, "command-line")}


def test_given_parameters() -> None:
    assert parse_given("lr=0.1") == ("lr", 0.1)
    assert parse_given("note=") == ("note", "")
    assert parse_given("a.b=x=y") == ("a.b", "x=y")
    assert parse_given("password=hunter2") == ("password", MASK)


@pytest.mark.parametrize("text", ["lr", "=3", " =3", ""])
def test_a_parameter_that_is_none_says_how_to_give_it(text: str) -> None:
    with pytest.raises(ParameterNotUnderstood) as caught:
        parse_given(text)
    assert repr(text) in caught.value.message
    assert "-p lr=0.1" in caught.value.hint


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("python t.py --token abc --lr 1", f"python t.py --token {MASK} --lr 1"),
        ("python t.py --password=abc", f"python t.py --password={MASK}"),
        ("python t.py --password 1234", f"python t.py --password {MASK}"),
        ("python t.py --password 1", f"python t.py --password {MASK}"),
        ("env HF_TOKEN=abc python t.py auth=x", f"env HF_TOKEN={MASK} python t.py auth={MASK}"),
        ("docker run -e API_KEY=x img", f"docker run -e API_KEY={MASK} img"),
        ("python t.py --use-auth-token --lr 1", "python t.py --use-auth-token --lr 1"),
        ("python t.py --use-auth-token true", "python t.py --use-auth-token true"),
        ("python t.py --max-tokens 5 --pad_token x", "python t.py --max-tokens 5 --pad_token x"),
        ("python t.py --data s3://k:s@bucket/x", "python t.py --data s3://bucket/x"),
        ("python t.py --x AKIAIOSFODNN7EXAMPLE", f"python t.py --x {MASK}"),
        ("python t.py --kaggle-key X --key X", f"python t.py --kaggle-key {MASK} --key {MASK}"),
        ("python t.py --openai_key=X", f"python t.py --openai_key={MASK}"),
        ("python t.py --use-auth-token=true", "python t.py --use-auth-token=true"),
        ("python t.py --key-dim 64 --num-keys=3 --query-key-value",
         "python t.py --key-dim 64 --num-keys=3 --query-key-value"),
        ("git clone me:X@host.org:a/b.git", "git clone me@host.org:a/b.git"),
    ],
)  # fmt: skip
def test_a_command_is_shown_without_its_secrets(command: str, shown: str) -> None:
    assert redact_command(command.split()) == shown.split()


def test_secrets_inside_a_shell_text_are_masked() -> None:
    text = "export HF_TOKEN=abc; python t.py --api-key xyz --lr 0.1 --max_tokens 5 'secret: q'"
    (shown,) = redact_command([text])
    assert shown == (
        f"export HF_TOKEN={MASK}; python t.py --api-key {MASK} --lr 0.1 --max_tokens 5 "
        f"'secret: {MASK}'"
    )


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("Authorization: token X", f"Authorization: {MASK}"),
        ("authorization:X", f"authorization:{MASK}"),
        ('Authorization: Digest username="X", response="X"', f"Authorization: {MASK}"),
        ("curl -H 'Authorization: Bearer X' http://a", f"curl -H 'Authorization: {MASK}' http://a"),
        ("Bearer X", f"Bearer {MASK}"),
        ("X-Auth-Token:X", f"X-Auth-Token:{MASK}"),
        ('{"api_key": "X", "lr": 1}', f'{{"api_key": "{MASK}", "lr": 1}}'),
        ('{"lr":1,"password":"X","name":"a"}', f'{{"lr":1,"password":"{MASK}","name":"a"}}'),
        ("{'db': {'key': 'X'}}", f"{{'db': {{'key': '{MASK}'}}}}"),
        (r'{"password": "X\"X"}', f'{{"password": "{MASK}"}}'),
        (r'"{\"password\": \"X\"}"', rf'"{{\"password\": \"{MASK}\"}}"'),
        ('{"password": "X', f'{{"password": "{MASK}'),
        ('{"secrets": {"a": "X"}}', f'{{"secrets": {MASK}'),
        ("data=password:X", f"data=password:{MASK}"),
        ("Server=x;Password=X;", f"Server=x;Password={MASK};"),
        ("AccountName=a;AccountKey=X==;", f"AccountName=a;AccountKey={MASK};"),
        ("env -i HF_TOKEN=null-X a", f"env -i HF_TOKEN={MASK} a"),
        ("env -i HF_TOKEN='X X' a", f"env -i HF_TOKEN='{MASK}' a"),
        ("t.py --key X --api-key 'X'", f"t.py --key {MASK} --api-key '{MASK}'"),
    ],
)  # fmt: skip
def test_secrets_inside_one_word_are_masked(word: str, shown: str) -> None:
    assert redact_command([word]) == [shown]
    assert redact_command([shown]) == [shown]
    found = parameters_from_command(["t.py", f"--data={word}"])
    assert found["data"].value == shown


@pytest.mark.parametrize(
    "word",
    [
        "print(sorted(rows, key=len))",
        '{"max_tokens": 5, "pad_token": "<pad>", "use_auth_token": true}',
        "tests/test_auth.py::TestAuth::test_token",
        "app.auth:main",
        "registry/auth:latest",
        "python t.py --use-auth-token --lr 1",
        "python t.py --use-auth-token true",
        "the next-token loss",
        "image:tag@sha256:00ff",
        "host:8080",
    ],
)
def test_an_ordinary_word_stays_as_it_is(word: str) -> None:
    assert redact_command([word]) == [word]


words = st.lists(
    st.text(max_size=12)
    | st.sampled_from(["--token", "--lr", "-x", "--", "a=b", "password=abc", '{"key":']),
    max_size=8,
)


pieces = st.sampled_from(
    [*"""'"\\ :=;&,.@/[]{}-?#a""", "token", "key", "password", "Authorization", "x://", MASK]
)


@given(st.lists(pieces, max_size=12).map("".join))
def test_redacting_a_text_twice_changes_nothing(text: str) -> None:
    once = redact_command([text])
    assert redact_command(once) == once


@pytest.mark.slow
def test_a_long_word_is_read_in_one_go() -> None:
    for piece in (
        "a-",
        "a=",
        "a ",
        ".",
        "-",
        "\\",
        "token:",
        "'",
        "a:,",
        '"key":',
        "password=[",
        "/auth:",
    ):
        word = piece * (50_000 // len(piece))
        before = time.process_time()
        redact_command([word])
        assert time.process_time() - before < 1, piece


@given(words)
def test_redacting_twice_changes_nothing(argv: list[str]) -> None:
    once = redact_command(argv)
    assert redact_command(once) == once
    assert len(once) == len(argv)


SECRET = "Xq7hunter2Xq7"


@given(
    before=words,
    shape=st.sampled_from(
        [
            ["--api-key", SECRET],
            [f"--db.password={SECRET}"],
            [f"TOKEN={SECRET}"],
            [f'{{"api_key":"{SECRET}"}}'],
            [f"Authorization: token {SECRET}"],
            ["--key", SECRET],
        ]
    ),
    after=words,
)
def test_a_named_secret_is_in_neither_command_nor_parameters(
    before: list[str], shape: list[str], after: list[str]
) -> None:
    argv = ["python", "train.py", *before, *shape, *after]
    assert SECRET not in repr(redact_command(argv))
    assert SECRET not in repr(parameters_from_command(argv))


names = st.from_regex(r"[a-z]{2,8}", fullmatch=True).filter(lambda name: not name.startswith("no"))


@given(st.dictionaries(names, st.integers() | st.booleans() | st.floats(allow_nan=False)))
def test_what_was_given_is_read_back(given_: dict[str, object]) -> None:
    spaced = [word for name, value in given_.items() for word in (f"--{name}", str(value))]
    joined = [f"--{name}={value}" for name, value in given_.items()]
    hydra = [f"{name}={value}" for name, value in given_.items()]
    for arguments in (spaced, joined, hydra):
        found = parameters_from_command(["python", "train.py", *arguments])
        assert {name: each.value for name, each in found.items() if each.value != MASK} == {
            name: value for name, value in given_.items() if found[name].value != MASK
        }


@given(words)
def test_any_command_has_parameters(argv: list[str]) -> None:
    parameters_from_command(argv)
