//! `run --metrics`: scraped during the run and after its verdict; an address in use changes nothing.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Stdio},
};

use crate::folder::Folder;

/// A run whose port is any free one, and the address that it names.
fn started(
    folder: &Folder,
    more: &[&str],
) -> (Child, String, BufReader<std::process::ChildStderr>) {
    let mut command = folder.command(&["run", "plan.yaml", "--metrics", "127.0.0.1:0"]);
    let command = command.args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    let address =
        line.trim().strip_prefix("--metrics: http://").unwrap_or_else(|| panic!("{line}"));
    let address = address.strip_suffix("/metrics").unwrap().to_owned();
    (child, address, said)
}

fn scrape(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// Waits for a line with this in it.
fn until(said: &mut impl BufRead, part: &str) {
    let mut line = String::new();
    while !line.contains(part) {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "{part} was never said");
    }
}

#[test]
fn the_verdict_is_served_until_ctrl_c() {
    let folder = Folder::new("metrics");
    let (mut child, address, mut said) =
        started(&folder, &["--metrics-linger", "1h", "--events", "--tick", "20ms"]);
    until(&mut said, "--metrics: serving for another 3600 s");
    let text = scrape(&address);
    for sample in [
        "canary_rollout_verdict{namespace=\"default\",object=\"image-classifier\",verdict=\"promoted\"} 1",
        "canary_rollout_state{namespace=\"default\",object=\"image-classifier\",state=\"ended\"} 1",
        "canary_rollout_weight{namespace=\"default\",object=\"image-classifier\",subset=\"resnet101\"} 100",
        // Started, two weights, and the verdict.
        "canary_notices_total{namespace=\"default\",object=\"image-classifier\",result=\"delivered\"} 4",
        "canary_notices_total{namespace=\"default\",object=\"image-classifier\",result=\"failed\"} 0",
    ] {
        assert!(text.lines().any(|line| line == sample), "{sample}\n{text}");
    }
    let interrupted = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupted.success());
    assert_eq!(child.wait().unwrap().code(), Some(0), "the verdict's own status");
}

#[test]
fn a_run_ends_with_its_verdict_where_nothing_else_is_said() {
    let folder = Folder::new("metrics-short");
    let (status, text, said) = folder.run(&["run", "plan.yaml", "--metrics", "127.0.0.1:0"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(text.starts_with("promoted: ") && !said.contains("serving for"), "{said}");
}

#[test]
fn an_address_that_cannot_be_used_ends_the_command_before_anything() {
    let folder = Folder::new("metrics-taken");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (address, status, reason) in [
        (address.as_str(), 1, "where another program listens: stop it, or name another port"),
        ("localhost:9464", 2, "is not an address to serve metrics at"),
    ] {
        let (code, text, said) = folder.run(&["run", "plan.yaml", "--metrics", address]);
        assert_eq!(code, Some(status), "{said}");
        assert!(said.contains(reason) && said.contains(address), "{said}");
        assert_eq!(text, "");
        assert!(!said.contains("started"), "{said}");
    }
}

#[test]
fn the_jobs_pod_names_its_port_where_its_arguments_serve_metrics() {
    let folder = Folder::new("metrics-job");
    let line = ["in-cluster", "plan.yaml", "--image", "x:1"];
    let (_, without, _) = folder.run(&line);
    assert!(!without.contains("prometheus.io") && !without.contains("linger"), "{without}");
    for more in [&["--metrics", "0.0.0.0:9464"][..], &["--metrics=0.0.0.0:9464"]] {
        let (status, with, said) = folder.run(&[&line[..], &["--"], more].concat());
        assert_eq!(status, Some(0), "{said}");
        for part in [
            "prometheus.io/port: \"9464\"",
            "prometheus.io/scrape: \"true\"",
            "prometheus.io/path: /metrics",
            "containerPort: 9464",
            "--metrics-linger=2m",
        ] {
            assert!(with.contains(part), "{part}: {with}");
        }
    }
    let own = ["--", "--metrics=0.0.0.0:9464", "--metrics-linger", "5m"];
    let (_, with, _) = folder.run(&[&line[..], &own].concat());
    assert!(!with.contains("--metrics-linger=2m"), "{with}");
    for wrong in ["127.0.0.1:9464", "0.0.0.0:0", "9464"] {
        let (status, _, said) = folder.run(&[&line[..], &["--", "--metrics", wrong]].concat());
        assert_eq!(status, Some(2), "{said}");
        assert!(said.contains("0.0.0.0:9464"), "{said}");
    }
}
