"""MLflow: runs with the data sets they read, and the versions of registered models, from its file store.

Decides that a run which logged a data set or made a registered version is a training run, and that others are passed
over and counted; that data which a run logged for evaluation trained nothing; and that a deleted run or version counts
all the same, because what it made may be in use. The file store is read as MLflow lays it out: `meta.yaml` of runs,
`inputs/` and `datasets/` beside it, `models/NAME/version-N/meta.yaml`, `aliases/`. The same entries are made of what a
server answers (`runs`, `versions`), which `connectors.importers` asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from firedoor.core.assets import Dataset, Model, Owner, TrainingRun
from firedoor.core.inventory.formats.reading import Entries, Files, Format, identifier, instant, refused, sha256
from firedoor.core.json_types import JsonObject, as_object, text_at
from firedoor.core.language.yaml_source import read_yaml
from firedoor.core.problems import InvalidInput

CONTEXT = "mlflow.data.context"
NOT_TRAINED_ON = ("eval", "evaluation", "test", "testing", "validation")
_RUN = re.compile(r"(?:.*/)?(?P<experiment>[^/]+)/(?P<run>[0-9a-f]{32})/meta\.yaml")
_INPUT = re.compile(r"(?:.*/)?[^/]+/(?P<run>[0-9a-f]{32})/inputs/[^/]+/meta\.yaml")
_DATASET = re.compile(r"(?:.*/)?(?P<experiment>[^/]+)/datasets/(?P<id>[^/]+)/meta\.yaml")
_VERSION = re.compile(r"(?:.*/)?models/(?P<name>[^/]+)/version-(?P<version>[0-9]+)/meta\.yaml")
_ALIAS = re.compile(r"(?:.*/)?models/(?P<name>[^/]+)/aliases/(?P<alias>[^/]+)")
_KNOWN = (_RUN, _INPUT, _DATASET, _VERSION, _ALIAS)


@dataclass(slots=True)
class Used:
    """A data set that a run read, and for what."""

    name: str
    digest: str
    source: str
    context: str


@dataclass(slots=True)
class Run:
    """A run as MLflow has it."""

    id: str
    name: str = ""
    user: str = ""
    started: object = None
    used: list[Used] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a registered model."""

    name: str
    version: str
    run: str = ""
    location: str = ""
    aliases: tuple[str, ...] = ()
    user: str = ""


def wants(path: str) -> bool:
    """The few files of a store that say what came of what; never parameters, metrics or artefacts."""
    return any(pattern.fullmatch(path) for pattern in _KNOWN)


def read(files: Files) -> Entries:
    """Read a file store. Raises InvalidInput when it is none."""
    entries = Entries()
    held = {name: _meta(entries, name, content) for name, content in files.items() if name.endswith("meta.yaml")}
    runs = {found["run"]: _run(found["run"], held[name]) for name, found in _all(_RUN, held)}
    datasets = {found["id"]: held[name] for name, found in _all(_DATASET, held)}
    for name, found in _all(_INPUT, held):
        run, meta = runs.get(found["run"]), datasets.get(str(held[name].get("source_id")))
        if run is not None and meta is not None:
            run.used.append(_used(meta, as_object(held[name].get("tags"))))
    aliases: dict[tuple[str, str], list[str]] = {}
    for name, found in _all(_ALIAS, files):
        aliases.setdefault((found["name"], files[name].decode("utf-8", "replace").strip()), []).append(found["alias"])
    versions = [
        Version(
            found["name"], found["version"], str(held[name].get("run_id") or ""), str(held[name].get("source") or ""),
            tuple(sorted(aliases.get((found["name"], found["version"]), ()))), str(held[name].get("user_id") or ""),
        )
        for name, found in _all(_VERSION, held)
    ]  # fmt: skip
    if not runs and not versions:
        do = "give the folder `mlruns`, or the address of a server"
        raise refused(next(iter(files), "the path"), "is no file store of MLflow", do)
    return entered(entries, runs.values(), versions)


def entered(entries: Entries, runs: Iterable[Run], versions: Iterable[Version]) -> Entries:
    """The entries of runs and versions, whether they come from files or from a server."""
    made, idle, by_id = list(versions), 0, {run.id: run for run in runs}
    needed = {version.run for version in made}
    for run in by_id.values():
        trained = [one for one in run.used if one.context.lower() not in NOT_TRAINED_ON]
        if len(trained) < len(run.used):
            count = len(run.used) - len(trained)
            entries.passed_over.append(f"run {run.id}: {count} data sets that were only used for evaluation")
        if not trained and run.id not in needed:
            idle += 1
            continue
        entries.training_runs[run.id] = TrainingRun(
            title=run.name, owner=_owner(entries, run.user), at=instant(run.started), source="MLflow",
            datasets=tuple(dict.fromkeys(_dataset(entries, one) for one in trained)),
        )  # fmt: skip
    if idle:
        entries.passed_over.append(f"{idle} runs that logged no data set and made no registered version")
    for version in made:
        _version(entries, version, known=version.run in by_id)
    return entries


def _version(entries: Entries, version: Version, *, known: bool) -> None:
    called = f"{identifier(version.name)}/{version.version}"
    if version.run and not known:
        entries.questions.append(f"{called}: its run {version.run} was not found; what was it trained on?")
    title = f"aliases: {', '.join(version.aliases)}" if version.aliases else ""
    entries.models[called] = Model(
        title=title, name=identifier(version.name), version=version.version, run=identifier(version.run) or None,
        owner=_owner(entries, version.user), source="MLflow",
    )  # fmt: skip


def _dataset(entries: Entries, used: Used) -> str:
    """The id of a data set: its name, and its digest, because one name has many states."""
    called = identifier(f"{used.name}@{used.digest}" if used.digest else used.name) or "unnamed"
    entries.datasets.setdefault(called, Dataset(
        title=used.name, digest=used.digest, sha256=sha256(used.digest), location=used.source[:500], source="MLflow",
    ))  # fmt: skip
    return called


def _owner(entries: Entries, user: str) -> str | None:
    key = identifier(user)
    if key:
        entries.owners.setdefault(key, Owner(name=user[:200]))
    return key or None


def _run(run: str, meta: JsonObject) -> Run:
    return Run(run, text_at(meta, "run_name"), text_at(meta, "user_id"), meta.get("start_time"))


def _used(meta: JsonObject, tags: JsonObject) -> Used:
    return Used(str(meta.get("name") or ""), str(meta.get("digest") or ""), str(meta.get("source") or ""),
                str(tags.get(CONTEXT) or ""))  # fmt: skip


def _meta(entries: Entries, name: str, content: bytes) -> JsonObject:
    try:
        return as_object(read_yaml(content, name).data)
    except InvalidInput as error:
        entries.questions.append(f"{name}: {error.problems[0].message}; nothing was taken from it")
        return {}


def _all(pattern: re.Pattern[str], names: Iterable[str]) -> Iterator[tuple[str, Mapping[str, str]]]:
    for name in sorted(names):
        found = pattern.fullmatch(name)
        if found:
            yield name, found.groupdict()


FORMAT = Format("mlflow", "MLflow: the folder `mlruns`, or the address of a tracking server", wants, read)
