"""Looking as a caller of AWS does: a signed call with the caller's own key, whose answer is not kept.

Decides which answers mean that the target serves, which that it refuses, and which prove nothing: a key of ours that is
wrong, a model that fails by itself and a service that is busy are no refusal.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Literal

from pydantic import Field

from firedoor.connectors.parts.aws.cloud import Access, Cloud, code_of, meaning, status_of
from firedoor.connectors.parts.redaction import Redactor
from firedoor.core.ports import CallerSaw, Members
from firedoor.core.ternary import NO, UNKNOWN, YES

_NOT_THERE = ("not found", "could not find", "no capacity")  # an endpoint that is gone; a component without copies


class SageMakerCall(Access):
    """One request to an endpoint, or to one component of it."""

    call: Literal["sagemaker-invoke"]
    endpoint: str
    component: str | None = None
    body: object = Field(default_factory=dict)
    content_type: str = "application/json"

    def asked(self) -> tuple[str, str, Members]:
        """Return the service, the operation and its parameters."""
        parameters = {"EndpointName": self.endpoint, "ContentType": self.content_type, "Body": _bytes(self.body)}
        component = {"InferenceComponentName": self.component} if self.component else {}
        return "sagemaker-runtime", "invoke_endpoint", {**parameters, **component}


class BedrockCall(Access):
    """One request to a foundation model."""

    call: Literal["bedrock-invoke"]
    model: str
    body: object = Field(default_factory=dict)

    def asked(self) -> tuple[str, str, Members]:
        """Return the service, the operation and its parameters."""
        parameters = {"modelId": self.model, "contentType": "application/json", "body": _bytes(self.body)}
        return "bedrock-runtime", "invoke_model", parameters


class S3Call(Access):
    """Reading the first byte of one object."""

    call: Literal["s3-get"]
    bucket: str
    key: str

    def asked(self) -> tuple[str, str, Members]:
        """Return the service, the operation and its parameters."""
        return "s3", "get_object", {"Bucket": self.bucket, "Key": self.key, "Range": "bytes=0-0"}


class TrainingLook(Access):
    """Whether a training job runs, as whoever pays for it sees it: it has no callers."""

    call: Literal["training-job"]
    training_job: str

    def asked(self) -> tuple[str, str, Members]:
        """Return the service, the operation and its parameters."""
        return "sagemaker", "describe_training_job", {"TrainingJobName": self.training_job}


AnyCall = SageMakerCall | BedrockCall | S3Call | TrainingLook
CALLS: dict[str, type[AnyCall]] = {
    "sagemaker-invoke": SageMakerCall,
    "bedrock-invoke": BedrockCall,
    "s3-get": S3Call,
    "training-job": TrainingLook,
}


async def ask(cloud: Cloud, call: AnyCall) -> CallerSaw:
    """Make the call. Raises Unanswered when its answer proves nothing."""
    service, operation, parameters = call.asked()
    redactor = Redactor()
    try:
        answer = await cloud.raw(service, operation, redactor, parameters)
    except Exception as error:  # noqa: BLE001 - the client's errors have no common base; what is no refusal goes on
        return _no(error, service, f"{service} {operation}", redactor)
    with suppress(OSError, AttributeError, KeyError):
        (answer.get("Body") or answer["body"]).close()  # what the model said is not ours to keep
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    if isinstance(call, TrainingLook):
        said = answer["TrainingJobStatus"]
        serving = YES if said in ("InProgress", "Stopping") else NO
        return CallerSaw(serving=serving, status=status, detail=f"the job is {said}")
    return CallerSaw(serving=YES, status=status)


def _no(error: Exception, service: str, where: str, redactor: Redactor) -> CallerSaw:
    code, message = code_of(error)
    detail = redactor.text(f"{code}: {message}")[:200]
    gone = code in ("ValidationError", "ValidationException") and any(word in message.lower() for word in _NOT_THERE)
    if _is_denied(code, message) or (gone and service == "sagemaker-runtime"):
        return CallerSaw(serving=NO, status=status_of(error), detail=detail)
    if status_of(error) is None:
        raise meaning(error, where, redactor, changes=False)
    return CallerSaw(serving=UNKNOWN, status=status_of(error), detail=detail)


def _is_denied(code: str, message: str) -> bool:
    """Whether the rights are missing; a key that is wrong or too old is refused with the same status."""
    return "AccessDenied" in code or (code == "403" and (message == "Forbidden" or "AccessDenied" in message))


def _bytes(body: object) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()
