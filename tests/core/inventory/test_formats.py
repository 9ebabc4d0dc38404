"""What other systems write about data and models, read into entries; and what of it becomes a proposal."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from firedoor.core.assets import Assets
from firedoor.core.inventory.formats import FORMATS
from firedoor.core.inventory.formats.reading import Entries
from firedoor.core.inventory.merge import entries_of, proposed
from firedoor.core.problems import InvalidInput
from firedoor.core.targets import Inventory

RUN = "0123456789abcdef0123456789abcdef"


def read(kind: str, **files: Any) -> Entries:
    """Files by name with dots for slashes left as they are; what is no bytes is written as JSON."""
    made = {name: one if isinstance(one, bytes) else json.dumps(one).encode() for name, one in files.items()}
    return entries_of(FORMATS[kind], made)


def page(**fields: Any) -> bytes:
    """YAML as MLflow writes it."""
    return yaml.safe_dump(fields).encode()


MLRUNS = {
    f"mlruns/7/{RUN}/meta.yaml": page(run_id=RUN, run_name="tune", user_id="ana", start_time=1793900000000),
    f"mlruns/7/{RUN}/inputs/in1/meta.yaml": page(
        source_type="DATASET", source_id="ds1", destination_type="RUN", destination_id=RUN,
        tags={"mlflow.data.context": "training"},
    ),
    f"mlruns/7/{RUN}/inputs/in2/meta.yaml": page(source_id="ds2", tags={"mlflow.data.context": "eval"}),
    "mlruns/7/datasets/ds1/meta.yaml": page(name="posts", digest="3f2a", source='{"uri": "s3://b/p"}'),
    "mlruns/7/datasets/ds2/meta.yaml": page(name="held-out", digest="99"),
    "mlruns/models/chat/version-3/meta.yaml": page(name="chat", version=3, run_id=RUN),
    "mlruns/models/chat/version-4/meta.yaml": page(name="chat", version=4, run_id="f" * 32),
    "mlruns/models/chat/aliases/production": b"3",
    f"mlruns/7/{'a' * 32}/meta.yaml": page(run_id="a" * 32),
}  # fmt: skip


def test_an_mlflow_store() -> None:
    """Data that trained, the run, the version with its alias; evaluation trained nothing; a lost run is a question."""
    found = read("mlflow", **MLRUNS)
    assert set(found.datasets) == {"posts@3f2a"}
    assert found.training_runs[RUN].datasets == ("posts@3f2a",)
    assert found.training_runs[RUN].at is not None
    assert found.models["chat/3"].run == RUN
    assert (found.models["chat/3"].name, found.models["chat/3"].title) == ("chat", "aliases: production")
    assert found.questions == [f"chat/4: its run {'f' * 32} was not found; what was it trained on?"]
    assert "1 runs that logged no data set and made no registered version" in found.passed_over
    assert found.owners["ana"].name == "ana"


def test_hugging_face_cards() -> None:
    """An adapter with its base and data, a data set with its source, and a card that says neither."""
    found = read(
        "huggingface",
        **{
            "org/chat-lora/README.md": b"---\nbase_model: org/chat\nlibrary_name: peft\ndatasets: [org/posts]\n"
            b"license: apache-2.0\nwidget: []\n---\n# Card\n",
            "org/posts/README.md": b"---\npretty_name: Posts\nsource_datasets: [extended|org/raw]\nlicense: cc\n---\n",
            "org/what/README.md": b"---\ntags: [x]\n---\n",
            "org/bare/README.md": b"# nothing\n",
        },
    )
    model = found.models["org/chat-lora"]
    assert (model.kind, model.base, model.datasets, model.licence) == (
        "adapter", ("org/chat",), ("org/posts",), "apache-2.0",
    )  # fmt: skip
    assert found.datasets["org/posts"].derived_from == ("org/raw",)
    assert len(found.questions) == 1
    assert any("widget" in one for one in found.passed_over)


def test_croissant() -> None:
    """By its short names and with prefixes; one file's digest is the data set's."""
    found = read("croissant", **{"c.json": {
        "@context": {"@vocab": "https://schema.org/"}, "@type": "sc:Dataset", "name": "Posts 2026", "version": "1.2",
        "conformsTo": "http://mlcommons.org/croissant/1.1", "license": "https://licence.example/",
        "dateModified": "2026-10-02", "creator": {"@type": "Person", "name": "Ana"}, "sc:odd": 1,
        "rai:personalSensitiveInformation": ["user_generated_content"], "prov:wasDerivedFrom": {"@id": "raw"},
        "distribution": [{"@type": "cr:FileObject", "name": "f", "sha256": "AB" * 32}],
    }})  # fmt: skip
    one = found.datasets["Posts-2026"]
    assert (one.sha256, one.derived_from, one.categories) == ("ab" * 32, ("raw",), ("user_generated_content",))
    assert (str(one.as_of), one.sources) == ("2026-10-02", ("Ana",))
    assert found.passed_over == ["c.json: not used: odd"]


def test_cyclonedx() -> None:
    """A model with its data by reference and in place, its ancestor, its owner; libraries are counted."""
    found = read("cyclonedx", **{"bom.json": {
        "bomFormat": "CycloneDX", "specVersion": "1.6",
        "components": [
            {"type": "machine-learning-model", "bom-ref": "m", "name": "chat", "version": "3",
             "hashes": [{"alg": "SHA-256", "content": "0" * 64}],
             "pedigree": {"ancestors": [{"type": "machine-learning-model", "name": "base", "version": "1"}]},
             "modelCard": {"modelParameters": {"datasets": [
                 {"ref": "d"}, {"ref": "lost"}, {"type": "dataset", "name": "inline", "sensitiveData": ["e-mail"]}]},
                 "considerations": {}}},
            {"type": "data", "bom-ref": "d", "name": "posts", "data": [{"type": "dataset", "governance": {
                "owners": [{"contact": {"name": "Ana Ruiz", "email": "ana@firedoor.example"}}]}}]},
            {"type": "library", "name": "numpy"},
        ],
    }})  # fmt: skip
    model = found.models["chat@3"]
    assert (model.datasets, model.base, model.sha256) == (("posts", "inline"), ("base@1",), "0" * 64)
    assert found.datasets["posts"].owner == "ana@firedoor.example"
    assert found.datasets["inline"].categories == ("e-mail",)
    assert found.questions == ["bom.json: the reference lost leads to no data set of this bill"]
    assert "bom.json: 1 components of type library" in found.passed_over


def event(run: str, state: str, inputs: list[dict[str, Any]], outputs: list[dict[str, Any]]) -> dict[str, Any]:
    """An event as OpenLineage has it."""
    return {
        "eventType": state, "eventTime": "2026-10-01T10:00:00Z", "run": {"runId": run}, "producer": "https://p.example",
        "job": {"namespace": "ml", "name": "train"}, "inputs": inputs, "outputs": outputs,
    }  # fmt: skip


def test_openlineage() -> None:
    """Events of one run are one run; a model says so by its facet; what failed made nothing; a bad line is named."""
    posts, table = {"namespace": "s3://b", "name": "posts"}, {"namespace": "s3://b", "name": "clean"}
    model = {"namespace": "registry", "name": "chat", "facets": {"datasetType": {"datasetType": "MODEL"}}}
    lines = [
        event("r1", "START", [posts], []), event("r1", "COMPLETE", [], [table]),
        event("r2", "COMPLETE", [table], [model]),
        event("r3", "FAIL", [posts], [{"namespace": "s3://b", "name": "no"}]),
    ]  # fmt: skip
    content = b"\n".join([*(json.dumps(one).encode() for one in lines), b"{broken", b'{"a": 1}'])
    found = read("openlineage", **{"events.jsonl": content})
    assert found.datasets["s3://b/clean"].derived_from == ("s3://b/posts",)
    assert found.training_runs["r2"].datasets == ("s3://b/clean",)
    assert found.models["registry/chat"].run == "r2"
    assert "s3://b/no" not in found.datasets
    assert any("events.jsonl, line 5" in one for one in found.passed_over)


@pytest.mark.parametrize("kind", sorted(FORMATS))
@pytest.mark.parametrize("content", [b"", b"\x00\xff", b"[]", b"{}", b"[" * 100_000, b"---\n&a [*a]\n---\n", b"null"])
def test_what_is_something_else_is_refused_in_words(kind: str, content: bytes) -> None:
    """Bytes are judged by what they hold: never a traceback, never an empty success."""
    with pytest.raises(InvalidInput) as caught:
        read(kind, **{"x/README.md": content})
    assert caught.value.problems[0].code in ("I220", "Y101", "Y102", "Y104", "Y105")


def test_a_proposal_adds_and_overwrites_nothing() -> None:
    """New entries as YAML that the inventory takes; a contradiction is a question with both sides."""
    entries = read("mlflow", **MLRUNS)
    held = Assets.model_validate({"models": {"chat/3": {"run": "another", "owner": "bo"}}})
    made = proposed("mlflow", entries, held)
    assert "models.chat/3" in made.known
    assert any("run is another in the inventory" in one for one in made.questions)
    assert any("owner is bo in the inventory" in one for one in made.questions) is False  # only one of them says it
    again = Inventory.model_validate(yaml.safe_load(made.text))
    assert set(again.models) == {"chat/4"}
    assert "# to write: people" in made.text
    assert not proposed("mlflow", entries, again.model_copy(update={"models": entries.models, "owners": entries.owners,
                        "datasets": entries.datasets, "training_runs": entries.training_runs})).text  # fmt: skip
