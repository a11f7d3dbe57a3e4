//! Blocks of methods that classes have in common.

/// Writes the methods of a class: properties a line each (`get`, and `make` where Python is needed), calls with their
/// awaitable twins, those of the named blocks, and its own.
///
/// Python's classes take their methods from one block, which is read before a macro in it is expanded: the whole block
/// is written here, therefore. The blocks are
///
/// - `value`: a hash that equal values share, copies and pickles, through serde;
/// - `dict`: `to_dict`, of the member `core`;
/// - `table`: `records`, `to_pandas` and `to_polars`;
/// - `plot`: `plot(ax=)`;
/// - `card name`: the view in a notebook, by the function of that name in `canary._cards`;
/// - `replace name, …`: a copy with other arguments of the constructor, whose positional arguments are named;
/// - `iterator` and `async_iterator`: it is its own;
/// - `dashboard`: a page that follows the value.
macro_rules! pymethods {
    (
        $class:ident [$($block:ident $(($($argument:tt)*))?),*]
        $(get |$this:ident| { $($name:ident: $type:ty = $value:expr;)* })?
        $(make |$with:ident, $python:ident| { $($made:ident: $what:ty = $how:expr;)* })?
        $(twins |$me:ident, $py:ident| {
            $($(#[$($meta:tt)*])* $plain:ident, $awaitable:ident ($($arguments:tt)*) = $call:expr;)*
        })?
        methods { $($own:tt)* }
    ) => {
        $crate::macros::pymethods!(@block $class [$($block $(($($argument)*))?),*] {
            $($(
                #[getter]
                fn $name(&self) -> $type {
                    let $this = self;
                    $value
                }
            )*)?
            $($(
                #[getter]
                fn $made<'py>(&self, $python: Python<'py>) -> $what {
                    let $with = self;
                    $how
                }
            )*)?
            $($(
                $(#[$($meta)*])*
                fn $plain<'py>(&self, $py: Python<'py>, $($arguments)*) -> PyResult<Bound<'py, PyAny>> {
                    let $me = self;
                    $call.wait($py)
                }

                $(#[$($meta)*])*
                fn $awaitable<'py>(&self, $py: Python<'py>, $($arguments)*) -> PyResult<Bound<'py, PyAny>> {
                    let $me = self;
                    $call.awaitable($py)
                }
            )*)?
            $($own)*
        });
    };
    (@block $class:ident [] { $($all:tt)* }) => {
        #[canary_python_macros::binding]
        #[pymethods]
        impl $class {
            $($all)*

            fn __setattr__(slf: &Bound<'_, Self>, name: &str, _value: &Bound<'_, PyAny>) -> PyResult<()> {
                Err($crate::convert::value::immutable(slf, name))
            }

            fn __delattr__(slf: &Bound<'_, Self>, name: &str) -> PyResult<()> {
                Err($crate::convert::value::immutable(slf, name))
            }
        }
    };
    (@block $class:ident [value $(, $($rest:tt)*)?] { $($all:tt)* }) => {
        $crate::macros::pymethods!(@block $class [$($($rest)*)?] {
            $($all)*

            fn __hash__(&self) -> PyResult<u64> {
                $crate::convert::value::hash(self)
            }

            fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<$crate::convert::value::Parts<'py>> {
                $crate::convert::value::reduce(py, self)
            }

            #[staticmethod]
            #[pyo3(name = "_restore")]
            fn restore(bytes: &[u8]) -> PyResult<Self> {
                $crate::convert::value::restore(bytes)
            }
        });
    };
    (@block $class:ident [dict $(, $($rest:tt)*)?] { $($all:tt)* }) => {
        $crate::macros::pymethods!(@block $class [$($($rest)*)?] {
            $($all)*

            fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                $crate::convert::plain::to_dict(py, &self.core)
            }
        });
    };
    (@block $class:ident [table $(, $($rest:tt)*)?] { $($all:tt)* }) => {
        $crate::macros::pymethods!(@block $class [$($($rest)*)?] {
            $($all)*

            fn records<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
                $crate::show::rows(slf)
            }

            fn to_pandas<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
                $crate::show::frame(slf, "pandas")
            }

            fn to_polars<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
                $crate::show::frame(slf, "polars")
            }
        });
    };
    (@block $class:ident [plot $(, $($rest:tt)*)?] { $($all:tt)* }) => {
        $crate::macros::pymethods!(@block $class [$($($rest)*)?] {
            $($all)*

            #[pyo3(signature = (ax = None))]
            fn plot<'py>(slf: &Bound<'py, Self>, ax: Option<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
                $crate::show::plot(slf, ax)
            }
        });
    };
    (@block $class:ident [card($render:ident) $(, $($rest:tt)*)?] { $($all:tt)* }) => {
        $crate::macros::pymethods!(@block $class [$($($rest)*)?] {
            $($all)*

            fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
                $crate::show::card(slf, stringify!($render))
            }
        });
    };
    (@block $class:ident [replace($($first:ident),*) $(, $($rest:tt)*)?] { $($all:tt)* }) => {
        $crate::macros::pymethods!(@block $class [$($($rest)*)?] {
            $($all)*

            #[pyo3(signature = (**changes))]
            fn replace(
                slf: &Bound<'_, Self>,
                changes: Option<&Bound<'_, pyo3::types::PyDict>>,
            ) -> PyResult<Py<Self>> {
                $crate::convert::value::replace(slf, &[$(stringify!($first)),*], changes)
            }
        });
    };
    (@block $class:ident [dashboard $(, $($rest:tt)*)?] { $($all:tt)* }) => {
        $crate::macros::pymethods!(@block $class [$($($rest)*)?] {
            $($all)*

            #[pyo3(signature = (*, host = "127.0.0.1", port = 0))]
            fn dashboard<'py>(slf: &Bound<'py, Self>, host: &str, port: u16) -> PyResult<Bound<'py, PyAny>> {
                $crate::show::dashboard(slf, host, port)
            }
        });
    };
    (@block $class:ident [iterator $(, $($rest:tt)*)?] { $($all:tt)* }) => {
        $crate::macros::pymethods!(@block $class [$($($rest)*)?] {
            $($all)*

            fn __iter__(slf: Py<Self>) -> Py<Self> {
                slf
            }
        });
    };
    (@block $class:ident [async_iterator $(, $($rest:tt)*)?] { $($all:tt)* }) => {
        $crate::macros::pymethods!(@block $class [$($($rest)*)?] {
            $($all)*

            fn __aiter__(slf: Py<Self>) -> Py<Self> {
                slf
            }
        });
    };
}

/// The keyword arguments of a constructor as a dictionary, from the members of the same names.
macro_rules! arguments {
    ($py:expr, $from:expr; $($name:ident),* $(,)?) => {{
        let arguments = pyo3::types::PyDict::new($py);
        $(arguments.set_item(stringify!($name), &$from.$name)?;)*
        arguments
    }};
}

pub(crate) use {arguments, pymethods};
