//! Where a value stands in its object, such as `spec.http[0].route[1].weight`.

use std::fmt;

/// One step from the root of an object, linked to those before it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Path<'p> {
    Root,
    Key(&'p Path<'p>, &'p str),
    Index(&'p Path<'p>, usize),
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
