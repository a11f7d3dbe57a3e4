//! Certificates that must not be trusted, over each way to a server: no request leaves before the server is verified.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use canary_core::{
    cluster::{Cluster, Kubernetes, ObjectRef},
    evidence::{
        Subsets, Timestamp,
        prometheus::{Metrics, Prometheus},
    },
    predict::{Client, Input, Retry, Tls},
};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints, date_time_ymd,
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::TURN;

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority(change: impl FnOnce(&mut CertificateParams)) -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    change(&mut params);
    Issuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// An authority that another one vouches for.
fn intermediate(by: &Issuer, change: impl FnOnce(&mut CertificateParams)) -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "between");
    change(&mut params);
    Issuer::signed_by(params, KeyPair::generate().unwrap(), by).unwrap()
}

/// The chain and the key that a server shows.
struct Shown {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

fn leaf(by: &Issuer, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Shown {
    let names = if name.is_empty() { Vec::new() } else { vec![name.to_owned()] };
    let mut params = CertificateParams::new(names).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, by).unwrap();
    Shown {
        chain: vec![certificate.der().clone()],
        key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
    }
}

fn with(mut shown: Shown, issuer: &Issuer) -> Shown {
    shown.chain.push(issuer.der().clone());
    shown
}

/// Certificates by the reason for which they are refused; the clients trust `root` alone.
fn refused(root: &Issuer) -> Vec<(&'static str, Shown)> {
    let plain = |_: &mut CertificateParams| {};
    let stranger = authority(plain);
    let old = intermediate(root, |params| params.not_after = date_time_ymd(2020, 1, 1));
    let bound = intermediate(root, |params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("example.com".to_owned())],
            excluded_subtrees: Vec::new(),
        });
    });
    let no_authority = intermediate(root, |params| params.is_ca = IsCa::ExplicitNoCa);
    let mut other_key = leaf(root, "localhost", plain);
    other_key.chain = leaf(&stranger, "localhost", plain).chain;
    let mut broken = leaf(root, "localhost", plain);
    let mut bytes = broken.chain[0].to_vec();
    // A bit of the signature, which is the last field.
    *bytes.last_mut().unwrap() ^= 1;
    broken.chain = vec![bytes.into()];
    let itself = {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Shown {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        }
    };
    vec![
        ("signed by itself", itself),
        ("signed by a stranger", leaf(&stranger, "localhost", plain)),
        (
            "signed by a stranger who comes along",
            with(leaf(&stranger, "localhost", plain), &stranger),
        ),
        ("for another name", leaf(root, "models.example", plain)),
        ("for an address", leaf(root, "127.0.0.1", plain)),
        ("for the names below", leaf(root, "*.localhost", plain)),
        ("for no name but the common one", {
            leaf(root, "", |params| params.distinguished_name.push(DnType::CommonName, "localhost"))
        }),
        (
            "of the past",
            leaf(root, "localhost", |params| params.not_after = date_time_ymd(2020, 1, 1)),
        ),
        ("of the future", {
            leaf(root, "localhost", |params| {
                params.not_before = date_time_ymd(2090, 1, 1);
                params.not_after = date_time_ymd(2099, 1, 1);
            })
        }),
        ("for clients alone", {
            leaf(root, "localhost", |params| {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            })
        }),
        ("of an authority", {
            leaf(root, "localhost", |params| {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            })
        }),
        ("by an authority of the past", with(leaf(&old, "localhost", plain), &old)),
        ("by an authority of other names", with(leaf(&bound, "localhost", plain), &bound)),
        (
            "by one that is no authority",
            with(leaf(&no_authority, "localhost", plain), &no_authority),
        ),
        (
            "by an authority that does not come along",
            leaf(&intermediate(root, plain), "localhost", plain),
        ),
        ("with a signature that was changed", broken),
        ("with the key of another", other_key),
    ]
}

/// A server that shows this certificate, and the bytes of requests that reached it.
async fn serve(shown: Shown) -> (u16, Arc<AtomicUsize>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = provider.key_provider.load_private_key(shown.key).unwrap();
    // Without the check that key and certificate belong together.
    let certified = rustls::sign::CertifiedKey::new(shown.chain, key);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let received = Arc::<AtomicUsize>::default();
    let count = received.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, count) = (acceptor.clone(), count.clone());
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut request = [0; 4096];
                if let Ok(read) = stream.read(&mut request).await {
                    count.fetch_add(read, Ordering::SeqCst);
                }
                let _ = stream.shutdown().await;
            });
        }
    });
    (port, received)
}

/// A server that speaks no TLS.
async fn serve_plain() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"predictions\": [1]}")
                .await;
            let _ = stream.shutdown().await;
        }
    });
    (port, Arc::default())
}

const WAYS: [&str; 4] = ["REST", "gRPC", "Kubernetes", "Prometheus"];

/// The error of a call to that server, by one of the [`WAYS`].
async fn ask(way: &str, port: u16, root: &Issuer) -> String {
    let tls = Tls::default().without_system_authorities().ca_certificate(root.pem());
    let client = |scheme: &str| {
        let client = Client::new(&format!("{scheme}://localhost:{port}")).unwrap().model("m");
        client.retry(Retry::never()).timeout(Duration::from_secs(5)).tls(tls.clone()).unwrap()
    };
    let input = || Input::named([("x", vec![1_u8])]);
    match way {
        "REST" => client("https").predict(input()).await.unwrap_err().to_string(),
        "gRPC" => client("grpcs").predict(input()).await.unwrap_err().to_string(),
        "Kubernetes" => {
            let kubeconfig = json!({
                "apiVersion": "v1", "kind": "Config", "current-context": "c",
                "clusters": [{"name": "c", "cluster": {
                    "server": format!("https://localhost:{port}"),
                    "certificate-authority-data": base64_of(&root.pem()),
                }}],
                "users": [{"name": "u", "user": {"token": "hunter2"}}],
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            });
            let cluster = Kubernetes::from_kubeconfig(&kubeconfig.to_string(), None).await.unwrap();
            let object = ObjectRef::virtual_service("default", "a");
            let got = tokio::time::timeout(Duration::from_secs(20), cluster.get(&object)).await;
            got.expect("it ends").unwrap_err().to_string()
        }
        _ => {
            let url = format!("https://localhost:{port}");
            let metrics = Metrics::istio("m", "default");
            let source = Prometheus::new(&url, metrics, Subsets::new("a", "b")).unwrap();
            let source = source.tls(tls).unwrap().timeout(Duration::from_secs(5));
            source.window(Timestamp(0), Timestamp(15_000)).await.unwrap_err().to_string()
        }
    }
}

fn base64_of(text: &str) -> String {
    use k8s_openapi::ByteString;
    serde_json::to_value(ByteString(text.as_bytes().to_vec())).unwrap().as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_leaves_before_the_server_is_verified() {
    let _turn = TURN.lock().await;
    let root = authority(|_| {});
    let chain = intermediate(&root, |_| {});
    for (name, shown) in [
        ("the right one", leaf(&root, "localhost", |_| {})),
        ("the right one by an intermediate", with(leaf(&chain, "localhost", |_| {}), &chain)),
    ] {
        let (port, received) = serve(shown).await;
        for way in WAYS {
            let before = received.load(Ordering::SeqCst);
            ask(way, port, &root).await;
            assert!(received.load(Ordering::SeqCst) > before, "{way}, {name}: nothing was sent");
        }
    }
    let refused = refused(&root);
    assert!(refused.len() >= 10);
    for (name, shown) in refused {
        let (port, received) = serve(shown).await;
        for way in WAYS {
            let error = ask(way, port, &root).await;
            assert_eq!(
                received.load(Ordering::SeqCst),
                0,
                "{way}, {name}: a request was sent; {error}"
            );
        }
    }
    let (port, _) = serve_plain().await;
    for way in WAYS {
        ask(way, port, &root).await;
    }
}
