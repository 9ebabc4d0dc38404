"""OpenLineage: events of runs, with the data sets that went in and what came out.

Decides that all events of one run are one entry; that an output is a model where its `datasetType` facet says so, and
otherwise a data set made from the inputs, which is listed so that a person can correct it; and that a run which failed
or was aborted made nothing. Read as https://openlineage.io/spec/2-0-2/OpenLineage.json has it: one event, a list of
events, or one event a line.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from firedoor.core.assets import Dataset, Model, Owner, TrainingRun
from firedoor.core.inventory.formats.reading import Entries, Files, Format, day, identifier, parsed, refused
from firedoor.core.json_types import JsonObject, as_objects, object_at, objects_at, text_at
from firedoor.core.problems import InvalidInput

MAXIMUM_EVENTS = 200_000
NOTHING_MADE = ("FAIL", "ABORT")


def wants(path: str) -> bool:
    """JSON, or a JSON event a line."""
    return path.lower().endswith((".json", ".jsonl", ".ndjson"))


def read(files: Files) -> Entries:
    """Read every event. Raises InvalidInput when there is none."""
    entries, runs, count = Entries(), dict[str, list[JsonObject]](), 0
    for name, content in sorted(files.items()):
        for event in _events(entries, name, content):
            count += 1
            if count > MAXIMUM_EVENTS:
                raise refused(name, f"holds more than {MAXIMUM_EVENTS} events", "give the files in parts")
            runs.setdefault(text_at(object_at(event, "run"), "runId"), []).append(event)
    if not runs:
        raise refused(next(iter(files), "the path"), "holds no OpenLineage run event", 'an event has "run" and "job"')
    for run, events in runs.items():
        _run(entries, run, sorted(events, key=lambda one: text_at(one, "eventTime")))
    return entries


def _events(entries: Entries, name: str, content: bytes) -> Iterator[JsonObject]:
    strange = 0
    for event in _objects(entries, name, content):
        if text_at(object_at(event, "run"), "runId") and text_at(object_at(event, "job"), "name"):
            yield event
        else:
            strange += 1
    if strange:
        entries.passed_over.append(f"{name}: {strange} objects that are no run event (no runId, or no job)")


def _objects(entries: Entries, name: str, content: bytes) -> Iterator[JsonObject]:
    try:
        found = parsed(name, content)
    except InvalidInput:
        lines = content.splitlines()
        if len(lines) < 2:
            raise
        yield from _lines(entries, name, lines)
        return
    yield from as_objects(found if isinstance(found, list) else [found])


def _lines(entries: Entries, name: str, lines: list[bytes]) -> Iterator[JsonObject]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield from as_objects([parsed(f"{name}, line {number}", line)])
        except InvalidInput as error:
            entries.passed_over.append(error.problems[0].message)


def _run(entries: Entries, run: str, events: list[JsonObject]) -> None:
    """One run by its events, in the order of their time. What a later event says of a data set stands."""
    job = object_at(events[-1], "job")
    title = identifier(text_at(job, "namespace"), text_at(job, "name"))
    inputs = {_id(one): one for event in events for one in objects_at(event, "inputs")}
    outputs = {_id(one): one for event in events for one in objects_at(event, "outputs")}
    states = [text_at(event, "eventType").upper() for event in events]
    for called, one in inputs.items():
        _dataset(entries, called, one, ())
    if states and states[-1] in NOTHING_MADE:
        entries.passed_over.append(f"run {run} of {title}: ended with {states[-1]}; what it wrote was not taken")
        outputs = {}
    made = {called for called, one in outputs.items() if _is_model(one)}
    if not made:
        for called, one in outputs.items():
            _dataset(entries, called, one, tuple(inputs))
        if outputs:
            entries.passed_over.append(f"run {run} of {title}: no output says that it is a model; taken as data sets")
        return
    entries.training_runs[run] = TrainingRun(
        title=title, datasets=tuple(n for n, one in inputs.items() if not _is_model(one)), at=_at(events[0]),
        starts_from=tuple(name for name, one in inputs.items() if _is_model(one)), source="OpenLineage",
        owner=_owner(entries, job), as_of=day(text_at(events[-1], "eventTime")),
    )  # fmt: skip
    for called, one in outputs.items():
        if called in made:
            entries.models[called] = Model(
                run=run, version=text_at(object_at(one, "facets", "version"), "datasetVersion"), source="OpenLineage",
                owner=_owner(entries, one), name=identifier(text_at(one, "name")),
            )  # fmt: skip
        else:
            _dataset(entries, called, one, tuple(inputs))


def _dataset(entries: Entries, called: str, one: JsonObject, derived: tuple[str, ...]) -> None:
    if _is_model(one):
        entries.models.setdefault(called, Model(source="OpenLineage", name=identifier(text_at(one, "name"))))
        return
    known = entries.datasets.get(called)
    sources = tuple(name for name in derived if name != called)
    before = known.derived_from if known else ()
    entries.datasets[called] = Dataset(
        title=text_at(object_at(one, "facets", "documentation"), "description")[:200], owner=_owner(entries, one),
        version=text_at(object_at(one, "facets", "version"), "datasetVersion"), source="OpenLineage",
        location=text_at(object_at(one, "facets", "dataSource"), "uri"),
        derived_from=tuple(dict.fromkeys((*before, *sources))),
    )  # fmt: skip


def _is_model(one: JsonObject) -> bool:
    return text_at(object_at(one, "facets", "datasetType"), "datasetType").lower() == "model"


def _owner(entries: Entries, one: JsonObject) -> str | None:
    """The first owner that the ownership facet names, such as `user:jdoe` or `application:app.name`."""
    named = (text_at(owner, "name") for owner in objects_at(object_at(one, "facets", "ownership"), "owners"))
    key = identifier(next((name for name in named if name), ""))
    if key.startswith("user:"):
        entries.owners.setdefault(key, Owner(name=key.removeprefix("user:") or key))
    return key or None


def _at(event: JsonObject) -> datetime | None:
    try:
        found = datetime.fromisoformat(text_at(event, "eventTime"))
    except ValueError:
        return None
    return found if found.tzinfo else None


def _id(one: JsonObject) -> str:
    return identifier(text_at(one, "namespace"), text_at(one, "name")) or "unnamed"


FORMAT = Format("openlineage", "OpenLineage run events: JSON, a list, or one event a line", wants, read)
