//! Nested lists become an array: its shape and its element type are found while reading.

use super::{
    number::Number,
    plain,
    reader::{MAX_DEPTH, Parsed, Reader},
};
use crate::tensor::{Tensor, TensorData};

/// An array that is being read.
#[derive(Debug)]
pub(crate) struct Builder {
    /// The length of each dimension, as soon as one list of it is closed.
    dims: Vec<Option<usize>>,
    elements: Elements,
    /// True when fractions become 64-bit floats.
    doubles: bool,
}

#[derive(Debug)]
enum Elements {
    None,
    Int(Vec<i64>),
    Uint(Vec<u64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Bool(Vec<bool>),
    Text(Vec<Vec<u8>>),
}

impl Elements {
    fn is_empty(&self) -> bool {
        match self {
            Self::None => true,
            Self::Int(values) => values.is_empty(),
            Self::Uint(values) => values.is_empty(),
            Self::Float(values) => values.is_empty(),
            Self::Double(values) => values.is_empty(),
            Self::Bool(values) => values.is_empty(),
            Self::Text(values) => values.is_empty(),
        }
    }
}

impl Builder {
    /// An array whose first `outer` dimensions the caller counts.
    pub(crate) fn new(outer: usize, doubles: bool) -> Self {
        Self { dims: vec![None; outer], elements: Elements::None, doubles }
    }

    /// An array of floats, also when every number is written as an integer.
    pub(crate) fn of_floats(outer: usize, doubles: bool) -> Self {
        let elements =
            if doubles { Elements::Double(Vec::new()) } else { Elements::Float(Vec::new()) };
        Self { dims: vec![None; outer], elements, doubles }
    }

    /// An array of texts.
    pub(crate) fn of_texts(outer: usize) -> Self {
        Self { dims: vec![None; outer], elements: Elements::Text(Vec::new()), doubles: false }
    }

    /// The array; `outer` are the lengths of the dimensions that the caller counted.
    pub(crate) fn finish(self, outer: &[usize]) -> Option<Tensor> {
        let shape = outer
            .iter()
            .copied()
            .chain(self.dims.iter().skip(outer.len()).map(|dim| dim.unwrap_or(0)))
            .collect();
        let data = match self.elements {
            // An array without elements has no type of its own; most outputs are floats.
            Elements::None => TensorData::Float(Vec::new()),
            Elements::Int(values) => TensorData::Int64(values),
            Elements::Uint(values) => TensorData::Uint64(values),
            Elements::Float(values) => TensorData::Float(values),
            Elements::Double(values) => TensorData::Double(values),
            Elements::Bool(values) => TensorData::Bool(values),
            Elements::Text(values) => TensorData::String(values),
        };
        Tensor::new(shape, data).ok()
    }

    /// Reads one value that lies `depth` lists deep.
    pub(crate) fn read(&mut self, reader: &mut Reader<'_>, depth: usize) -> Parsed<()> {
        if reader.peek() == b'[' { self.list(reader, depth) } else { self.leaf(reader, depth) }
    }

    fn list(&mut self, reader: &mut Reader<'_>, depth: usize) -> Parsed<()> {
        if depth >= MAX_DEPTH {
            return reader.fail(format!("nested deeper than {MAX_DEPTH}"));
        }
        if depth == self.dims.len() {
            if !self.elements.is_empty() {
                return reader.fail("a list stands where other entries are single values");
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
            reader.fail("a single value stands where other entries are lists")
        }
    }

    /// Numbers up to the end of a list or to an entry of another kind; at least one.
    fn numbers(&mut self, reader: &mut Reader<'_>, depth: usize) -> Parsed<usize> {
        self.check_leaf(reader, depth)?;
        let mut count = 0;
        loop {
            match &mut self.elements {
                Elements::Float(values) => {
                    let before = values.len();
                    if values.capacity() == 0 {
                        // Twelve characters are about what a number takes with its comma.
                        values.reserve((reader.bytes.len() - reader.at) / 12 + 1);
                    }
                    while !plain::read_floats(reader, values) {
                        values.push(reader.float()?);
                        // Straight on when a comma and a digit follow, as they do nearly always; TensorFlow Serving
                        // writes a space between them.
                        match reader.bytes.get(reader.at..reader.at + 3) {
                            Some([b',', b' ', b'0'..=b'9' | b'-']) => reader.at += 2,
                            Some([b',', b'0'..=b'9' | b'-', _]) => reader.at += 1,
                            _ => break,
                        }
                    }
                    count += values.len() - before;
                }
                Elements::Double(values) => {
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
            (elements @ Elements::None, Number::Int(value)) => {
                *elements = Elements::Int(vec![value]);
            }
            (elements @ Elements::None, Number::Uint(value)) => {
                *elements = Elements::Uint(vec![value]);
            }
            (Elements::Int(values), Number::Int(value)) => values.push(value),
            (Elements::Uint(values), Number::Uint(value)) => values.push(value),
            (Elements::Uint(values), Number::Int(value)) if value >= 0 => {
                values.push(value.unsigned_abs());
            }
            (Elements::Int(values), Number::Uint(value))
                if values.iter().all(|&value| value >= 0) =>
            {
                let mut all: Vec<u64> = values.iter().map(|value| value.unsigned_abs()).collect();
                all.push(value);
                self.elements = Elements::Uint(all);
            }
            (
                Elements::None | Elements::Int(_) | Elements::Uint(_),
                Number::Float(_) | Number::Int(_) | Number::Uint(_),
            ) => {
                // A fraction, or integers that no integer type holds: all of them are floats.
                reader.at = start;
                self.become_floats();
                return self.leaf(reader, self.dims.len());
            }
            _ => {
                reader.at = start;
                return reader.fail("a number stands where other entries are not numbers");
            }
        }
        Ok(())
    }

    // Integers of an answer that also has fractions: each becomes the nearest float, as if it were written with a point.
    #[allow(clippy::cast_precision_loss)]
    fn become_floats(&mut self) {
        let elements = std::mem::replace(&mut self.elements, Elements::None);
        self.elements = match (elements, self.doubles) {
            (Elements::Int(values), false) => {
                Elements::Float(values.into_iter().map(|value| value as f32).collect())
            }
            (Elements::Uint(values), false) => {
                Elements::Float(values.into_iter().map(|value| value as f32).collect())
            }
            (Elements::Int(values), true) => {
                Elements::Double(values.into_iter().map(|value| value as f64).collect())
            }
            (Elements::Uint(values), true) => {
                Elements::Double(values.into_iter().map(|value| value as f64).collect())
            }
            (_, false) => Elements::Float(Vec::new()),
            (_, true) => Elements::Double(Vec::new()),
        };
    }

    fn leaf(&mut self, reader: &mut Reader<'_>, depth: usize) -> Parsed<()> {
        self.check_leaf(reader, depth)?;
        let next = reader.peek();
        if matches!(self.elements, Elements::None) {
            match next {
                b'"' | b'{' => self.elements = Elements::Text(Vec::new()),
                b't' | b'f' => self.elements = Elements::Bool(Vec::new()),
                _ => {}
            }
        }
        match (&mut self.elements, next) {
            (_, b'n') if reader.word(b"null") => {
                reader.fail("null stands where a value is expected")
            }
            (Elements::Text(values), b'"') => {
                values.push(reader.string()?);
                Ok(())
            }
            (Elements::Text(values), b'{') => {
                values.push(encoded(reader)?);
                Ok(())
            }
            (Elements::Bool(values), b't') if reader.word(b"true") => {
                values.push(true);
                Ok(())
            }
            (Elements::Bool(values), b'f') if reader.word(b"false") => {
                values.push(false);
                Ok(())
            }
            (Elements::Float(values), b'-' | b'0'..=b'9' | b'N' | b'I') => {
                values.push(reader.float()?);
                Ok(())
            }
            (Elements::Double(values), b'-' | b'0'..=b'9' | b'N' | b'I') => {
                values.push(reader.double()?);
                Ok(())
            }
            (Elements::None | Elements::Int(_) | Elements::Uint(_), _)
                if !matches!(next, b'"' | b'{' | b't' | b'f') =>
            {
                self.number(reader)
            }
            (_, b'"' | b'{' | b't' | b'f' | b'-' | b'0'..=b'9' | b'N' | b'I') => {
                reader.fail("values of different types stand in one array")
            }
            _ => reader.number().and_then(|_| reader.fail("a value is expected")),
        }
    }
}

/// `{"b64": "…"}`.
fn encoded(reader: &mut Reader<'_>) -> Parsed<Vec<u8>> {
    let start = reader.at;
    let mut decoded = None;
    reader.object(|reader, key| {
        if key != b"b64" || decoded.is_some() {
            return reader.fail("an object stands in an array; only {\"b64\": …} may");
        }
        let text = reader.string()?;
        match base64_simd::STANDARD.decode_to_vec(text) {
            Ok(bytes) => decoded = Some(bytes),
            Err(_) => return reader.fail("b64 is not base64"),
        }
        Ok(())
    })?;
    reader.at = if decoded.is_some() { reader.at } else { start };
    decoded.map_or_else(|| reader.fail("an object stands in an array; only {\"b64\": …} may"), Ok)
}
