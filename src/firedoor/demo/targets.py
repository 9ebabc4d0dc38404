"""The inventory of the demonstration's platform: what can be suspended there, how, and how it is proved.

Decides targets, doors, probes, neighbours and evidence of `model_server`. It is the same
as what a person would write into the file that FIREDOOR_TARGETS names. Leaves serving to
the server and driving the doors to the http connector.
"""

from __future__ import annotations

from typing import Literal

from firedoor.core.targets import Artefact, Door, HttpProbe, Inventory, Target
from firedoor.demo import corpus

_CALLER = {"authorization": "Bearer secret://env/FIREDOOR_DEMO_API_KEY"}
_ADMIN = {"authorization": "Bearer secret://env/FIREDOOR_DEMO_ADMIN_KEY"}
_ARTEFACTS = {
    "request_log": "logs",
    "model_card": "card",
    "guardrail_config": "guardrail",
    "training_manifest": "manifest",
    "consent_ledger": "consent",
    "index_snapshot": "index",
    "output_scores": "scores",
    "thresholds": "thresholds",
}
_STORE = {
    "content_listing": "listing",
    "content_hashes": "hashes",
    "hash_list": "hash-list",
    "compliance_rules": "rules",
    "provenance": "provenance",
}


def demo_inventory(base_url: str) -> Inventory:
    """Return every target of the platform at `base_url`, by id."""
    targets = (
        *(
            _model(base_url, name, other)
            for name, other in (("chat-large", "chat-small"), ("chat-small", "chat-large"))
        ),
        _image_model(base_url),
        *(_job(base_url, name, other) for name, other in _both("finetune-large", "evaluate-nightly")),
        *(_share(base_url, name, other) for name, other in _both("user-posts", "public-pages")),
        _gallery(base_url),
    )
    return Inventory(targets={target.id: target for target in targets})


def _both(one: str, other: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (one, other), (other, one)


def _model(base_url: str, name: str, neighbour: str) -> Target:
    question = {"model": name, "messages": [{"role": "user", "content": corpus.PLAIN_PROMPT}], "max_tokens": 4}
    probe = HttpProbe(url=f"{base_url}/v1/chat/completions", method="POST", headers=_CALLER, json=question)
    return _endpoint(base_url, name, "large language model, all customers", probe, (neighbour,))


def _image_model(base_url: str) -> Target:
    question = {"model": "image-gen", "prompt": "a lighthouse"}
    probe = HttpProbe(url=f"{base_url}/v1/images/generations", method="POST", headers=_CALLER, json=question)
    return _endpoint(base_url, "image-gen", "image model", probe, ("chat-small",))


def _endpoint(base_url: str, name: str, title: str, probe: HttpProbe, neighbours: tuple[str, ...]) -> Target:
    return Target(
        id=name,
        title=title,
        kind="endpoint",
        model=name,
        owner="models@example.org",
        doors=(_door(base_url, "platform", "models", "active"), _door(base_url, "gateway", "routes", "open")),
        probe=probe,
        neighbours=neighbours,
        evidence=_evidence(base_url, name),
    )


def _job(base_url: str, name: str, neighbour: str) -> Target:
    return Target(
        id=name,
        title="training job on the users' posts",
        kind="training_job",
        owner="training@example.org",
        doors=(_door(base_url, "scheduler", "jobs", "running"),),
        probe=HttpProbe(url=f"{base_url}/v1/jobs/{name}", headers=_CALLER),
        neighbours=(neighbour,),
        evidence={"job_spec": _artefact(f"{base_url}/admin/jobs/{name}")},
    )


def _share(base_url: str, name: str, neighbour: str) -> Target:
    objects = f"{base_url}/v1/shares/{name}/objects"
    # Read as the owner, who still reads them when the share is closed: recipients are refused then, and so would we be.
    owned = f"{base_url}/admin/shares/{name}/objects"
    rows = Artefact(url=owned, headers=_ADMIN, media_type="application/x-ndjson", keep="digest")
    return Target(
        id=name,
        title="data set shared with an outside trainer",
        kind="dataset_share",
        owner="data@example.org",
        doors=(_door(base_url, "grants", "shares", "shared"),),
        probe=HttpProbe(url=objects, headers=_CALLER),
        neighbours=(neighbour,),
        evidence={"share_grant": _artefact(f"{base_url}/admin/shares/{name}"), "shared_rows": rows},
    )


def _gallery(base_url: str) -> Target:
    """Where what the image model makes is shown; what is read of it are digests, labels and records of origin."""
    shown = _share(base_url, "gallery", "public-pages")
    root = f"{base_url}/admin/shares/gallery"
    kept = {artefact: _artefact(f"{root}/{path}") for artefact, path in _STORE.items()}
    return shown.model_copy(update={"title": "gallery of what the image model makes", "evidence": kept})


def _evidence(base_url: str, name: str) -> dict[str, Artefact]:
    root = f"{base_url}/admin/models/{name}"
    kept = {artefact: _artefact(f"{root}/{path}") for artefact, path in _ARTEFACTS.items()}
    weights = Artefact(url=f"{root}/weights", headers=_ADMIN, media_type="application/octet-stream", keep="digest")
    return {
        **kept,
        "weights": weights,
        "deployment_state": _artefact(root),
        "admin_log": _artefact(f"{base_url}/admin/calls"),
    }


def _artefact(url: str, keep: Literal["content", "digest"] = "content") -> Artefact:
    return Artefact(url=url, headers=_ADMIN, media_type="application/json", keep=keep)


def _door(base_url: str, name: str, kind: str, running: str) -> Door:
    url = f"{base_url}/admin/{kind}/{{{{ target.id }}}}"
    mark = "firedoor:{{ operation_key }}"
    as_captured = {**_ADMIN, "if-match": "{{ snapshot.version_token }}"}
    as_seen = {**_ADMIN, "if-match": "{{ live.version_token }}"}
    closing = {"state": "suspended", "changed_by": mark, "reason": "closed by Firedoor"}
    opening = {"state": "{{ snapshot.state.state }}", "changed_by": mark, "reason": "{{ snapshot.state.reason }}"}
    config: dict[str, object] = {
        "capture": {"url": url, "headers": _ADMIN, "timeout_seconds": 5},
        "state": {"state": "/state", "reason": "/reason", "config": "/config"},
        "changes": ["reason"],
        "version": "header:etag",
        "closed": {"at": "/state", "values": ["suspended"], "open": [running]},
        "mark": {"at": "/changed_by", "value": mark},
        "suspend": {"method": "PUT", "url": url, "headers": as_captured, "json": closing, "timeout_seconds": 5},
        "resume": {"method": "PUT", "url": url, "headers": as_seen, "json": opening, "timeout_seconds": 5},
        "permissions": [f"admin API: read and write {kind}"],
    }
    return Door(name=name, connector="http", config=config)
