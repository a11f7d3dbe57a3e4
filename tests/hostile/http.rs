//! Responses of HTTP/1.1 that no honest server sends.

use std::time::Duration;

use canary_core::{error::Origin, predict::Answer, tensor::TensorData};

use crate::{
    TURN,
    outcome::{MEGABYTE, Outcome, call, client, none_wrong},
    script::{After, Server, Step, text},
};

use Origin::{Answer as Unreadable, Network, Server as ByServer};
use Outcome::{Fails, Reads};

struct Scenario {
    name: &'static str,
    script: Vec<Step>,
    outcome: Outcome,
}

const BODY: &str = r#"{"predictions": [1]}"#;

/// A response with this head, to which the length of the body is added.
fn whole(status: &str, headers: &str, body: &[u8]) -> Vec<Step> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len());
    text([head.as_bytes(), body].concat())
}

fn of_body(body: impl AsRef<[u8]>) -> Vec<Step> {
    whole("200 OK", "", body.as_ref())
}

/// A response whose head is this text, and whose body is the right one.
fn of_head(head: &str) -> Vec<Step> {
    text(format!("{head}\r\n\r\n{BODY}"))
}

/// A response in chunks of which these are the bytes.
fn of_chunks(chunks: &str) -> Vec<Step> {
    text(format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"))
}

/// A script and what comes after it.
fn then(mut script: Vec<Step>, step: Step) -> Vec<Step> {
    script.push(step);
    script
}

/// After a head, these bytes until the client has enough of them.
fn endless(head: &str, part: &[u8]) -> Vec<Step> {
    let times = 32 * MEGABYTE / part.len().max(1);
    then(text(head), Step::Repeat(part.to_vec(), times))
}

/// The same part over and over, between a head and a tail, about a megabyte of it.
fn repeated(head: &str, part: &str, tail: &str) -> Vec<Step> {
    let parts: Vec<String> = (0..MEGABYTE / (part.len() + 4))
        .map(|number| part.replace('#', &number.to_string()))
        .collect();
    of_body(format!("{head}{}{tail}", parts.join(",")))
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn heads() -> Vec<Scenario> {
    let hex = "f".repeat(17);
    let long = "x".repeat(MEGABYTE);
    let many = |count: usize, head: &str| {
        let lines: Vec<String> = (0..count).map(|number| format!("x-{number}: y")).collect();
        of_head(&format!("{head}\r\n{}\r\ncontent-length: 20", lines.join("\r\n")))
    };
    let ok = "HTTP/1.1 200 OK";
    table([
        ("nothing, and the end", vec![Step::Close], Fails(Network)),
        ("nothing, and a reset", vec![Step::Reset], Fails(Network)),
        ("nothing at all", vec![Step::Hold], Fails(Network)),
        ("one byte", then(text("H"), Step::Close), Fails(Network)),
        ("half of the version", then(text("HTTP/1."), Step::Close), Fails(Network)),
        (
            "half of a header",
            then(text("HTTP/1.1 200 OK\r\ncontent-le"), Step::Reset),
            Fails(Network),
        ),
        ("zeros", then(text([0; 64]), Step::Close), Fails(Network)),
        ("another protocol", then(text("SSH-2.0-OpenSSH_9.6\r\n"), Step::Close), Fails(Network)),
        ("an alert of TLS", then(text(b"\x15\x03\x01\0\x02\x02\x28"), Step::Close), Fails(Network)),
        ("frames of HTTP/2", then(text(b"\0\0\0\x04\0\0\0\0\0"), Step::Close), Fails(Network)),
        ("a body without a head", then(text(BODY), Step::Close), Fails(Network)),
        ("no reason", of_head("HTTP/1.1 200\r\ncontent-length: 20"), Reads),
        ("lower case", of_head("http/1.1 200 OK\r\ncontent-length: 20"), Fails(Network)),
        ("HTTP/1.0 until the end", then(of_head("HTTP/1.0 200 OK"), Step::Close), Reads),
        ("HTTP/1.1 until the end", then(of_head(ok), Step::Close), Reads),
        ("HTTP/3.0", of_head("HTTP/3.0 200 OK\r\ncontent-length: 20"), Fails(Network)),
        ("a status of two digits", of_head("HTTP/1.1 99 OK\r\ncontent-length: 20"), Fails(Network)),
        (
            "a status of four digits",
            of_head("HTTP/1.1 2000 OK\r\ncontent-length: 20"),
            Fails(Network),
        ),
        ("a negative status", of_head("HTTP/1.1 -20 OK\r\ncontent-length: 20"), Fails(Network)),
        ("status 999", of_head("HTTP/1.1 999 OK\r\ncontent-length: 20"), Fails(ByServer)),
        ("status 000", of_head("HTTP/1.1 000 OK\r\ncontent-length: 20"), Fails(Network)),
        ("line feeds alone", text(format!("HTTP/1.1 200 OK\ncontent-length: 20\n\n{BODY}")), Reads),
        (
            "a header without a colon",
            of_head(&format!("{ok}\r\nx\r\ncontent-length: 20")),
            Fails(Network),
        ),
        (
            "a space before the colon",
            of_head(&format!("{ok}\r\nx : y\r\ncontent-length: 20")),
            Fails(Network),
        ),
        (
            "a zero in a name",
            of_head(&format!("{ok}\r\nx\0: y\r\ncontent-length: 20")),
            Fails(Network),
        ),
        (
            "a zero in a value",
            of_head(&format!("{ok}\r\nx: \0\r\ncontent-length: 20")),
            Fails(Network),
        ),
        (
            "a folded header",
            of_head(&format!("{ok}\r\nx: y\r\n z\r\ncontent-length: 20")),
            Fails(Network),
        ),
        (
            "a lone carriage return",
            of_head(&format!("{ok}\r\nx: y\rz\r\ncontent-length: 20")),
            Fails(Network),
        ),
        ("fifty headers", many(50, ok), Reads),
        ("ten thousand headers", many(10_000, ok), Fails(Network)),
        (
            "a header of a megabyte",
            of_head(&format!("{ok}\r\nx: {long}\r\ncontent-length: 20")),
            Fails(Network),
        ),
        (
            "headers without an end",
            endless("HTTP/1.1 200 OK\r\n", b"x: yyyyyyyyyyyy\r\n"),
            Fails(Network),
        ),
        ("a status line without an end", endless("HTTP/1.1 200 ", b"OK"), Fails(Network)),
        ("a negative length", of_head(&format!("{ok}\r\ncontent-length: -1")), Fails(Network)),
        ("a length with a sign", of_head(&format!("{ok}\r\ncontent-length: +20")), Fails(Network)),
        (
            "a length in hexadecimal",
            of_head(&format!("{ok}\r\ncontent-length: 0x14")),
            Fails(Network),
        ),
        ("an empty length", of_head(&format!("{ok}\r\ncontent-length: ")), Fails(Network)),
        (
            "two lengths that differ",
            of_head(&format!("{ok}\r\ncontent-length: 20\r\ncontent-length: 5")),
            Fails(Network),
        ),
        (
            "two lengths in one line",
            of_head(&format!("{ok}\r\ncontent-length: 20, 5")),
            Fails(Network),
        ),
        (
            "a length of 2^36",
            then(of_head(&format!("{ok}\r\ncontent-length: 68719476736")), Step::Close),
            Fails(Unreadable),
        ),
        (
            "a length of 2^63",
            then(of_head(&format!("{ok}\r\ncontent-length: 9223372036854775808")), Step::Close),
            Fails(Unreadable),
        ),
        (
            "a length of 2^64",
            then(of_head(&format!("{ok}\r\ncontent-length: 18446744073709551616")), Step::Close),
            Fails(Network),
        ),
        (
            "a length and chunks",
            of_head(&format!("{ok}\r\ncontent-length: 20\r\ntransfer-encoding: chunked")),
            Fails(Network),
        ),
        (
            "chunks, twice",
            then(of_head(&format!("{ok}\r\ntransfer-encoding: chunked, chunked")), Step::Close),
            Fails(Network),
        ),
        (
            "an unknown coding",
            then(of_head(&format!("{ok}\r\ntransfer-encoding: xchunked")), Step::Close),
            Fails(Network),
        ),
        (
            "a chunk of 17 digits",
            of_chunks(&format!("{hex}\r\n{BODY}\r\n0\r\n\r\n")),
            Fails(Network),
        ),
        ("a negative chunk", of_chunks(&format!("-14\r\n{BODY}\r\n0\r\n\r\n")), Fails(Network)),
        ("a chunk without its end", of_chunks(&format!("14\r\n{BODY}0\r\n\r\n")), Fails(Network)),
        (
            "a chunk longer than its size",
            of_chunks(&format!("5\r\n{BODY}\r\n0\r\n\r\n")),
            Fails(Network),
        ),
        (
            "no last chunk",
            then(of_chunks(&format!("14\r\n{BODY}\r\n")), Step::Close),
            Fails(Network),
        ),
        ("an empty body in chunks", of_chunks("0\r\n\r\n"), Fails(Unreadable)),
        ("chunks of one byte", of_chunks(&bytewise(BODY)), Reads),
        (
            "a chunk of 2 MB of extension",
            of_chunks(&format!("14;x={long}{long}\r\n{BODY}\r\n0\r\n\r\n")),
            Fails(Network),
        ),
        ("trailers", of_chunks(&format!("14\r\n{BODY}\r\n0\r\nx: y\r\n\r\n")), Reads),
        (
            "trailers without an end",
            endless(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n",
                b"x: yyyyyyyyyyyy\r\n",
            ),
            Fails(Network),
        ),
        (
            "an extension without an end",
            endless(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n14;",
                b"xxxxxxxxxxxxxxxx",
            ),
            Fails(Network),
        ),
        (
            "an early hint",
            text(format!(
                "HTTP/1.1 103 Early Hints\r\n\r\n{ok}\r\ncontent-length: 20\r\n\r\n{BODY}"
            )),
            Reads,
        ),
        (
            "a thousand early hints",
            then(
                vec![Step::Repeat(b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec(), 1000)],
                Step::Write(format!("{ok}\r\ncontent-length: 20\r\n\r\n{BODY}").into_bytes()),
            ),
            Reads,
        ),
        (
            "early hints without an end",
            endless("", b"HTTP/1.1 100 Continue\r\n\r\n"),
            Fails(Network),
        ),
        (
            "switching protocols",
            of_head("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade"),
            Fails(ByServer),
        ),
    ])
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn bodies() -> Vec<Scenario> {
    let longer = format!("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{BODY}");
    let two = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{BODY}HTTP/1.1 200 OK\r\ncontent-length: 22\r\n\r\n{{\"predictions\": [666]}}"
    );
    let shorter = "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n";
    let drip = |head: &str| {
        let mut script = text(head);
        for _ in 0..400 {
            script.extend([Step::Write(b" ".to_vec()), Step::Pause(Duration::from_millis(10))]);
        }
        script
    };
    let utf16: Vec<u8> = BODY.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let digits =
        |head: &str| of_body(format!("{{\"predictions\": [{head}{}]}}", "7".repeat(MEGABYTE)));
    let error = |text: &str| whole("500 Oops", "", format!("{{\"error\": \"{text}\"}}").as_bytes());
    table([
        ("no body", whole("200 OK", "", b""), Fails(Unreadable)),
        ("status 204", whole("204 No Content", "", b""), Fails(Unreadable)),
        (
            "status 304",
            of_head("HTTP/1.1 304 Not Modified\r\ncontent-length: 20"),
            Fails(Unreadable),
        ),
        (
            "a redirect",
            whole("307 Moved", "location: http://169.254.169.254/\r\n", b""),
            Fails(Unreadable),
        ),
        (
            "a redirect to a file",
            whole("301 Moved", "location: file:///etc/passwd\r\n", b""),
            Fails(Unreadable),
        ),
        (
            "shorter than announced",
            then(text(format!("{shorter}{BODY}")), Step::Close),
            Fails(Network),
        ),
        (
            "a reset within the body",
            then(text(format!("{shorter}{BODY}")), Step::Reset),
            Fails(Network),
        ),
        (
            "silence within the body",
            then(text(format!("{shorter}{BODY}")), Step::Hold),
            Fails(Network),
        ),
        ("longer than announced", text(longer), Fails(Unreadable)),
        ("two responses to one request", text(two), Reads),
        (
            "the end after the response",
            then(whole("200 OK", "connection: close\r\n", BODY.as_bytes()), Step::Close),
            Reads,
        ),
        ("a drip of headers", drip("HTTP/1.1 200 OK\r\nx:"), Fails(Network)),
        (
            "a drip of the body",
            drip("HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n"),
            Fails(Network),
        ),
        (
            "larger than the limit",
            endless("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n", b"[[[[[[[[[[[[[[[["),
            Fails(Unreadable),
        ),
        (
            "chunks larger than the limit",
            endless(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
                &[b"1000\r\n".as_slice(), &[b'['; 4096], b"\r\n"].concat(),
            ),
            Fails(Unreadable),
        ),
        (
            "more than the limit until the end",
            endless("HTTP/1.1 200 OK\r\n\r\n", b"[[[[[[[[[[[[[[[["),
            Fails(Unreadable),
        ),
        (
            "said to be compressed",
            whole("200 OK", "content-encoding: gzip\r\n", BODY.as_bytes()),
            Reads,
        ),
        (
            "compressed",
            whole(
                "200 OK",
                "content-encoding: gzip\r\n",
                b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xabV*(J\xcd",
            ),
            Fails(Unreadable),
        ),
        ("a byte order mark", of_body(format!("\u{feff}{BODY}")), Fails(Unreadable)),
        ("UTF-16", of_body(utf16), Fails(Unreadable)),
        ("zeros", of_body([0; 40]), Fails(Unreadable)),
        (
            "a web page",
            whole("200 OK", "content-type: text/html\r\n", b"<html></html>"),
            Fails(Unreadable),
        ),
        ("half of a value", of_body(r#"{"predictions": [1"#), Fails(Unreadable)),
        ("text behind the value", of_body(format!("{BODY}{BODY}")), Fails(Unreadable)),
        ("a list alone", of_body("[1]"), Fails(Unreadable)),
        ("nothing except null", of_body(r#"{"predictions": null}"#), Fails(Unreadable)),
        ("no row", of_body(r#"{"predictions": {}}"#), Fails(Unreadable)),
        ("a failure with status 200", of_body(r#"{"error": "out of memory"}"#), Fails(Unreadable)),
        (
            "rows of different lengths",
            of_body(r#"{"predictions": [[1, 2], [3]]}"#),
            Fails(Unreadable),
        ),
        ("values of different types", of_body(r#"{"predictions": [1, "1"]}"#), Fails(Unreadable)),
        ("an output twice", of_body(r#"{"predictions": [{"a": 1, "a": 2}]}"#), Fails(Unreadable)),
        (
            "predictions twice",
            of_body(r#"{"predictions": [1], "predictions": [2]}"#),
            Fails(Unreadable),
        ),
        (
            "a hundred thousand lists",
            of_body(format!("{{\"predictions\": {}", "[".repeat(100_000))),
            Fails(Unreadable),
        ),
        (
            "33 lists",
            of_body(format!("{{\"predictions\": {}1{}}}", "[".repeat(33), "]".repeat(33))),
            Fails(Unreadable),
        ),
        ("a hundred thousand objects", of_body("{\"a\":".repeat(100_000)), Fails(Unreadable)),
        ("a number of a megabyte, too large", digits(""), Fails(Unreadable)),
        ("an exponent of a megabyte", digits("1e"), Fails(Unreadable)),
        (
            "many outputs by row",
            repeated("{\"predictions\": [{", "\"n#\": 1", "}]}"),
            Fails(Unreadable),
        ),
        (
            "many outputs by column",
            repeated("{\"outputs\": {", "\"n#\": [1]", "}}"),
            Fails(Unreadable),
        ),
        ("an error of 2 MB", error(&"e".repeat(2 * MEGABYTE)), Fails(ByServer)),
        (
            "an error with control characters",
            error("\\u001b[31mred\\u0000\\r\\nx: y"),
            Fails(ByServer),
        ),
        (
            "an error in another encoding",
            whole("500 Oops", "", b"\xe4\xf6\xfc \x1b[31m"),
            Fails(ByServer),
        ),
        (
            "busy until the end of days",
            whole("429 Busy", "retry-after: 18446744073709551615\r\n", b""),
            Fails(ByServer),
        ),
        ("busy until yesterday", whole("503 Busy", "retry-after: -5\r\n", b""), Fails(ByServer)),
    ])
}

fn bytewise(body: &str) -> String {
    let chunks: Vec<String> = body.chars().map(|byte| format!("1\r\n{byte}\r\n")).collect();
    chunks.concat() + "0\r\n\r\n"
}

fn table<const COUNT: usize>(rows: [(&'static str, Vec<Step>, Outcome); COUNT]) -> Vec<Scenario> {
    rows.map(|(name, script, outcome)| Scenario { name, script, outcome }).into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_response_does_harm() {
    let _turn = TURN.lock().await;
    let scenarios: Vec<Scenario> = heads().into_iter().chain(bodies()).collect();
    assert!(scenarios.len() >= 80, "{} scenarios", scenarios.len());
    let mut outcomes = Vec::new();
    for Scenario { name, script, outcome } in scenarios {
        let server = Server::new(After::Request, script);
        let client = client("http", &server);
        let right = |answer: &Answer| {
            answer.single().is_ok_and(|output| *output.data() == TensorData::Int64(vec![1]))
        };
        // The second call may meet what the first has left in its connection.
        for number in 1..=2 {
            let found = call(&client, &server, outcome, right).await;
            outcomes.push((format!("{name}, call {number}"), found));
        }
    }
    none_wrong(&outcomes);
}
