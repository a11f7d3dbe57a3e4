"""Writes the bytes of TensorFlow Serving's gRPC messages as protobuf itself writes them.

The tests of canary-serving compare its own encoding with these files. Run once, with Python and:

    pip install protobuf
    pip install --no-deps tensorflow-serving-api
    pip download --no-deps tensorflow-cpu && unzip tensorflow_cpu-*.whl 'tensorflow/*_pb2.py' -d protos
    PYTHONPATH=protos python scripts/grpc_fixtures.py

(Only the generated `_pb2.py` files of TensorFlow are needed; an installed tensorflow does as well.)
"""

import pathlib
import struct

from tensorflow.core.example import example_pb2
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
    regression_pb2,
)

FOLDER = pathlib.Path(__file__).parent.parent / "crates/canary-serving/tests/data/grpc"


def save(name, message):
    (FOLDER / f"{name}.bin").write_bytes(message.SerializeToString(deterministic=True))


def tensor(dtype, shape, content=b"", **values):
    proto = tensor_pb2.TensorProto(dtype=dtype, tensor_content=content, **values)
    proto.tensor_shape.SetInParent()
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return proto


def spec(message, signature="", version=None, label=None):
    message.model_spec.name = "image_classifier"
    message.model_spec.signature_name = signature
    if version is not None:
        message.model_spec.version.value = version
    if label is not None:
        message.model_spec.version_label = label


def example(**features):
    proto = example_pb2.Example()
    proto.features.SetInParent()
    for name, (kind, values) in features.items():
        getattr(proto.features.feature[name], kind).value.extend(values)
    return proto


# Requests.
files = predict_pb2.PredictRequest()
spec(files, "serving_preprocess", version=300)
files.inputs["raw_images"].CopyFrom(tensor(types_pb2.DT_STRING, [2], string_val=[b"\xff\xd8\xff", b""]))
save("predict_files", files)

arrays = predict_pb2.PredictRequest()
spec(arrays, label="stable")
CONTENT = {
    "a": (types_pb2.DT_FLOAT, [2, 1, 2], struct.pack("<4f", 0.5, -0.0, float("inf"), 3e38)),
    "b": (types_pb2.DT_INT64, [1], struct.pack("<q", -(2**63))),
    "c": (types_pb2.DT_HALF, [2], struct.pack("<2e", 1.5, -2.0)),
    "d": (types_pb2.DT_BFLOAT16, [1], b"\x80\x3f"),
    "e": (types_pb2.DT_BOOL, [3], b"\x01\x00\x01"),
    "f": (types_pb2.DT_DOUBLE, [], struct.pack("<d", 0.1)),
    "g": (types_pb2.DT_UINT8, [0, 3], b""),
    "h": (types_pb2.DT_UINT16, [1], b"\xff\xff"),
    "i": (types_pb2.DT_UINT64, [1], b"\xff" * 8),
    "j": (types_pb2.DT_INT8, [200], bytes(200)),
}
for name, (dtype, shape, content) in CONTENT.items():
    arrays.inputs[name].CopyFrom(tensor(dtype, shape, content))
save("predict_arrays", arrays)

classify = classification_pb2.ClassificationRequest()
spec(classify, "classify")
listed = classify.input.example_list_with_context
listed.examples.append(example(n=("int64_list", [-1, 2]), x=("float_list", [0.5, 1.5])))
listed.examples.append(example(t=("bytes_list", [b"\xc3\xa9"])))
listed.context.CopyFrom(example(c=("float_list", [1.0])))
save("classify_request", classify)

regress = regression_pb2.RegressionRequest()
spec(regress)
regress.input.example_list.examples.append(example(x=("float_list", [0.25])))
save("regress_request", regress)

metadata = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
spec(metadata, version=3)
save("metadata_request", metadata)

status = get_model_status_pb2.GetModelStatusRequest()
spec(status)
save("status_request", status)

# Responses.
answer = predict_pb2.PredictResponse()
spec(answer, "serving_default", version=3)
answer.outputs["bfloat16"].CopyFrom(tensor(types_pb2.DT_BFLOAT16, [2], half_val=[0x3F80, 0x4000]))
answer.outputs["bool"].CopyFrom(tensor(types_pb2.DT_BOOL, [2], bool_val=[True, False]))
answer.outputs["content"].CopyFrom(tensor(types_pb2.DT_FLOAT, [1, 3], struct.pack("<3f", 1.0, float("nan"), -0.5)))
answer.outputs["double"].CopyFrom(tensor(types_pb2.DT_DOUBLE, [], double_val=[0.1]))
answer.outputs["empty"].CopyFrom(tensor(types_pb2.DT_FLOAT, [0, 5]))
answer.outputs["float"].CopyFrom(tensor(types_pb2.DT_FLOAT, [2, 2], float_val=[1, 2, 3.5, -4]))
answer.outputs["half"].CopyFrom(tensor(types_pb2.DT_HALF, [1], half_val=[0x3C00]))
answer.outputs["int32"].CopyFrom(tensor(types_pb2.DT_INT32, [2], int_val=[-1, 2**31 - 1]))
answer.outputs["int64"].CopyFrom(tensor(types_pb2.DT_INT64, [2], int64_val=[-(2**63), 2**63 - 1]))
answer.outputs["int8"].CopyFrom(tensor(types_pb2.DT_INT8, [2], int_val=[-128, 127]))
answer.outputs["repeated"].CopyFrom(tensor(types_pb2.DT_FLOAT, [4], float_val=[7.0, 9.0]))
answer.outputs["string"].CopyFrom(tensor(types_pb2.DT_STRING, [2], string_val=[b"\xff", b"a"]))
answer.outputs["uint16"].CopyFrom(tensor(types_pb2.DT_UINT16, [1], int_val=[65535]))
answer.outputs["uint32"].CopyFrom(tensor(types_pb2.DT_UINT32, [1], uint32_val=[2**32 - 1]))
answer.outputs["uint64"].CopyFrom(tensor(types_pb2.DT_UINT64, [1], uint64_val=[2**64 - 1]))
answer.outputs["uint8"].CopyFrom(tensor(types_pb2.DT_UINT8, [2], int_val=[0, 255]))
save("predict_response", answer)

classified = classification_pb2.ClassificationResponse()
spec(classified)
for row in ([("cat", 0.25), ("dog", 0.75)], [("", 1.0), ("cow", 0.0)]):
    classes = classified.result.classifications.add().classes
    for label, score in row:
        classes.add(label=label, score=score)
save("classify_response", classified)

regressed = regression_pb2.RegressionResponse()
for value in (2.5, 0.0, -1.0):
    regressed.result.regressions.add(value=value)
save("regress_response", regressed)

described = get_model_metadata_pb2.GetModelMetadataResponse()
spec(described, version=3)
signatures = get_model_metadata_pb2.SignatureDefMap()
signature = signatures.signature_def["serving_default"]
signature.method_name = "tensorflow/serving/predict"
for names, name, dtype, shape in (
    (signature.inputs, "x", types_pb2.DT_FLOAT, [-1, 224, 224, 3]),
    (signature.outputs, "logits", types_pb2.DT_COMPLEX64, None),
):
    info = meta_graph_pb2.TensorInfo(name=f"{name}:0", dtype=dtype)
    info.tensor_shape.unknown_rank = shape is None
    for size in shape or []:
        info.tensor_shape.dim.add(size=size)
    names[name].CopyFrom(info)
described.metadata["signature_def"].Pack(signatures)
save("metadata_response", described)

served = get_model_status_pb2.GetModelStatusResponse()
served.model_version_status.add(version=2**53 + 1, state=30)
ended = served.model_version_status.add(version=2, state=50)
ended.status.error_code = 5
ended.status.error_message = "gone"
save("status_response", served)
