//! Answers pass through tonic as bytes: they are read outside of it, in one pass each.

use bytes::{Buf, Bytes};
use tonic::{
    Status,
    codec::{DecodeBuf, Decoder},
};

#[derive(Clone, Copy, Debug)]
pub(super) struct Raw;

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
