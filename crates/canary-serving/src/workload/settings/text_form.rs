//! Protobuf's text form of the files, by their definitions.
//!
//! Source: <https://protobuf.dev/reference/protobuf/textformat-spec/>.

use std::sync::OnceLock;

use canary_proto::{SETTINGS, prost::Message};
use miette::Diagnostic;
use prost_reflect::{
    DescriptorPool, DynamicMessage, MessageDescriptor, text_format::FormatOptions,
};

use crate::{Error, Result};

/// The definition of a message of TensorFlow Serving.
fn definition(what: &str, name: &str) -> Result<MessageDescriptor> {
    static POOL: OnceLock<Option<DescriptorPool>> = OnceLock::new();
    let pool = POOL.get_or_init(|| DescriptorPool::decode(SETTINGS).ok());
    let name = format!("tensorflow.serving.{name}");
    let found = pool.as_ref().and_then(|pool| pool.get_message_by_name(&name));
    found.ok_or_else(|| Error::manifest(what, format!("the definition of {name} is missing")))
}

/// Reads a file that has the fields of `name`; `what` names it in messages.
pub(super) fn read<M: Message + Default>(what: &str, name: &str, text: &str) -> Result<M> {
    let definition = definition(what, name)?;
    let unreadable = |place: &str, error: &dyn std::error::Error| {
        let reason = format!(
            "is not the text form of a {name}: {place}{error}; the server would not start with it"
        );
        Error::manifest(what, reason)
    };
    let message = DynamicMessage::parse_text_format(definition, text)
        .map_err(|error| unreadable(&place(text, &error), &error))?;
    message.transcode_to().map_err(|error| unreadable("", &error))
}

/// Line and column of a mistake.
fn place(text: &str, error: &dyn Diagnostic) -> String {
    let label = error.labels().and_then(|mut labels| labels.next());
    let Some(before) = label.and_then(|label| text.get(..label.offset())) else {
        return String::new();
    };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("line {line}, column {column}: ")
}

/// Writes a message with a field a line; empty for one that has none.
pub(super) fn write<M: Message>(name: &str, message: &M) -> String {
    let options = FormatOptions::new().pretty(true);
    let written = definition(name, name).ok().and_then(|definition| {
        let mut dynamic = DynamicMessage::new(definition);
        dynamic.transcode_from(message).ok()?;
        Some(dynamic.to_text_format_with_options(&options))
    });
    let mut text = written.unwrap_or_default();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}
