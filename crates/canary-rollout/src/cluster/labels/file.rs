//! The flags and mounts of a server that a release by labels depends on.

use serde_json::Value;

use crate::{
    Error, Result, VersionLabels,
    json::{list, text},
};

/// Checks that the servers of a `Deployment` start from the plan's file, come up from it when it has labels, keep what a
/// reload gives them, and see a changed file when they start again.
///
/// # Errors
/// [`Error::Plan`] with the argument or the volume that is in the way, and the remedy.
pub(in crate::cluster) fn check_deployment(target: &VersionLabels, live: &Value) -> Result<()> {
    let deployment = target.deployment_ref();
    let refuse = |reason: String| Err(Error::Plan(format!("{deployment}: {reason}")));
    let spec = &live["spec"]["template"]["spec"];
    let has_file = |container: &&Value| argument(container, "model_config_file").is_some();
    let Some(container) = list(spec, "/containers").iter().find(has_file) else {
        return refuse(
            "no container has the argument --model_config_file, without which a server has one model and no labels; \
             start TensorFlow Serving with a model config file"
                .to_owned(),
        );
    };
    let what = format!("container {}", text(container, "/name"));
    let wait = argument(container, "model_config_file_poll_wait_seconds").unwrap_or_default();
    if !matches!(wait.as_str(), "" | "0") {
        return refuse(format!(
            "{what} has --model_config_file_poll_wait_seconds={wait}, so that it reads the file again and undoes every \
             reload; remove the argument or set it to 0"
        ));
    }
    let allows = argument(container, "allow_version_labels_for_unavailable_models");
    if !allows.as_deref().is_some_and(is_true) {
        return refuse(format!(
            "{what} lacks --allow_version_labels_for_unavailable_models=true; without it a server ends at its start when \
             the model config file has labels, because no version is loaded yet"
        ));
    }
    let path = argument(container, "model_config_file").unwrap_or_default();
    let mounts = list(container, "/volumeMounts");
    let mount = mounts
        .iter()
        .filter(|mount| is_below(&path, text(mount, "/mountPath")))
        .max_by_key(|mount| text(mount, "/mountPath").len());
    let Some(mount) = mount else {
        return refuse(format!(
            "{what} reads its model config from {path}, where no volume is mounted, so that the file cannot be changed; \
             mount ConfigMap {} there",
            target.config_map
        ));
    };
    if mount["subPath"].is_string() || mount["subPathExpr"].is_string() {
        return refuse(format!(
            "{what} mounts {path} with subPath, and such a file never changes in a pod: a server that is started again \
             would have the labels from before the release; mount the whole volume"
        ));
    }
    let volume = text(mount, "/name");
    let source = list(spec, "/volumes").iter().find(|one| one["name"] == volume);
    let source = source.map_or(&Value::Null, |volume| &volume["configMap"]);
    let name = text(source, "/name");
    let relative = path[text(mount, "/mountPath").len()..].trim_start_matches('/');
    // With items, a key may have another path in the volume.
    let items = list(source, "/items");
    let key = match items.iter().find(|item| item["path"] == relative) {
        Some(item) => text(item, "/key"),
        None if items.is_empty() => relative,
        None => "",
    };
    if name != target.config_map || key != target.file {
        let found = match (name, key) {
            ("", _) => format!("the volume {volume}, which is not of a ConfigMap"),
            (name, "") => format!("ConfigMap {name}, without a key for {relative}"),
            (name, key) => format!("the key {key} of ConfigMap {name}"),
        };
        return refuse(format!(
            "{what} reads its model config {path} from {found}; the plan says the key {} of ConfigMap {}: correct \
             target.versionLabels.configMap and file",
            target.file, target.config_map
        ));
    }
    Ok(())
}

/// `true` when a file is in a folder.
fn is_below(path: &str, folder: &str) -> bool {
    let rest = path.strip_prefix(folder.trim_end_matches('/'));
    !folder.is_empty() && rest.is_some_and(|rest| rest.starts_with('/'))
}

/// The value of a flag, as `--name=value`, `--name value` or `--name` alone; the last one counts.
fn argument(container: &Value, name: &str) -> Option<String> {
    let words = ["/command", "/args"].into_iter().flat_map(|place| list(container, place));
    let words: Vec<&str> = words.filter_map(Value::as_str).collect();
    let mut found = None;
    for (index, word) in words.iter().enumerate() {
        let Some(flag) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')) else {
            continue;
        };
        let Some(rest) = flag.strip_prefix(name) else { continue };
        if let Some(value) = rest.strip_prefix('=') {
            found = Some(value.to_owned());
        } else if rest.is_empty() {
            let next = words.get(index + 1).filter(|next| !next.starts_with('-'));
            found = Some(next.map_or_else(|| "true".to_owned(), |next| (*next).to_owned()));
        }
    }
    found
}

fn is_true(value: &str) -> bool {
    matches!(value, "true" | "1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn target() -> VersionLabels {
        VersionLabels::new("pets", 42).deployment("pets-v1").service("pets")
    }

    /// A Deployment as a workload with a model config file has it.
    fn deployment(args: &Value, mount: &Value, volume: &Value) -> Value {
        json!({"spec": {"template": {"spec": {
            "containers": [
                {"name": "proxy", "args": ["--help"]},
                {"name": "tf-serving", "args": args, "volumeMounts": [
                    {"name": "other", "mountPath": "/etc"}, mount,
                ]},
            ],
            "volumes": [{"name": "other", "emptyDir": {}}, volume],
        }}}})
    }

    fn args(more: &[&str]) -> Value {
        let mut args = vec!["--model_config_file=/etc/tf-serving/models.config"];
        args.extend(more);
        json!(args)
    }

    const ALLOWS: &str = "--allow_version_labels_for_unavailable_models=true";

    fn mount() -> Value {
        json!({"name": "files", "mountPath": "/etc/tf-serving"})
    }

    fn volume() -> Value {
        json!({"name": "files", "configMap": {"name": "pets-v1-configs"}})
    }

    #[test]
    fn the_workloads_own_objects_pass() {
        for args in [
            args(&[ALLOWS]),
            args(&[ALLOWS, "--model_config_file_poll_wait_seconds=0"]),
            json!([
                "--model_config_file",
                "/etc/tf-serving/models.config",
                "--allow_version_labels_for_unavailable_models"
            ]),
        ] {
            check_deployment(&target(), &deployment(&args, &mount(), &volume())).unwrap();
        }
        let items = json!({"name": "files", "configMap": {"name": "mine", "items": [
            {"key": "text", "path": "models.config"},
        ]}});
        let own = target().file("mine", "text");
        check_deployment(&own, &deployment(&args(&[ALLOWS]), &mount(), &items)).unwrap();
    }

    #[test]
    fn what_would_undo_or_break_a_release_is_refused() {
        let with = |more: &[&str]| deployment(&args(more), &mount(), &volume());
        let sub =
            json!({"name": "files", "mountPath": "/etc/tf-serving", "subPath": "models.config"});
        let secret = json!({"name": "files", "secret": {"secretName": "x"}});
        let other = json!({"name": "files", "configMap": {"name": "else"}});
        let keyless = json!({"name": "files", "configMap": {"name": "pets-v1-configs", "items": [
            {"key": "a", "path": "b"},
        ]}});
        for (live, said) in [
            (json!({}), "no container has the argument --model_config_file"),
            (with(&[]), "lacks --allow_version_labels"),
            (
                with(&["--allow_version_labels_for_unavailable_models=false"]),
                "lacks --allow_version_labels",
            ),
            (with(&[ALLOWS, "--model_config_file_poll_wait_seconds=60"]), "undoes every reload"),
            (with(&[ALLOWS, "--model_config_file_poll_wait_seconds", "5"]), "poll_wait_seconds=5"),
            (deployment(&args(&[ALLOWS]), &sub, &volume()), "with subPath"),
            (deployment(&args(&[ALLOWS]), &mount(), &secret), "not of a ConfigMap"),
            (
                deployment(&args(&[ALLOWS]), &mount(), &other),
                "the key models.config of ConfigMap else",
            ),
            (deployment(&args(&[ALLOWS]), &mount(), &keyless), "without a key for models.config"),
            (
                deployment(
                    &args(&[ALLOWS]),
                    &json!({"name": "files", "mountPath": "/etc/tf"}),
                    &volume(),
                ),
                "which is not of a ConfigMap",
            ),
        ] {
            let error = check_deployment(&target(), &live).unwrap_err().to_string();
            assert!(error.contains("Deployment default/pets-v1: "), "{error}");
            assert!(error.contains(said), "{said}: {error}");
        }
        let bare = json!({"spec": {"template": {"spec": {"containers": [
            {"name": "tf-serving", "args": args(&[ALLOWS])},
        ]}}}});
        let error = check_deployment(&target(), &bare).unwrap_err().to_string();
        assert!(error.contains("where no volume is mounted"), "{error}");
    }
}
