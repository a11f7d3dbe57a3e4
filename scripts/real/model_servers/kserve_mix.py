"""The model ``mix`` for KServe's server: both of its protocols reach the same method."""

import mix
import numpy as np
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer


class Mix(Model):
    """Gives inputs back, and the scores of rows of four floats."""

    def __init__(self) -> None:
        """Be ready at once."""
        super().__init__("mix")
        self.ready = True

    def predict(self, payload, headers=None, response_headers=None):  # noqa: ARG002 - as KServe calls it
        """Answer a request of V1, a dictionary, or of V2."""
        if not isinstance(payload, InferRequest):
            rows = payload["instances"]
            if rows and isinstance(rows[0], list) and len(rows[0]) == 4:
                found = mix.scores(np.array(rows, np.float32))
                texts = [[label.decode() for label in row] for row in found["labels"]]
                shares = found["probabilities"].tolist()
                rows = [{"labels": a, "probabilities": b} for a, b in zip(texts, shares, strict=True)]
            return {"predictions": rows}
        outputs = []
        for one in payload.inputs:
            array = one.as_numpy()
            outputs.append((one.name, one.datatype, array))
            if mix.classifies(one.name, array):
                found = mix.scores(array)
                types = {"logits": "FP32", "probabilities": "FP32", "labels": "BYTES"}
                outputs.extend((name, types[name], found[name]) for name in types)
        chosen = [output.name for output in payload.request_outputs or []]
        answers = []
        for name, datatype, array in outputs:
            if chosen and name not in chosen:
                continue
            answer = InferOutput(name, list(array.shape), datatype)
            binary = payload.use_binary_outputs
            answer.set_data_from_numpy(array, binary_data=binary or datatype == "FP16")
            answers.append(answer)
        return InferResponse(payload.id, self.name, answers, use_binary_outputs=payload.use_binary_outputs)


def serve(http: int, grpc: int) -> None:
    """Serve until the process ends."""
    ModelServer(http_port=http, grpc_port=grpc, enable_docs_url=False).start([Mix()])
