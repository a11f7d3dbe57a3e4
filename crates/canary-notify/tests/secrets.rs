//! Secrets reach the receiver and nobody else.

use std::path::PathBuf;

use canary_notify::{Error, Notifier, Webhook};

use crate::support::{FOREVER, Receiver, verdict};

const SECRET: &str = "c7-hunter2";

/// A file of its own for each test.
fn file(name: &str, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("canary-notify-{}-{name}", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path
}

fn texts(error: &Error) -> String {
    let all: Vec<String> = canary_http::causes(error).map(ToString::to_string).collect();
    format!("{error:?} {}", all.join(": "))
}

#[tokio::test]
async fn addresses_headers_and_tokens_are_sent_and_not_shown() {
    let mut receiver = Receiver::start(|_| Some("403 Forbidden")).await;
    let token = file("token", &format!("{SECRET}-token\n"));
    let url = format!("http://{}/{SECRET}?key={SECRET}", receiver.host);
    let webhook = Webhook::cloud_events(&url).unwrap();
    let webhook = webhook.header("x-api-key", SECRET).unwrap().bearer_from_file(&token);
    let shown = format!("{webhook:?}");
    assert!(shown.contains(&receiver.host) && shown.contains("x-api-key"), "{shown}");
    assert!(!shown.contains(SECRET), "{shown}");
    let notifier = Notifier::spawn([webhook.timeout(FOREVER)]).unwrap();
    notifier.notice(&verdict());
    let head = receiver.next().await.head;
    for part in [
        format!("post /{SECRET}?key={SECRET} "),
        format!("authorization: bearer {SECRET}-token"),
        format!("x-api-key: {SECRET}"),
    ] {
        assert!(head.contains(&part), "{part}: {head}");
    }
    let shown = format!("{notifier:?}");
    assert!(!shown.contains(SECRET), "{shown}");
    let problems = notifier.finish(FOREVER).await;
    assert!(problems[0].reason.contains("403"), "{problems:?}");
    assert!(!format!("{problems:?} {}", problems[0]).contains(SECRET), "{problems:?}");
    std::fs::remove_file(token).unwrap();
}

#[tokio::test]
async fn an_address_comes_from_a_file() {
    let mut receiver = Receiver::start(|_| Some("200 OK")).await;
    let path = file("address", &format!("slack:{}/{SECRET}\n", receiver.url()));
    let webhook = Webhook::parse(&format!("file:{}", path.display())).unwrap();
    assert!(webhook.is_slack());
    let notifier = Notifier::spawn([webhook.timeout(FOREVER)]).unwrap();
    notifier.notice(&verdict());
    assert_eq!(notifier.finish(FOREVER).await, []);
    assert!(receiver.next().await.head.starts_with(&format!("post /hook/{SECRET} ")));
    std::fs::remove_file(path).unwrap();
}

#[test]
fn an_environment_variable_is_read_by_name() {
    // Set wherever a test can run.
    let webhook = Webhook::cloud_events("http://h/").unwrap();
    let webhook = webhook.header_from_env("x-path", "PATH").unwrap();
    assert!(format!("{webhook:?}").contains("x-path"));
    let error = webhook.header_from_env("x", "CANARY_NOTIFY_NO_SUCH_VARIABLE").unwrap_err();
    assert!(matches!(error, Error::Environment { .. }), "{error:?}");
    // Folders are not an address.
    let error = Webhook::parse("slack:env:PATH").unwrap_err();
    assert!(matches!(error, Error::Address { .. }), "{error:?}");
}

#[test]
fn no_error_repeats_what_may_be_a_secret() {
    let empty = file("empty", " \n");
    for text in [
        format!("{SECRET} {SECRET}"),
        format!("ftp://{SECRET}/"),
        format!("/{SECRET}"),
        format!("https://me:{SECRET}@chat.example/"),
        format!("slack:{SECRET}"),
        format!("env:https://chat.example/{SECRET}"),
        format!("slack:env:{SECRET}"),
        format!("slack:file:{}", empty.display()),
        "file:/no/such/file".to_owned(),
    ] {
        let error = Webhook::parse(&text).unwrap_err();
        assert!(!texts(&error).contains(SECRET), "{text}: {}", texts(&error));
    }
    let webhook = Webhook::cloud_events("http://h/").unwrap();
    let error = webhook.clone().header("x-key", &format!("{SECRET}\n")).unwrap_err();
    assert!(!texts(&error).contains(SECRET), "{}", texts(&error));
    let error = webhook.header("no name", SECRET).unwrap_err();
    assert_eq!(error.to_string(), "the header \"no name\" has a name that HTTP does not allow");
    std::fs::remove_file(empty).unwrap();
}

#[tokio::test]
async fn credentials_go_to_other_machines_by_https_alone() {
    let cleartext = |webhook: Webhook| Notifier::spawn([webhook]).map(drop);
    let plain = |url: &str| Webhook::cloud_events(url).unwrap();
    let refused = [
        plain("http://events.example/run").bearer_from_file("/run/token"),
        plain("http://10.0.0.7:8080/run").header("x-api-key", SECRET).unwrap(),
        plain("http://localhost.example/").header("Authorization", SECRET).unwrap(),
        // The address itself is the secret.
        Webhook::slack(&format!("http://chat.example/{SECRET}")).unwrap(),
    ];
    for webhook in refused {
        let host = webhook.host().to_owned();
        let error = cleartext(webhook.clone()).unwrap_err();
        assert!(matches!(&error, Error::Cleartext { host: of } if *of == host), "{error:?}");
        assert!(error.to_string().contains("use https://"), "{error}");
        assert!(!texts(&error).contains(SECRET), "{error:?}");
        assert!(cleartext(webhook.allow_cleartext(true)).is_ok(), "{host}");
    }
    for webhook in [
        plain("https://events.example/run").bearer_from_file("/run/token"),
        plain("http://127.0.0.1:1/run").bearer_from_file("/run/token"),
        plain("http://[::1]:1/run").header("x-api-key", SECRET).unwrap(),
        // Nothing secret is in it.
        plain("http://events.example/run").header("x-team", "vision").unwrap(),
    ] {
        let host = webhook.host().to_owned();
        assert!(cleartext(webhook).is_ok(), "{host}");
    }
}
