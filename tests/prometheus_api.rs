//! The client of Prometheus' API against a server of plain sockets: tokens, refusals, limits.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use canary_core::{
    evidence::{
        Subsets, Timestamp,
        prometheus::{Auth, Metrics, Prometheus},
    },
    rollout::Error,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// Answers every request with the same bytes; the address, and the heads of the requests.
async fn serve(answer: String) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heads);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (answer, kept) = (answer.clone(), Arc::clone(&kept));
            tokio::spawn(async move {
                let mut head = vec![0; 8192];
                let read = stream.read(&mut head).await.unwrap();
                kept.lock().unwrap().push(String::from_utf8_lossy(&head[..read]).into_owned());
                if answer.is_empty() {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                }
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (url, heads)
}

fn reply(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

const EMPTY: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;

fn source(url: &str) -> Prometheus {
    let metrics = Metrics::istio("image-classifier", "default");
    Prometheus::new(url, metrics, Subsets::new("v1", "v2")).unwrap()
}

async fn query(source: &Prometheus) -> Result<bool, Error> {
    let window = source.window(Timestamp(1_700_000_000_000), Timestamp(1_700_000_015_250)).await;
    window.map(|window| window.is_some())
}

#[tokio::test]
async fn a_token_is_read_again_and_never_shown() {
    let (url, heads) = serve(reply("200 OK", EMPTY)).await;
    let file = std::env::temp_dir().join(format!("canary-token-{}", std::process::id()));
    std::fs::write(&file, "first-token\n").unwrap();
    let source = source(&url).auth(Auth::bearer_file(&file));
    assert!(!query(&source).await.unwrap());
    std::fs::write(&file, "second-token\n").unwrap();
    assert!(!query(&source).await.unwrap());
    let heads = heads.lock().unwrap().clone();
    assert!(heads[0].contains("authorization: Bearer first-token\r\n"), "{}", heads[0]);
    assert!(heads[1].contains("authorization: Bearer second-token\r\n"), "{}", heads[1]);
    assert!(heads[0].starts_with("GET /api/v1/query?query=%7B%5F%5Fname%5F%5F%3D"), "{}", heads[0]);
    assert!(heads[0].contains("&time=1700000015%2E250&timeout=10000ms"), "{}", heads[0]);

    std::fs::write(&file, "bad\u{1}token").unwrap();
    let error = query(&source).await.unwrap_err();
    assert!(error.to_string().contains("the token has characters that HTTP forbids"), "{error}");
    std::fs::remove_file(&file).unwrap();
    let error = query(&source).await.unwrap_err().to_string();
    assert!(error.contains("cannot read the file"), "{error}");
    let source = source.auth(Auth::bearer("hunter2"));
    assert!(!format!("{source:?}").contains("hunter2"));
}

#[tokio::test]
async fn credentials_stay_on_encrypted_connections() {
    let source = source("http://prometheus.invalid:9090").auth(Auth::bearer("hunter2"));
    let error = query(&source).await.unwrap_err().to_string();
    assert!(error.contains("https:// only") && !error.contains("hunter2"), "{error}");
    // Allowed, it gets as far as the name that does not exist.
    let error = query(&source.allow_cleartext()).await.unwrap_err().to_string();
    assert!(error.contains("cannot connect"), "{error}");
    for url in ["http://me:hunter2@localhost:9090", "localhost:9090", "grpc://localhost:9090"] {
        let metrics = Metrics::istio("image-classifier", "default");
        let error = Prometheus::new(url, metrics, Subsets::new("v1", "v2")).unwrap_err();
        assert!(matches!(error, Error::Plan(_)), "{error:?}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn refusals_say_what_to_do_and_whether_to_try_again() {
    let html = "<html><body>Please log in</body></html>";
    let partial = r#"{"status":"success","data":{"resultType":"matrix","result":[]},"warnings":["one store is away"]}"#;
    let busy = r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#;
    let wrong = r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
    for (answer, words, retryable) in [
        (reply("401 Unauthorized", "no"), "credentials are missing or wrong (no)", false),
        (reply("403 Forbidden", ""), "may not read metrics", false),
        (reply("404 Not Found", "404 page not found"), "no API of Prometheus", false),
        (reply("302 Found", ""), "login page", false),
        (reply("429 Too Many Requests", "slow down"), "too many queries", true),
        (reply("503 Service Unavailable", html), "is not available", true),
        (reply("503 Service Unavailable", busy), "timeout: query timed out", true),
        (reply("400 Bad Request", wrong), "bad_data: parse error", false),
        (reply("200 OK", wrong), "bad_data: parse error", false),
        (reply("200 OK", html), "a web page", false),
        (reply("200 OK", "{}"), "cannot be read", false),
        (reply("200 OK", partial), "may be incomplete, so it was not counted: one store", true),
        ("HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{".to_owned(), "was cut off", true),
        ("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n".to_owned(), "larger than", false),
    ] {
        let (url, _) = serve(answer).await;
        let error = query(&source(&url)).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(words) && text.contains(&url), "{text}\nwithout {words}");
        assert!(!text.contains("<html"), "{text}");
        assert_eq!(error.is_retryable(), retryable, "{text}");
        assert!(matches!(error, Error::Cluster { .. }), "{error:?}");
    }
    let (url, _) = serve(reply("200 OK", partial)).await;
    assert!(!query(&source(&url).accept_warnings()).await.unwrap());
    let (url, _) = serve(String::new()).await;
    let error = query(&source(&url).timeout(Duration::from_millis(50))).await.unwrap_err();
    assert!(
        error.to_string().contains("no response within 50ms") && error.is_retryable(),
        "{error}"
    );
}
