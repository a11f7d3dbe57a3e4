"""TLS of the client: whom it trusts, and the certificate that it shows."""

import copy
import pickle
import shutil
import ssl
import subprocess

import grpc
import grpc_server
import numpy as np
import pytest
import servers

import canary


def openssl(folder, *arguments):
    program = shutil.which("openssl")
    assert program, "these tests make their certificates with openssl; install it"
    subprocess.run([program, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An authority, a server's and a client's certificate of its, and an authority that signed nothing."""
    folder = tmp_path_factory.mktemp("tls")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for name in ("ca", "other"):
        made = ["-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={name}"]
        openssl(folder, "req", "-x509", *curve, *made)
    for name, usage in (("server", "serverAuth"), ("client", "clientAuth")):
        openssl(folder, "req", *curve, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / f"{name}.ext").write_text(
            f"basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost\nextendedKeyUsage={usage}\n"
        )
        signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext"]
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", *signed)
    return folder


class Model(servers.Handler):
    def do_POST(self):
        self.body()
        self.answer({"predictions": [[0.25, 0.75]]})


@pytest.fixture(scope="module")
def url(folder):
    """A server that answers only who shows a certificate of the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with servers.serving(Model, context) as server:
        yield f"https://localhost:{server.server_port}"


@pytest.fixture
def client(folder, url):
    return canary.Client(url, model="m", ca_certificate=folder / "ca.pem", attempts=1, timeout=20)


def pair(folder, name="client"):
    return folder / f"{name}.pem", folder / f"{name}.key"


def send(client):
    return client.predict([[1.0]]).outputs["predictions"].tolist()


def test_an_identity_is_shown(client, folder):
    paths = pair(folder)
    texts = tuple(str(path) for path in paths)
    contents = tuple(path.read_bytes() for path in paths)
    for identity in (paths, texts, contents, (texts[0], bytearray(contents[1]))):
        assert send(client.replace(identity=identity)) == [[0.25, 0.75]]


def test_without_an_identity_the_error_is_of_the_network(client):
    with pytest.raises(canary.NetworkError, match=r"(?i)certificate"):
        send(client)


def test_an_identity_of_another_authority_is_refused(client, folder):
    with pytest.raises(canary.NetworkError):
        send(client.replace(identity=pair(folder, "other")))


def test_only_the_given_authority_is_trusted(client, folder):
    alone = client.replace(identity=pair(folder), system_authorities=False)
    assert send(alone) == [[0.25, 0.75]]
    assert send(alone.replace(timeout=19)) == [[0.25, 0.75]]
    assert alone != alone.replace(system_authorities=True)
    with pytest.raises(canary.NetworkError, match=r"(?i)certificate"):
        send(alone.replace(ca_certificate=folder / "other.pem"))
    with pytest.raises(ValueError, match="ca_certificate="):
        canary.Client("https://localhost", model="m", system_authorities=False)


def test_the_system_s_authorities_can_be_left_out(client, folder, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
    settings = {"ca_certificate": folder / "other.pem", "identity": pair(folder)}
    assert send(client.replace(**settings)) == [[0.25, 0.75]]
    with pytest.raises(canary.NetworkError, match=r"(?i)certificate"):
        send(client.replace(**settings, system_authorities=False))


def test_no_text_shows_the_key(client, folder):
    certificate, key = (path.read_bytes() for path in pair(folder))
    secret = key.decode().splitlines()[1]
    one = client.replace(identity=(certificate, key))
    assert all(secret not in text for text in (repr(one), str(one), one._repr_html_()))
    with pytest.raises(TypeError, match=r"private key.*path") as error:
        pickle.dumps(one)
    assert secret not in str(error.value)
    assert copy.copy(one) == copy.deepcopy(one) == one
    for wrong in ((certificate, key.decode()), key.decode(), (key,), (certificate, 1), [certificate, key]):
        with pytest.raises(TypeError, match="identity") as error:
            client.replace(identity=wrong)
        assert secret not in str(error.value)


def test_paths_are_pickled_as_paths(client, folder):
    one = client.replace(identity=pair(folder))
    stored = pickle.dumps(one)
    assert b"client.key" in stored
    assert b"PRIVATE KEY" not in stored
    assert pickle.loads(stored) == one
    assert send(pickle.loads(stored)) == [[0.25, 0.75]]


def test_what_is_wrong_with_a_file_is_reported_with_its_path(client, folder):
    certificate, key = pair(folder)
    with pytest.raises(canary.CanaryError, match=r"PEM.*server\.csr"):
        client.replace(ca_certificate=folder / "server.csr")
    with pytest.raises(canary.CanaryError, match=r"PEM.*given as bytes"):
        client.replace(ca_certificate=b"nothing")
    with pytest.raises(canary.CanaryError, match=r"missing\.key"):
        client.replace(identity=(certificate, folder / "missing.key"))
    with pytest.raises(canary.CanaryError, match=r"PEM.*client\.csr"):
        client.replace(identity=(folder / "client.csr", key))
    with pytest.raises(canary.CanaryError, match=r"private key.*client\.pem"):
        client.replace(identity=(certificate, certificate))
    with pytest.raises(canary.CanaryError, match=r"does not fit.*other\.key"):
        client.replace(identity=(certificate, folder / "other.key"))


def test_the_same_over_grpc(folder):
    read = {name: (folder / name).read_bytes() for name in ("server.key", "server.pem", "ca.pem")}
    pair = [(read["server.key"], read["server.pem"])]
    credentials = grpc.ssl_server_credentials(pair, read["ca.pem"], require_client_auth=True)
    inputs = {"x": np.random.default_rng(1).random((4, 224, 224, 3), dtype=np.float32)}
    with grpc_server.serving(credentials) as server:
        settings = {"model": "m", "attempts": 1, "timeout": 20}
        url = f"grpcs://localhost:{server.port}"
        client = canary.Client(
            url, ca_certificate=folder / "ca.pem", identity=(folder / "client.pem", folder / "client.key"), **settings
        )
        assert client.predict(inputs).array()[0, 1] == 0.5
        assert client.predict(inputs).array()[0, 1] == 0.5
        assert [message for _, message, _, _ in server.requests] == [canary.encode_predict_grpc(inputs, model="m")] * 2
        with pytest.raises(canary.NetworkError):
            canary.Client(url, ca_certificate=folder / "ca.pem", **settings).predict(inputs)
        with pytest.raises(canary.NetworkError, match="certificate"):
            canary.Client(url, ca_certificate=folder / "other.pem", **settings).predict(inputs)
        assert len(server.requests) == 2
