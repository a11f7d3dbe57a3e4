"""The model ``mix`` for MLServer."""

import mix
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput


class Mix(MLModel):
    """Gives inputs back, and the scores of rows of four floats."""

    async def load(self) -> bool:
        """Have nothing to load."""
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer a request."""
        outputs = []
        for one in payload.inputs:
            if one.name == "fail":
                raise ValueError("the model does not like this input")
            echo = ResponseOutput(
                name=one.name, shape=one.shape, datatype=one.datatype, data=one.data, parameters=one.parameters
            )
            outputs.append(echo)
            if one.datatype != "FP32":
                continue
            array = NumpyCodec.decode_input(one)
            if not mix.classifies(one.name, array):
                continue
            found = mix.scores(array)
            outputs.extend(NumpyCodec.encode_output(name, found[name]) for name in ("logits", "probabilities"))
            labels = found["labels"]
            texts = [label.decode() for label in labels.ravel()]
            outputs.append(ResponseOutput(name="labels", shape=list(labels.shape), datatype="BYTES", data=texts))
        chosen = [output.name for output in payload.outputs or []]
        outputs = [output for output in outputs if not chosen or output.name in chosen]
        return InferenceResponse(model_name=self.name, model_version=self.version, id=payload.id, outputs=outputs)
