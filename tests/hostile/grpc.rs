//! Responses over HTTP/2 that no honest server of gRPC sends.

use canary_core::{error::Origin, predict::Answer};

use crate::{
    TURN,
    frames::{
        ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING, PRIORITY,
        PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, data, field, fields, frame, greeting,
        head, head_alone, message, setting, trailers,
    },
    outcome::{MEGABYTE, Outcome, call, client, none_wrong},
    script::{After, Server, Step},
};

use Origin::{Answer as Unreadable, Network, Server as ByServer};
use Outcome::{Fails, Reads};

type Scenario = (String, Vec<Step>, Outcome);

/// A `PredictResponse` whose output `y` is the float 0.25.
const RESPONSE: &[u8] =
    b"\x0a\x13\x0a\x01y\x12\x0e\x08\x01\x12\x04\x12\x02\x08\x01\x22\x04\0\0\x80\x3e";

fn response() -> Vec<u8> {
    data(&message(0, u32::try_from(RESPONSE.len()).unwrap(), RESPONSE))
}

fn done() -> Vec<u8> {
    trailers(&[("grpc-status", "0")])
}

fn write(parts: &[Vec<u8>]) -> Vec<Step> {
    vec![Step::Write(greeting()), Step::Write(parts.concat())]
}

/// Something in front of the right response.
fn before_response(first: Vec<u8>) -> Vec<Step> {
    write(&[first, head(), response(), done()])
}

fn failed(code: &str, more: &[(&str, &str)]) -> Vec<Step> {
    write(&[head(), trailers(&[&[("grpc-status", code)][..], more].concat())])
}

/// A message in place of the right one.
fn of_message(bytes: &[u8]) -> Vec<Step> {
    write(&[head(), data(bytes), done()])
}

fn many(first: Vec<u8>, part: Vec<u8>, size: usize) -> Vec<Step> {
    let times = size / part.len();
    vec![Step::Write(greeting()), Step::Write(first), Step::Repeat(part, times)]
}

fn with(mut script: Vec<Step>, step: Step) -> Vec<Step> {
    script.push(step);
    script
}

fn connections() -> Vec<Scenario> {
    let part = data(&message(0, 100, b"0123456789"));
    let goaway = |last: u32, code: u32| {
        frame(GOAWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())
    };
    let mut rows = vec![
        row("nothing, and the end", vec![Step::Close], Fails(Network)),
        row("nothing, and a reset", vec![Step::Reset], Fails(Network)),
        row("nothing at all", vec![Step::Hold], Fails(Network)),
        row("settings, and the end", with(write(&[]), Step::Close), Fails(Network)),
        row("settings, and silence", with(write(&[]), Step::Hold), Fails(Network)),
        row(
            "HTTP/1.1",
            vec![
                Step::Write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec()),
                Step::Close,
            ],
            Fails(Network),
        ),
        row("zeros", with(vec![Step::Write(vec![0; 64])], Step::Close), Fails(Network)),
        row("the end behind the head", with(write(&[head()]), Step::Close), Fails(Network)),
        row(
            "the end within the message",
            with(write(&[head(), part.clone()]), Step::Close),
            Fails(Network),
        ),
        row(
            "a reset within the message",
            with(write(&[head(), part.clone()]), Step::Reset),
            Fails(Network),
        ),
        row("silence within the message", with(write(&[head(), part]), Step::Hold), Fails(Network)),
        row(
            "silence before the trailers",
            with(write(&[head(), response()]), Step::Hold),
            Fails(Network),
        ),
        row(
            "the end before the trailers",
            with(write(&[head(), response()]), Step::Close),
            Fails(Network),
        ),
        row("a GOAWAY", write(&[goaway(0, 0)]), Fails(Network)),
        row(
            "a GOAWAY, and the response",
            write(&[goaway(1, 0), head(), response(), done()]),
            Reads,
        ),
        row("a GOAWAY for too many calls", write(&[goaway(0, 11)]), Fails(Network)),
        row("the end behind the response", with(before_response(vec![]), Step::Close), Reads),
    ];
    for code in 0..=14 {
        let reset = frame(RST_STREAM, 0, 1, &u32::to_be_bytes(code));
        rows.push((format!("the stream is reset with {code}"), write(&[reset]), of_reset(code)));
    }
    rows
}

/// gRPC gives the codes of a reset stream a meaning (PROTOCOL-HTTP2.md, "Errors").
fn of_reset(_code: u32) -> Outcome {
    Fails(Network)
}

fn statuses() -> Vec<Scenario> {
    let long = "m".repeat(8000);
    let details = [("grpc-status-details-bin", "%%% none %%%")];
    vec![
        row(
            "a web page",
            write(&[
                frame(
                    HEADERS,
                    END_HEADERS,
                    1,
                    &fields(&[(":status", "200"), ("content-type", "text/html")]),
                ),
                frame(DATA, END_STREAM, 1, b"<html></html>"),
            ]),
            Fails(Unreadable),
        ),
        row("status 404", write(&[head_alone("404", &[])]), Fails(Unreadable)),
        row("status 429", write(&[head_alone("429", &[])]), Fails(Unreadable)),
        row("status 503", write(&[head_alone("503", &[])]), Fails(Unreadable)),
        row(
            "status 301",
            write(&[head_alone("301", &[("location", "http://169.254.169.254/")])]),
            Fails(Unreadable),
        ),
        row("a head alone, without a status", write(&[head_alone("200", &[])]), Fails(Unreadable)),
        row(
            "trailers without a status",
            write(&[head(), response(), trailers(&[("x", "y")])]),
            Fails(Unreadable),
        ),
        row("a status in words", failed("OK", &[]), Fails(Unreadable)),
        row("a status of 99", failed("99", &[]), Fails(ByServer)),
        row("a negative status", failed("-1", &[]), Fails(Unreadable)),
        row("an empty status", failed("", &[]), Fails(Unreadable)),
        row(
            "two statuses",
            write(&[head(), response(), trailers(&[("grpc-status", "0"), ("grpc-status", "13")])]),
            Reads,
        ),
        row(
            "a message in percent signs",
            failed("5", &[("grpc-message", "%zz%%%f")]),
            Fails(ByServer),
        ),
        row(
            "a message with control characters",
            failed("5", &[("grpc-message", "%1b[31m%0d%0a%00")]),
            Fails(ByServer),
        ),
        row("a long message", failed("5", &[("grpc-message", &long)]), Fails(ByServer)),
        row(
            "details in the head that are not valid",
            write(&[head_alone("200", &[("grpc-status", "5"), details[0]])]),
            Fails(ByServer),
        ),
        row("details in the trailers that are not valid", failed("5", &details), Fails(ByServer)),
        row(
            "details of success that are not valid",
            write(&[head(), response(), trailers(&[("grpc-status", "0"), details[0]])]),
            Reads,
        ),
    ]
}

fn messages() -> Vec<Scenario> {
    let size = u32::try_from(RESPONSE.len()).unwrap();
    let bytewise: Vec<Vec<u8>> =
        message(0, size, RESPONSE).iter().map(|byte| data(&[*byte])).collect();
    let endless = data(&[0x0a; 16_000]);
    // Outputs of two bytes each.
    let outputs = b"\x0a\0".repeat(MEGABYTE);
    let filled = b"\x0a\x10\x0a\x01y\x12\x0b\x08\x07\x12\x06\x12\x04\x08\x80\x80\x40\x42\0";
    vec![
        row("no message", write(&[head(), done()]), Fails(Unreadable)),
        row("an empty message", of_message(&message(0, 0, b"")), Fails(Unreadable)),
        row("garbage", of_message(&message(0, 40, &[0xff; 40])), Fails(Unreadable)),
        row(
            "a compressed message, without a name of the compression",
            of_message(&message(1, size, RESPONSE)),
            Fails(Unreadable),
        ),
        row("a flag of 2", of_message(&message(2, size, RESPONSE)), Fails(Unreadable)),
        row("a length of 4 GB", of_message(&message(0, u32::MAX, RESPONSE)), Fails(Unreadable)),
        row("longer than announced", of_message(&message(0, 4, RESPONSE)), Fails(Unreadable)),
        row("shorter than announced", of_message(&message(0, 100, RESPONSE)), Fails(Unreadable)),
        row("two messages", write(&[head(), response(), response(), done()]), Reads),
        row(
            "one byte in each frame",
            write(&[vec![head()], bytewise, vec![done()]].concat()),
            Reads,
        ),
        row(
            "a message without an end",
            many(
                [head(), data(&message(0, u32::MAX, b""))].concat(),
                endless.clone(),
                32 * MEGABYTE,
            ),
            Fails(Unreadable),
        ),
        row(
            "a message above the limit",
            many([head(), data(&message(0, 9 << 20, b""))].concat(), endless, 32 * MEGABYTE),
            Fails(Unreadable),
        ),
        row(
            "a million outputs",
            vec![
                Step::Write(greeting()),
                Step::Write([head(), data(&message(0, 2 << 20, b""))].concat()),
                Step::Write(outputs.chunks(16_000).flat_map(data).collect()),
                Step::Write(done()),
            ],
            Fails(Unreadable),
        ),
        row(
            "a million texts that are left out",
            of_message(&message(0, 19, filled)),
            Fails(Unreadable),
        ),
        row(
            "an unknown compression",
            write(&[
                frame(
                    HEADERS,
                    END_HEADERS,
                    1,
                    &fields(&[
                        (":status", "200"),
                        ("content-type", "application/grpc"),
                        ("grpc-encoding", "snappy"),
                    ]),
                ),
                response(),
                done(),
            ]),
            Fails(Unreadable),
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn framing() -> Vec<Scenario> {
    let long = "v".repeat(4000);
    let block = fields(&[(":status", "200"), ("content-type", "application/grpc")]);
    let mut indexed = vec![0x40];
    indexed.extend(&field("x-long", &long)[1..]);
    indexed.extend(vec![0xbe; 60_000]);
    let bomb = indexed.chunks(16_000).enumerate().flat_map(|(at, part)| {
        let last = (at + 1) * 16_000 >= indexed.len();
        let flags = if last { END_HEADERS } else { 0 };
        frame(if at == 0 { HEADERS } else { CONTINUATION }, flags, 1, part)
    });
    let ping = frame(PING, 0, 0, &[7; 8]);
    vec![
        row("an unknown frame", before_response(frame(0xbb, 0xff, 1, b"what")), Reads),
        row("data before the head", write(&[response(), head(), done()]), Fails(Network)),
        row("data of another stream", before_response(frame(DATA, 0, 3, b"what")), Fails(Network)),
        row(
            "a head of a stream of the server's",
            before_response(frame(HEADERS, END_HEADERS, 2, &block)),
            Fails(Network),
        ),
        row(
            "a promise",
            before_response(frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2])),
            Fails(Network),
        ),
        row(
            "a frame of 16 MB",
            write(&[head(), vec![0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1], vec![0; 100_000]]),
            Fails(Network),
        ),
        row(
            "a continuation of nothing",
            before_response(frame(CONTINUATION, END_HEADERS, 1, &block)),
            Fails(Network),
        ),
        row(
            "continuations without an end",
            many(
                frame(HEADERS, 0, 1, &block),
                frame(CONTINUATION, 0, 1, &field("x", &long)),
                32 * MEGABYTE,
            ),
            Fails(Network),
        ),
        row(
            "empty continuations without an end",
            many(frame(HEADERS, 0, 1, &block), frame(CONTINUATION, 0, 1, &[]), 4 * MEGABYTE),
            Fails(Network),
        ),
        row("pings without an end", many(vec![], ping.clone(), 4 * MEGABYTE), Fails(Network)),
        row("a hundred pings", before_response(ping.repeat(100)), Reads),
        row(
            "settings without an end",
            many(vec![], frame(SETTINGS, 0, 0, &[]), 4 * MEGABYTE),
            Fails(Network),
        ),
        row(
            "an update of zero",
            before_response(frame(WINDOW_UPDATE, 0, 0, &[0; 4])),
            Fails(Network),
        ),
        row(
            "an update beyond every window",
            before_response(frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff])),
            Fails(Network),
        ),
        row("a window of 2^31", before_response(setting(4, 1 << 31)), Fails(Network)),
        row("frames of one byte", before_response(setting(5, 1)), Fails(Network)),
        row("a table of 4 GB", before_response(setting(1, u32::MAX)), Reads),
        row("an unknown setting", before_response(setting(0x7777, 1)), Reads),
        row(
            "an agreement with a payload",
            before_response(frame(SETTINGS, ACK, 0, &[0; 6])),
            Fails(Network),
        ),
        row(
            "settings of five bytes",
            before_response(frame(SETTINGS, 0, 0, &[0; 5])),
            Fails(Network),
        ),
        row(
            "a table entry sixty thousand times",
            vec![Step::Write(greeting()), Step::Write(bomb.collect())],
            Fails(Network),
        ),
        row(
            "an entry that is not in the table",
            write(&[frame(HEADERS, END_HEADERS, 1, &[0xff, 0xff, 0x7f])]),
            Fails(Network),
        ),
        row(
            "a Huffman code that is none",
            write(&[frame(HEADERS, END_HEADERS, 1, b"\x88\x00\x84\xff\xff\xff\xff\x01x")]),
            Fails(Network),
        ),
        row(
            "a name in upper case",
            write(&[
                frame(HEADERS, END_HEADERS, 1, &[block.clone(), field("X", "y")].concat()),
                response(),
                done(),
            ]),
            Fails(Network),
        ),
        row(
            "a pseudo header behind others",
            write(&[
                frame(HEADERS, END_HEADERS, 1, &[field("x", "y"), block.clone()].concat()),
                response(),
                done(),
            ]),
            Fails(Network),
        ),
        row(
            "no status",
            write(&[
                frame(HEADERS, END_HEADERS, 1, &field("content-type", "application/grpc")),
                response(),
                done(),
            ]),
            Fails(Network),
        ),
        row(
            "two statuses in the head",
            write(&[
                frame(HEADERS, END_HEADERS, 1, &[field(":status", "200"), block.clone()].concat()),
                response(),
                done(),
            ]),
            Fails(Network),
        ),
        row(
            "an early hint",
            before_response(frame(HEADERS, END_HEADERS, 1, &field(":status", "103"))),
            Reads,
        ),
        row(
            "early hints without an end",
            many(vec![], frame(HEADERS, END_HEADERS, 1, &field(":status", "100")), 4 * MEGABYTE),
            Fails(Network),
        ),
        row(
            "more padding than data",
            write(&[head(), frame(DATA, PADDED, 1, &[200, 1, 2]), done()]),
            Fails(Network),
        ),
        row(
            "a stream that depends on itself",
            before_response(frame(PRIORITY, 0, 1, &[0, 0, 0, 1, 7])),
            Fails(Network),
        ),
        row("empty data without an end", many(head(), data(&[]), 4 * MEGABYTE), Fails(Network)),
        row(
            "trailers that are not the end",
            with(
                write(&[
                    head(),
                    response(),
                    frame(HEADERS, END_HEADERS, 1, &fields(&[("grpc-status", "0")])),
                ]),
                Step::Hold,
            ),
            Fails(Network),
        ),
    ]
}

fn row(name: &str, script: Vec<Step>, outcome: Outcome) -> Scenario {
    (name.to_owned(), script, outcome)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_frames_do_harm() {
    let _turn = TURN.lock().await;
    let scenarios: Vec<Scenario> =
        [connections(), statuses(), messages(), framing()].into_iter().flatten().collect();
    assert!(scenarios.len() >= 50, "{} scenarios", scenarios.len());
    let mut outcomes = Vec::new();
    for (name, script, outcome) in scenarios {
        let server = Server::new(After::Head, script);
        let client = client("grpc", &server);
        let right = |answer: &Answer| {
            answer.output("y").is_ok_and(|output| output.as_floats() == Some(&[0.25][..]))
        };
        let found = call(&client, &server, outcome, right).await;
        outcomes.push((name, found));
    }
    none_wrong(&outcomes);
}
