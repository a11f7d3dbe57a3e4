//! Faults of servers and networks: no hang, no wrong answer, no lost item.

use std::{
    io::Write,
    net::{Shutdown, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use canary_core::{
    error::Origin,
    predict::{Client, Retry},
};

use crate::{
    calls::{client, predict_error},
    server::{Server, reply},
};

fn impatient(server: &Server) -> Client {
    client(server).retry(Retry::never()).timeout(Duration::from_secs(5))
}

async fn error_of(client: &Client) -> canary_core::error::PredictError {
    let start = Instant::now();
    let error = predict_error(client.predict(vec![1_u8]).await.unwrap_err());
    assert!(start.elapsed() < Duration::from_secs(10), "it hung for {:?}", start.elapsed());
    error
}

/// Closes the connection so that the client sees a reset, not an orderly end.
fn reset(stream: &TcpStream) {
    let socket = socket2::SockRef::from(stream);
    let _ = socket.set_linger(Some(Duration::ZERO));
}

#[tokio::test]
async fn connection_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let quick = Retry::default().first_pause(Duration::from_millis(1));
    let client = Client::new(&url).unwrap().model("m").retry(quick);
    let error = error_of(&client).await;
    assert_eq!((error.origin, error.attempts), (Origin::Network, 3));
    assert!(error.retryable && error.message.contains("nothing listens there"), "{error}");
    assert!(!error.sent);
}

#[tokio::test]
async fn an_unknown_host() {
    let client = Client::new("http://no-such-host.invalid:8501").unwrap().model("m");
    let error = error_of(&client.retry(Retry::never())).await;
    assert_eq!(error.origin, Origin::Network);
    assert!(error.url.contains("no-such-host"), "{error}");
}

#[tokio::test]
async fn reset_in_the_body_is_repeated() {
    let server = Server::new(|request, stream| {
        if request.index > 0 {
            return reply(stream, "200 OK", &[], br#"{"predictions": [1]}"#);
        }
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"predic");
        thread::sleep(Duration::from_millis(30));
        reset(stream);
        false
    });
    let answer = client(&server).predict(vec![1_u8]).await.unwrap();
    assert_eq!(answer.attempts(), 2);
    assert!(answer.repeated()[0].contains("middle of the answer"), "{:?}", answer.repeated());
}

#[tokio::test]
async fn responses_that_break_off_or_lie() {
    type End = fn(&TcpStream) -> bool;
    let ends: End = |stream| stream.shutdown(Shutdown::Write).is_err();
    let resets: End = |stream| {
        reset(stream);
        false
    };
    let body = "{\"predictions\": [1]}";
    for (text, end, origin, word) in [
        ("HTTP/1.1 200 OK\r\ncontent-le".to_owned(), resets, Origin::Network, "before the answer"),
        (
            format!("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{body}"),
            ends,
            Origin::Network,
            "",
        ),
        (
            format!("HTTP/1.1 200 OK\r\ncontent-length: 18\r\n\r\n{body}"),
            |_| true,
            Origin::Answer,
            "",
        ),
        ("SSH-2.0-OpenSSH_9.6\r\n".to_owned(), |_| false, Origin::Network, ""),
    ] {
        let server = Server::new({
            let text = text.clone();
            move |_, stream| stream.write_all(text.as_bytes()).is_ok() && end(stream)
        });
        let error = error_of(&impatient(&server)).await;
        assert_eq!(error.origin, origin, "{text}: {error}");
        assert!(error.sent && error.message.contains(word), "{text}: {error}");
    }
}

#[tokio::test]
async fn a_slow_drip_ends_with_the_time_in_total() {
    let server = Server::new(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n");
        while stream.write_all(b"[").is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
        false
    });
    let start = Instant::now();
    let error = error_of(&client(&server).timeout(Duration::from_millis(200))).await;
    assert_eq!((error.origin, error.attempts), (Origin::Network, 1));
    assert!(error.message.contains("200ms"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_server_that_never_responds_gets_a_second_attempt() {
    let server = Server::new(|request, stream| {
        if request.index == 0 {
            thread::sleep(Duration::from_secs(2));
            return false;
        }
        reply(stream, "200 OK", &[], br#"{"predictions": [1]}"#)
    });
    let client = client(&server).attempt_timeout(Duration::from_millis(100));
    let answer = client.predict(vec![1_u8]).await.unwrap();
    assert_eq!(answer.attempts(), 2);
}

#[tokio::test]
async fn a_hedge_overtakes_a_slow_answer() {
    let server = Server::new(|request, stream| {
        if request.index == 0 {
            thread::sleep(Duration::from_secs(2));
        }
        let body = format!(r#"{{"predictions": [{}]}}"#, request.index);
        reply(stream, "200 OK", &[], body.as_bytes())
    });
    let start = Instant::now();
    let client = client(&server).hedge(Duration::from_millis(50));
    let answer = client.predict(vec![1_u8]).await.unwrap();
    assert_eq!(answer.attempts(), 2);
    assert!(start.elapsed() < Duration::from_secs(1), "{answer:?}");
}

#[tokio::test]
async fn answers_that_are_none() {
    for (body, word) in [
        ("", "empty"),
        (r#"{"predictions": [1,"#, "ends"),
        (r#"{"predictions": [1,}"#, "'}'"),
        ("<!DOCTYPE html><html></html>", "web page"),
        (r#"{"other": 1}"#, "predictions and outputs are missing"),
    ] {
        let server = Server::json("200 OK", body);
        let error = error_of(&client(&server)).await;
        assert_eq!((error.origin, error.attempts, error.status), (Origin::Answer, 1, Some(200)));
        assert!(error.to_string().contains(word), "{body}: {error}");
    }
}

#[tokio::test]
async fn an_answer_above_the_limit_is_not_read() {
    let announced = Server::new(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n");
        false
    });
    let chunked = Server::new(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        let chunk = [b"10000\r\n".as_slice(), &[b' '; 65536], b"\r\n"].concat();
        for _ in 0..1600 {
            if stream.write_all(&chunk).is_err() {
                break;
            }
        }
        false
    });
    for server in [announced, chunked] {
        let error = error_of(&client(&server).max_answer_bytes(1 << 20)).await;
        assert_eq!((error.origin, error.attempts), (Origin::Answer, 1));
        assert!(error.message.contains("1048576"), "{error}");
    }
}

/// Lengths that no memory holds, under a limit that allows them: what arrives decides.
#[tokio::test]
async fn a_length_that_lies_is_an_answer_that_broke_off() {
    for length in ["68719476736", "9223372036854775807", "9223372036854775808"] {
        let server = Server::new(move |_, stream| {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{{\"pre");
            let _ = stream.write_all(head.as_bytes());
            false
        });
        let error = error_of(&impatient(&server).max_answer_bytes(usize::MAX)).await;
        assert_eq!(error.origin, Origin::Network);
        assert!(error.message.contains("middle of the answer"), "{error}");
        let error = error_of(&impatient(&server)).await;
        assert_eq!(error.origin, Origin::Answer);
    }
}

#[tokio::test]
async fn times_beyond_every_clock_are_no_panic() {
    let server = Server::new(|request, stream| match request.index {
        0 => {
            reply(stream, "429 Too Many Requests", &[("retry-after", "18446744073709551615")], b"")
        }
        _ => reply(stream, "200 OK", &[], br#"{"predictions": [1]}"#),
    });
    let client = client(&server)
        .timeout(Duration::MAX)
        .attempt_timeout(Duration::from_secs_f64(1.8e19))
        .connect_timeout(Duration::MAX)
        .hedge(Duration::MAX)
        .retry(Retry::default().first_pause(Duration::from_millis(1)));
    assert_eq!(client.predict(vec![1_u8]).await.unwrap().attempts(), 2);
    let longest = Retry::default().first_pause(Duration::MAX).max_pause(Duration::MAX);
    let server = Server::json("429 Too Many Requests", "full");
    let error = error_of(&crate::calls::client(&server).retry(longest)).await;
    assert_eq!(error.attempts, 1);
}

#[tokio::test]
async fn a_budget_keeps_repeats_from_multiplying_the_load() {
    let server = Server::json("503 Service Unavailable", "no healthy upstream");
    let retry = Retry::default().first_pause(Duration::from_micros(10)).budget(0.0);
    let client = client(&server).retry(retry);
    for _ in 0..40 {
        client.predict(vec![1_u8]).await.unwrap_err();
    }
    // 40 first attempts and the reserve of ten.
    assert_eq!(server.requests().len(), 50);
}

#[tokio::test]
async fn a_server_killed_and_started_again_loses_no_item() {
    let serve = |request: &crate::server::Request, stream: &mut TcpStream| {
        // Now and then a connection breaks before, or in the middle of, an answer.
        match request.index % 7 {
            3 => false,
            5 => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 30\r\n\r\n{\"pre");
                false
            }
            _ => {
                let text = request.text();
                let item = text.split("\"b64\":\"").nth(1).unwrap().split('"').next().unwrap();
                let body = format!(r#"{{"predictions": ["{item}"]}}"#);
                reply(stream, "200 OK", &[], body.as_bytes())
            }
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let first = Server::on(listener, serve);
    let retry = Retry::default()
        .attempts(60)
        .first_pause(Duration::from_millis(2))
        .max_pause(Duration::from_millis(40))
        .budget(100.0);
    let client = client(&first).retry(retry).timeout(Duration::from_secs(20));
    let mut answers = client.predict_many((0..200_u8).map(|item| vec![item]), 8);
    let mut server = Some(first);
    let mut given = 0_u8;
    while let Some(answer) = answers.next().await {
        let wanted = base64_simd::STANDARD.encode_to_string([given]);
        assert_eq!(answer.unwrap().single().unwrap().to_texts().unwrap(), [wanted]);
        given += 1;
        if given == 60 || given == 120 {
            drop(server.take());
            let restarted = thread::spawn(move || {
                thread::sleep(Duration::from_millis(60));
                let listener = loop {
                    match TcpListener::bind(address) {
                        Ok(listener) => break listener,
                        Err(_) => thread::sleep(Duration::from_millis(5)),
                    }
                };
                Server::on(listener, serve)
            });
            server = Some(restarted.join().unwrap());
        }
    }
    assert_eq!(given, 200);
}
