"""What the emulator does not have: training jobs that run, and listings of several pages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.contract.odd_server import Asked, odd_server, reply

from firedoor.connectors.importers.sagemaker import SageMakerImporter
from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.connectors.parts.opened import OpenConnectors
from firedoor.core.targets import Inventory
from firedoor.runtime.config.secrets import ReferencedSecrets

pytest.importorskip("boto3")
KEYS = {"access_key_id": "secret://env/ID", "secret_access_key": "secret://env/KEY"}
ARN = "arn:aws:sagemaker:eu-central-1:123456789012:endpoint/Chat-Large"


def listing(asked: Asked) -> bytes:
    """One endpoint on the first page and one on the second; a job that runs beside one that is stopping."""
    wanted, given = asked.headers["x-amz-target"].rpartition(".")[2], json.loads(asked.body)
    if wanted == "ListTrainingJobs":
        rows: list[Any] = [
            {"TrainingJobName": name, "TrainingJobArn": "arn:x", "CreationTime": 1, "TrainingJobStatus": status}
            for name, status in (("finetune-large", "InProgress"), ("old", "Stopping"))
        ]
        return reply(200, {"TrainingJobSummaries": rows})
    name = "Chat-Small" if given.get("NextToken") else "Chat-Large"
    row = {"EndpointName": name, "EndpointArn": ARN, "CreationTime": 1, "LastModifiedTime": 1,
           "EndpointStatus": "InService"}  # fmt: skip
    return reply(200, {"Endpoints": [row], **({} if given.get("NextToken") else {"NextToken": "more"})})


async def test_jobs_that_run_are_proposed_and_every_page_is_read() -> None:
    """An endpoint is closed by denying its callers, a job by its one door; no deletion is ever proposed."""
    async with odd_server(listing) as server, open_client() as client:
        secrets = ReferencedSecrets({"ID": "a", "KEY": "b"})
        context = ConnectorContext(client, secrets, lambda: datetime.now(UTC), Inventory())
        settings = {"region": "eu-central-1", "principal": "role/chat", "endpoint_url": server.url, **KEYS}
        found = await SageMakerImporter(context).found(settings)
    assert [one.id for one in found.targets] == ["chat-large", "chat-small", "job-finetune-large"]
    assert [one.doors[0].config["action"] for one in found.targets] == ["iam-deny", "iam-deny", "training-job"]
    assert found.targets[0].doors[0].config["resources"] == (ARN.lower(),)
    inventory = Inventory(targets={one.id: one for one in found.targets})
    assert not [one for one in OpenConnectors(context).check_inventory(inventory) if one.severity == "error"]
