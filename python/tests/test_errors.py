import pickle

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
