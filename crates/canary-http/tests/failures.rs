//! Errors say what a caller can do, and keep secrets.

use std::{
    io::Write as _,
    net::{Shutdown, TcpListener},
};

use canary_http::{
    Client, ConnectFailure, Error, Limits, Phase, Proxy, Request, Settings, causes, root_cause,
};

use crate::support::{Server, client, get};

#[tokio::test]
async fn nothing_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/?token=hunter2", listener.local_addr().unwrap());
    drop(listener);
    let error = get(&client(), &url, Limits::default()).await.unwrap_err();
    let Error::Connect { failure, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*failure, ConnectFailure::Refused);
    assert!(!error.was_sent() && error.is_retryable());
    assert!(causes(&error).count() > 2);
    let text: Vec<_> = causes(&error).map(|cause| format!("{cause} {cause:?}")).collect();
    let text = text.join("\n");
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn a_name_without_an_address() {
    let url = "http://no-such-host.invalid:1/?token=hunter2";
    let direct = Client::new(&Settings::default().proxy(Proxy::direct())).unwrap();
    let error = get(&direct, url, Limits::default()).await.unwrap_err();
    assert!(matches!(error, Error::Connect { failure: ConnectFailure::Name, .. }), "{error:?}");
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn what_is_not_http_or_breaks_off() {
    for (answer, phase, cause) in [
        ("SSH-2.0-OpenSSH_9.6\r\n", Phase::Head, ""),
        ("HTTP/1.1 200 OK\r\ncontent-le", Phase::Head, ""),
        ("", Phase::Head, ""),
        ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd", Phase::Head, ""),
        ("HTTP/1.1 200 OK\r\ncontent-length: 30\r\n\r\nabc", Phase::Body, ""),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            Phase::Body,
            "Invalid chunk size",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabcd\r\n",
            Phase::Body,
            "Invalid chunk body",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
            Phase::Body,
            "unexpected EOF",
        ),
    ] {
        let server = Server::new(move |_, stream| {
            let _ = stream.write_all(answer.as_bytes());
            let _ = stream.shutdown(Shutdown::Write);
            false
        });
        let error = get(&client(), &server.url(), Limits::default()).await.unwrap_err();
        let Error::Broken { phase: found, sent, .. } = &error else {
            panic!("{answer}: {error:?}")
        };
        assert_eq!((*found, *sent), (phase, true), "{answer}: {error:?}");
        assert!(std::error::Error::source(&error).is_some());
        assert!(root_cause(&error).contains(cause), "{answer}: {error:?}");
        assert_eq!(server.heads().len(), 1, "{answer}: sent once");
    }
}

#[tokio::test]
async fn addresses_that_cannot_be_used() {
    for (url, word) in [
        ("http://me:hunter2@127.0.0.1:1/", "password"),
        ("ftp://127.0.0.1:1/", "http://"),
        ("/only/a/path", "http://"),
        ("http://127.0.0.1:1/v1/models/../secret", ".."),
        ("http://127.0.0.1:1/v1/models/%2e%2e", ".."),
    ] {
        let error = client().send(&Request::get(url.parse().unwrap()), Limits::default()).await;
        let error = error.unwrap_err();
        assert!(matches!(error, Error::Input { .. }), "{error:?}");
        let text = format!("{error} {error:?}");
        assert!(text.contains(word) && !text.contains("hunter2"), "{text}");
    }
}
