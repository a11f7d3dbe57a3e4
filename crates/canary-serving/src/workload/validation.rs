//! The mistakes of a workload.

use canary_istio::{Finding, Findings};

use super::{ModelServer, Workload};
use crate::quantity;

/// The longest label of Kubernetes and of DNS.
const MAX_LABEL: usize = 63;

/// Finds the mistakes for which Kubernetes would refuse the objects, or the model server fail to start.
pub(super) fn findings(workload: &Workload) -> Findings {
    let mut findings = Findings::new();
    let object = format!("Workload {}/{}-{}", workload.namespace, workload.app, workload.version);
    let mut check = |path: &str, value: &str, problem: Option<&str>, help: &str| {
        if let Some(problem) = problem {
            findings.push(
                Finding::error("C200", path, problem)
                    .object(object.as_str())
                    .found(value)
                    .help(help),
            );
        }
    };
    let label = "use lower-case letters, digits and '-', beginning with a letter, at most 63";
    check("app", &workload.app, dns_label_problem(&workload.app), label);
    check("version", &workload.version, dns_label_problem(&workload.version), label);
    let name = workload.deployment_name();
    // The pods' labels and host names repeat a Deployment's name, and they end at 63 characters.
    let labels = [&workload.app, &workload.version].map(|part| dns_label_problem(part).is_none());
    let too_long = (labels == [true; 2] && name.len() > MAX_LABEL)
        .then_some("makes the name of the Deployment longer than 63 characters");
    check(
        "version",
        &name,
        too_long,
        "shorten app or version; with the '-' between them they may have 63 characters",
    );
    check("namespace", &workload.namespace, dns_label_problem(&workload.namespace), label);
    let missing = |text: &str| text.trim().is_empty().then_some("is empty");
    let of_file =
        |text: &str| (!text.is_empty()).then_some("is given beside a file that names the models");
    let problem = |text: &str| {
        if workload.settings.models.is_some() { of_file(text) } else { missing(text) }
    };
    let name_and_path = if workload.settings.models.is_some() {
        "leave out model_name and model_path, or settings.models"
    } else {
        "give the name and the path of the model"
    };
    check("model_name", &workload.model_name, problem(&workload.model_name), name_and_path);
    let folder = match (workload.settings.models.is_some(), workload.server) {
        (true, _) => name_and_path,
        (_, ModelServer::TensorFlowServing) => {
            "give the folder or bucket that holds the numbered versions, such as gs://bucket/resnet_50"
        }
        _ => "give the folder or bucket of the model, such as gs://bucket/resnet_50",
    };
    check("model_path", &workload.model_path, problem(&workload.model_path), folder);
    for (path, value, problem, help) in of_server(workload) {
        check(path, &value, Some(problem), help);
    }
    check("image", &workload.image, missing(&workload.image), "name a container image");
    let quantity = "write a Kubernetes quantity, such as 500m, 3 or 4Gi";
    check("cpu", &workload.cpu, quantity_problem(&workload.cpu), quantity);
    check("memory", &workload.memory, quantity_problem(&workload.memory), quantity);
    workload.check_resources(&object, &mut findings);
    findings.extend(workload.settings.validate(&object));
    if workload.replicas < 0 {
        findings.push(
            Finding::error("C200", "replicas", "is negative")
                .object(object)
                .found(workload.replicas)
                .help("set 0 or more replicas"),
        );
    }
    findings
}

/// A setting that its model server does not take: the place, the value, the problem and the remedy.
type Mistake = (&'static str, String, &'static str, &'static str);

/// The settings that the model server does not take.
fn of_server(workload: &Workload) -> Vec<Mistake> {
    let server = workload.server;
    if server == ModelServer::TensorFlowServing {
        return Vec::new();
    }
    let mut found: Vec<Mistake> = Vec::new();
    if !workload.settings.is_empty() {
        found.push((
            "settings",
            server.as_str().to_owned(),
            "are files that this server does not read",
            "leave them out; they are those of TensorFlow Serving",
        ));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if !workload.model_name.bytes().all(plain) {
        // Triton does not decode the names in its paths.
        found.push((
            "model_name",
            workload.model_name.clone(),
            "has characters that a path of this server cannot have",
            "use letters, digits, '.', '_' and '-'",
        ));
    }
    if server == ModelServer::MlServer && !workload.args.is_empty() {
        found.push((
            "args",
            workload.args.join(" "),
            "would replace the command of MLServer's image",
            "set MLServer up by its files settings.json and model-settings.json",
        ));
    }
    found
}

/// The problem of a text that is not an RFC 1035 label, as the names of services must be.
fn dns_label_problem(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("is empty");
    }
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let valid = text.len() <= MAX_LABEL
        && text.bytes().all(allowed)
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.ends_with('-');
    (!valid).then_some("is not a DNS label")
}

/// The problem of a text that is not a quantity of Kubernetes.
fn quantity_problem(text: &str) -> Option<&'static str> {
    quantity::parse(text).is_none().then_some("is not a quantity")
}
