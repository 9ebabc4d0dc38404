"""A model without weights for MLServer: it answers what it is asked. Runs inside the model server's own environment."""

from mlserver import MLModel  # type: ignore[import-not-found]  # the model server has an environment of its own
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput  # type: ignore[import-not-found]


class EchoModel(MLModel):  # type: ignore[misc]  # as above
    async def load(self) -> bool:
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        outputs = [
            ResponseOutput(name=given.name, shape=given.shape, datatype=given.datatype, data=given.data)
            for given in payload.inputs
        ]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)
