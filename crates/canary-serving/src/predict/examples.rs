//! The examples of classify and regress requests: maps of features (`tf.train.Example`).

use std::collections::BTreeMap;

use super::{
    input::input_error,
    request::{write_float_list, write_json_bytes, write_json_text},
};
use crate::error::Result;

/// The values of one feature.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Feature {
    /// `bytes_list`: texts or files.
    Bytes(Vec<Vec<u8>>),
    /// `float_list`.
    Floats(Vec<f32>),
    /// `int64_list`.
    Ints(Vec<i64>),
}

macro_rules! from {
    ($($source:ty => $value:ident $feature:expr;)*) => {$(
        impl From<$source> for Feature {
            fn from($value: $source) -> Self {
                $feature
            }
        }
    )*};
}

from! {
    f32 => value Self::Floats(vec![value]);
    Vec<f32> => values Self::Floats(values);
    i64 => value Self::Ints(vec![value]);
    Vec<i64> => values Self::Ints(values);
    &str => text Self::Bytes(vec![text.as_bytes().to_vec()]);
    Vec<u8> => bytes Self::Bytes(vec![bytes]);
    Vec<Vec<u8>> => values Self::Bytes(values);
}

/// One example: features by name.
///
/// ```
/// use canary_core::predict::{Example, Feature};
///
/// let example = Example::new().with("age", 31.0).with("town", "Basel").with("visits", 3_i64);
/// assert_eq!(example.features["visits"], Feature::Ints(vec![3]));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Example {
    /// The features by name.
    pub features: BTreeMap<String, Feature>,
}

impl Example {
    /// An example without features.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a feature, or replaces it.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, feature: impl Into<Feature>) -> Self {
        self.features.insert(name.into(), feature.into());
        self
    }

    fn write(&self, body: &mut Vec<u8>) {
        body.push(b'{');
        for (index, (name, feature)) in self.features.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            write_json_text(body, name);
            body.push(b':');
            match feature {
                Feature::Floats(values) => write_float_list(body, values),
                Feature::Ints(values) => {
                    write_list(body, values, |body, value| {
                        body.extend_from_slice(itoa::Buffer::new().format(*value).as_bytes());
                    });
                }
                Feature::Bytes(values) => {
                    write_list(body, values, |body, value| write_json_bytes(body, value));
                }
            }
        }
        body.push(b'}');
    }
}

fn write_list<T>(body: &mut Vec<u8>, values: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    body.push(b'[');
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        write(body, value);
    }
    body.push(b']');
}

/// The inputs of classify and regress: examples, and features that all of them share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Examples {
    /// The examples, one row of the response each.
    pub examples: Vec<Example>,
    /// Features common to all examples, sent once.
    pub context: Option<Example>,
}

impl Examples {
    /// Sets the features common to all examples.
    #[must_use]
    pub fn context(mut self, context: Example) -> Self {
        self.context = Some(context);
        self
    }

    /// Writes the body of a classify or regress request.
    pub(crate) fn write(&self, signature: &str) -> Result<Vec<u8>> {
        if self.examples.is_empty() {
            return Err(input_error("there is no example", "give at least one"));
        }
        let mut body = b"{".to_vec();
        if !signature.is_empty() {
            body.extend_from_slice(b"\"signature_name\":");
            write_json_text(&mut body, signature);
            body.push(b',');
        }
        if let Some(context) = &self.context {
            body.extend_from_slice(b"\"context\":");
            context.write(&mut body);
            body.push(b',');
        }
        body.extend_from_slice(b"\"examples\":");
        write_list(&mut body, &self.examples, |body, example| example.write(body));
        body.push(b'}');
        Ok(body)
    }
}

impl From<Vec<Example>> for Examples {
    fn from(examples: Vec<Example>) -> Self {
        Self { examples, context: None }
    }
}

impl From<Example> for Examples {
    fn from(example: Example) -> Self {
        vec![example].into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_become_json() {
        let examples = Examples::from(vec![
            Example::new().with("x", vec![0.5, f32::NAN]).with("n", i64::MIN),
            Example::new().with("t", "é"),
        ])
        .context(Example::new().with("c", 1.0));
        let body = String::from_utf8(examples.write("s").unwrap()).unwrap();
        assert_eq!(
            body,
            r#"{"signature_name":"s","context":{"c":[1.0]},"examples":[{"n":[-9223372036854775808],"x":[0.5,NaN]},{"t":[{"b64":"w6k="}]}]}"#
        );
        assert!(Examples::default().write("").is_err());
    }
}
