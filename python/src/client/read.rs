//! One request: its input and its headers.

use std::collections::BTreeMap;

use canary_core::predict::{Client, Input};
use pyo3::prelude::*;

use crate::input;

/// The largest file that an answer keeps for its thumbnail.
const KEPT_IMAGE: usize = 256 << 10;

/// Elements from which on a request takes milliseconds to be written, during which no signal would be answered.
const LARGE: usize = 1 << 20;

/// The input of a request, in memory of its own.
pub(super) struct Request {
    pub(super) input: Input<'static>,
    /// The file of which the answer shows a thumbnail.
    pub(super) image: Option<Vec<u8>>,
}

impl Request {
    pub(super) fn read(image: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(match input::file(image)? {
            Some(file) => {
                let image = (file.len() <= KEPT_IMAGE).then(|| file.clone());
                Self { input: file.into(), image }
            }
            None => Self { input: input::read(image)?, image: None },
        })
    }

    /// Returns `true` when writing the request takes milliseconds.
    pub(super) fn is_large(&self) -> bool {
        self.input.elements() > LARGE
    }
}

/// The client with these headers beside its own.
pub(super) fn with_headers(client: &Client, headers: Option<BTreeMap<String, String>>) -> Client {
    headers
        .into_iter()
        .flatten()
        .fold(client.clone(), |client, (name, value)| client.header(name, value))
}
