//! The place of a value in its object, such as `spec.http[0].route[1].weight`.

use std::fmt;

/// A chain of steps back to the root of an object, built on the stack and written only when it is needed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Path<'p> {
    Root,
    Key(&'p Path<'p>, &'p str),
    Index(&'p Path<'p>, usize),
}

impl<'p> Path<'p> {
    /// A field of the object itself, such as `spec`.
    pub(crate) const fn root(field: &'static str) -> Self {
        Self::Key(&Path::Root, field)
    }

    /// The field `name` of the value here.
    pub(crate) const fn field(&'p self, name: &'static str) -> Self {
        Self::Key(self, name)
    }

    /// The element `index` of the list here.
    pub(crate) const fn index(&'p self, index: usize) -> Self {
        Self::Index(self, index)
    }

    /// The entry `key` of the map here.
    pub(crate) const fn key(&'p self, key: &'p str) -> Self {
        Self::Key(self, key)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(parent, key) => {
                parent.fmt(f)?;
                // Keys of maps may hold anything; those that would be read as several steps are quoted.
                if key.is_empty() || key.contains(['.', '[', ']', '"']) {
                    write!(f, "[{key:?}]")
                } else if matches!(parent, Self::Root) {
                    f.write_str(key)
                } else {
                    write!(f, ".{key}")
                }
            }
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
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
