//! Values of the classes that the bindings expose, and values that the body of a function reads itself.

use std::borrow::Cow;

use pyo3::{PyClass, prelude::*};

use super::{Given, Refused, a};

/// A class of the bindings; `#[binding]` implements it.
pub(crate) trait Exposed: PyClass {
    /// An expression that makes one, for messages.
    const SUCH_AS: Option<&'static str>;
}

fn wanted<T: Exposed>() -> Cow<'static, str> {
    let class = a(T::NAME);
    T::SUCH_AS.map_or_else(|| class.clone(), |made| format!("{class}, such as {made}")).into()
}

impl<'py, T: Exposed> Given<'py> for Bound<'py, T> {
    fn wanted() -> Cow<'static, str> {
        wanted::<T>()
    }

    fn several() -> Cow<'static, str> {
        format!("values of the class {}", T::NAME).into()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        // The class in place of a value of it.
        if value.is(value.py().get_type::<T>()) {
            let give = format!("a value of it: {}", T::SUCH_AS.unwrap_or("call it"));
            return Err(Refused::kind(value, give));
        }
        value.cast::<T>().cloned().map_err(|_| Refused::kind(value, wanted::<T>()))
    }
}

impl<'py, T: Exposed + Clone> Given<'py> for T {
    fn wanted() -> Cow<'static, str> {
        wanted::<T>()
    }

    fn several() -> Cow<'static, str> {
        Bound::<T>::several()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        Bound::<T>::read(value).map(|found| found.borrow().clone())
    }
}

impl<'py> Given<'py> for Bound<'py, PyAny> {
    fn wanted() -> Cow<'static, str> {
        "anything".into()
    }

    fn several() -> Cow<'static, str> {
        "anything".into()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        Ok(value.clone())
    }
}

impl<'py> Given<'py> for Py<PyAny> {
    fn wanted() -> Cow<'static, str> {
        "anything".into()
    }

    fn several() -> Cow<'static, str> {
        "functions".into()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        Ok(value.clone().unbind())
    }
}
