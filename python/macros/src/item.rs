//! The items that pyo3 exposes.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Attribute, Error, Expr, ExprLit, Ident, ImplItem, ImplItemFn, Item, ItemFn, ItemImpl,
    ItemStruct, Lit, MetaNameValue, Result, Type, spanned::Spanned,
};

use crate::{
    arguments::read_arguments,
    docs::{document, required, stub, text_signature},
    stub::Stub,
};

pub(crate) fn complete(such_as: &TokenStream, item: TokenStream) -> Result<TokenStream> {
    let (stub, watch) = stub()?;
    let completed = match syn::parse2(item)? {
        Item::Struct(class) => complete_class(class, such_as, &stub)?,
        Item::Impl(methods) => complete_methods(methods, &stub)?,
        Item::Fn(function) => complete_function(function, &stub)?,
        other => {
            let text = "expected a struct with #[pyclass], an impl with #[pymethods] or a function with #[pyfunction]";
            return Err(Error::new(other.span(), text));
        }
    };
    Ok(quote! { #watch #completed })
}

fn complete_class(
    mut class: ItemStruct,
    such_as: &TokenStream,
    stub: &Stub,
) -> Result<TokenStream> {
    let name = python_name(&class.attrs, &class.ident)?;
    let doc = stub.class(&name).and_then(|class| class.doc.as_deref());
    let Some(doc) = doc else {
        let text = format!("canary/_canary.pyi has no documentation of `{name}`");
        return Err(Error::new(class.ident.span(), text));
    };
    document(&mut class.attrs, doc);
    let ident = &class.ident;
    let such_as = if such_as.is_empty() { quote!(None) } else { quote!(Some(#such_as)) };
    Ok(quote! {
        #class
        impl crate::convert::given::Exposed for #ident {
            const SUCH_AS: Option<&'static str> = #such_as;
        }
    })
}

fn complete_methods(mut methods: ItemImpl, stub: &Stub) -> Result<TokenStream> {
    let Some(class) = class_of(&methods.self_ty) else {
        return Err(Error::new(methods.self_ty.span(), "expected the name of a class"));
    };
    let exposed = stub.class(&class.to_string()).is_some();
    let mut readers = TokenStream::new();
    for item in &mut methods.items {
        if let ImplItem::Fn(method) = item {
            readers.extend(complete_method(method, &class, exposed, stub)?);
        }
    }
    Ok(quote! { #methods #readers })
}

/// Completes a method, and gives the functions that read its arguments.
fn complete_method(
    method: &mut ImplItemFn,
    class: &Ident,
    exposed: bool,
    stub: &Stub,
) -> Result<TokenStream> {
    let constructor = method.attrs.iter().any(|attribute| attribute.path().is_ident("new"));
    let name = if constructor {
        "__new__".to_owned()
    } else {
        python_name(&method.attrs, &method.sig.ident)?
    };
    let public = exposed && !name.starts_with('_');
    if !public && !constructor {
        return Ok(TokenStream::new());
    }
    let what = format!("{class}.{name}");
    let entry = stub.member(&class.to_string(), &name);
    if let Some(doc) = required(entry, public, &what, &method.sig.ident)? {
        document(&mut method.attrs, doc);
    }
    method.attrs.extend(text_signature(entry, &method.attrs, &method.sig));
    Ok(read_arguments(&mut method.sig, &mut method.block, Some(class), &what))
}

fn complete_function(mut function: ItemFn, stub: &Stub) -> Result<TokenStream> {
    let name = python_name(&function.attrs, &function.sig.ident)?;
    let entry = stub.function(&name);
    let public = !name.starts_with('_');
    if let Some(doc) = required(entry, public, &name, &function.sig.ident)? {
        document(&mut function.attrs, doc);
    }
    function.attrs.extend(text_signature(entry, &function.attrs, &function.sig));
    let readers = read_arguments(&mut function.sig, &mut function.block, None, &name);
    Ok(quote! { #function #readers })
}

/// The name in Python: that of `#[pyo3(name = "…")]`, or the one in Rust.
fn python_name(attributes: &[Attribute], ident: &Ident) -> Result<String> {
    let named = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("pyo3"))
        .filter_map(|attribute| attribute.parse_args::<MetaNameValue>().ok())
        .find(|given| given.path.is_ident("name"));
    match named.map(|given| given.value) {
        Some(Expr::Lit(ExprLit { lit: Lit::Str(name), .. })) => Ok(name.value()),
        Some(other) => Err(Error::new(other.span(), "expected a name")),
        None => Ok(ident.to_string().trim_start_matches("r#").to_owned()),
    }
}

fn class_of(ty: &Type) -> Option<Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.clone()),
        Type::Group(group) => class_of(&group.elem),
        _ => None,
    }
}
