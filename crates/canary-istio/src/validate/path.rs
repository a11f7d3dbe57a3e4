//! Where something stands in an object, built on the stack and written only when it is needed.

use std::fmt;

/// A place in an object: a chain of steps back to the root, without allocation.
#[derive(Clone, Copy)]
pub(crate) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Field(&'static str),
    Index(usize),
    Key(&'a str),
}

impl<'a> Path<'a> {
    /// A field of the object itself, such as `spec`.
    pub(crate) const fn root(field: &'static str) -> Self {
        Self { parent: None, step: Step::Field(field) }
    }

    /// The field `name` of what stands here.
    pub(crate) const fn field(&'a self, name: &'static str) -> Self {
        Self { parent: Some(self), step: Step::Field(name) }
    }

    /// The element `index` of the list that stands here.
    pub(crate) const fn index(&'a self, index: usize) -> Self {
        Self { parent: Some(self), step: Step::Index(index) }
    }

    /// The entry `key` of the map that stands here.
    pub(crate) const fn key(&'a self, key: &'a str) -> Self {
        Self { parent: Some(self), step: Step::Key(key) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Field(name) if self.parent.is_some() => write!(f, ".{name}"),
            Step::Field(name) => f.write_str(name),
            Step::Index(index) => write!(f, "[{index}]"),
            // As paths are written everywhere: keys that would read as several steps are quoted.
            Step::Key(key) if key.is_empty() || key.contains(['.', '[', ']', '"']) => {
                write!(f, "[{key:?}]")
            }
            Step::Key(key) => write!(f, ".{key}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Path;

    #[test]
    fn a_path_reads_as_the_field_would_be_named() {
        let root = Path::root("spec");
        let http = root.field("http");
        let route = http.index(0);
        let headers = route.field("headers");
        assert_eq!(headers.key("x-user").to_string(), "spec.http[0].headers.x-user");
        assert_eq!(headers.key("a.b").to_string(), r#"spec.http[0].headers["a.b"]"#);
        assert_eq!(root.to_string(), "spec");
    }
}
