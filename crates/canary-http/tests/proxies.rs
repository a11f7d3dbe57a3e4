//! Proxies by a setting and by the environment.

use std::process::Command;

use canary_http::{Client, ConnectFailure, Error, Limits, Proxy, Settings};

use crate::support::{Server, get, proxy};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\ndirect";

fn through(proxy: &str) -> Client {
    Client::new(&Settings::default().proxy(Proxy::at(proxy).unwrap())).unwrap()
}

#[tokio::test]
async fn a_setting_is_used_for_every_host_with_its_password() {
    let server = Server::bytes(OK);
    let proxy = proxy(server.address);
    let client = through(&format!("http://me:hunter2@{}", proxy.address));
    for url in ["http://models.example/v1".to_owned(), server.url()] {
        let response = get(&client, &url, Limits::default()).await.unwrap();
        assert_eq!(response.body, "by proxy");
    }
    let head = &proxy.heads()[0];
    assert!(head.starts_with("GET http://models.example/v1 HTTP/1.1\r\n"), "{head}");
    // "me:hunter2" in base64.
    assert!(head.contains("Basic bWU6aHVudGVyMg=="), "{head}");
    assert!(server.heads().is_empty());
    assert!(!format!("{client:?}").contains("hunter2"), "{client:?}");
}

#[tokio::test]
async fn a_proxy_that_is_away_or_refuses_is_an_error_of_connecting() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = through(&format!("http://me:hunter2@{nobody}"));
    let error = get(&client, "http://models.example/", Limits::default()).await.unwrap_err();
    assert!(matches!(error, Error::Connect { failure: ConnectFailure::Refused, .. }), "{error:?}");
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    #[cfg(feature = "tls")]
    {
        let refusing = Server::bytes(
            "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
        );
        let client = through(&format!("http://me:hunter2@{}", refusing.address));
        let error = get(&client, "https://models.example/", Limits::default()).await.unwrap_err();
        assert!(matches!(error, Error::Connect { .. }) && !error.was_sent(), "{error:?}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    for url in ["", "ftp://me:hunter2@p:1", "http://me:hunter2@p:port"] {
        let error = Proxy::at(url).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

#[tokio::test]
async fn a_machines_credentials_are_not_asked_for_through_a_proxy() {
    let proxy = proxy(std::net::SocketAddr::from(([127, 0, 0, 1], 1)));
    let settings = Settings::default()
        .proxy(Proxy::at(&proxy.url()).unwrap())
        .connect_timeout(std::time::Duration::from_millis(50));
    let client = Client::new(&settings).unwrap();
    // The address may or may not respond, depending on the machine; the proxy must not see the request.
    let limits = Limits::default().timeout(std::time::Duration::from_secs(2));
    let _ = get(&client, "http://169.254.169.254/", limits).await;
    assert!(proxy.heads().is_empty());
}

/// The body that `url` has in a process with these variables.
fn in_environment(url: &str, variables: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "proxies::in_an_environment_of_its_own", "--ignored", "--nocapture"])
        .env_clear()
        .env("CANARY_HTTP_TEST_URL", url)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let body = text.lines().find_map(|line| line.split_once("body: ")).map(|(_, body)| body);
    body.unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[tokio::test]
#[ignore = "run by the tests below, with variables of the environment"]
async fn in_an_environment_of_its_own() {
    let url = std::env::var("CANARY_HTTP_TEST_URL").unwrap();
    let client = Client::new(&Settings::default()).unwrap();
    match get(&client, &url, Limits::default()).await {
        Ok(response) => println!("body: {}", String::from_utf8_lossy(&response.body)),
        Err(error) => println!("body: {error}"),
    }
}

#[test]
fn the_environments_proxies_are_used_but_not_for_the_loopback() {
    let server = Server::bytes(OK);
    let proxy = proxy(server.address);
    let at = format!("http://{}", proxy.address);
    let local = server.url();
    let named = format!("http://localhost:{}/", server.address.port());
    let away = "http://models.invalid/";
    let unresolved = "no connection: the host's name cannot be resolved";
    for (url, variables, body) in [
        (away, &[("HTTP_PROXY", at.as_str())][..], "by proxy"),
        (away, &[("http_proxy", &at)], "by proxy"),
        (away, &[("ALL_PROXY", &at)], "by proxy"),
        (away, &[("HTTPS_PROXY", &at)], unresolved),
        (away, &[("HTTP_PROXY", &at), ("NO_PROXY", "other.example,.invalid")], unresolved),
        (away, &[("HTTP_PROXY", &at), ("no_proxy", "*")], unresolved),
        (away, &[("HTTP_PROXY", &at), ("NO_PROXY", "invalid.example")], "by proxy"),
        (away, &[("HTTP_PROXY", &at), ("NO_PROXY", "")], "by proxy"),
        (&local, &[("HTTP_PROXY", &at)], "direct"),
        (&named, &[("ALL_PROXY", &at), ("NO_PROXY", "other.example")], "direct"),
        ("http://10.1.2.3/", &[("HTTP_PROXY", &at), ("NO_PROXY", "192.168.0.0/16")], "by proxy"),
    ] {
        assert_eq!(in_environment(url, variables), body, "{url} {variables:?}");
    }
}
