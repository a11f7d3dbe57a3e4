"""A model server over gRPC, by gRPC's own implementation."""

import contextlib
import struct
from collections.abc import Iterator
from concurrent import futures
from dataclasses import dataclass, field

import grpc


def answer(values: list[float]) -> bytes:
    """Write a `PredictResponse` with the output `y`, `DT_FLOAT[1, len(values)]`."""
    content = struct.pack(f"<{len(values)}f", *values)
    # Lengths below 128 are one byte.
    shape = b"\x12\x02\x08\x01\x12\x02\x08" + bytes([len(values)])
    tensor = b"\x08\x01\x12" + bytes([len(shape)]) + shape + b"\x22" + bytes([len(content)]) + content
    entry = b"\x0a\x01y\x12" + bytes([len(tensor)]) + tensor
    return b"\x0a" + bytes([len(entry)]) + entry


@dataclass
class Server(grpc.GenericRpcHandler):
    """Answers with the length of its input, or as the header `say` requests."""

    requests: list[tuple[str, bytes, dict[str, str], float]] = field(default_factory=list)
    port: int = 0

    def service(self, details):
        metadata = dict(details.invocation_metadata)

        def call(request, context):
            self.requests.append((details.method, request, metadata, context.time_remaining()))
            context.send_initial_metadata((("x-canary-subset", "resnet101"),))
            match metadata.get("say"):
                case "missing":
                    context.abort(grpc.StatusCode.NOT_FOUND, "Servable not found for request: Latest(m)")
                case "busy":
                    context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "later")
                case "large":
                    return bytes(5_000_000)
            return answer([len(request), 0.5])

        return grpc.unary_unary_rpc_method_handler(call)


@contextlib.contextmanager
def serving(credentials: grpc.ServerCredentials | None = None, handler: Server | None = None) -> Iterator[Server]:
    handler = handler or Server()
    unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    with futures.ThreadPoolExecutor(8) as pool:
        running = grpc.server(pool, handlers=(handler,), options=unlimited)
        if credentials is None:
            handler.port = running.add_insecure_port("127.0.0.1:0")
        else:
            handler.port = running.add_secure_port("127.0.0.1:0", credentials)
        running.start()
        yield handler
        running.stop(None).wait()
