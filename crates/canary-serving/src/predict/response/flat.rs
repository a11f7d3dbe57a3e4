//! Lists of elements whose type is declared beside them, flat or nested, become the elements in their order.

use super::{
    MAX_DIMENSIONS, plain,
    reader::{HEAP, Parsed, Reader},
};
use crate::tensor::{DType, TensorData};

/// Reads a list as elements of a type. `null` in place of a float is NaN, as Python's servers write it.
pub(crate) fn read_flat(reader: &mut Reader<'_>, dtype: DType) -> Parsed<TensorData> {
    Ok(match dtype {
        DType::Float => TensorData::Float(floats(reader)?),
        DType::Double => TensorData::Double(all(reader, |reader| {
            if reader.word(b"null") { Ok(f64::NAN) } else { reader.double() }
        })?),
        DType::Half => TensorData::Half(
            floats(reader)?.into_iter().map(|value| half::f16::from_f32(value).to_bits()).collect(),
        ),
        DType::Bfloat16 => TensorData::Bfloat16(
            floats(reader)?
                .into_iter()
                .map(|value| half::bf16::from_f32(value).to_bits())
                .collect(),
        ),
        DType::Int8 => TensorData::Int8(integers(reader, "an INT8")?),
        DType::Int16 => TensorData::Int16(integers(reader, "an INT16")?),
        DType::Int32 => TensorData::Int32(integers(reader, "an INT32")?),
        DType::Int64 => TensorData::Int64(integers(reader, "an INT64")?),
        DType::Uint8 => TensorData::Uint8(integers(reader, "a UINT8")?),
        DType::Uint16 => TensorData::Uint16(integers(reader, "a UINT16")?),
        DType::Uint32 => TensorData::Uint32(integers(reader, "a UINT32")?),
        DType::Uint64 => TensorData::Uint64(integers(reader, "a UINT64")?),
        DType::Bool => TensorData::Bool(all(reader, truth)?),
        DType::String => TensorData::String(all(reader, |reader| {
            let value = reader.string()?;
            reader.occupy(size_of::<Vec<u8>>() + HEAP + value.len())?;
            Ok(value)
        })?),
    })
}

/// The elements of a list, of the lists in it, and so on.
fn all<T>(
    reader: &mut Reader<'_>,
    mut element: impl FnMut(&mut Reader<'_>) -> Parsed<T>,
) -> Parsed<Vec<T>> {
    let mut values = Vec::new();
    nested(reader, 1, &mut |reader| {
        values.push(element(reader)?);
        Ok(())
    })?;
    Ok(values)
}

fn floats(reader: &mut Reader<'_>) -> Parsed<Vec<f32>> {
    let mut values = Vec::new();
    nested(reader, 1, &mut |reader| {
        if reader.word(b"null") {
            values.push(f32::NAN);
            return Ok(());
        }
        // As many as are plain at once, with the commas between them.
        let before = values.len();
        if !plain::read_floats(reader, &mut values) || values.len() == before {
            values.push(reader.float()?);
        }
        Ok(())
    })?;
    Ok(values)
}

/// Calls `elements` at each element; it may read several with the commas between them.
fn nested(
    reader: &mut Reader<'_>,
    depth: usize,
    elements: &mut impl FnMut(&mut Reader<'_>) -> Parsed<()>,
) -> Parsed<()> {
    if depth > MAX_DIMENSIONS {
        return reader.fail(format!("an array has more than {MAX_DIMENSIONS} dimensions"));
    }
    reader.expect(b'[')?;
    if reader.take(b']') {
        return Ok(());
    }
    loop {
        if reader.peek() == b'[' {
            nested(reader, depth + 1, elements)?;
        } else {
            elements(reader)?;
        }
        if !reader.more(b']')? {
            return Ok(());
        }
    }
}

fn truth(reader: &mut Reader<'_>) -> Parsed<bool> {
    if reader.word(b"true") {
        return Ok(true);
    }
    if reader.word(b"false") {
        return Ok(false);
    }
    let start = reader.at;
    if let Ok(Some(number @ (0 | 1))) = reader.integer() {
        return Ok(number == 1);
    }
    reader.at = start;
    reader.fail("this is not a BOOL")
}

fn integers<T: TryFrom<i128>>(reader: &mut Reader<'_>, what: &str) -> Parsed<Vec<T>> {
    all(reader, |reader| {
        reader.peek();
        let start = reader.at;
        if reader.word(b"null") {
            reader.at = start;
            return reader.fail(format!("found null where {what} is expected"));
        }
        if let Some(Ok(value)) = reader.integer()?.map(T::try_from) {
            return Ok(value);
        }
        reader.at = start;
        reader.fail(format!("this number is not {what}"))
    })
}
