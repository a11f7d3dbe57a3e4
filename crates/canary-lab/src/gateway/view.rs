//! A request of hyper's as the routing code reads it.

use std::borrow::Cow;

use canary_core::route::RequestView;
use hyper::{header::HOST, http::request::Parts};

/// The parts of a request that the decision depends on.
#[derive(Clone, Debug)]
pub(crate) struct View<'a> {
    pub(crate) head: &'a Parts,
    pub(crate) path: &'a str,
    pub(crate) authority: &'a str,
    pub(crate) port: u16,
    pub(crate) random: u64,
}

impl<'a> View<'a> {
    pub(crate) fn new(head: &'a Parts, port: u16, random: u64) -> Self {
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
        let authority = head.uri.authority().map(hyper::http::uri::Authority::as_str);
        Self { head, path, authority: authority.or(host).unwrap_or_default(), port, random }
    }
}

impl RequestView for View<'_> {
    fn method(&self) -> &str {
        self.head.method.as_str()
    }

    fn scheme(&self) -> &'static str {
        "http"
    }

    fn authority(&self) -> &str {
        self.authority
    }

    fn path(&self) -> &str {
        self.path
    }

    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut values = self.head.headers.get_all(name).iter();
        let first = String::from_utf8_lossy(values.next()?.as_bytes());
        let mut joined = first;
        for value in values {
            let text = joined.to_mut();
            text.push(',');
            text.push_str(&String::from_utf8_lossy(value.as_bytes()));
        }
        Some(joined)
    }

    fn random(&self) -> u64 {
        self.random
    }

    fn port(&self) -> Option<u16> {
        Some(self.port)
    }
}
