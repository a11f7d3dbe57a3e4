//! Lists, pairs and dictionaries.

use std::{borrow::Cow, collections::BTreeMap};

use pyo3::{
    prelude::*,
    types::{PyByteArray, PyBytes, PyDict, PyList, PyString, PyTuple},
};

use super::{Given, Refused, kind};

impl<'py, T: Given<'py>> Given<'py> for Option<T> {
    fn wanted() -> Cow<'static, str> {
        T::wanted()
    }

    fn several() -> Cow<'static, str> {
        T::several()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        if value.is_none() { Ok(None) } else { T::read(value).map(Some) }
    }
}

impl<'py, T: Given<'py>> Given<'py> for Vec<T> {
    fn wanted() -> Cow<'static, str> {
        format!("a list of {}", T::several()).into()
    }

    fn several() -> Cow<'static, str> {
        format!("lists of {}", T::several()).into()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        // Iterating over these gives characters, bytes and keys, which nobody means.
        let single = value.is_instance_of::<PyString>()
            || value.is_instance_of::<PyBytes>()
            || value.is_instance_of::<PyByteArray>()
            || value.is_instance_of::<PyDict>();
        let items = if single { None } else { value.try_iter().ok() };
        let Some(items) = items else {
            let one = T::read(value).is_ok();
            let give = if one {
                format!("{}, also of one: [{}]", Self::wanted(), shortly(value))
            } else {
                Self::wanted().into()
            };
            return Err(Refused::kind(value, give));
        };
        let read = |(at, item): (usize, PyResult<Bound<'py, PyAny>>)| {
            let item = item.map_err(Refused::Raised)?;
            T::read(&item).map_err(|refused| refused.within(&format!("[{at}]")))
        };
        items.enumerate().map(read).collect()
    }
}

/// A value as an example repeats it: the text itself, or an ellipsis.
fn shortly(value: &Bound<'_, PyAny>) -> String {
    match value.cast::<PyString>() {
        Ok(text) if text.len().is_ok_and(|length| length < 20) => format!("{:?}", text.to_string()),
        _ => "…".to_owned(),
    }
}

/// Names, such as hosts: a list of texts, or one text for a list of one.
pub(crate) struct Names(pub(crate) Vec<String>);

impl<'py> Given<'py> for Names {
    fn wanted() -> Cow<'static, str> {
        "a text or a list of texts".into()
    }

    fn several() -> Cow<'static, str> {
        "lists of texts".into()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        match value.cast::<PyString>() {
            Ok(_) => String::read(value).map(|one| Self(vec![one])),
            Err(_) => Vec::read(value)
                .map(Self)
                .map_err(|refused| refused.unless_within(value, Self::wanted)),
        }
    }
}

impl<'py, A: Given<'py>, B: Given<'py>> Given<'py> for (A, B) {
    fn wanted() -> Cow<'static, str> {
        format!("a pair: {} and {}", A::wanted(), B::wanted()).into()
    }

    fn several() -> Cow<'static, str> {
        format!("pairs of {} and {}", A::wanted(), B::wanted()).into()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        let [one, two] = &items::<2>(value, Self::wanted)?;
        Ok((
            A::read(one).map_err(|refused| refused.within("[0]"))?,
            B::read(two).map_err(|refused| refused.within("[1]"))?,
        ))
    }
}

impl<'py, T: Given<'py>> Given<'py> for [T; 3] {
    fn wanted() -> Cow<'static, str> {
        format!("three {}", T::several()).into()
    }

    fn several() -> Cow<'static, str> {
        format!("triples of {}", T::several()).into()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        let read = |at: usize, item: &Bound<'py, PyAny>| {
            T::read(item).map_err(|refused| refused.within(&format!("[{at}]")))
        };
        let [one, two, three] = &items::<3>(value, Self::wanted)?;
        Ok([read(0, one)?, read(1, two)?, read(2, three)?])
    }
}

impl<'py, T: Given<'py>> Given<'py> for [T; 4] {
    fn wanted() -> Cow<'static, str> {
        format!("four {}", T::several()).into()
    }

    fn several() -> Cow<'static, str> {
        format!("fours of {}", T::several()).into()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        let read = |at: usize, item: &Bound<'py, PyAny>| {
            T::read(item).map_err(|refused| refused.within(&format!("[{at}]")))
        };
        let [one, two, three, four] = &items::<4>(value, Self::wanted)?;
        Ok([read(0, one)?, read(1, two)?, read(2, three)?, read(3, four)?])
    }
}

/// So many items of a tuple, a list or an array.
fn items<'py, const N: usize>(
    value: &Bound<'py, PyAny>,
    wanted: impl Fn() -> Cow<'static, str>,
) -> Result<[Bound<'py, PyAny>; N], Refused> {
    let sequence = value.is_instance_of::<PyTuple>()
        || value.is_instance_of::<PyList>()
        || value.hasattr("__array__").map_err(Refused::Raised)?;
    let items = match value.try_iter() {
        Ok(items) if sequence => items.collect::<PyResult<Vec<_>>>().map_err(Refused::Raised)?,
        _ => return Err(Refused::kind(value, wanted())),
    };
    let count = items.len();
    items.try_into().map_err(|_| match Refused::kind(value, wanted()) {
        Refused::Value { at, key, give, .. } => {
            let kind = format!("{} of {count}", kind(value));
            Refused::Value { at, key, shown: None, kind, give, fits: false }
        }
        raised @ Refused::Raised(_) => raised,
    })
}

impl<'py, T: Given<'py>> Given<'py> for BTreeMap<String, T> {
    fn wanted() -> Cow<'static, str> {
        format!("a dict of {} by name", T::several()).into()
    }

    fn several() -> Cow<'static, str> {
        format!("dicts of {} by name", T::several()).into()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        ordered(value, Self::wanted).map(|pairs| pairs.into_iter().collect())
    }
}

/// The entries of a mapping, in its order.
pub(crate) fn ordered<'py, T: Given<'py>>(
    value: &Bound<'py, PyAny>,
    wanted: impl Fn() -> Cow<'static, str>,
) -> Result<Vec<(String, T)>, Refused> {
    let read = |(key, item): &Entry<'py>| {
        let key = String::read(key).map_err(Refused::at_key)?;
        let item = T::read(item).map_err(|refused| refused.within(&format!("[{key:?}]")))?;
        Ok((key, item))
    };
    pairs(value, wanted)?.iter().map(read).collect()
}

/// A key and its value.
type Entry<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// The keys and values of a dictionary, or of another mapping.
fn pairs<'py>(
    value: &Bound<'py, PyAny>,
    wanted: impl Fn() -> Cow<'static, str>,
) -> Result<Vec<Entry<'py>>, Refused> {
    if let Ok(dict) = value.cast::<PyDict>() {
        return Ok(dict.iter().collect());
    }
    if !value.hasattr("items").map_err(Refused::Raised)? {
        return Err(Refused::kind(value, wanted()));
    }
    let items =
        value.call_method0("items").and_then(|items| items.try_iter()).map_err(Refused::Raised)?;
    items.map(|item| item?.extract()).collect::<PyResult<_>>().map_err(Refused::Raised)
}
