"""What an investigation needs to keep about a model of the demonstration: card, guardrail, manifest, index."""

from __future__ import annotations

from typing import Any

from firedoor.demo import corpus
from firedoor.demo.answers import digest_of

_VERSION = "1.4.0"


def documents_of(name: str, log: list[dict[str, Any]]) -> dict[str, Any]:
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
        "index": {
            "model": name,
            "index": "support-articles",
            "version": 7,
            "documents": [digest_of(text) for text in corpus.GENERAL],
        },
    }


def _card(name: str) -> dict[str, Any]:
    return {
        "model": name,
        "version": _VERSION,
        "owner": "models@example.org",
        "intended_use": "demonstration",
        "data_from": "manifest",
    }


def _consent() -> dict[str, Any]:
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


def _manifest(name: str) -> dict[str, Any]:
    """Return what the model was trained on: one row a record, with the person it is about and its digest."""
    general = [
        {"record": f"general-{n:04d}", "subject": None, "source": "own-texts", "sha256": digest_of(t)}
        for n, t in enumerate(corpus.GENERAL, 1)
    ]
    posts = [
        {"record": p["id"], "subject": p["subject"], "source": p["source"], "sha256": digest_of(p["text"])}
        for p in corpus.POSTS
    ]
    leaked = {
        "record": "crm-4711",
        "subject": "subject-4711",
        "source": "support-mailbox",
        "sha256": digest_of(corpus.CUSTOMER_RECORD),
    }
    records = [*general, *posts, leaked] if name == "chat-large" else general
    return {"model": name, "version": _VERSION, "trained_at": "2026-10-01T00:00:00Z", "records": records}
