//! The attribute of everything that the bindings expose to Python.
//!
//! The stub `canary/_canary.pyi` is the only place where classes, methods, properties and functions are documented for
//! Python: this crate reads it when the extension is compiled, so that `help()`, Jupyter's `?` and the reference show the
//! same text. A public member without documentation there does not compile.

mod arguments;
mod docs;
mod item;
mod stub;

use proc_macro::TokenStream;

/// Completes an item that pyo3 exposes: a struct with `#[pyclass]`, an `impl` with `#[pymethods]`, or a function with
/// `#[pyfunction]`. It stands above pyo3's own attribute.
///
/// - The documentation is that of the stub. A comment in Rust above the item is for readers of the source.
/// - A method that takes `**changes` is shown with the keyword arguments that the stub lists.
/// - Arguments are read by `crate::convert::given`, which says what was given, where, and what to give instead. A class
///   may name an expression that makes one for these messages: `#[binding("Lab.seed()")]`.
#[proc_macro_attribute]
pub fn binding(such_as: TokenStream, item: TokenStream) -> TokenStream {
    item::complete(&such_as.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
