"""Reconciling in this process: the same request and the same work, without the second interpreter."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.runtime.examinations.ledgers import CUT_OFF

from firedoor.runtime.examinations import sandbox
from firedoor.runtime.examinations.consent import worker
from firedoor.runtime.examinations.consent.files import Trouble
from firedoor.runtime.examinations.consent.reconcile import Wanted, _with_trouble, prepared

PURPOSE = "ai_training=model_training,training"


@pytest.fixture
def reconciled() -> Callable[..., dict]:
    """Answers for `manifest`, `ledger` and whatever else `Wanted` takes."""

    def answer(manifest, ledger, purpose=PURPOSE, as_of=CUT_OFF, **more) -> dict:
        wanted = Wanted(
            [str(one) for one in _list(manifest)], [str(one) for one in _list(ledger)], purpose, as_of, **more
        )
        trouble = Trouble()
        with tempfile.TemporaryDirectory() as folder:
            request = prepared(wanted, Path(folder), trouble)
            return _with_trouble(dict(worker.work(request, sandbox.Said(io.BytesIO()))), trouble)

    return answer


def _list(value):
    return value if isinstance(value, list) else [value]
