//! The arguments of a method or function, read by the functions of `crate::convert::given`.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::{
    Block, FnArg, GenericArgument, Ident, Pat, PatType, PathArguments, PathSegment, Signature,
    Type, parse_quote,
};

/// An argument as pyo3 hands it over, and as the body uses it.
struct Read {
    /// The type that is handed over.
    owned: Type,
    /// The expression of what the body uses, where that is something else.
    borrowed: Option<TokenStream>,
    /// The function of `crate::convert::given` that reads it.
    reader: &'static str,
}

impl Read {
    fn new(owned: Type, borrowed: Option<TokenStream>) -> Self {
        Self { owned, borrowed, reader: "argument" }
    }
}

/// Lets the arguments be read with messages that name them; gives the functions that do it, which pyo3 calls.
pub(crate) fn read_arguments(
    signature: &mut Signature,
    block: &mut Block,
    class: Option<&Ident>,
    what: &str,
) -> TokenStream {
    let mut readers = TokenStream::new();
    let mut borrowed = Vec::new();
    for argument in &mut signature.inputs {
        let FnArg::Typed(argument) = argument else { continue };
        // A receiver that is the object itself has this name.
        let Some(name) = name_of(argument).filter(|name| name != "slf") else { continue };
        let Some(read) = read(&name, &argument.ty) else { continue };
        let function = format_ident!("__{}_{}", what.replace('.', "_"), name);
        let ty = outside(read.owned.to_token_stream(), class);
        let (shown, reader) = (name.to_string(), format_ident!("{}", read.reader));
        readers.extend(quote! {
            #[allow(non_snake_case, reason = "the name of a class is in it")]
            fn #function<'a, 'py>(value: &'a ::pyo3::Bound<'py, ::pyo3::PyAny>) -> ::pyo3::PyResult<#ty> {
                crate::convert::given::#reader(#shown, value)
            }
        });
        argument.attrs.push(parse_quote!(#[pyo3(from_py_with = #function)]));
        *argument.ty = read.owned;
        if let Some(expression) = read.borrowed {
            borrowed.push(quote! { let #name = #expression; });
        }
    }
    if !borrowed.is_empty() {
        *block = parse_quote!({ #(#borrowed)* #block });
    }
    readers
}

fn name_of(argument: &PatType) -> Option<Ident> {
    match &*argument.pat {
        Pat::Ident(name) => Some(name.ident.clone()),
        _ => None,
    }
}

/// The way to read an argument of that type; none for what pyo3 or the body itself reads.
fn read(name: &Ident, ty: &Type) -> Option<Read> {
    match ty {
        Type::Group(group) => read(name, &group.elem),
        Type::Reference(reference) if is_text(&reference.elem) => {
            Some(Read { owned: ty.clone(), borrowed: None, reader: "text" })
        }
        Type::Reference(reference) => {
            let (owned, is_class) = referred(&reference.elem)?;
            let borrowed = if is_class { quote!(#name.get()) } else { quote!(&#name) };
            Some(Read::new(owned, Some(borrowed)))
        }
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            match last.ident.to_string().as_str() {
                "Python" => None,
                "Option" => optional(name, ty, last),
                _ if is_of_python(last) => None,
                _ => Some(Read::new(ty.clone(), None)),
            }
        }
        _ => Some(Read::new(ty.clone(), None)),
    }
}

fn optional(name: &Ident, ty: &Type, option: &PathSegment) -> Option<Read> {
    let inner = first_type(option)?;
    let Type::Reference(reference) = inner else {
        let plain = matches!(inner, Type::Path(path) if path.path.segments.last().is_some_and(is_of_python));
        return (!plain).then(|| Read::new(ty.clone(), None));
    };
    if is_text(&reference.elem) {
        return Some(Read { owned: ty.clone(), borrowed: None, reader: "optional_text" });
    }
    let (owned, is_class) = referred(&reference.elem)?;
    let borrowed = if is_class {
        quote!(#name.as_ref().map(::pyo3::Bound::get))
    } else {
        quote!(#name.as_ref())
    };
    Some(Read::new(parse_quote!(Option<#owned>), Some(borrowed)))
}

/// The owned type for a reference, and `true` where it is one to the value inside a class.
fn referred(ty: &Type) -> Option<(Type, bool)> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    match last.ident.to_string().as_str() {
        "Bound" if is_of_python(last) => None,
        "Bound" => Some((ty.clone(), false)),
        other if other.starts_with("Py") => None,
        _ => Some((parse_quote!(::pyo3::Bound<'_, #ty>), true)),
    }
}

/// Returns `true` for the type of a text that is read where it lies.
fn is_text(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident("str"))
}

/// Returns `true` for `Bound` and `Py` of a type of Python's own, such as `PyAny`: the body reads it.
fn is_of_python(segment: &PathSegment) -> bool {
    let held = segment.ident == "Bound" || segment.ident == "Py";
    held && first_type(segment).is_some_and(|inner| match inner {
        Type::Path(path) => {
            path.path.segments.last().is_some_and(|last| last.ident.to_string().starts_with("Py"))
        }
        _ => false,
    })
}

fn first_type(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// The type as a function outside of the class names it: its lifetimes are those of Python, `Self` is the class, and a
/// text is borrowed from the value.
fn outside(tokens: TokenStream, class: Option<&Ident>) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match (token, class) {
            (TokenTree::Group(group), _) => {
                let inner = outside(group.stream(), class);
                TokenTree::Group(Group::new(group.delimiter(), inner)).into()
            }
            // A lifetime is an apostrophe and its name.
            (TokenTree::Ident(ident), _) if ident == "_" => {
                TokenTree::Ident(Ident::new("py", ident.span())).into()
            }
            (TokenTree::Ident(ident), Some(class)) if ident == "Self" => class.to_token_stream(),
            (TokenTree::Ident(ident), _) if ident == "str" => quote!('a #ident),
            (other, _) => TokenStream::from(other),
        })
        .collect()
}
