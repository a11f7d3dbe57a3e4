//! A bound of the memory that a message needs when it is decoded, checked before that: two bytes can encode an empty
//! string or an empty message that needs dozens of bytes.

use bytes::{Buf, Bytes};
use canary_proto::{
    prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field},
    prost_types::Any,
    tensorflow::{
        SignatureDef, TensorInfo, TensorProto,
        serving::{Class, Classifications, ModelVersionStatus, Regression, StatusProto},
    },
};

use crate::predict::response::{HEAP, ParseError, Parsed, room, too_much};

/// A field that may be repeated: the memory that each occurrence needs, and the fields within it.
pub(crate) struct Field {
    number: u32,
    size: usize,
    fields: &'static [Field],
}

pub(crate) const fn field(number: u32, size: usize, fields: &'static [Field]) -> Field {
    Field { number, size, fields }
}

/// A string twice: as the message has it, and as a tensor has it.
pub(crate) const STRING: usize = size_of::<Bytes>() + size_of::<Vec<u8>>() + HEAP;
/// An entry of a map, which has a value also when the message has none.
pub(crate) const fn entry<T>() -> usize {
    size_of::<String>() + HEAP + size_of::<T>()
}

/// `PredictResponse`. Lists of numbers and shapes take at most eight times their size.
pub(super) const PREDICT: &[Field] =
    &[field(1, entry::<TensorProto>(), &[field(2, 0, &[field(8, STRING, &[])])])];
/// `ClassificationResponse`.
pub(super) const CLASSIFY: &[Field] = &[field(
    1,
    0,
    &[field(1, size_of::<Classifications>(), &[field(1, STRING + size_of::<Class>(), &[])])],
)];
/// `RegressionResponse`.
pub(super) const REGRESS: &[Field] = &[field(1, 0, &[field(1, size_of::<Regression>(), &[])])];
/// `GetModelMetadataResponse`.
pub(super) const METADATA: &[Field] = &[field(2, entry::<Any>() + 2 * HEAP, &[])];
/// `SignatureDefMap`.
pub(super) const SIGNATURES: &[Field] = &[field(
    1,
    entry::<SignatureDef>(),
    &[field(2, 0, &[field(1, entry::<TensorInfo>(), &[]), field(2, entry::<TensorInfo>(), &[])])],
)];
/// `GetModelStatusResponse`.
pub(super) const STATUS: &[Field] =
    &[field(1, size_of::<ModelVersionStatus>() + size_of::<StatusProto>() + STRING, &[])];

/// `ReloadConfigResponse`.
pub(super) const RELOAD: &[Field] = &[field(1, STRING, &[])];

/// Refuses a message that would take more memory than eight times its size and 64 MiB.
pub(super) fn check(message: &[u8], fields: &[Field]) -> Parsed<()> {
    match within(message, fields, &mut room(message.len())) {
        Some(()) => Ok(()),
        None => Err(ParseError::new(too_much(message.len()))),
    }
}

/// Subtracts from `room` the memory that the fields need; `None` when it is too little. The fault of an invalid message
/// is left to its decoder.
fn within(mut message: &[u8], fields: &[Field], room: &mut usize) -> Option<()> {
    while message.has_remaining() {
        let Ok((number, wire_type)) = decode_key(&mut message) else { return Some(()) };
        let known = fields.iter().find(|field| field.number == number);
        let Some(field) = known.filter(|_| wire_type == WireType::LengthDelimited) else {
            if skip_field(wire_type, number, &mut message, DecodeContext::default()).is_err() {
                return Some(());
            }
            continue;
        };
        let length = decode_varint(&mut message).ok().and_then(|length| length.try_into().ok());
        let Some((inner, rest)) = length.and_then(|length| message.split_at_checked(length)) else {
            return Some(());
        };
        let own = if field.fields.is_empty() { inner.len() } else { 0 };
        *room = room.checked_sub(field.size + own)?;
        within(inner, field.fields, room)?;
        message = rest;
    }
    Some(())
}
