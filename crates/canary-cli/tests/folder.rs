//! A folder of a test's own with the files of the examples, and the program in it.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// A mesh of two versions, 70/30, with a header route for testers.
pub(crate) const MESH: &str = "\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gateway}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [\"*\"]}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: image-classifier}
spec:
  host: image-classifier
  subsets: [{name: resnet50, labels: {version: resnet50}}, {name: resnet101, labels: {version: resnet101}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: image-classifier}
spec:
  hosts: [\"*\"]
  gateways: [gateway]
  http:
  - name: testers
    match: [{headers: {user-group: {exact: canary}}}]
    route: [{destination: {host: image-classifier, subset: resnet101, port: {number: 8501}}}]
  - name: everyone
    route:
    - {destination: {host: image-classifier, subset: resnet50, port: {number: 8501}}, weight: 70}
    - {destination: {host: image-classifier, subset: resnet101, port: {number: 8501}}, weight: 30}
";

const PLAN: &str = "\
target: {virtualService: image-classifier}
stable: resnet50
canary: resnet101
header: {name: user-group, value: canary}
settle: 50ms
steps:
- {weight: 30, hold: {requests: 60, pairs: 60}}
- {weight: 100}
guardrails:
- errorRatio: {atMost: 1.0}
- agreement: {atLeast: 0.95}
";

const CASES: &str = "\
cases:
- name: testers get the canary
  request: {url: \"http://any/v1/models/m:predict\", method: POST, headers: {user-group: canary}}
  expect: {host: image-classifier, subset: resnet101, port: 8501, rule: testers, path: \"/v1/models/m:predict\"}
- request: {url: \"http://any/v1/models/m\"}
  expect: {shares: {resnet50: 70, resnet101: 30}}
";

/// The stored state of a run of the plan: two hundred requests and as many pairs at its weight.
fn observations() -> String {
    let mut lines = vec![
        r#"{"started":{"at":1000,"stable":"resnet50","canary":"resnet101"}}"#.to_owned(),
        r#"{"split":{"at":1000,"split":{"canary":30}}}"#.to_owned(),
    ];
    for number in 0..200 {
        let (at, arm) = (2_000 + number, if number % 10 < 3 { "canary" } else { "stable" });
        lines.push(format!(
            r#"{{"observed":{{"source":"inputs","at":{at},"request":{{"arm":"{arm}","failed":false}}}}}}"#
        ));
        lines.push(format!(
            r#"{{"observed":{{"source":"inputs","at":{at},"pair":{{"stable":{{"class":"cat"}},"canary":{{"class":"cat"}}}}}}}}"#
        ));
    }
    lines.join("\n")
}

/// The folder; it is removed with the value.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("canary-cli-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let this = Self(folder);
        this.write("mesh.yaml", MESH);
        this.write(
            "changed.yaml",
            &MESH.replace("weight: 30", "weight: 40").replace("weight: 70", "weight: 60"),
        );
        this.write("plan.yaml", PLAN);
        this.write("cases.yaml", CASES);
        this.write("observations.jsonl", &observations());
        this.write("photo.jpg", "a photo");
        this.write("resnet_101/1/saved_model.pb", "\x08\x01\x12\x03abc");
        this.write("resnet_101/1/assets/labels.txt", "cat\n");
        this
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let file = self.0.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// The program with these arguments, in this folder, without the settings of the person who runs the tests.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_canary"));
        command.current_dir(&self.0).args(arguments);
        for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "KUBECONFIG"] {
            command.env_remove(variable);
        }
        command
    }

    /// The exit status, standard output and standard error.
    pub(crate) fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        texts(self.command(arguments).output().unwrap())
    }

    /// As [`Folder::run`], with a standard input.
    pub(crate) fn piped(&self, input: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        texts(child.wait_with_output().unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn texts(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}
