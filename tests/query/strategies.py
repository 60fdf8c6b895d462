"""Random runs, the catalogue of their names, and queries that mention these names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from runref.model.annotations import ENDINGS
from runref.model.record import (
    Code,
    Command,
    DataFile,
    Failure,
    MetricSummary,
    Parameter,
    Record,
    Reproduction,
    Resources,
)
from runref.model.times import format_time
from runref.model.values import to_plain
from runref.model.verdict import VERDICTS
from runref.query.fields import BY_NAME, FIELDS
from runref.query.names import PARTS, spelled
from runref.query.offered import (
    environment_of,
    kind_of,
    packages_of,
    parameters_of,
    summary_of,
)
from runref.query.printing import quoted
from runref.query.tokens import is_word

NOW = datetime(2026, 11, 28, 15, 0, tzinfo=timezone(timedelta(hours=1)))
"""What ``now`` is in random queries."""

PARAMETERS = ["lr", "optimizer", "batch size", "seed", "loss", "ünï/😀", "a.b", "q\"'\\x", "Lr"]
METRICS = ["loss", "Loss", "val/acc", "val/acc.max", 'loss/"x"', "a b", "ünï/😀", "m.last_step"]
SUMMARY = ["best", "lr", "epoch", "none"]
TAGS = ["baseline", "v1", "sha256:abcd", "", "ünï", "a'b"]
PATHS = ["data/train.csv", "data", "s3://bucket/x.csv", "/abs/ä b.csv"]
PACKAGES = ["torch", "scikit-learn", "numpy"]
VERSIONS = ["2.1", "2.1.0", "2.1.0+cu118", "2.10", "2.1rc1", "2.1.dev3", "1!0.1", "unknown", ""]
WORDS = ["adam", "sgd", "digits", "", "Ünï", "a'b\"c\\", "0.1", "true", "sweep-12", "x\ny", "NaN"]
NUMBERS: list[int | float] = [
    0, 1, -1, 0.1, 1e-2, 0.9, 3, 3.0, -0.0, 2**53, 2**53 + 1, float(2**53), 2**63, 2**63 - 1,
    -(2**63), 2**70, 2**70 + 1, float(2**70), 1e300, 5e-324, float("nan"), float("inf"),
    float("-inf"),
]  # fmt: skip
HASHES = ["4f1c9b2" + "0" * 33, "4f1c9b3" + "a" * 33, "0123456789abcdef" * 4]

numbers = st.sampled_from(NUMBERS) | st.floats() | st.integers(-(2**70), 2**70)
scalars = st.none() | st.booleans() | numbers | st.sampled_from(WORDS) | st.text(max_size=3)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["lr", "a", "max", "b c"]), inner, max_size=2)
    ),
    max_leaves=3,
)


@dataclass(frozen=True)
class RandomRun:
    """A run that a condition can be held against, made of documents as the ref holds them.

    Attributes:
        record: The record.
        record_hash: Its hash.
        tags: Its tags, later ones included.
        document: Its environment document.
        files: Object ids of the snapshot's files by path.
        later: What an annotation says of it: name, status, removed.
    """

    record: Record
    record_hash: str
    tags: tuple[str, ...]
    document: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    later: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.later.get("name", self.record.name))

    @property
    def status(self) -> str:
        return str(self.later.get("status", self.record.status))

    def package(self, name: str) -> str | None:
        return packages_of(self.document).get(name)

    def environment(self, path: str) -> object:
        return environment_of(self.document).get(path)

    def code_file(self, path: str) -> str | None:
        return self.files.get(path)


@dataclass(frozen=True)
class CatalogueOf:
    """The names that some runs have."""

    runs: Sequence[RandomRun]

    def parameters(self) -> Mapping[str, frozenset[str]]:
        return _kinds(parameters_of(run.record) for run in self.runs)

    def metrics(self) -> Collection[str]:
        return {name for run in self.runs for name in run.record.metrics}

    def summary(self) -> Mapping[str, frozenset[str]]:
        return _kinds(summary_of(run.record) for run in self.runs)

    def packages(self) -> Collection[str]:
        return {name for run in self.runs for name in packages_of(run.document)}

    def environment(self) -> Mapping[str, frozenset[str]]:
        return _kinds(environment_of(run.document) for run in self.runs)


def _kinds(documents: Iterable[Mapping[str, Any]]) -> dict[str, frozenset[str]]:
    kinds: dict[str, frozenset[str]] = {}
    for document in documents:
        for path, value in document.items():
            kinds[path] = kinds.get(path, frozenset()) | {kind_of(value)}
    return kinds


def _hashes() -> st.SearchStrategy[str]:
    return st.sampled_from(HASHES[:2])


def _times() -> st.SearchStrategy[str]:
    seconds = st.floats(0, 9 * 86400)
    return seconds.map(lambda before: format_time(NOW - timedelta(seconds=before)))


def _ids() -> st.SearchStrategy[str]:
    random = st.sampled_from(["4f1c9b2e7a3d", "20261121abcd", "8a0300000000"])
    return st.builds("{}-{}".format, st.sampled_from(["20261121", "20261122"]), random)


def _metric() -> st.SearchStrategy[MetricSummary]:
    steps = st.integers(0, 9)
    return st.builds(
        MetricSummary, count=st.integers(1, 9), first=numbers, last=numbers, min=numbers,
        max=numbers, mean=numbers, last_step=steps, step_of_min=steps, step_of_max=steps,
    )  # fmt: skip


def _files() -> st.SearchStrategy[tuple[DataFile, ...]]:
    digests = st.sampled_from(["", *(f"sha256:{digit * 64}" for digit in "09a")])
    one = st.builds(
        DataFile, path=st.sampled_from(PATHS), kind=st.just("file"), digest=digests,
        size=st.integers(0, 9),
    )  # fmt: skip
    return st.lists(one, max_size=2, unique_by=lambda file: file.path).map(tuple)


def _code() -> st.SearchStrategy[Code]:
    counts = st.integers(0, 2)
    return st.builds(
        Code, tree=_hashes(), manifest=st.just(f"sha256:{'4f1c' * 16}"), files=counts,
        commit=st.just("") | _hashes(), branch=st.sampled_from(["", "main", "ünï/x"]),
        edited=counts, untracked=counts, deleted=counts,
    )  # fmt: skip


def records(
    *, parameters: Sequence[str] = PARAMETERS, metrics: Sequence[str] = METRICS
) -> st.SearchStrategy[Record]:
    """Records as they are after reading: parameters of mixed types under the same few names."""
    plain = values.map(to_plain)
    texts = st.sampled_from(["", "digits", "Ünï", "a'b", "sweep-12"])
    ending = st.sampled_from(["finished", "failed", "interrupted"])
    verdicts = st.sampled_from(VERDICTS)
    return st.builds(
        Record,
        runref=st.just("1.0"), id=_ids(), status=ending, started=_times(), finished=_times(),
        duration=st.sampled_from([0.0, 90.0, 7200.0, 0.1]) | st.floats(0, 1e6),
        experiment=texts, name=texts, tags=st.just(()), note=texts, author=texts, host=texts,
        parent=st.just("") | _ids(), ranks=st.integers(1, 3), command=st.just(Command(("x",))),
        exit_status=st.none() | st.integers(0, 2), signal=st.sampled_from(["", "SIGKILL"]),
        failure=st.none() | st.just(Failure("ValueError", "x")),
        params=st.dictionaries(
            st.sampled_from(parameters), st.builds(Parameter, value=plain), max_size=4
        ),
        summary=st.dictionaries(st.sampled_from(SUMMARY), plain, max_size=2),
        metrics=st.dictionaries(st.sampled_from(metrics), _metric(), max_size=4),
        code=st.none() | _code(), environment=st.sampled_from(["", f"sha256:{'4f1c' * 16}"]),
        inputs=_files(), outputs=_files(),
        resources=st.none()
        | st.builds(
            Resources, cpu_seconds=st.sampled_from([0.0, 90.0]),
            peak_memory=st.sampled_from([0, 2**31, 2**31 + 1]),
        ),
        reproduction=st.none() | st.builds(Reproduction, _ids(), _hashes(), verdicts),
    )  # fmt: skip


def environments() -> st.SearchStrategy[dict[str, Any]]:
    """Environment documents."""
    package = st.fixed_dictionaries(
        {"name": st.sampled_from(PACKAGES)}, optional={"version": st.sampled_from(VERSIONS)}
    )
    return st.fixed_dictionaries(
        {"python": st.fixed_dictionaries({"version": st.sampled_from(["3.9.1", "3.11.7"])})},
        optional={
            "packages": st.lists(package, max_size=3, unique_by=lambda each: each["name"]),
            "memory": st.just({"total": 2**34}),
            "os": st.just({"system": "Linux", "release": "6.1"}),
            "gpus": st.lists(st.just({"model": "A100"}), min_size=1, max_size=2),
            "cuda_toolkit": st.sampled_from(["12.1", "11.8"]),
        },
    )


def runs(**options: Sequence[str]) -> st.SearchStrategy[RandomRun]:
    """Runs with record, tags, environment and the files of the snapshot."""
    paths = st.sampled_from(["src/model.py", "train.py", "ä b.py"])
    return st.builds(
        RandomRun,
        record=records(**options),
        record_hash=st.sampled_from(HASHES[:2]) | st.just(""),
        tags=st.lists(st.sampled_from(TAGS[:3] + TAGS[4:]), max_size=3, unique=True).map(tuple),
        document=environments(),
        files=st.dictionaries(paths, _hashes(), max_size=2),
        later=st.just({}) | _later(),
    ).map(_consistent)


def _later() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {},
        optional={
            "name": st.sampled_from(WORDS),
            "status": st.sampled_from(ENDINGS),
            "removed": st.booleans(),
        },
    )


def _consistent(run: RandomRun) -> RandomRun:
    """Return the run without files where its record has no snapshot."""
    if run.record.code is None and run.files:
        return replace(run, files={})
    return run


def written(value: object) -> str:
    """Return a value as a query writes it."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return quoted(value) if isinstance(value, str) else repr(value)


def names_of(candidates: Sequence[RandomRun]) -> list[tuple[str, object]]:
    """Return names with the values that the runs have there, as they are written."""
    return [pair for group in _groups(candidates) for pair in group]


def _groups(candidates: Sequence[RandomRun]) -> list[list[tuple[str, object]]]:
    parameters, summary, metrics, fields, rest = [], [], [], [], []
    for run in candidates:
        for path, value in parameters_of(run.record).items():
            parameters.append((spelled("params", path), value))
            parameters += [(path, value)] if is_word(path) else []
        summary += [
            (spelled("summary", path), each) for path, each in summary_of(run.record).items()
        ]
        for name, held in run.record.metrics.items():
            metrics += [(f"metrics[{quoted(name)}].{part}", getattr(held, part)) for part in PARTS]
            metrics.append((spelled("metrics", name), held.last))
            metrics += [(name, held.last)] if is_word(name) else []
        fields += [(row.name, row.read(run)) for row in FIELDS]
        rest += [(spelled("packages", name), v) for name, v in packages_of(run.document).items()]
        flat = environment_of(run.document)
        rest += [(spelled("environment", path), value) for path, value in flat.items()]
        rest += [(f"code[{quoted(path)}]", oid) for path, oid in run.files.items()]
    return [group for group in (parameters, summary, metrics, fields, rest) if group]


def _kind(name: str, value: object) -> str:
    """Return the type by which a name of `names_of` is compared."""
    if name in BY_NAME:
        return BY_NAME[name].type
    if name.startswith(("packages", "environment.python", "environment.cuda")):
        return "version"
    if name.startswith("code["):
        return "hex"
    return "number" if name.startswith("metrics") else kind_of(value)


def _literals_of(kind: str, value: object) -> st.SearchStrategy[str]:
    """Return literals of the type that a name is compared by, often the value that is there."""
    texts = [value] if isinstance(value, str) and value else []
    if kind in ("hex", "id"):
        whole = [*texts, *HASHES, "20261121-4f1c9b2e7a3d", "4f1c9b2e7a3d"][: 4 if texts else 5]
        cut = st.sampled_from([each.removeprefix("sha256:") for each in whole])
        usual = st.builds(lambda text, end: text[:end], cut, st.integers(4, 40))
        dated = st.sampled_from(["20261121-4f1c", "20261122-", "2026", "4f1c"])
        return (usual if kind == "hex" else dated).map(quoted)
    if kind == "time":
        return st.sampled_from([*TIMES, *map(quoted, texts)])
    if kind == "version":
        return st.sampled_from([*texts, *VERSIONS[:-2]]).map(quoted)
    if kind == "choice":
        return st.sampled_from(texts or ["finished"]).map(quoted)
    if kind == "text":
        return st.sampled_from([*texts, *filter(None, WORDS)]).map(quoted)
    if kind == "boolean":
        return st.sampled_from(["true", "false"])
    if kind == "none":
        return st.just("none")
    units = {"seconds": ["2h", "1h30m", "90s"], "bytes": ["2 GiB", "1 KB"]}.get(kind, [])
    numeric = [written(value)] if kind_of(value) == "number" else []
    return (
        st.sampled_from([*units, *numeric])
        if units
        else numbers.map(written) | (st.sampled_from(numeric) if numeric else numbers.map(written))
    )


TIMES = ["7d ago", "1h ago", "today", "yesterday", "now", '"2026-11-25"', '"2026-11-25T12:00Z"']
ODD_NAMES = ["lrr", "val/ac", 'metrics["x"]', "params.zzz", "tags", "now", "code", "environment"]
ODD_LITERALS = [
    *TIMES, "2h", "2 GiB", "nan", "none", "true", '"4f1c"', '"2.1"', '"x"', "3", "1e400", '""',
]  # fmt: skip
ORDER, EQUALITY = ["<", "<=", ">", ">="], ["==", "!=", "="]


@st.composite
def _comparisons(draw: st.DrawFn, groups: Sequence[Sequence[tuple[str, object]]]) -> str:
    name, value = draw(st.sampled_from(draw(st.sampled_from(groups))))
    kind = _kind(name, value)
    literal = draw(_literals_of(kind, value))
    odd = draw(st.integers(0, 19))
    if odd == 17:
        name = draw(st.sampled_from(ODD_NAMES))
    if odd == 18:
        literal = draw(st.sampled_from(ODD_LITERALS))
    ordered = kind in ("number", "text", "time", "seconds", "bytes", "version")
    ordered = ordered and literal != "nan"
    operators = st.sampled_from([*ORDER, *EQUALITY] if ordered or odd == 19 else EQUALITY)
    form = draw(st.integers(0, 9))
    if form == 0 or kind in ("list", "mapping"):
        return f"{name} is {draw(st.sampled_from(['', 'not ']))}missing"
    if form == 1:
        others = [n for group in groups for n, v in group if _kind(n, v) == kind and kind != "none"]
        return f"{name} {draw(operators)} {draw(st.sampled_from(others or [name]))}"
    if form == 2:
        others = draw(st.lists(_literals_of(kind, value), max_size=2))
        word = draw(st.sampled_from(["in", "not in"]))
        return f"{name} {word} ({', '.join([literal, *others])})"
    if form in (3, 5, 6) and kind in ("text", "choice", "id", "hex", "version"):
        pattern = draw(st.sampled_from(["^sweep-[0-9]+$", "a", "(?i)ü", "4f", "", ".", r"\d", "'"]))
        return f"{name} {draw(st.sampled_from(['~', '!~']))} {quoted(pattern)}"
    if form == 4:
        return f"{literal} {draw(operators)} {name} {draw(operators)} {literal}"
    return f"{name} {draw(operators)} {literal}"


def _memberships() -> st.SearchStrategy[str]:
    what = st.sampled_from([*TAGS, *PATHS, "sha256:0000", "sha256:9999", "src/model.py", "x"])
    word = st.sampled_from(["in", "not in"])
    return st.builds(
        "{} {} {}".format,
        what.map(quoted),
        word,
        st.sampled_from(["tags", "inputs", "outputs", "code"]),
    ) | st.sampled_from(["tags is missing", "code is missing", "inputs is not missing"])


def queries(candidates: Sequence[RandomRun]) -> st.SearchStrategy[str]:
    """Queries that mention names and values of some runs; one in ten comparisons is odd.

    Not all of them resolve: types may not fit and names may be ambiguous or unknown.
    """
    leaves = _comparisons(_groups(candidates)) | _comparisons(_groups(candidates)) | _memberships()
    return st.recursive(
        leaves,
        lambda inner: (
            st.builds("({} and {})".format, inner, inner)
            | st.builds("({} or {})".format, inner, inner)
            | st.builds("not {}".format, inner.map(lambda text: f"({text})"))
        ),
        max_leaves=4,
    )
