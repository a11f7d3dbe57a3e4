import pickle
import socket

import pytest

import canary


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (canary.ManifestError, ValueError),
        (canary.InvalidError, ValueError),
        (canary.ImageError, ValueError),
        (canary.NetworkError, ConnectionError),
        (canary.NotFoundError, LookupError),
        (canary.ClusterError, OSError),
        (canary.ForbiddenError, canary.ClusterError),
        (canary.ForbiddenError, PermissionError),
        (canary.NotReadyError, canary.ClusterError),
        (canary.NotReadyError, TimeoutError),
        (canary.NetworkTimeoutError, canary.NetworkError),
        (canary.NetworkTimeoutError, TimeoutError),
        (canary.MeshTimeoutError, canary.MeshError),
        (canary.MeshTimeoutError, TimeoutError),
        (canary.ServerTimeoutError, canary.ServerError),
        (canary.ServerTimeoutError, TimeoutError),
        (canary.StoreError, OSError),
        (canary.PlanError, ValueError),
    ],
)
def test_each_exception_is_also_the_builtin_that_fits(error, builtin):
    assert issubclass(error, canary.CanaryError)
    assert issubclass(error, builtin)


def test_exceptions_keep_their_details_through_pickle():
    error = canary.NetworkError("refused", url="http://localhost:1", attempts=3, retryable=True)
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == "refused"
    assert (copy.url, copy.attempts, copy.retryable) == ("http://localhost:1", 3, True)


def test_a_timeout_is_a_timeout_error():
    # A listener that never answers.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = canary.Client(f"http://127.0.0.1:{silent.getsockname()[1]}", model="m", timeout=0.2)
        with pytest.raises(TimeoutError) as caught:
            client.predict(b"photo")
    assert isinstance(caught.value, canary.NetworkTimeoutError)
    assert isinstance(caught.value, ConnectionError)
    assert "timed out after 200ms" in str(caught.value)


def test_a_refused_connection_is_a_connection_error_and_no_timeout():
    with pytest.raises(ConnectionError) as caught:
        canary.Client("http://127.0.0.1:1", model="m").predict(b"photo")
    assert not isinstance(caught.value, TimeoutError)
