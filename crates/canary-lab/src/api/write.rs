//! Writes: create, apply, patch, replace, scale and delete.

use canary_core::{
    cluster::{Cluster, ObjectRef, Patch},
    rollout::Error,
};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::{
    answer::{self, Body, Refusal},
    query::Query,
    target::Target,
};
use crate::store::Store;

/// The form of a patch, by the type of its content.
enum Form {
    Apply,
    Json,
    Merge,
}

impl Form {
    fn of(content: &str) -> Result<Self, Refusal> {
        match content.split(';').next().unwrap_or_default().trim() {
            "application/apply-patch+yaml" => Ok(Self::Apply),
            "application/json-patch+json" => Ok(Self::Json),
            "application/merge-patch+json" => Ok(Self::Merge),
            other => Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "UnsupportedMediaType",
                format!(
                    "patches of the type {other:?} are not supported by the lab; with kubectl use apply --server-side, or \
                     patch --type=merge or --type=json"
                ),
            )),
        }
    }
}

/// The store as one request writes to it: under a field manager, and on a copy when the write is only tried.
fn writer(store: &Store, query: &Query) -> Store {
    let store = if query.dry_run() { store.detached() } else { store.clone() };
    let store = match query.get("fieldManager") {
        Some(manager) => store.field_manager(manager),
        None => store.field_manager("unknown"),
    };
    store.force(query.flag("force"))
}

/// Refuses the binary form of objects, in which `kubectl create` sends Kubernetes' own kinds.
pub(super) fn check_form(content: &str) -> Result<(), Refusal> {
    if content.contains("protobuf") {
        let message = "objects in protobuf are not supported by the lab; with kubectl use apply --server-side";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Refusal::new(status, "UnsupportedMediaType", message));
    }
    Ok(())
}

/// Reads JSON, or YAML where it may be that.
fn read(body: &[u8]) -> Result<Value, Refusal> {
    let failed = |error: String| Refusal::bad_request(format!("the body cannot be read: {error}"));
    serde_json::from_slice(body).or_else(|error| {
        let text = std::str::from_utf8(body).map_err(|error| failed(error.to_string()))?;
        // A text that is neither has the error of JSON.
        serde_saphyr::from_str(text).map_err(|_| failed(error.to_string()))
    })
}

/// Checks that a body is about the object that the path names, and completes it.
fn named(target: &Target, object: &mut Value) -> Result<ObjectRef, Refusal> {
    if !object.is_object() {
        return Err(Refusal::bad_request("the body has to be an object"));
    }
    let metadata = object.pointer("/metadata").cloned().unwrap_or_else(|| json!({}));
    let name = target.name.as_deref().or(metadata["name"].as_str()).map(str::to_owned);
    let name = name.ok_or_else(|| {
        Refusal::bad_request("metadata.name is missing; the lab makes no names of generateName")
    })?;
    let namespace = if ObjectRef::is_cluster_wide(target.kind) {
        ""
    } else {
        target.namespace.as_deref().unwrap_or("default")
    };
    for (field, expected, found) in [
        ("apiVersion", target.api_version.as_str(), &object["apiVersion"]),
        ("kind", target.kind, &object["kind"]),
        ("metadata.name", name.as_str(), &metadata["name"]),
        ("metadata.namespace", namespace, &metadata["namespace"]),
    ] {
        if !found.is_null() && found != expected {
            return Err(Refusal::bad_request(format!(
                "{field} of the body is {found}; the path of the request has {expected:?}"
            )));
        }
    }
    object["apiVersion"] = target.api_version.as_str().into();
    object["kind"] = target.kind.into();
    object["metadata"] = metadata;
    object["metadata"]["name"] = name.clone().into();
    if !namespace.is_empty() {
        object["metadata"]["namespace"] = namespace.into();
    }
    Ok(ObjectRef::new(&*target.api_version, target.kind, namespace, name))
}

/// Creates an object.
pub(super) fn create(
    store: &Store,
    target: &Target,
    query: &Query,
    body: &[u8],
) -> Result<Response<Body>, Refusal> {
    let mut object = read(body)?;
    if target.kind == "SelfSubjectAccessReview" {
        // A client with the token may do everything.
        object["status"] = json!({"allowed": true});
        return Ok(answer::object(StatusCode::CREATED, &object));
    }
    let reference = named(target, &mut object)?;
    let created = writer(store, query).create_now(&reference, &object);
    let created = created.map_err(|error| Refusal::of(target, &error))?;
    let object = created.ok_or_else(|| {
        let message = format!("{} {:?} already exists", target.resource(), reference.name);
        Refusal::new(StatusCode::CONFLICT, "AlreadyExists", message)
    })?;
    Ok(answer::object(StatusCode::CREATED, &object))
}

/// Replaces an object whole.
pub(super) fn replace(
    store: &Store,
    target: &Target,
    query: &Query,
    body: &[u8],
) -> Result<Response<Body>, Refusal> {
    let mut wanted = read(body)?;
    let reference = named(target, &mut wanted)?;
    let replaced = writer(store, query).change_now(&reference, |object| {
        let version = &wanted["metadata"]["resourceVersion"];
        expect_version(&reference, version, object)?;
        *object = wanted;
        Ok(())
    });
    written(target, replaced)
}

/// Applies or patches an object.
pub(super) async fn patch(
    store: &Store,
    target: &Target,
    query: &Query,
    content: &str,
    body: &[u8],
) -> Result<Response<Body>, Refusal> {
    let object = target.object().ok_or_else(Refusal::unserved)?;
    let writer = writer(store, query);
    let scale = match target.subresource.as_deref() {
        None => false,
        Some("scale") if target.kind == "Deployment" => true,
        Some(_) => return Err(Refusal::unserved()),
    };
    let patched = match (Form::of(content)?, scale) {
        (Form::Apply, false) => {
            if query.get("fieldManager").is_none() {
                return Err(Refusal::bad_request("fieldManager is required for an apply"));
            }
            let mut wanted = read(body)?;
            named(target, &mut wanted)?;
            writer.apply(&wanted).await
        }
        (Form::Json, _) => {
            let patch: Patch = serde_json::from_slice(body).map_err(|error| {
                Refusal::bad_request(format!("the body is not a JSON Patch: {error}"))
            })?;
            let patched = if scale {
                writer.patch_scale(&object, &patch).await
            } else {
                writer.patch(&object, &patch).await
            };
            if let Err(Error::Conflict { .. }) = patched {
                // As on the API server, which does not name the test that failed.
                let message = "the server rejected our request due to an error in our request";
                return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message));
            }
            patched
        }
        (Form::Merge, false) => {
            let merge = read(body)?;
            writer.change_now(&object, |live| {
                expect_version(&object, &merge["metadata"]["resourceVersion"], live)?;
                json_patch::merge(live, &merge);
                Ok(())
            })
        }
        (Form::Merge, true) => {
            let merge = read(body)?;
            let replicas = json!([
                {"op": "add", "path": "/spec/replicas", "value": merge["spec"]["replicas"]},
            ]);
            let patch: Patch = serde_json::from_value(replicas)
                .map_err(|error| Refusal::bad_request(error.to_string()))?;
            writer.patch_scale(&object, &patch).await
        }
        (Form::Apply, true) => return Err(Refusal::method("the scale is patched, not applied")),
    };
    written(target, patched)
}

/// Deletes an object.
pub(super) fn delete(
    store: &Store,
    target: &Target,
    query: &Query,
    body: &[u8],
) -> Result<Response<Body>, Refusal> {
    let object = target
        .object()
        .ok_or_else(|| Refusal::method("the lab deletes objects by name, not all of a kind"))?;
    let options = if body.is_empty() { Value::Null } else { read(body)? };
    let writer = writer(store, query);
    let live = writer.get_now(&object).ok_or_else(|| Refusal::not_found(target))?;
    for field in ["resourceVersion", "uid"] {
        let wanted = &options["preconditions"][field];
        if !wanted.is_null() && *wanted != live["metadata"][field] {
            let found = &live["metadata"][field];
            let message = format!("{object}: metadata.{field}: expected {wanted}, found {found}");
            return Err(Refusal::new(StatusCode::CONFLICT, "Conflict", message));
        }
    }
    if !writer.delete_now(&object) {
        return Err(Refusal::not_found(target));
    }
    Ok(answer::object(
        StatusCode::OK,
        &json!({
            "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Success",
            "details": {"name": object.name, "kind": target.resource(), "uid": live["metadata"]["uid"]},
        }),
    ))
}

/// Checks the version that a write states.
fn expect_version(object: &ObjectRef, wanted: &Value, live: &Value) -> Result<(), Error> {
    let found = &live["metadata"]["resourceVersion"];
    if wanted.is_null() || wanted == found {
        return Ok(());
    }
    let diff = format!("metadata.resourceVersion: expected {wanted}, found {found}");
    Err(Error::conflict(object.to_string(), diff))
}

fn written(target: &Target, done: Result<Value, Error>) -> Result<Response<Body>, Refusal> {
    match done {
        Ok(object) => Ok(answer::object(StatusCode::OK, &object)),
        Err(error) => Err(Refusal::of(target, &error)),
    }
}
