//! Objects in the order in which Istio prefers them.

use std::cmp::Ordering;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};

/// Objects of one kind with namespace and name, in the order in which Istio prefers them: oldest first, then by name,
/// then by namespace.
pub(crate) type Sorted<T> = Vec<(String, String, T)>;

/// Objects in Istio's order: by creation time, then name, then namespace. Without a time they come last, in the order
/// given.
pub(super) fn sorted<T>(objects: Vec<T>, metadata: impl Fn(&T) -> &ObjectMeta) -> Sorted<T> {
    let mut named: Sorted<T> = objects
        .into_iter()
        .map(|object| {
            let (namespace, name) = full_name(metadata(&object));
            (namespace, name, object)
        })
        .collect();
    named.sort_by(|one, other| {
        let age = |(namespace, name, object): &(String, String, T)| {
            (metadata(object).creation_timestamp.clone(), name.clone(), namespace.clone())
        };
        older(&age(one), &age(other))
    });
    named
}

/// The creation time, name and namespace by which Istio orders objects.
pub(super) type Age = (Option<Time>, String, String);

/// Compares objects by age, and those of one second by name and namespace. Objects without a time come last and are all
/// equal.
pub(super) fn older(one: &Age, other: &Age) -> Ordering {
    match (&one.0, &other.0) {
        (Some(first), Some(second)) => {
            first.0.cmp(&second.0).then_with(|| (&one.1, &one.2).cmp(&(&other.1, &other.2)))
        }
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

/// The namespace, `default` where none is written, and the name of an object.
pub(super) fn full_name(metadata: &ObjectMeta) -> (String, String) {
    let namespace = metadata.namespace.clone().filter(|namespace| !namespace.is_empty());
    let name = metadata.name.clone().unwrap_or_default();
    (namespace.unwrap_or_else(|| "default".to_owned()), name)
}
