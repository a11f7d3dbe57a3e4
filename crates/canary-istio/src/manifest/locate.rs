//! Where a value of an object stands in the text it was read from.

use super::reader::{deepest, documents, object_nodes};

/// The line and column, both from 1, of a path in one object of a text.
///
/// `object` counts the objects of the text from 0, items of lists included. A path that does not exist
/// gives the place of its deepest part that does, so that a missing field is shown where it is missing.
/// `None` when the text cannot be read or has no such object.
///
/// ```
/// let text = "apiVersion: networking.istio.io/v1\nkind: Gateway\nspec:\n  servers:\n  - port: {number: 0}\n";
/// let place = canary_core::manifest::locate(text, 0, "spec.servers[0].port.number");
/// assert_eq!(place, Some((5, 20)));
/// ```
pub fn locate(text: &str, object: usize, path: &str) -> Option<(usize, usize)> {
    let documents = documents(text).ok()?;
    let mut nodes = Vec::new();
    for document in &documents {
        object_nodes(document, &mut nodes, 0);
    }
    let at = deepest(nodes.get(object)?, path).at;
    Some((at.line, at.column))
}
