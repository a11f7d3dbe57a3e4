//! Watchers of changes. A watcher is added under the store's lock, so that it misses none.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use canary_core::{
    cluster::{ObjectRef, WatchEvent},
    rollout::Result,
};
use futures_core::Stream;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{
    change::Change,
    stored::{Key, shown},
};

/// Every change of every object, in order.
pub(crate) type AllChanges = UnboundedReceiver<(Change, Value)>;

#[derive(Debug, Default)]
pub(super) struct Watchers {
    one: Vec<(ObjectRef, UnboundedSender<WatchEvent>)>,
    all: Vec<UnboundedSender<(Change, Value)>>,
    #[cfg(feature = "api")]
    recent: Option<super::recent::Recent>,
}

impl Watchers {
    pub(super) fn tell(&mut self, change: Change, object: &Value) {
        #[cfg(feature = "api")]
        if let Some(recent) = &mut self.recent {
            recent.remember(change, object);
        }
        self.all.retain(|watcher| watcher.send((change, object.clone())).is_ok());
        let Ok(reference) = ObjectRef::of(object) else { return };
        let key = Key::of(&reference);
        self.one.retain(|(wanted, watcher)| {
            if Key::of(wanted) != key {
                return !watcher.is_closed();
            }
            let object = shown(object, &wanted.api_version);
            let event = match change {
                Change::Created | Change::Applied => WatchEvent::Applied(object),
                Change::Deleted => WatchEvent::Deleted(object),
            };
            watcher.send(event).is_ok()
        });
    }

    /// Remembers the changes after a version, from now on.
    #[cfg(feature = "api")]
    pub(super) fn remember_after(&mut self, version: u64) {
        self.recent.get_or_insert_with(|| super::recent::Recent::new(version));
    }

    /// The changes after a version; `None` when some of them are forgotten.
    #[cfg(feature = "api")]
    pub(super) fn changes_after(&self, version: u64) -> Option<Vec<(Change, Value)>> {
        self.recent.as_ref()?.after(version)
    }

    pub(super) fn add_all(&mut self) -> AllChanges {
        let (sender, receiver) = unbounded_channel();
        self.all.push(sender);
        receiver
    }

    /// Watches one object, which is `now` at this moment.
    pub(super) fn add(&mut self, object: ObjectRef, now: Option<Value>) -> Watch {
        let (sender, receiver) = unbounded_channel();
        if let Some(now) = now {
            // This cannot fail while the receiver exists.
            let _ = sender.send(WatchEvent::Applied(shown(&now, &object.api_version)));
        }
        self.one.push((object, sender));
        Watch(receiver)
    }
}

/// The changes of one object; it ends when the store is gone.
#[derive(Debug)]
pub(super) struct Watch(UnboundedReceiver<WatchEvent>);

impl Stream for Watch {
    type Item = Result<WatchEvent>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}
