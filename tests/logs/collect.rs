//! A subscriber that collects everything, of every crate at every level.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Mutex, OnceLock},
};

use tokio::sync::MutexGuard;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer, Registry,
    layer::{Context, SubscriberExt},
    registry::{LookupSpan, Scope},
    util::SubscriberInitExt,
};

/// The fields of a span or an event, as text.
pub(crate) type Fields = BTreeMap<&'static str, String>;

/// A span or an event.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) is_span: bool,
    pub(crate) level: Level,
    pub(crate) target: String,
    /// The message of an event, or the name of a span.
    pub(crate) message: String,
    pub(crate) fields: Fields,
    /// The spans around an event, from the outermost on, with their fields.
    pub(crate) around: Vec<(&'static str, Fields)>,
}

static SEEN: Mutex<Vec<Seen>> = Mutex::new(Vec::new());

/// The events until this is dropped; one test after the other.
pub(crate) struct Recording(MutexGuard<'static, ()>);

/// Begins to record.
pub(crate) async fn record() -> Recording {
    static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    static INSTALLED: OnceLock<()> = OnceLock::new();
    let alone = ONE.lock().await;
    INSTALLED.get_or_init(|| Registry::default().with(Collector).init());
    SEEN.lock().unwrap().clear();
    Recording(alone)
}

impl Recording {
    /// Everything so far, and of every crate.
    pub(crate) fn all(&self) -> Vec<Seen> {
        let Self(_alone) = self;
        SEEN.lock().unwrap().clone()
    }

    /// The events of this project's crates so far.
    pub(crate) fn ours(&self) -> Vec<Seen> {
        self.all().into_iter().filter(|seen| seen.target.starts_with("canary_")).collect()
    }

    /// The events with this message.
    pub(crate) fn events(&self, message: &str) -> Vec<Seen> {
        let is = |seen: &Seen| !seen.is_span && seen.message == message;
        self.ours().into_iter().filter(is).collect()
    }
}

struct Collector;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Collector {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Text::default();
        attributes.record(&mut fields);
        let metadata = attributes.metadata();
        let seen = Seen {
            is_span: true,
            level: *metadata.level(),
            target: metadata.target().to_owned(),
            message: metadata.name().to_owned(),
            fields: fields.0.clone(),
            around: Vec::new(),
        };
        context.span(id).unwrap().extensions_mut().insert(fields);
        SEEN.lock().unwrap().push(seen);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        values.record(span.extensions_mut().get_mut::<Text>().unwrap());
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Text::default();
        event.record(&mut fields);
        let around = context.event_scope(event).into_iter().flat_map(Scope::from_root);
        let around = around.map(|span| {
            let fields = span.extensions().get::<Text>().unwrap().0.clone();
            (span.name(), fields)
        });
        let metadata = event.metadata();
        let seen = Seen {
            is_span: false,
            level: *metadata.level(),
            target: metadata.target().to_owned(),
            message: fields.0.remove("message").unwrap_or_default(),
            fields: fields.0,
            around: around.collect(),
        };
        SEEN.lock().unwrap().push(seen);
    }
}

#[derive(Default)]
struct Text(Fields);

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}
