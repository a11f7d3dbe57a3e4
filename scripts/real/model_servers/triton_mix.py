"""The models of Triton's Python backend: ``mix``, and ``echo-TYPE`` with one input of each type."""

import json

import mix
import triton_python_backend_utils as backend


class TritonPythonModel:
    """Gives inputs back, and the scores of rows of four floats."""

    def initialize(self, args: dict[str, str]) -> None:
        """Read the names of the inputs."""
        config = json.loads(args["model_config"])
        self.inputs = [one["name"] for one in config["input"]]
        self.outputs = [one["name"] for one in config["output"]]

    def execute(self, requests: list) -> list:
        """Answer requests."""
        return [self.answer(request) for request in requests]

    def answer(self, request):
        """Answer one request."""
        found = {}
        for name in self.inputs:
            tensor = backend.get_input_tensor_by_name(request, name)
            if tensor is None:
                continue
            if name == "bf16":
                found[name] = backend.Tensor.from_dlpack(f"{name}_out", tensor.to_dlpack())
                continue
            array = tensor.as_numpy()
            found[name] = backend.Tensor(f"{name}_out", array)
            if mix.classifies(name, array):
                found |= {key: backend.Tensor(key, value) for key, value in mix.scores(array).items()}
        wanted = set(request.requested_output_names())
        tensors = [tensor for tensor in found.values() if tensor.name() in wanted]
        return backend.InferenceResponse(output_tensors=tensors)
