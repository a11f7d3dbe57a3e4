//! A manifest: objects, read from text and written as text.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    object::{Object, ToObject},
    reader::{Reading, documents},
    source::Source,
};
use crate::{Error, Finding, Findings, Result, Severity};

/// Objects in their order, as they stand in a YAML or JSON file.
///
/// ```
/// use canary_core::{DestinationRule, Gateway, Manifest, VirtualService};
///
/// let gateway = Gateway::http("image-classifier-gateway", 80, ["*"]);
/// let subsets = DestinationRule::subsets("image-classifier", ["resnet50", "resnet101"]);
/// let split = VirtualService::weighted("image-classifier", [("resnet50", 70), ("resnet101", 30)])
///     .hosts(["*"])
///     .gateway("image-classifier-gateway")
///     .port(8501);
/// let manifest = Manifest::of([&gateway, &subsets, &split]);
/// let yaml = manifest.to_yaml()?;
/// assert!(yaml.contains("weight: 70"));
/// assert_eq!(Manifest::read(&yaml)?, manifest);
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// The objects.
    pub objects: Vec<Object>,
    /// The places of the objects that were read, in their order; none without a text.
    sources: Vec<Source>,
}

/// Manifests are equal when their objects are equal; positions in a text do not count.
impl PartialEq for Manifest {
    fn eq(&self, other: &Self) -> bool {
        self.objects == other.objects
    }
}

impl Manifest {
    /// Copies of these objects, which may be of different kinds.
    pub fn of<const N: usize>(objects: [&dyn ToObject; N]) -> Self {
        objects.into_iter().map(ToObject::to_object).collect()
    }

    /// Reads YAML or JSON text strictly.
    ///
    /// A field without a value (`timeout:` or `null`) is read as absent, as Kubernetes does.
    ///
    /// # Errors
    /// [`Error::Manifest`] with line, column and the line itself when the text is neither YAML nor JSON,
    /// repeats a key, nests too deep or has aliases that expand too far; [`Error::Invalid`] with every unknown field,
    /// value of the wrong type and unknown kind, and then also with every value that a rule of admission refuses, each
    /// with path, line, column and remedy.
    ///
    /// ```
    /// use canary_core::{Manifest, manifest::Error};
    ///
    /// let text = "
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata: {name: reviews}
    /// spec:
    ///   hosts: [reviews]
    ///   http:
    ///   - route:
    ///     - destination: {host: reviews}
    ///       wieght: 100
    /// ";
    /// let Err(Error::Invalid(findings)) = Manifest::read(text) else { panic!("read a misspelt field") };
    /// assert_eq!(
    ///     findings.to_string(),
    ///     "error[C301]: VirtualService reviews: spec.http[0].route[0].wieght: unknown field \
    ///      (line 10, column 7); did you mean `weight`?",
    /// );
    /// ```
    pub fn read(text: &str) -> Result<Self> {
        Self::read_named("manifest", text)
    }

    /// As [`read`](Self::read), with a name for the text, such as its file's, for messages.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_named(name: &str, text: &str) -> Result<Self> {
        let (manifest, mut findings) = Self::read_with_findings(name, text)?;
        if findings.has_errors() {
            // A value that could not be read is missing here, so rules about missing values are left out.
            let unread = |path: &str| {
                let touches = |other: &str| path.starts_with(other) || other.starts_with(path);
                findings.iter().any(|finding| touches(&finding.path))
            };
            let rules = manifest.validate().0.into_iter();
            let broken: Vec<Finding> = rules
                .filter(|one| one.severity == Severity::Error)
                .filter(|one| one.found.is_some() && !unread(&one.path))
                .collect();
            findings.extend(broken);
            findings.0.sort_by_key(|one| (one.document, one.line, one.column));
        }
        findings.into_result()?;
        Ok(manifest)
    }

    /// Reads a text strictly and gives the objects that can be read beside the findings, so that the rules of the
    /// objects can be checked in the same pass.
    ///
    /// # Errors
    /// [`Error::Manifest`] when the text is neither YAML nor JSON.
    ///
    /// ```
    /// use canary_core::Manifest;
    ///
    /// let text = "
    /// apiVersion: networking.istio.io/v1
    /// kind: Gateway
    /// metadata: {name: public, lables: {}}
    /// spec: {servers: []}
    /// ";
    /// let (manifest, reading) = Manifest::read_with_findings("gateway.yaml", text)?;
    /// assert_eq!((reading.0[0].code.as_str(), reading.0[0].line), ("C301", Some(4)));
    /// let rules = manifest.validate();
    /// assert_eq!((rules.0[0].code.as_str(), rules.0[0].line), ("V021", Some(5)));
    /// # Ok::<(), canary_core::manifest::Error>(())
    /// ```
    pub fn read_with_findings(name: &str, text: &str) -> Result<(Self, Findings)> {
        let documents = documents(text).map_err(|error| Error::Manifest {
            what: name.to_owned(),
            reason: error.describe(text),
        })?;
        let mut reading = Reading::new(false);
        for document in &documents {
            reading.document(document);
        }
        Ok((Self { objects: reading.objects, sources: reading.sources }, reading.findings))
    }

    /// Reads as much as possible, and reports the rest.
    ///
    /// Unknown fields are left out with a warning; values that cannot be read and objects of unknown kind are left out
    /// with an error. Quoted numbers and enums by number are accepted with a warning, as Istio accepts them. A text
    /// that is neither YAML nor JSON gives no object and one error.
    pub fn read_lenient(text: &str) -> (Self, Findings) {
        let documents = match documents(text) {
            Ok(documents) => documents,
            Err(error) => {
                let finding = Finding::error("C300", "", error.message);
                let finding = finding.at(error.at.line, error.at.column);
                return (Self::default(), [finding].into_iter().collect());
            }
        };
        let mut reading = Reading::new(true);
        for document in &documents {
            reading.document(document);
        }
        (Self { objects: reading.objects, sources: reading.sources }, reading.findings)
    }

    /// Reads one JSON object, or a list of them, strictly.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_json_value(value: &Value) -> Result<Self> {
        let node = super::json::from_value(value, 0).map_err(|error| Error::Manifest {
            what: "manifest".to_owned(),
            reason: error.message,
        })?;
        let mut reading = Reading::new(false);
        reading.document(&node);
        reading.findings.into_result()?;
        Ok(Self::from(reading.objects))
    }

    /// The objects in another version of Istio's, such as `v1`. Objects of other APIs, and of Istio kinds that are not
    /// modelled here, stay unchanged.
    ///
    /// ```
    /// use canary_core::Manifest;
    ///
    /// let text = "apiVersion: networking.istio.io/v1alpha3\nkind: Gateway\nmetadata:\n  name: edge\nspec: {}\n";
    /// let manifest = Manifest::read(text)?;
    /// assert_eq!(manifest.to_yaml()?, text);
    /// assert_eq!(manifest.to_version("v1")?.to_yaml()?, text.replace("v1alpha3", "v1"));
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Manifest`] when Istio has no such version.
    pub fn to_version(mut self, version: &str) -> Result<Self> {
        let objects = self.objects.into_iter().map(|object| object.to_version(version));
        self.objects = objects.collect::<Result<_>>()?;
        Ok(self)
    }

    /// The places of the objects that were read from text, in their order; empty without a text.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The places of the object at this position, when it was read from a text and has kept its place in the list.
    pub fn source(&self, object: usize) -> Option<&Source> {
        let source = self.sources.get(object)?;
        source.is_of(self.objects.get(object)?).then_some(source)
    }

    /// The objects as YAML, one document each.
    ///
    /// # Errors
    /// [`Error::Manifest`] when a number is not finite.
    pub fn to_yaml(&self) -> Result<String> {
        let mut text = String::new();
        for (index, object) in self.objects.iter().enumerate() {
            if index > 0 {
                text.push_str("---\n");
            }
            text.push_str(&to_yaml(object)?);
        }
        Ok(text)
    }

    /// The objects as indented JSON: one object as it is, several in a `List`.
    ///
    /// # Errors
    /// [`Error::Manifest`] when a number is not finite.
    pub fn to_json(&self) -> Result<String> {
        let text = match self.objects.as_slice() {
            [object] => serde_json::to_string_pretty(object),
            _ => serde_json::to_string_pretty(&List {
                api_version: "v1",
                kind: "List",
                items: &self.objects,
            }),
        };
        text.map_err(|error| unwritable("manifest", &error))
    }

    /// The objects as JSON: one object as it is, several in a `List`.
    ///
    /// # Errors
    /// [`Error::Manifest`] when a number is not finite.
    pub fn to_json_value(&self) -> Result<Value> {
        if let [object] = self.objects.as_slice() {
            return object.to_json_value();
        }
        let items: Result<Vec<Value>> = self.objects.iter().map(Object::to_json_value).collect();
        Ok(json!({"apiVersion": "v1", "kind": "List", "items": items?}))
    }

    /// The objects, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Object> {
        self.objects.iter()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    api_version: &'static str,
    kind: &'static str,
    items: &'a [Object],
}

fn to_yaml(object: &Object) -> Result<String> {
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let mut text = serde_saphyr::to_string_with_options(object, options)
        .map_err(|error| unwritable(&object.id(), &error))?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

fn unwritable(what: &str, error: &dyn std::error::Error) -> Error {
    Error::Manifest { what: what.to_owned(), reason: format!("it cannot be written: {error}") }
}

impl FromIterator<Object> for Manifest {
    fn from_iter<T: IntoIterator<Item = Object>>(objects: T) -> Self {
        Self::from(objects.into_iter().collect::<Vec<_>>())
    }
}

impl From<Vec<Object>> for Manifest {
    fn from(objects: Vec<Object>) -> Self {
        Self { objects, sources: Vec::new() }
    }
}

impl IntoIterator for Manifest {
    type Item = Object;
    type IntoIter = std::vec::IntoIter<Object>;

    fn into_iter(self) -> Self::IntoIter {
        self.objects.into_iter()
    }
}

impl<'a> IntoIterator for &'a Manifest {
    type Item = &'a Object;
    type IntoIter = std::slice::Iter<'a, Object>;

    fn into_iter(self) -> Self::IntoIter {
        self.objects.iter()
    }
}
