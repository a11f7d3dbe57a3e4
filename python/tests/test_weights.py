"""The lab's weights become safetensors once, and a checkpoint that names anything else than tensors is refused."""

import json
import struct

import numpy as np
import pytest

from canary import _weights

MAGIC = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\n%sStorage\nX\x01\0\0\0%sX\x03\0\0\0cpuK%cNtQ"
NO_HOOKS = b"\x89ccollections\nOrderedDict\n)RtR"


def checkpoint(tensors: bytes, numbers: bytes) -> bytes:
    """A legacy checkpoint: magic number, protocol, system, tensors, the keys of the storages, and their numbers."""
    state = b"\x80\x02ccollections\nOrderedDict\n)R(" + tensors + b"u."
    return MAGIC + b"\x80\x02M\xe9\x03.\x80\x02}." + state + b"\x80\x02](X\x01\0\0\0aX\x01\0\0\0be." + numbers


# A 2 x 2 tensor `w`, written column by column, and a counter `n`.
TENSORS = b"X\x01\0\0\0w" + TENSOR % (b"Float", b"a", 4) + b"K\0K\x02K\x02\x86K\x01K\x02\x86" + NO_HOOKS
TENSORS += b"X\x01\0\0\0n" + TENSOR % (b"Long", b"b", 1) + b"K\0))" + NO_HOOKS
NUMBERS = struct.pack("<q4fqq", 4, 1, 2, 3, 4, 1, 7)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "efficientnet-lite0-57934424.pth"


def test_a_checkpoint_becomes_safetensors_once(file, tmp_path):
    file.write_bytes(checkpoint(TENSORS, NUMBERS))
    [converted] = _weights.convert_all(tmp_path)
    content = converted.read_bytes()
    (size,) = struct.unpack_from("<Q", content)
    assert json.loads(content[8 : 8 + size]) == {"w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}
    assert np.frombuffer(content[8 + size :], "<f4").tolist() == [1, 3, 2, 4]
    # It is kept, and nothing is left beside it.
    file.write_bytes(b"")
    assert _weights.convert_all(tmp_path) == [converted]
    assert sorted(tmp_path.iterdir()) == sorted([file, converted])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (MAGIC + b"\x80\x02cos\nsystem\n(X\x02\0\0\0idtR.", "os.system"),
        (checkpoint(TENSORS, NUMBERS)[:-17], "cut off"),
        (checkpoint(TENSORS.replace(b"K\x01K\x02\x86", b"K\x01K\x09\x86"), NUMBERS), "outside its storage"),
        (b"\x80\x02K\x01." * 5, "another format"),
        (b"", "no legacy checkpoint"),
    ],
)
def test_what_is_no_checkpoint_of_tensors_is_refused(file, tmp_path, content, message):
    file.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        _weights.convert_all(tmp_path)
    assert list(tmp_path.iterdir()) == [file]
