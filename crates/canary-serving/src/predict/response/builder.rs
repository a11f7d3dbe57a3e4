//! Nested lists become an array: its shape and its element type are found while reading.

use super::{
    MAX_DIMENSIONS,
    number::Number,
    plain,
    reader::{HEAP, Parsed, Reader},
};
use crate::tensor::{Tensor, TensorData};

/// An array that is being read.
#[derive(Debug)]
pub(crate) struct Builder {
    /// The length of each dimension, as soon as one list of it is closed.
    dims: Vec<Option<usize>>,
    /// `None` as long as no element has decided the type.
    elements: Option<TensorData>,
    /// True when fractions become 64-bit floats.
    doubles: bool,
    /// True when strings came as base64, which stands for bytes rather than text.
    encoded: bool,
}

impl Builder {
    /// An array whose first `outer` dimensions the caller counts.
    pub(crate) fn new(outer: usize, doubles: bool) -> Self {
        Self { dims: vec![None; outer], elements: None, doubles, encoded: false }
    }

    /// An array of floats, even if every number is written as an integer.
    pub(crate) fn of_floats(outer: usize, doubles: bool) -> Self {
        Self { elements: Some(floats(doubles)), ..Self::new(outer, doubles) }
    }

    /// An array of texts.
    pub(crate) fn of_texts(outer: usize) -> Self {
        Self { elements: Some(TensorData::String(Vec::new())), ..Self::new(outer, false) }
    }

    /// The array; `outer` are the lengths of the dimensions that the caller counted.
    pub(crate) fn finish(self, outer: &[usize]) -> Option<Tensor> {
        let shape = outer
            .iter()
            .copied()
            .chain(self.dims.iter().skip(outer.len()).map(|dim| dim.unwrap_or(0)))
            .collect();
        // An array without elements has no type of its own; most outputs are floats.
        let data = self.elements.unwrap_or_else(|| floats(false));
        let text = !self.encoded && matches!(data, TensorData::String(_));
        Tensor::new(shape, data).ok().map(|tensor| tensor.declared_text(text))
    }

    /// Reads one value that lies `depth` lists deep.
    pub(crate) fn read(&mut self, reader: &mut Reader<'_>, depth: usize) -> Parsed<()> {
        if reader.peek() == b'[' { self.list(reader, depth) } else { self.leaf(reader, depth) }
    }

    fn list(&mut self, reader: &mut Reader<'_>, depth: usize) -> Parsed<()> {
        if depth >= MAX_DIMENSIONS {
            return reader.fail(format!("an array has more than {MAX_DIMENSIONS} dimensions"));
        }
        if depth == self.dims.len() {
            if self.elements.as_ref().is_some_and(|elements| !elements.is_empty()) {
                return reader.fail("found a list where other entries are single values");
            }
            self.dims.push(None);
        }
        let start = reader.at;
        reader.at += 1;
        let mut length = 0;
        if !reader.take(b']') {
            loop {
                match reader.peek() {
                    b'[' => {
                        self.list(reader, depth + 1)?;
                        length += 1;
                    }
                    b'-' | b'0'..=b'9' | b'N' | b'I' => {
                        length += self.numbers(reader, depth + 1)?;
                    }
                    _ => {
                        self.leaf(reader, depth + 1)?;
                        length += 1;
                    }
                }
                if !reader.more(b']')? {
                    break;
                }
            }
        }
        match self.dims[depth] {
            Some(expected) if expected != length => {
                reader.at = start;
                reader.fail(format!(
                    "this list has {length} entries where others of dimension {depth} have {expected}"
                ))
            }
            _ => {
                self.dims[depth] = Some(length);
                Ok(())
            }
        }
    }

    fn check_leaf(&self, reader: &Reader<'_>, depth: usize) -> Parsed<()> {
        if depth == self.dims.len() {
            Ok(())
        } else {
            reader.fail("found a single value where other entries are lists")
        }
    }

    /// Numbers up to the end of a list or to an entry of another kind; at least one.
    fn numbers(&mut self, reader: &mut Reader<'_>, depth: usize) -> Parsed<usize> {
        self.check_leaf(reader, depth)?;
        let mut count = 0;
        loop {
            match &mut self.elements {
                Some(TensorData::Float(values)) => {
                    let before = values.len();
                    if values.capacity() == 0 {
                        // Twelve characters are about what a number takes with its comma.
                        values.reserve((reader.bytes.len() - reader.at) / 12 + 1);
                    }
                    while !plain::read_floats(reader, values) {
                        values.push(reader.float()?);
                        // The fast path: nearly always a comma and a digit follow; TensorFlow Serving writes a space
                        // between them.
                        match reader.bytes.get(reader.at..reader.at + 3) {
                            Some([b',', b' ', b'0'..=b'9' | b'-']) => reader.at += 2,
                            Some([b',', b'0'..=b'9' | b'-', _]) => reader.at += 1,
                            _ => break,
                        }
                    }
                    count += values.len() - before;
                }
                Some(TensorData::Double(values)) => {
                    values.push(reader.double()?);
                    count += 1;
                }
                _ => {
                    self.number(reader)?;
                    count += 1;
                }
            }
            let before = reader.at;
            if reader.take(b',') {
                if matches!(reader.peek(), b'-' | b'0'..=b'9' | b'N' | b'I') {
                    continue;
                }
                reader.at = before;
            }
            return Ok(count);
        }
    }

    /// One number while the type is open or an integer.
    fn number(&mut self, reader: &mut Reader<'_>) -> Parsed<()> {
        let start = reader.at;
        let number = reader.number()?;
        match (&mut self.elements, number) {
            (elements @ None, Number::Int(value)) => {
                *elements = Some(TensorData::Int64(vec![value]));
            }
            (elements @ None, Number::Uint(value)) => {
                *elements = Some(TensorData::Uint64(vec![value]));
            }
            (Some(TensorData::Int64(values)), Number::Int(value)) => values.push(value),
            (Some(TensorData::Uint64(values)), Number::Uint(value)) => values.push(value),
            (Some(TensorData::Uint64(values)), Number::Int(value)) if value >= 0 => {
                values.push(value.unsigned_abs());
            }
            (Some(TensorData::Int64(values)), Number::Uint(value))
                if values.iter().all(|&value| value >= 0) =>
            {
                let mut all: Vec<u64> = values.iter().map(|value| value.unsigned_abs()).collect();
                all.push(value);
                self.elements = Some(TensorData::Uint64(all));
            }
            (None | Some(TensorData::Int64(_) | TensorData::Uint64(_)), _) => {
                // A fraction, or integers that no integer type holds: all of them are floats.
                reader.at = start;
                self.become_floats();
                return self.leaf(reader, self.dims.len());
            }
            _ => {
                reader.at = start;
                return reader.fail("found a number where other entries are not numbers");
            }
        }
        Ok(())
    }

    // Integers of an answer that also has fractions: each becomes the nearest float, as if it were written with a point.
    #[allow(clippy::cast_precision_loss)]
    fn become_floats(&mut self) {
        self.elements = Some(match (self.elements.take(), self.doubles) {
            (Some(TensorData::Int64(values)), false) => {
                TensorData::Float(values.into_iter().map(|value| value as f32).collect())
            }
            (Some(TensorData::Uint64(values)), false) => {
                TensorData::Float(values.into_iter().map(|value| value as f32).collect())
            }
            (Some(TensorData::Int64(values)), true) => {
                TensorData::Double(values.into_iter().map(|value| value as f64).collect())
            }
            (Some(TensorData::Uint64(values)), true) => {
                TensorData::Double(values.into_iter().map(|value| value as f64).collect())
            }
            (_, doubles) => floats(doubles),
        });
    }

    fn leaf(&mut self, reader: &mut Reader<'_>, depth: usize) -> Parsed<()> {
        self.check_leaf(reader, depth)?;
        let next = reader.peek();
        let (text, boolean) = (matches!(next, b'"' | b'{'), matches!(next, b't' | b'f'));
        let number = matches!(next, b'-' | b'0'..=b'9' | b'N' | b'I');
        if self.elements.is_none() && text {
            self.elements = Some(TensorData::String(Vec::new()));
        } else if self.elements.is_none() && boolean {
            self.elements = Some(TensorData::Bool(Vec::new()));
        }
        match (&mut self.elements, next) {
            (_, b'n') if reader.word(b"null") => {
                return reader.fail("found null where a value is expected");
            }
            (Some(TensorData::String(values)), b'"' | b'{') => {
                self.encoded |= next == b'{';
                let bytes = if next == b'{' { encoded(reader)? } else { reader.string()? };
                reader.occupy(size_of::<Vec<u8>>() + HEAP + bytes.len())?;
                values.push(bytes);
            }
            (Some(TensorData::Bool(values)), b't') if reader.word(b"true") => values.push(true),
            (Some(TensorData::Bool(values)), b'f') if reader.word(b"false") => values.push(false),
            (Some(TensorData::Float(values)), _) if number => values.push(reader.float()?),
            (Some(TensorData::Double(values)), _) if number => values.push(reader.double()?),
            (None | Some(TensorData::Int64(_) | TensorData::Uint64(_)), _) if !text && !boolean => {
                self.number(reader)?;
            }
            _ if text || boolean || number => {
                return reader.fail("an array has values of different types");
            }
            _ => return reader.number().and_then(|_| reader.fail("a value is expected")),
        }
        Ok(())
    }
}

/// An array of floats without elements.
fn floats(doubles: bool) -> TensorData {
    if doubles { TensorData::Double(Vec::new()) } else { TensorData::Float(Vec::new()) }
}

/// `{"b64": "…"}`.
fn encoded(reader: &mut Reader<'_>) -> Parsed<Vec<u8>> {
    let start = reader.at;
    let mut decoded = None;
    reader.object(|reader, key| {
        if key != b"b64" || decoded.is_some() {
            return reader.fail("found an object in an array; only {\"b64\": …} is allowed there");
        }
        let text = reader.string()?;
        match base64_simd::STANDARD.decode_to_vec(text) {
            Ok(bytes) => decoded = Some(bytes),
            Err(_) => return reader.fail("b64 is not base64"),
        }
        Ok(())
    })?;
    reader.at = if decoded.is_some() { reader.at } else { start };
    decoded.map_or_else(
        || reader.fail("found an object in an array; only {\"b64\": …} is allowed there"),
        Ok,
    )
}
