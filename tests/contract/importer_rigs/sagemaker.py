"""The rig of the sagemaker importer: moto's server with two endpoints, and a training job, which moto ends at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tests.contract.rigs_support.moto_server import ACCOUNT, REGION, Moto, key_as, key_in
from tests.parts import free_port

ROLE = f"arn:aws:iam::{ACCOUNT}:role/training"


class Rig:
    """What is in service; the job has ended and is left out. One that runs is in test_sagemaker_importer.py."""

    kind: ClassVar[str] = "sagemaker"
    expected: ClassVar[Mapping[str, str]] = {"chat-large": "aws", "chat-small": "aws"}

    def start(self) -> None:
        self._moto = Moto()
        key = self._moto.user("importer", ["sagemaker:List*"])
        self.environment = key_as("IMPORT", key)
        self._moto.client("iam").create_user(UserName="frontend")
        client = self._moto.client("sagemaker")
        for name in ("chat-large", "Chat-Small"):
            client.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "image"})
            variant = {"VariantName": "v", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
            client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
            client.create_endpoint(EndpointName=name, EndpointConfigName=name)
        client.create_training_job(
            TrainingJobName="finetune-large", RoleArn=ROLE, StoppingCondition={"MaxRuntimeInSeconds": 3600},
            AlgorithmSpecification={"TrainingImage": "image", "TrainingInputMode": "File"},
            OutputDataConfig={"S3OutputPath": "s3://models/out"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        )  # fmt: skip
        self._moto.enforce()
        self._before = self._listed()

    def stop(self) -> None:
        self._moto.stop()

    def settings(self) -> dict[str, Any]:
        return {"region": REGION, "principal": "user/frontend", "endpoint_url": self._moto.url, **key_in("IMPORT")}

    def silent(self) -> dict[str, Any]:
        return {**self.settings(), "endpoint_url": f"http://127.0.0.1:{free_port()}"}

    def effects(self) -> int:
        return int(self._listed() != self._before)

    def _listed(self) -> list[Any]:
        client = self._moto.client("sagemaker")
        policies = self._moto.client("iam").list_user_policies(UserName="frontend")["PolicyNames"]
        return [client.list_endpoints()["Endpoints"], client.list_training_jobs()["TrainingJobSummaries"], policies]
