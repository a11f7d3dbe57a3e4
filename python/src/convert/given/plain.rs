//! Texts, numbers, truth values and paths.

use std::{borrow::Cow, path::PathBuf};

use pyo3::{
    exceptions::PyOverflowError,
    prelude::*,
    pybacked::PyBackedBytes,
    types::{PyBool, PyInt, PyString},
};

use super::{Given, Refused};

impl<'py> Given<'py> for String {
    fn wanted() -> Cow<'static, str> {
        "a text".into()
    }

    fn several() -> Cow<'static, str> {
        "texts".into()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        match value.cast::<PyString>() {
            Ok(text) => text.extract().map_err(Refused::Raised),
            Err(_) => Err(Refused::kind(value, Self::wanted())),
        }
    }
}

impl<'py> Given<'py> for bool {
    fn wanted() -> Cow<'static, str> {
        "True or False".into()
    }

    fn several() -> Cow<'static, str> {
        "truth values".into()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        value.extract().map_err(|_| Refused::kind(value, Self::wanted()))
    }
}

impl<'py> Given<'py> for f64 {
    fn wanted() -> Cow<'static, str> {
        "a number".into()
    }

    fn several() -> Cow<'static, str> {
        "numbers".into()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        if value.is_instance_of::<PyBool>() {
            return Err(Refused::kind(value, Self::wanted()));
        }
        value.extract().map_err(|_| Refused::kind(value, Self::wanted()))
    }
}

impl<'py> Given<'py> for f32 {
    fn wanted() -> Cow<'static, str> {
        f64::wanted()
    }

    fn several() -> Cow<'static, str> {
        f64::several()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        #[expect(clippy::cast_possible_truncation, reason = "single precision is what is wanted")]
        f64::read(value).map(|number| number as Self)
    }
}

/// Whole numbers, each with its bounds in words.
macro_rules! whole {
    ($($type:ty: $bounds:literal),* $(,)?) => {
        $(
            impl<'py> Given<'py> for $type {
                fn wanted() -> Cow<'static, str> {
                    "a whole number".into()
                }

                fn several() -> Cow<'static, str> {
                    "whole numbers".into()
                }

                fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
                    if value.is_instance_of::<PyBool>() {
                        return Err(Refused::kind(value, Self::wanted()));
                    }
                    value.extract().map_err(|error: PyErr| {
                        let large = error.is_instance_of::<PyOverflowError>(value.py());
                        if large || value.is_instance_of::<PyInt>() {
                            Refused::range(value, concat!("a whole number ", $bounds))
                        } else {
                            Refused::kind(value, Self::wanted())
                        }
                    })
                }
            }
        )*
    };
}

whole! {
    u16: "from 0 to 65535",
    u32: "from 0 to 4294967295",
    u64: "of 0 or more, below 2 ** 64",
    usize: "of 0 or more, below 2 ** 64",
    i32: "from -2147483648 to 2147483647",
    i64: "from -2 ** 63 to 2 ** 63 - 1",
}

impl<'py> Given<'py> for PathBuf {
    fn wanted() -> Cow<'static, str> {
        "a path, as a text or a pathlib.Path".into()
    }

    fn several() -> Cow<'static, str> {
        "paths".into()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        let open = value.hasattr("read").map_err(Refused::Raised)?;
        let give =
            || if open { "the path of the file, not the open file".into() } else { Self::wanted() };
        value.extract().map_err(|_| Refused::kind(value, give()))
    }
}

impl<'py> Given<'py> for PyBackedBytes {
    fn wanted() -> Cow<'static, str> {
        "bytes".into()
    }

    fn several() -> Cow<'static, str> {
        "bytes".into()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        let text = value.is_instance_of::<PyString>();
        let give = || if text { "its bytes, with .encode()".into() } else { Self::wanted() };
        value.extract().map_err(|_| Refused::kind(value, give()))
    }
}
