//! The Dockerfile and its context against the tree: what it builds, copies and starts is there.

use std::{fs, path::Path};

use canary_core::{Plan, cluster::InCluster};
use canary_tests::parts::root;

/// The instructions of the Dockerfile, with continued lines joined.
fn instructions() -> Vec<String> {
    let text = fs::read_to_string(root().join("Dockerfile")).unwrap();
    let joined = text.replace("\\\n", " ");
    let lines = joined.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

fn one(name: &str) -> String {
    let found: Vec<String> = instructions()
        .into_iter()
        .filter_map(|line| line.strip_prefix(name).map(|rest| rest.trim().to_owned()))
        .collect();
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found.into_iter().next().unwrap()
}

#[test]
fn the_image_holds_the_program_that_is_built_and_started() {
    let copied = one("COPY --from=build");
    let (from, to) = copied.split_once(' ').unwrap();
    let program = Path::new(to.trim()).file_name().unwrap().to_str().unwrap();
    // The Job's first argument is the plan.
    assert_eq!(one("ENTRYPOINT"), format!("[{program:?}, \"run\"]"));
    let build = instructions().into_iter().find(|line| line.contains("cargo build")).unwrap();
    assert!(build.contains("--release --locked -p canary-cli"), "{build}");
    assert_eq!(from, format!("/src/target/release/{program}"));
    let manifest = fs::read_to_string(root().join("crates/canary-cli/Cargo.toml")).unwrap();
    assert!(manifest.contains(&format!("[[bin]]\nname = {program:?}")), "{manifest}");
    // TLS is verified against these.
    assert!(instructions().iter().any(|line| line.contains("ca-certificates")));
}

#[test]
fn base_images_are_named_by_their_digests() {
    let bases: Vec<String> = instructions()
        .into_iter()
        .filter_map(|line| line.strip_prefix("FROM ").map(str::to_owned))
        .collect();
    assert_eq!(bases.len(), 2, "{bases:?}");
    for base in bases {
        let image = base.split_whitespace().next().unwrap();
        let digest = image.split_once("@sha256:").map(|(_, digest)| digest).unwrap_or_default();
        let is_hex =
            digest.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        assert!(digest.len() == 64 && is_hex, "{base}");
    }
}

#[test]
fn the_image_and_the_job_agree_on_a_user_that_is_not_root() {
    let user = one("USER");
    let (user, group) = user.split_once(':').unwrap();
    assert!(user != "0" && group != "0");
    let plan = Plan::new("image-classifier", "resnet50", "resnet101")
        .weights([30, 100], canary_core::rollout::Hold::requests(100));
    let objects = InCluster::new("image").objects(&plan).unwrap();
    let pod = &objects.last().unwrap()["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsUser"].to_string(), user);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    let container = &pod["containers"][0];
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert!(container.get("command").is_none(), "the image's entry point is the program");
}

#[test]
fn the_job_writes_its_own_objects_only() {
    let plan = Plan::new("image-classifier", "resnet50", "resnet101")
        .weights([30, 100], canary_core::rollout::Hold::requests(100));
    let objects = InCluster::new("image").objects(&plan).unwrap();
    let role = objects.iter().find(|object| object["kind"] == "Role").unwrap();
    let mut read = Vec::new();
    for rule in role["rules"].as_array().unwrap() {
        let verbs = rule["verbs"].to_string();
        if rule.get("resourceNames").is_some() || rule["resources"][0] == "leases" {
            continue;
        }
        assert!(["[\"get\"]", "[\"list\"]"].contains(&verbs.as_str()), "unnamed: {rule}");
        read.push(rule["resources"][0].as_str().unwrap());
    }
    assert_eq!(read, ["services", "pods", "deployments", "statefulsets", "configmaps"]);
}

#[test]
fn the_context_has_all_that_is_built_and_nothing_large() {
    let ignored = fs::read_to_string(root().join(".dockerignore")).unwrap();
    let ignored: Vec<&str> = ignored.lines().map(str::trim).collect();
    for large in [".git", ".venv", ".cache", "target"] {
        assert!(ignored.contains(&large), "{large} would be sent to the builder");
    }
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let members = manifest.split("members = [").nth(1).unwrap().split(']').next().unwrap();
    let members =
        members.split(',').map(|member| member.trim().trim_matches('"').trim_end_matches("/*"));
    for needed in ["Cargo.toml", "Cargo.lock"].into_iter().chain(members) {
        assert!(root().join(needed).exists(), "{needed}");
        let hidden =
            ignored.iter().any(|one| needed == *one || needed.starts_with(&format!("{one}/")));
        assert!(!hidden, "{needed} is kept from the builder");
    }
}
