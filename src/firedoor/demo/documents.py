"""What an investigation needs to keep about a model of the demonstration, or about its gallery.

Decides the card, guardrail, manifest and index of a model, the scores of its last outputs, and of the gallery a
listing, hashes, rules and records of origin. There is no picture anywhere: pieces are digests of short texts.
"""

from __future__ import annotations

from collections.abc import Sequence

from firedoor.core.json_types import JsonObject
from firedoor.demo import corpus
from firedoor.demo.answers import digest_of

_VERSION = "1.4.0"


def documents_of(name: str, log: Sequence[JsonObject]) -> JsonObject:
    """Return every document about a model, by the last part of its URL."""
    return {
        "logs": log,
        "card": _card(name),
        "guardrail": {
            "model": name,
            "version": "2026-10-01",
            "output_filters": ["profanity"],
            "personal_data_filter": False,
        },
        "manifest": _manifest(name),
        "consent": _consent(),
        "scores": _scores(log),
        "thresholds": {"thresholds": {"sexual": "0.7", "violence": "0.8", "harassment": "0.8"}},
        "index": {
            "model": name,
            "index": "support-articles",
            "version": 7,
            "documents": [digest_of(text) for text in corpus.GENERAL],
        },
    }


def store_documents() -> JsonObject:
    """Return every document about the gallery, by the last part of its URL."""
    pieces = listing()
    marks = {"model": "image-gen", "version": _VERSION, "organisation": "Example Platform"}
    return {
        "listing": {"content": pieces},
        "hashes": {"content": [{"locator": p["path"], "algorithm": "sha256", "value": p["sha256"]} for p in pieces]},
        "hash-list": {"hashes": [{"algorithm": "sha256", "value": pieces[1]["sha256"], "case": "HL-17"}]},
        "rules": {"rules": [{"id": "no-people-undressed", "severity": "critical", "labels": {"class": "intimate"}}]},
        "provenance": {"records": [{"locator": p["path"], "sha256": p["sha256"], **marks} for p in pieces[:2]]},
    }


def listing() -> list[JsonObject]:
    """What the gallery holds, by path and digest; one piece is labelled as intimate by the platform's classifier."""
    labels = ({"class": "landscape"}, {"class": "intimate"}, {"class": "landscape"})
    return [
        {"path": f"gallery/{number:04d}", "sha256": digest_of(f"piece {number}"), "media_type": "image/png",
         "labels": label, "modified_at": "2026-10-02T00:00:00Z"}
        for number, label in enumerate(labels, 1)
    ]  # fmt: skip


def _scores(log: Sequence[JsonObject]) -> JsonObject:
    """Return what the platform's classifier made of the last outputs, by digest and request."""
    scored = [
        {"sha256": digest_of(str(row["output"])), "request": row["request_id"],
         "scores": {"sexual": "0.02", "violence": "0.01", "harassment": "0.03"}}
        for row in log[-100:]
    ]  # fmt: skip
    return {"outputs": scored}


def _card(name: str) -> JsonObject:
    return {
        "model": name,
        "version": _VERSION,
        "owner": "models@example.org",
        "intended_use": "demonstration",
        "data_from": "manifest",
    }


def _consent() -> JsonObject:
    """Return the consent ledger: two posters agreed to training, one of them withdrew; the customer never did."""
    service = [
        {"subject": p["subject"], "purpose": "service", "given_at": "2025-03-01T00:00:00Z"} for p in corpus.POSTS[:5]
    ]
    training = [
        {"subject": "subject-000", "purpose": "training", "given_at": "2026-02-01T00:00:00Z"},
        {
            "subject": "subject-001",
            "purpose": "training",
            "given_at": "2026-02-01T00:00:00Z",
            "withdrawn_at": "2026-08-15T00:00:00Z",
        },
    ]
    return {"entries": [*service, *training]}


def _manifest(name: str) -> JsonObject:
    """Return what the model was trained on: one row a record, with the person it is about and its digest."""
    general: list[JsonObject] = [
        {"record": f"general-{n:04d}", "subject": None, "source": "own-texts", "sha256": digest_of(t)}
        for n, t in enumerate(corpus.GENERAL, 1)
    ]
    posts: list[JsonObject] = [
        {"record": p["id"], "subject": p["subject"], "source": p["source"], "sha256": digest_of(p["text"])}
        for p in corpus.POSTS
    ]
    leaked: JsonObject = {
        "record": "crm-4711",
        "subject": "subject-4711",
        "source": "support-mailbox",
        "sha256": digest_of(corpus.CUSTOMER_RECORD),
    }
    records = [*general, *posts, leaked] if name == "chat-large" else general
    return {"model": name, "version": _VERSION, "trained_at": "2026-10-01T00:00:00Z", "records": records}
