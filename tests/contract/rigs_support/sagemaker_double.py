"""A double of the calls of SageMaker that moto does not have, written from the service's own description.

Decides nothing of its own where the description says it: every request is read and every answer written through the
shapes that AWS publishes with its client library, so that a wrong name, a missing field or a wrong type fails here.
What it cannot show is how the real service behaves in time. It stands for two services: SageMaker and application
auto-scaling.
"""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_ARN = "arn:aws:sagemaker:eu-central-1:123456789012"
_THEN = datetime(2026, 11, 1, tzinfo=UTC)
_SERVICES = {"SageMaker": "sagemaker", "AnyScaleFrontendService": "application-autoscaling"}


class Rejected(Exception):
    """An answer of the service that is an error."""


class SageMakerDouble:
    """One component with two copies, and one training job that runs. Public attributes are its state."""

    def __init__(self) -> None:
        import botocore.session

        session = botocore.session.Session()
        self._models = {name: session.get_service_model(service) for name, service in _SERVICES.items()}
        self.copies, self.running, self.job = 2, 2, "InProgress"
        self.tags: dict[str, dict[str, str]] = {}
        self.scaling = [{"minimum": 1, "maximum": 4}]
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    # The operations, as the service names them.

    def DescribeInferenceComponent(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = asked["InferenceComponentName"]
        self._known(name, "chat-large", "Could not find inference component")
        return {
            "InferenceComponentName": name,
            "InferenceComponentArn": f"{_ARN}:inference-component/{name}",
            "EndpointName": "shared",
            "EndpointArn": f"{_ARN}:endpoint/shared",
            "Specification": {
                "ModelName": "chat-large-7",
                "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 1024},
            },
            "RuntimeConfig": {"DesiredCopyCount": self.copies, "CurrentCopyCount": self.running},
            "CreationTime": _THEN,
            "LastModifiedTime": datetime.now(UTC),
            "InferenceComponentStatus": "InService" if self.copies == self.running else "Updating",
        }

    def UpdateInferenceComponentRuntimeConfig(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = asked["InferenceComponentName"]
        self._known(name, "chat-large", "Could not find inference component")
        self.copies = asked["DesiredRuntimeConfig"]["CopyCount"]
        return {"InferenceComponentArn": f"{_ARN}:inference-component/{name}"}

    def DescribeTrainingJob(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = asked["TrainingJobName"]
        self._known(name, "tune-7", "Requested resource not found")
        return {
            "TrainingJobName": name,
            "TrainingJobArn": f"{_ARN}:training-job/{name}",
            "ModelArtifacts": {"S3ModelArtifacts": "s3://models/tune-7/model.tar.gz"},
            "TrainingJobStatus": self.job,
            "SecondaryStatus": "Training" if self.job == "InProgress" else "Stopping",
            "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
            "CheckpointConfig": {"S3Uri": "s3://models/tune-7/checkpoints"},
            "CreationTime": _THEN,
        }

    def StopTrainingJob(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._known(asked["TrainingJobName"], "tune-7", "Requested resource not found")
        if self.job != "InProgress":
            raise Rejected(f"The request was rejected because the training job is in status {self.job}.")
        self.job = "Stopping"
        return {}

    def ListTags(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        tags = self.tags.get(asked["ResourceArn"], {})
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def AddTags(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        tags = self.tags.setdefault(asked["ResourceArn"], {})
        tags.update({tag["Key"]: tag["Value"] for tag in asked["Tags"]})
        return self.ListTags(asked)

    def DeleteTags(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        for key in asked["TagKeys"]:
            self.tags.get(asked["ResourceArn"], {}).pop(key, None)
        return {}

    def DescribeScalableTargets(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {
            "ScalableTargets": [
                {
                    "ServiceNamespace": asked["ServiceNamespace"],
                    "ResourceId": resource,
                    "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
                    "MinCapacity": one["minimum"],
                    "MaxCapacity": one["maximum"],
                    "RoleARN": "arn:aws:iam::123456789012:role/scaling",
                    "CreationTime": _THEN,
                }
                for resource in asked["ResourceIds"]
                for one in self.scaling
            ]
        }

    # Reading requests and writing answers through the published shapes.

    def answer(self, header: str, body: bytes) -> tuple[int, bytes]:
        """Return status and body for one request."""
        service, _, operation = header.partition(".")
        model = self._models[service].operation_model(operation)
        asked = json.loads(body)
        if wrong := _unlike(asked, model.input_shape):
            return 400, json.dumps({"__type": "ValidationException", "message": wrong}).encode()
        try:
            said = getattr(self, operation)(asked)
        except Rejected as error:
            return 400, json.dumps({"__type": "ValidationException", "message": str(error)}).encode()
        assert model.output_shape is None or not _unlike(said, model.output_shape), _unlike(said, model.output_shape)
        return 200, json.dumps(said, default=datetime.timestamp).encode()

    @staticmethod
    def _known(name: str, known: str, otherwise: str) -> None:
        if name != known:
            raise Rejected(otherwise)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status, said = double.answer(self.headers["x-amz-target"], body)
                self.send_response_only(status)
                self.send_header("content-type", "application/x-amz-json-1.1")
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

        return Handler


def _unlike(value: dict[str, Any], shape: Any) -> str:
    """Return how a value differs from a shape, unknown names included; an empty text where it does not."""
    from botocore.validate import ParamValidator

    strange = sorted(set(value) - set(shape.members))
    return ", ".join(strange) or ParamValidator().validate(value, shape).generate_report()
