//! Reads answers: JSON as TensorFlow Serving writes it becomes arrays.

mod builder;
mod flat;
mod number;
mod plain;
mod reader;
mod reading;

use std::{
    collections::{HashMap, HashSet},
    time::Instant,
};

use builder::Builder;
use canary_http::server_text;
pub(crate) use flat::read_flat;
pub(crate) use reader::{HEAP, ParseError, Parsed, Reader, room, too_much};
pub(crate) use reading::Reading;

use crate::{
    error::{Origin, PredictError, Result},
    tensor::Tensor,
};

/// The number of dimensions that an array may have, as NumPy 1 has it. TensorFlow's kernels take fewer.
pub(crate) const MAX_DIMENSIONS: usize = 32;
/// The number of outputs that a response may have: many more than any model's.
pub(crate) const MAX_OUTPUTS: usize = 1024;

/// Outputs by name. The single output of an answer without names is called as the list it stood in.
pub(crate) type Outputs = Vec<(String, Tensor)>;

/// Reads the JSON of a predict answer: its outputs by name.
///
/// The only output of an answer without names is called `predictions` or `outputs`, as the list it stood in.
/// Fractions become 32-bit floats (each the nearest), or 64-bit ones when `doubles` is set or one is outside their
/// range; whole numbers become 64-bit integers. `NaN`, `Infinity` and strings that are not UTF-8 are read.
///
/// # Errors
///
/// [`crate::Error::Predict`] of origin answer, with the position of the first byte that does not fit.
///
/// ```
/// use canary_core::predict::read_predict;
///
/// let outputs = read_predict(br#"{"predictions": [[0.25, NaN]]}"#, false)?;
/// assert_eq!(outputs[0].1.shape(), [1, 2]);
/// # Ok::<(), canary_core::Error>(())
/// ```
pub fn read(body: &[u8], doubles: bool) -> Result<Vec<(String, Tensor)>> {
    read_predict(body, doubles, None).map_err(|error| {
        let message = format!("{} at byte {}", error.reason, error.at);
        PredictError::new(Origin::Answer, "answer", message).into()
    })
}

/// Reads the answer of a predict call: `predictions` or `outputs`.
///
/// Fractions become 32-bit floats unless `doubles` is set or one is outside their range.
pub(crate) fn read_predict(
    body: &[u8],
    doubles: bool,
    deadline: Option<Instant>,
) -> Parsed<Outputs> {
    match read_outputs(body, doubles, deadline, rows) {
        Err(error) if error.needs_doubles => read_outputs(body, true, deadline, rows),
        other => other,
    }
}

/// Reads the answer of a KServe V1 predict call, whose `predictions` may be rows, arrays by name, or one value.
pub(crate) fn read_any_predict(
    body: &[u8],
    doubles: bool,
    deadline: Option<Instant>,
) -> Parsed<Outputs> {
    let any = |reader: &mut Reader<'_>, doubles| match reader.peek() {
        b'[' => rows(reader, doubles),
        _ => columns(reader, doubles, "predictions"),
    };
    match read_outputs(body, doubles, deadline, any) {
        Err(error) if error.needs_doubles => read_outputs(body, true, deadline, any),
        other => other,
    }
}

/// Reads `predictions` by `predictions`, or `outputs`.
fn read_outputs(
    body: &[u8],
    doubles: bool,
    deadline: Option<Instant>,
    predictions: fn(&mut Reader<'_>, bool) -> Parsed<Outputs>,
) -> Parsed<Outputs> {
    let mut reader = Reader::new(body).until(deadline);
    let (mut found, mut refusal) = (None, None);
    reader.object(|reader, key| {
        let outputs = match key.as_slice() {
            b"error" if reader.peek() == b'"' => {
                refusal = Some(reader.string()?);
                return Ok(());
            }
            b"predictions" => predictions(reader, doubles)?,
            b"outputs" => columns(reader, doubles, "outputs")?,
            _ => return reader.skip(1),
        };
        if found.replace(outputs).is_some() {
            return reader.fail("predictions and outputs are repeated");
        }
        Ok(())
    })?;
    reader.end()?;
    match found {
        Some(outputs) if outputs.is_empty() => reader.fail("it has no output"),
        Some(outputs) => Ok(outputs),
        None => reader.fail(refusal.map_or_else(
            || "predictions and outputs are missing".to_owned(),
            |text| {
                let text = String::from_utf8_lossy(&text);
                format!("it is an error of the model server: {}", server_text(text.trim()))
            },
        )),
    }
}

/// The value of the member `results`, which `read` reads.
fn results<T>(
    body: &[u8],
    deadline: Option<Instant>,
    mut read: impl FnMut(&mut Reader<'_>) -> Parsed<T>,
) -> Parsed<T> {
    let mut reader = Reader::new(body).until(deadline);
    let mut found = None;
    reader.object(|reader, key| {
        if key != b"results" {
            return reader.skip(1);
        }
        if found.replace(read(reader)?).is_some() {
            return reader.fail("results is repeated");
        }
        Ok(())
    })?;
    reader.end()?;
    found.map_or_else(|| reader.fail("results is missing"), Ok)
}

/// Reads the answer of a regress call as the output `outputs`.
pub(crate) fn read_regress(
    body: &[u8],
    doubles: bool,
    deadline: Option<Instant>,
) -> Parsed<Outputs> {
    results(body, deadline, |reader| {
        let mut builder = Builder::of_floats(0, doubles);
        builder.read(reader, 0)?;
        Ok(vec![("outputs".to_owned(), finish(reader, builder, &[])?)])
    })
}

/// Reads the answer of a classify call, lists of `[class, score]`, as the outputs `classes` and `scores`.
pub(crate) fn read_classify(
    body: &[u8],
    doubles: bool,
    deadline: Option<Instant>,
) -> Parsed<Outputs> {
    results(body, deadline, |reader| {
        let mut classes = Builder::of_texts(2);
        let mut scores = Builder::of_floats(2, doubles);
        let (mut rows, mut columns) = (0, None);
        list(reader, |reader| {
            rows += 1;
            let mut length = 0;
            list(reader, |reader| {
                length += 1;
                reader.expect(b'[')?;
                classes.read(reader, 2)?;
                reader.expect(b',')?;
                scores.read(reader, 2)?;
                reader.expect(b']')
            })?;
            if *columns.get_or_insert(length) != length {
                return reader.fail("the examples have different numbers of classes");
            }
            Ok(())
        })?;
        let shape = [rows, columns.unwrap_or(0)];
        Ok(vec![
            ("classes".to_owned(), finish(reader, classes, &shape)?),
            ("scores".to_owned(), finish(reader, scores, &shape)?),
        ])
    })
}

/// A list, one call of `entry` for each entry.
fn list(
    reader: &mut Reader<'_>,
    mut entry: impl FnMut(&mut Reader<'_>) -> Parsed<()>,
) -> Parsed<()> {
    reader.expect(b'[')?;
    if reader.take(b']') {
        return Ok(());
    }
    loop {
        entry(reader)?;
        if !reader.more(b']')? {
            return Ok(());
        }
    }
}

fn finish(reader: &Reader<'_>, builder: Builder, outer: &[usize]) -> Parsed<Tensor> {
    builder.finish(outer).map_or_else(|| reader.fail("the lists do not form an array"), Ok)
}

/// The output of that name, whose strings are bytes when the name says so (`kBytesTensorNameSuffix` of TensorFlow
/// Serving).
pub(crate) fn declared(name: &str, output: Tensor) -> Tensor {
    let text = output.is_text() && !name.ends_with("_bytes");
    output.declared_text(text)
}

/// Refuses one more output than a response may have.
fn check_count(reader: &Reader<'_>, outputs: usize) -> Parsed<()> {
    if outputs < MAX_OUTPUTS {
        return Ok(());
    }
    reader.fail(format!("it has more than {MAX_OUTPUTS} outputs"))
}

/// True when an object of outputs by name follows, rather than `{"b64": …}`.
fn names_follow(reader: &mut Reader<'_>) -> bool {
    let start = reader.at;
    let named = reader.take(b'{') && !matches!(reader.string().as_deref(), Ok(b"b64"));
    reader.at = start;
    named
}

/// `[value, …]` for one output, `[{name: value, …}, …]` for several.
fn rows(reader: &mut Reader<'_>, doubles: bool) -> Parsed<Outputs> {
    reader.peek();
    let start = reader.at;
    let objects = reader.take(b'[') && reader.peek() == b'{' && names_follow(reader);
    reader.at = start;
    if !objects {
        if reader.peek() != b'[' {
            return reader.fail("predictions is not a list");
        }
        let mut builder = Builder::new(0, doubles);
        builder.read(reader, 0)?;
        return Ok(vec![("predictions".to_owned(), finish(reader, builder, &[])?)]);
    }
    reader.expect(b'[')?;
    let mut builders: Vec<(Vec<u8>, Builder, usize)> = Vec::new();
    let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut row = 0;
    loop {
        let mut seen = 0;
        reader.object(|reader, name| {
            // The outputs mostly stand in the same order in each row.
            let index = match builders.get(seen) {
                Some((known, ..)) if *known == name => Some(seen),
                _ => places.get(&name).copied(),
            };
            let index = match index {
                Some(index) => index,
                None if row == 0 => {
                    check_count(reader, builders.len())?;
                    places.insert(name.clone(), builders.len());
                    builders.push((name, Builder::new(1, doubles), 0));
                    builders.len() - 1
                }
                None => return reader.fail("an output is missing in an earlier row"),
            };
            let (_, builder, rows) = &mut builders[index];
            if *rows != row {
                return reader.fail("a row has an output twice");
            }
            *rows += 1;
            seen += 1;
            builder.read(reader, 1)
        })?;
        if seen != builders.len() {
            return reader.fail("an output is missing in a row");
        }
        row += 1;
        if !reader.more(b']')? {
            break;
        }
    }
    builders
        .into_iter()
        .map(|(name, builder, rows)| {
            let name = String::from_utf8_lossy(&name).into_owned();
            let tensor = declared(&name, finish(reader, builder, &[rows])?);
            Ok((name, tensor))
        })
        .collect()
}

/// `value` for one output, which is called `unnamed`, `{name: value, …}` for several.
fn columns(reader: &mut Reader<'_>, doubles: bool, unnamed: &str) -> Parsed<Outputs> {
    reader.peek();
    if !names_follow(reader) {
        let mut builder = Builder::new(0, doubles);
        builder.read(reader, 0)?;
        return Ok(vec![(unnamed.to_owned(), finish(reader, builder, &[])?)]);
    }
    let mut outputs: Outputs = Vec::new();
    let mut names = HashSet::new();
    reader.object(|reader, name| {
        let name = String::from_utf8_lossy(&name).into_owned();
        if !names.insert(name.clone()) {
            return reader.fail(format!("output {name:?} is repeated"));
        }
        check_count(reader, outputs.len())?;
        let mut builder = Builder::new(0, doubles);
        builder.read(reader, 0)?;
        let tensor = declared(&name, finish(reader, builder, &[])?);
        outputs.push((name, tensor));
        Ok(())
    })?;
    Ok(outputs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::TensorData;

    fn read(text: &[u8]) -> Parsed<Vec<(String, Vec<usize>, TensorData)>> {
        let outputs = read_predict(text, false, None)?;
        Ok(outputs
            .into_iter()
            .map(|(name, tensor)| {
                let (shape, data) = tensor.into_parts();
                (name, shape, data)
            })
            .collect())
    }

    fn one(text: &str) -> (Vec<usize>, TensorData) {
        let mut outputs = read(text.as_bytes()).unwrap();
        assert_eq!(outputs.len(), 1);
        let (_, shape, data) = outputs.remove(0);
        (shape, data)
    }

    #[test]
    fn rows_of_one_output() {
        assert_eq!(
            one(r#"{"predictions": [[0.5, 1.0], [ 2.0 ,-3e-1 ]]}"#),
            (vec![2, 2], TensorData::Float(vec![0.5, 1.0, 2.0, -0.3]))
        );
        assert_eq!(
            one(r#"{"predictions": [9223372036854775807, -1]}"#),
            (vec![2], TensorData::Int64(vec![i64::MAX, -1]))
        );
        assert_eq!(
            one(r#"{"predictions": [1, 18446744073709551615]}"#),
            (vec![2], TensorData::Uint64(vec![1, u64::MAX]))
        );
        assert_eq!(
            one(r#"{"predictions": [1, 2.5, 3]}"#),
            (vec![3], TensorData::Float(vec![1.0, 2.5, 3.0]))
        );
        assert_eq!(
            one(r#"{"predictions": [1.0, 1e300]}"#),
            (vec![2], TensorData::Double(vec![1.0, 1e300]))
        );
        for text in [r#"{"predictions": [1e300]}"#, r#"{"predictions": [1e300], "other": [1e300]}"#]
        {
            assert_eq!(one(text), (vec![1], TensorData::Double(vec![1e300])));
        }
        assert_eq!(one(r#"{"predictions": [[], []]}"#), (vec![2, 0], TensorData::Float(vec![])));
        assert_eq!(
            one(r#"{"predictions": [true, false]}"#),
            (vec![2], TensorData::Bool(vec![true, false]))
        );
        assert_eq!(
            one(r#"{"predictions": [{"b64": "YQ=="}, {"b64": ""}]}"#),
            (vec![2], TensorData::String(vec![b"a".to_vec(), vec![]]))
        );
    }

    #[test]
    fn infinities_and_nan_are_read() {
        let (shape, data) = one(r#"{"predictions": [[NaN, Infinity], [-Infinity, 1]]}"#);
        assert_eq!(shape, [2, 2]);
        let TensorData::Float(values) = data else { panic!("{data:?}") };
        assert!(values[0].is_nan());
        assert_eq!(values[1..], [f32::INFINITY, f32::NEG_INFINITY, 1.0]);
    }

    #[test]
    fn rows_of_named_outputs() {
        let text = br#"{"predictions": [
            {"labels": ["a", "\xff"], "probabilities": [0.75, 0.25]},
            {"probabilities": [0.5, 0.5], "labels": ["c", "d"]}]}"#;
        // The escape above is literal; put the invalid byte in its place.
        let text = String::from_utf8(text.to_vec()).unwrap();
        let (head, tail) = text.split_once("\\xff").unwrap();
        let bytes = [head.as_bytes(), b"\xff", tail.as_bytes()].concat();
        let outputs = read(&bytes).unwrap();
        assert_eq!(
            outputs,
            [
                (
                    "labels".to_owned(),
                    vec![2, 2],
                    TensorData::String(vec![
                        b"a".to_vec(),
                        b"\xff".to_vec(),
                        b"c".to_vec(),
                        b"d".to_vec()
                    ])
                ),
                (
                    "probabilities".to_owned(),
                    vec![2, 2],
                    TensorData::Float(vec![0.75, 0.25, 0.5, 0.5])
                ),
            ]
        );
    }

    #[test]
    fn columns_of_outputs() {
        assert_eq!(one(r#"{"outputs": 3.5}"#), (vec![], TensorData::Float(vec![3.5])));
        assert_eq!(
            one(r#"{"outputs": {"b64": "YQ=="}}"#),
            (vec![], TensorData::String(vec![b"a".to_vec()]))
        );
        let outputs =
            read(br#"{"outputs": {"a": [1], "b": [[0.5]]}, "other": {"x": [null]}}"#).unwrap();
        assert_eq!(outputs[0], ("a".to_owned(), vec![1], TensorData::Int64(vec![1])));
        assert_eq!(outputs[1], ("b".to_owned(), vec![1, 1], TensorData::Float(vec![0.5])));
    }

    #[test]
    fn classes_and_regressions() {
        let outputs = read_classify(
            br#"{"results": [[["a", 0.75], ["", NaN]], [["b", 1], ["c", 2e-1]]]}"#,
            false,
            None,
        )
        .unwrap();
        assert_eq!(outputs[0].1.to_texts().unwrap(), ["a", "", "b", "c"]);
        assert_eq!((outputs[0].1.shape(), outputs[1].1.shape()), (&[2, 2][..], &[2, 2][..]));
        let scores = outputs[1].1.as_floats().unwrap();
        assert!(scores[1].is_nan());
        assert_eq!(scores[2..], [1.0, 0.2]);
        for text in [
            r#"{"results": [[["a", 1]], []]}"#,
            r#"{"results": [["a", 1]]}"#,
            r#"{"results": [[[1, 1]]]}"#,
            r#"{"results": [[["a", "b"]]]}"#,
            "{}",
        ] {
            assert!(read_classify(text.as_bytes(), false, None).is_err(), "{text}");
        }
        let outputs = read_regress(br#"{"results": [1, 2.5, Infinity]}"#, false, None).unwrap();
        assert_eq!(outputs[0].1.as_floats(), Some(&[1.0, 2.5, f32::INFINITY][..]));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for (text, word) in [
            (r#"{"predictions": [[1,2],[3]]}"#, "entries"),
            (r#"{"predictions": [[1],2]}"#, "single value"),
            (r#"{"predictions": [1,[2]]}"#, "found a list"),
            (r#"{"predictions": [1,"a"]}"#, "different types"),
            (r#"{"predictions": ["a",1]}"#, "found a number|different types"),
            (r#"{"predictions": [1.5,true]}"#, "different types"),
            (r#"{"predictions": [null]}"#, "null"),
            (r#"{"predictions": [1,2}"#, "expected"),
            (r#"{"predictions": [1.5,2.5"#, "ends"),
            (r#"{"predictions": [1.5,]}"#, "value is expected"),
            (r#"{"predictions": 5}"#, "not a list"),
            (r#"{"predictions": [{"a":1},{"b":1}]}"#, "earlier row"),
            (r#"{"predictions": [{"a":1},{}]}"#, "missing"),
            (r#"{"predictions": [{"a":1,"a":2}]}"#, "twice"),
            (r#"{"predictions": [], "predictions": []}"#, "repeated"),
            (r#"{"predictions": []} x"#, "after the end"),
            (r#"{"a": 1}"#, "predictions and outputs are missing"),
            ("[]", "expected"),
            (r#"{"error": "Servable not found"}"#, "Servable not found"),
            ("", "ends"),
            (r#"{"predictions": [{"b64": "?"}]}"#, "base64"),
        ] {
            let error = read(text.as_bytes()).unwrap_err();
            assert!(word.split('|').any(|word| error.reason.contains(word)), "{text}: {error:?}");
        }
        let deep = format!("{{\"predictions\": {}", "[".repeat(1_000_000));
        assert!(read(deep.as_bytes()).is_err());
    }
}
