//! CORS filters.

use super::{forms, limits};
use crate::{gateway_api::Cors, path::Path, validate::sink::Sink};

const METHODS: [&str; 10] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "*"];

pub(super) fn check(cors: &Cors, path: &Path<'_>, sink: &mut Sink<'_>) {
    let lists = [
        ("allowOrigins", &cors.allow_origins, 64, true),
        ("allowMethods", &cors.allow_methods, 9, true),
        ("allowHeaders", &cors.allow_headers, 64, true),
        ("exposeHeaders", &cors.expose_headers, 64, false),
    ];
    for (field, list, most, alone) in lists {
        let path = path.field(field);
        let entries = list.as_deref().unwrap_or_default();
        limits::entries(entries.len(), 0..=most, &path, sink);
        limits::distinct(entries, &path, sink);
        if alone && entries.len() > 1 && entries.iter().any(|entry| entry == "*") {
            sink.error("G116", &path, "the list has other entries besides `*`, which covers them")
                .found(entries)
                .help("keep `*` alone, or remove it");
        }
        match field {
            "allowOrigins" => forms::each(list.as_ref(), &forms::ORIGIN, &path, sink),
            "allowMethods" => methods(entries, &path, sink),
            _ => forms::each(list.as_ref(), &forms::HEADER_NAME, &path, sink),
        }
    }
    if let Some(seconds) = cors.max_age {
        limits::number(seconds, 1..=i64::MAX, &path.field("maxAge"), sink);
    }
}

fn methods(methods: &[String], path: &Path<'_>, sink: &mut Sink<'_>) {
    for (index, method) in methods.iter().enumerate() {
        if !METHODS.contains(&method.as_str()) {
            sink.error("G209", &path.index(index), "not a method that CORS filters have")
                .found(method)
                .help(format!("write one of {}", METHODS.join(", ")));
        }
    }
}
