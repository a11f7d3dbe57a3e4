//! The names of element types.

use crate::tensor::DType;

/// Element types with the protocol's names. `BF16` is not in its table, but Triton has it.
const NAMES: [(DType, &str); 14] = [
    (DType::Bool, "BOOL"),
    (DType::Uint8, "UINT8"),
    (DType::Uint16, "UINT16"),
    (DType::Uint32, "UINT32"),
    (DType::Uint64, "UINT64"),
    (DType::Int8, "INT8"),
    (DType::Int16, "INT16"),
    (DType::Int32, "INT32"),
    (DType::Int64, "INT64"),
    (DType::Half, "FP16"),
    (DType::Bfloat16, "BF16"),
    (DType::Float, "FP32"),
    (DType::Double, "FP64"),
    (DType::String, "BYTES"),
];

/// The protocol's name of a type.
pub(super) fn name_of(dtype: DType) -> &'static str {
    NAMES.iter().find(|(known, _)| *known == dtype).map_or("BYTES", |(_, name)| name)
}

/// The type with the protocol's name.
pub(super) fn of_name(name: &str) -> Option<DType> {
    NAMES.iter().find(|(_, known)| *known == name).map(|(dtype, _)| *dtype)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_one_name() {
        for (dtype, name) in NAMES {
            assert_eq!((name_of(dtype), of_name(name)), (name, Some(dtype)));
        }
        assert_eq!(of_name("FLOAT"), None);
    }
}
