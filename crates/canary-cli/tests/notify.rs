//! `run --notify`: a receiver on loopback gets the course of a run; a dead one costs it nothing.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
};

use serde_json::Value;

use crate::folder::Folder;

fn read(stream: &TcpStream) -> Value {
    let mut request = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        assert!(request.read_line(&mut line).unwrap() > 0, "the request ended early");
        match line.trim().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().unwrap();
            }
            None if line.trim().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    request.read_exact(&mut body).unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// A server that takes every notice; its address, and the notices.
fn receiver() -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, notices) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let notice = read(&stream);
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.write_all(answer.as_bytes()).unwrap();
            if sender.send(notice).is_err() {
                return;
            }
        }
    });
    (address, notices)
}

#[test]
fn a_run_tells_its_course_as_cloud_events_and_to_slack() {
    let folder = Folder::new("notify");
    let (events, received) = receiver();
    let (slack, texts) = receiver();
    let mut command = folder.command(&[
        "run",
        "plan.yaml",
        "--notify",
        &format!("http://{events}/run"),
        "--notify",
        "env:CANARY_TEST_WEBHOOK",
        "--notify-link",
        "https://reports.example/1",
        "--events",
    ]);
    command.env("CANARY_TEST_WEBHOOK", format!("slack:http://{slack}/hunter2"));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("--notify"), "nothing was lost: {said}");
    let notices: Vec<Value> = received.try_iter().collect();
    let told: Vec<(&str, Option<u64>)> = notices
        .iter()
        .map(|one| (one["data"]["kind"].as_str().unwrap(), one["data"]["weight"].as_u64()))
        .collect();
    assert_eq!(
        told,
        [("started", None), ("step", Some(30)), ("step", Some(100)), ("verdict", Some(100))]
    );
    assert_eq!(notices[3]["data"]["verdict"], "promote");
    assert_eq!(notices[3]["data"]["link"], "https://reports.example/1");
    let texts: Vec<Value> = texts.try_iter().collect();
    assert_eq!(texts.len(), notices.len());
    let last = texts[3]["text"].as_str().unwrap();
    assert!(last.contains("promoted: ") && last.ends_with("|Report>"), "{last}");
}

#[test]
fn a_dead_webhook_is_reported_at_the_end_and_changes_nothing() {
    let folder = Folder::new("notify-dead");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let url = format!("slack:http://{address}/hunter2");
    let (status, text, said) = folder.run(&["run", "plan.yaml", "--notify", &url]);
    assert_eq!(status, Some(0), "{said}");
    assert!(text.starts_with("promoted: "), "{text}");
    assert!(
        said.contains(&format!("--notify: {address}: 4 of 4 notices not delivered: ")),
        "{said}"
    );
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn an_address_that_is_none_ends_the_command_before_anything_and_is_not_repeated() {
    let folder = Folder::new("notify-wrong");
    for (address, reason) in [
        ("slack:hunter2", "does not begin with http:// or https://"),
        ("slack:http://chat.example/hunter2", "http:// does not encrypt them"),
        ("env:CANARY_NO_SUCH_VARIABLE", "CANARY_NO_SUCH_VARIABLE is not set"),
    ] {
        let (status, text, said) = folder.run(&["run", "plan.yaml", "--notify", address]);
        assert_eq!(status, Some(2), "{said}");
        assert!(said.contains(reason) && !said.contains("hunter2"), "{said}");
        assert_eq!(text, "");
    }
}

#[test]
fn the_job_may_write_events_only_where_its_arguments_want_it() {
    let folder = Folder::new("notify-job");
    let line = ["in-cluster", "plan.yaml", "--image", "x:1"];
    let (status, without, _) = folder.run(&line);
    assert_eq!(status, Some(0));
    assert!(!without.contains("- events"), "{without}");
    let (status, with, _) = folder.run(&[&line[..], &["--", "--events"]].concat());
    assert_eq!(status, Some(0));
    assert!(with.contains("- events"), "{with}");
}
