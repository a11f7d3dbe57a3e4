//! The client of TensorFlow Serving: requests, answers, repeats, errors.
//!
//! [`Client`] is the type to begin with. An [`Input`] is what a model is asked with, an [`Answer`] what it said.

mod address;
mod answer;
mod call;
mod client;
mod examples;
mod failure;
mod http;
mod input;
mod many;
mod metadata;
mod request;
mod response;
mod retry;
mod status;
mod top;

pub use address::ModelVersion;
pub use answer::Answer;
pub use client::{Client, Prepared};
pub use examples::{Example, Examples, Feature};
pub use input::{Input, Value};
pub use many::Answers;
pub use metadata::{Metadata, Signature, TensorInfo};
pub use request::{Form, write_predict};
pub use retry::Retry;
pub use status::{ModelStatus, State, VersionStatus, Waiting};
