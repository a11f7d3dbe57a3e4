//! The documentation of an item, from the stub.

use std::{fs, path::PathBuf};

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Error, Ident, LitStr, Result, Signature, parse_quote};

use crate::stub::{Entry, Stub};

/// The stub of the crate that is compiled, and what makes the compiler read it again when it changes.
pub(crate) fn stub() -> Result<(Stub, TokenStream)> {
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    // In a source distribution the package lies beside the folder of the crate.
    let places = ["canary/_canary.pyi", "../canary/_canary.pyi"].map(|place| folder.join(place));
    let path = places.iter().find(|place| place.exists()).unwrap_or(&places[0]);
    let text = fs::read_to_string(path).map_err(|error| {
        let path = path.display();
        Error::new(proc_macro2::Span::call_site(), format!("cannot read the stub {path}: {error}"))
    })?;
    let path = path.display().to_string();
    Ok((Stub::read(&text), quote! { const _: &str = include_str!(#path); }))
}

/// Puts that text in the place of the comments above an item.
pub(crate) fn document(attributes: &mut Vec<Attribute>, doc: &str) {
    attributes.retain(|attribute| !attribute.path().is_ident("doc"));
    for line in doc.lines() {
        // pyo3 takes one space away.
        let line = if line.is_empty() { String::new() } else { format!(" {line}") };
        attributes.push(parse_quote!(#[doc = #line]));
    }
}

/// The documentation of a member; an error when it is public and has none.
pub(crate) fn required<'a>(
    entry: Option<&'a Entry>,
    public: bool,
    what: &str,
    at: &Ident,
) -> Result<Option<&'a str>> {
    let doc = entry.and_then(|entry| entry.doc.as_deref());
    match doc {
        None if public => {
            let text = format!("canary/_canary.pyi has no documentation of `{what}`");
            Err(Error::new(at.span(), text))
        }
        doc => Ok(doc),
    }
}

/// The signature that Python shows, where the function itself takes any keyword arguments and the stub names them.
pub(crate) fn text_signature(
    entry: Option<&Entry>,
    attributes: &[Attribute],
    signature: &Signature,
) -> Option<Attribute> {
    let any = attributes.iter().any(|attribute| {
        let tokens = quote!(#attribute).to_string();
        attribute.path().is_ident("pyo3") && tokens.replace(' ', "").contains("**")
    });
    let arguments = &entry?.arguments;
    if !any || arguments.iter().any(|one| one.starts_with("**")) {
        return None;
    }
    let constructor = attributes.iter().any(|attribute| attribute.path().is_ident("new"));
    let mut shown = Vec::new();
    if !constructor && signature.receiver().is_some()
        || arguments.first().is_some_and(|one| one == "self")
    {
        shown.extend(["$self".to_owned(), "/".to_owned()]);
    }
    if attributes.iter().any(|attribute| attribute.path().is_ident("classmethod")) {
        shown.extend(["$cls".to_owned(), "/".to_owned()]);
    }
    shown.extend(
        arguments.iter().filter(|one| *one != "self" && *one != "cls").map(|one| shorten(one)),
    );
    let text = LitStr::new(&format!("({})", shown.join(", ")), signature.ident.span());
    Some(parse_quote!(#[pyo3(text_signature = #text)]))
}

/// An argument without its type.
fn shorten(argument: &str) -> String {
    let (head, default) = match argument.rsplit_once(" = ") {
        Some((head, default)) => (head, Some(default)),
        None => (argument, None),
    };
    let name = head.split(':').next().unwrap_or(head);
    default.map_or_else(|| name.to_owned(), |default| format!("{name}={default}"))
}
