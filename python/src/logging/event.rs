//! An event on its way from the thread where it happened to a record.

use std::{
    fmt::{Debug, Write as _},
    thread::ThreadId,
    time::{SystemTime, UNIX_EPOCH},
};

use pyo3::{
    prelude::*,
    types::{PyDict, PyTuple},
};
use tracing::field::{Field, Visit};

use super::levels::{CANARY, logger, number};

/// The value of a field.
#[derive(Clone, Debug)]
enum Value {
    Text(String),
    Integer(i128),
    Float(f64),
    Bool(bool),
}

/// The fields of a span or an event, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    /// Adds the fields of another span or event; one with the same name takes the place of the former.
    pub(super) fn extend(&mut self, other: Self) {
        for (name, value) in other.0 {
            self.put(name, value);
        }
    }

    fn put(&mut self, name: &'static str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some(place) => place.1 = value,
            None => self.0.push((name, value)),
        }
    }

    /// The message with the other fields behind it, as `name=value`.
    fn take_line(&mut self) -> String {
        let message = self.0.iter().position(|(name, _)| *name == "message");
        let mut line = match message.map(|place| self.0.remove(place).1) {
            Some(Value::Text(message)) => message,
            other => format!("{other:?}"),
        };
        for (name, value) in &self.0 {
            // Writing to memory cannot fail.
            let _ = match value {
                Value::Text(text) if text.is_empty() || text.contains([' ', '"', '=', '\n']) => {
                    write!(line, " {name}={text:?}")
                }
                Value::Text(text) => write!(line, " {name}={text}"),
                Value::Integer(number) => write!(line, " {name}={number}"),
                Value::Float(number) => write!(line, " {name}={number}"),
                Value::Bool(true) => write!(line, " {name}=true"),
                Value::Bool(false) => write!(line, " {name}=false"),
            };
        }
        line
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (name, value) in &self.0 {
            match value {
                Value::Text(text) => dict.set_item(name, text)?,
                Value::Integer(number) => dict.set_item(name, number)?,
                Value::Float(number) => dict.set_item(name, number)?,
                Value::Bool(is) => dict.set_item(name, is)?,
            }
        }
        Ok(dict)
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), Value::Float(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), Value::Integer(value.into()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), Value::Integer(value.into()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), Value::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), Value::Text(value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field.name(), Value::Text(format!("{value:?}")));
    }
}

/// Something that happened.
#[derive(Debug)]
pub(super) struct Event {
    logger: usize,
    pub(super) level: tracing::Level,
    at: SystemTime,
    line: String,
    fields: Fields,
    target: &'static str,
    place: (&'static str, u32),
    thread: (ThreadId, Option<String>),
}

impl Event {
    /// The event of `own` fields in spans with the fields of `context`.
    pub(super) fn new(
        logger: usize,
        metadata: &tracing::Metadata<'static>,
        mut context: Fields,
        mut own: Fields,
    ) -> Self {
        let line = own.take_line();
        context.extend(own);
        let thread = std::thread::current();
        Self {
            logger,
            level: *metadata.level(),
            at: SystemTime::now(),
            line,
            fields: context,
            target: metadata.target(),
            place: (metadata.file().unwrap_or_default(), metadata.line().unwrap_or_default()),
            thread: (thread.id(), thread.name().map(str::to_owned)),
        }
    }

    /// The event that events were dropped.
    pub(super) fn dropped(count: u64) -> Self {
        let line = format!(
            "{count} events were dropped: the handlers of logging are slower than they come"
        );
        let fields = Fields(vec![("dropped", Value::Integer(count.into()))]);
        let thread = std::thread::current();
        Self {
            logger: CANARY,
            level: tracing::Level::WARN,
            at: SystemTime::now(),
            line,
            fields,
            target: "canary",
            place: (file!(), line!()),
            thread: (thread.id(), None),
        }
    }

    /// The arguments from which `canary._logging` makes a record.
    pub(super) fn arguments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let (number, level) = number(self.level);
        let at = self.at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let (file, line) = self.place;
        let (thread, thread_name) = &self.thread;
        // The record of an event of the thread that makes it has the names of this thread already.
        let elsewhere = *thread != std::thread::current().id();
        let thread = elsewhere.then(|| thread_name.as_deref().unwrap_or("another thread"));
        let (logger, fields) = (logger(py, self.logger), self.fields.to_dict(py)?);
        (logger, number, level, at, &self.line, fields, self.target, file, line, thread)
            .into_pyobject(py)
    }
}
