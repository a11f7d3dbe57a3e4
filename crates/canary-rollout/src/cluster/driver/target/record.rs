//! The object that holds the state: its version, the writes without a response, and the commands of people in it.

use serde_json::Value;

use super::{
    super::listen::{Lines, Listener},
    ATTEMPTS, Write,
};
use crate::{
    Error, Result, State,
    cluster::{Cluster, ObjectRef, Patch},
    json::{annotation, resource_version},
    patch::{Difference, Differences, STATE_ANNOTATION},
};

/// The number of writes without a response that are remembered.
const UNANSWERED: usize = 8;

/// The object that holds the state, as it was last read and written.
pub(super) struct Record {
    pub(super) object: ObjectRef,
    /// The stored state as it was last read or written.
    stored: Option<String>,
    /// The version of the object when it was last read or written.
    version: Option<Value>,
    /// Writes whose response did not come: any of them may be in force.
    unanswered: Vec<Unanswered>,
    /// The commands of people.
    listener: Listener,
}

/// A write whose response did not come.
struct Unanswered {
    /// The state's annotation that it writes.
    text: String,
    state: State,
    /// `true` when it changes weights.
    weights: bool,
}

impl Record {
    pub(super) fn new(object: ObjectRef) -> Self {
        Self {
            object,
            stored: None,
            version: None,
            unanswered: Vec::new(),
            listener: Listener::default(),
        }
    }

    /// Takes over the object as it was read for the first time; gives the stored state.
    pub(super) fn adopt(&mut self, live: &Value) -> Option<String> {
        self.listener.listen(live);
        self.stored = annotation(live, STATE_ANNOTATION).map(str::to_owned);
        self.saw(live);
        self.stored.clone()
    }

    /// Reads the commands in the object.
    pub(super) fn listen(&mut self, live: &Value) {
        self.listener.listen(live);
    }

    /// The earliest commands that were not taken yet.
    pub(super) fn take_commands(&mut self) -> Option<Lines> {
        self.listener.take()
    }

    /// Remembers the version of the object.
    pub(super) fn saw(&mut self, live: &Value) {
        self.version = resource_version(live).cloned();
    }

    /// `true` when an object is the one last read or written.
    pub(super) fn is_known(&self, live: &Value) -> bool {
        self.version.is_some() && self.version.as_ref() == resource_version(live)
    }

    /// `true` when a change of weights has no response yet.
    pub(super) fn awaits_weights(&self) -> bool {
        self.unanswered.iter().any(|write| write.weights)
    }

    /// Remembers a write before it is sent. Unless the response is a success, the write may be in force: a client that
    /// retries after a lost response gets a conflict with its own write, or another refusal.
    fn remember(&mut self, text: &str, state: &State, weights: bool) {
        if self.unanswered.iter().any(|write| write.text == text) {
            return;
        }
        // Only the last few have to be remembered: the state that was read settles the earlier ones.
        self.unanswered.drain(..self.unanswered.len().saturating_sub(UNANSWERED - 1));
        self.unanswered.push(Unanswered { text: text.to_owned(), state: state.clone(), weights });
    }

    /// The object holds this state.
    fn confirmed(&mut self, text: &str, live: &Value) {
        self.stored = Some(text.to_owned());
        self.saw(live);
        self.unanswered.clear();
    }

    /// The object is as it was written after somebody else's edit.
    pub(super) fn settled(&mut self, live: &Value) {
        self.saw(live);
        self.unanswered.clear();
    }

    /// The text and the state of a write without a response that is in force, if it wrote the same change from an earlier
    /// moment, such as the step's weights of an attempt before.
    fn earlier(&self, found: Option<&str>, after: &State) -> Option<(String, State)> {
        let earlier = self.unanswered.iter().find(|write| {
            found == Some(write.text.as_str()) && is_same_change(&write.state, after)
        })?;
        Some((earlier.text.clone(), earlier.state.clone()))
    }

    /// Returns `true` when a stored state is one that this driver wrote, answered or not.
    pub(super) fn is_own(&self, found: Option<&str>) -> bool {
        found == self.stored.as_deref()
            || self.unanswered.iter().any(|write| found == Some(write.text.as_str()))
    }

    /// The state that the object should be at: that of a write which seemed to fail and had succeeded, or the one given.
    pub(super) fn in_force<'s>(&'s self, state: &'s State, live: &Value) -> &'s State {
        let found = annotation(live, STATE_ANNOTATION);
        let unanswered = self.unanswered.iter().find(|write| found == Some(write.text.as_str()));
        unanswered.map_or(state, |write| &write.state)
    }

    /// Writes the object by a patch that stores `after`, as its text, too. A conflict only means that the object must be
    /// read and compared again.
    ///
    /// `edits` gives somebody else's changes of the live object; `weights` is true when the patch moves weights.
    pub(super) async fn write(
        &mut self,
        cluster: &impl Cluster,
        after: &State,
        weights: bool,
        edits: impl Fn(&Self, &Value) -> Differences,
        patch: impl Fn(&Value, &str) -> Result<Patch>,
    ) -> Result<Write> {
        let text = after.encode()?;
        for _ in 0..ATTEMPTS {
            let Some(live) = cluster.get(&self.object).await? else {
                return Ok(Write::Edited(gone(&self.object)));
            };
            self.listener.listen(&live);
            let found = annotation(&live, STATE_ANNOTATION);
            if found == Some(text.as_str()) {
                // An attempt that seemed to fail had succeeded.
                self.confirmed(&text, &live);
                return Ok(Write::Done);
            }
            let edits = edits(self, &live);
            if !edits.is_empty() {
                return Ok(Write::Edited(edits));
            }
            if let Some((text, state)) = self.earlier(found, after) {
                self.confirmed(&text, &live);
                return Ok(if weights { Write::Adopted(Box::new(state)) } else { Write::Earlier });
            }
            let patch = patch(&live, &text)?;
            self.remember(&text, after, weights);
            match cluster.patch(&self.object, &patch).await {
                Ok(written) => {
                    let version = resource_version(&written).and_then(Value::as_str);
                    tracing::debug!(object = %self.object, weights, resource_version = version, "object written");
                    self.confirmed(&text, &written);
                    return Ok(Write::Done);
                }
                Err(Error::Conflict { .. } | Error::NotFound { .. }) => {
                    tracing::debug!(object = %self.object, "conflict");
                }
                Err(error) => return Err(error),
            }
        }
        Err(changes_too_fast(&self.object))
    }

    /// The difference of a state in the object that no write of this driver stored.
    pub(super) fn foreign_state(&self, live: &Value) -> Option<Difference> {
        let found = annotation(live, STATE_ANNOTATION);
        (!self.is_own(found)).then(|| Difference {
            path: format!("metadata.annotations[{STATE_ANNOTATION}]"),
            expected: "the state that this driver wrote".to_owned(),
            found: found.map_or("none", |_| "the state of another driver").to_owned(),
            by: None,
        })
    }
}

/// Returns `true` when two states are of the same change of the rollout, perhaps at different moments.
pub(super) fn is_same_change(one: &State, other: &State) -> bool {
    one.phase() == other.phase() && one.split() == other.split() && one.step() == other.step()
}

/// The difference of an object that somebody has deleted.
pub(super) fn gone(object: &ObjectRef) -> Differences {
    Differences(vec![Difference {
        path: "metadata.name".to_owned(),
        expected: object.to_string(),
        found: "no such object".to_owned(),
        by: None,
    }])
}

/// The error of an object that somebody keeps changing.
pub(super) fn changes_too_fast(object: &ObjectRef) -> Error {
    Error::Cluster {
        action: format!("writing {object}"),
        reason: "it changes faster than it can be read; try again once its changes have stopped"
            .to_owned(),
        retryable: true,
        source: None,
    }
}
