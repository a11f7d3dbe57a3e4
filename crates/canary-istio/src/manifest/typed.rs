//! One document of any type, such as a plan.

use serde::de::DeserializeOwned;

use super::{
    notes::{Notes, place},
    read::Reader,
    tree::SyntaxError,
    yaml,
};
use crate::{Error, Finding, Result};

/// Reads a text of one document, YAML or JSON, as strictly as a manifest; `what` names it in messages.
///
/// ```
/// use canary_core::manifest::read_document;
///
/// #[derive(serde::Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Settings {
///     weight: u32,
/// }
///
/// assert_eq!(read_document::<Settings>("settings", "weight: 10").unwrap().weight, 10);
/// let error = read_document::<Settings>("settings", "weigth: 10").err().unwrap().to_string();
/// assert!(error.contains("line 1"), "{error}");
/// ```
///
/// # Errors
/// [`Error::Manifest`] with line and column.
pub fn read_document<T: DeserializeOwned>(what: &str, text: &str) -> Result<T> {
    let unreadable = |reason: String| Error::Manifest { what: what.to_owned(), reason };
    let documents = yaml::parse(text).map_err(|error| unreadable(error.describe(text)))?;
    let [document] = documents.as_slice() else {
        return Err(unreadable(format!("expected one document, found {}", documents.len())));
    };
    let notes = Notes::new(false);
    let read = T::deserialize(Reader::new(document, &notes));
    // An unknown field is recorded while reading continues; it is often the reason why another field is missing.
    let first = notes.findings.into_inner().into_iter().next();
    match (read, first) {
        (Ok(value), None) => Ok(value),
        (_, Some(finding)) => Err(unreadable(describe(&finding, text))),
        (Err(problem), None) => {
            let inner = problem.into_inner();
            let path = inner.place.as_ref().map(|place| place.path.clone()).unwrap_or_default();
            let mut finding = Finding::error(inner.code.unwrap_or("C307"), path, inner.message);
            if let Some(found) = inner.found {
                finding = finding.found(found);
            }
            if let Some(help) = inner.help {
                finding = finding.help(help);
            }
            if let Some(at) = inner.place {
                finding = place(finding, at.at);
            }
            Err(unreadable(describe(&finding, text)))
        }
    }
}

/// Place, reason and remedy, and the line of the text with a mark under the place.
fn describe(finding: &Finding, text: &str) -> String {
    let mut message = String::new();
    if !finding.path.is_empty() {
        message = format!("{}: ", finding.path);
    }
    message.push_str(&finding.message);
    if let Some(found) = &finding.found {
        message = format!("{message}, found {found}");
    }
    if let Some(help) = &finding.help {
        message = format!("{message}; {help}");
    }
    match (finding.line, finding.column) {
        (Some(line), Some(column)) => {
            SyntaxError::new(super::tree::Mark { line, column }, message).describe(text)
        }
        _ => message,
    }
}
