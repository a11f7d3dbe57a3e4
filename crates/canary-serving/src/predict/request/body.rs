//! The memory to which a request is written.

/// Memory to which a request is appended: a `Vec<u8>`, or memory of another owner such as Python's.
pub trait Body {
    /// Reserves memory for about this many bytes.
    fn reserve(&mut self, additional: usize);

    /// Writes bytes to the end.
    fn append(&mut self, bytes: &[u8]);

    /// True when the caller no longer needs the body, so that the rest can be skipped. Called from time to time; false
    /// by default.
    fn is_abandoned(&self) -> bool {
        false
    }
}

impl Body for Vec<u8> {
    fn reserve(&mut self, additional: usize) {
        self.reserve(additional);
    }

    #[inline]
    fn append(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        predict::{Form, Input, Value, write_predict},
        tensor::{Tensor, TensorData},
    };

    /// A body that is abandoned after so many bytes.
    struct Limited {
        left: usize,
        written: usize,
    }

    impl Body for Limited {
        fn reserve(&mut self, _: usize) {}

        fn append(&mut self, bytes: &[u8]) {
            self.left = self.left.saturating_sub(bytes.len());
            self.written += bytes.len();
        }

        fn is_abandoned(&self) -> bool {
            self.left == 0
        }
    }

    #[test]
    fn the_writing_of_a_large_body_ends_when_it_is_abandoned() {
        const MANY: usize = 1 << 20;
        let square = |data: TensorData| Tensor::new(vec![1 << 10, 1 << 10], data).unwrap();
        let narrow = |data: TensorData| Tensor::new(vec![1 << 18, 2, 2], data).unwrap();
        let floats = || TensorData::Float(vec![0.3; MANY]);
        let named = Input::named([
            ("a", narrow(floats())),
            ("b", square(TensorData::Bool(vec![true; MANY]))),
        ]);
        for input in [
            square(floats()).into(),
            narrow(floats()).into(),
            square(TensorData::Uint8(vec![7; MANY])).into(),
            square(TensorData::Double(vec![0.3; MANY])).into(),
            Tensor::new(vec![MANY], TensorData::Int64(vec![7; MANY])).unwrap().into(),
            Input::from(Value::Files(vec![vec![7; MANY].into(), vec![7; MANY].into()])),
            named,
        ] {
            for form in [Form::Row, Form::Column] {
                let mut body = Limited { left: 100_000, written: 0 };
                if write_predict(&mut body, "", form, &input).is_err() {
                    assert!(form == Form::Row, "inputs of different lengths");
                    continue;
                }
                assert!((100_000..200_000).contains(&body.written), "{}", body.written);
            }
        }
    }
}
