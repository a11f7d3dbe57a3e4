//! Commands of people from the annotation, in the order in which they were given.

use std::collections::VecDeque;

use serde_json::Value;

use crate::{
    COMMAND_ANNOTATION, Command, CommandLine, CommandOutcome,
    evidence::Timestamp,
    json::{annotation, list, resource_version, text},
};

/// The lines of one annotation.
pub(super) type Lines = Vec<CommandLine>;

/// Collects the commands from every object that is read or watched.
#[derive(Debug, Default)]
pub(super) struct Listener {
    /// The annotation as it was read last.
    last: Option<String>,
    /// The newest version of the object that was read, where versions are numbers.
    newest: Option<u128>,
    waiting: VecDeque<Lines>,
}

impl Listener {
    /// Reads the annotation of an object, unless it is the one read last.
    ///
    /// A watch may report a change after a later read has shown the next one: the earlier commands are then recorded,
    /// but not carried out.
    pub(super) fn listen(&mut self, live: &Value) {
        let version = resource_version(live).and_then(Value::as_str);
        let version = version.and_then(|version| version.parse().ok());
        let old = self.newest.zip(version).is_some_and(|(newest, version)| version < newest);
        let found = annotation(live, COMMAND_ANNOTATION);
        if !old {
            self.newest = version.or(self.newest);
            if found == self.last.as_deref() {
                return;
            }
            self.last = found.map(str::to_owned);
        }
        let Some(found) = found else { return };
        let mut lines = Command::read_all(found);
        sign(&mut lines, live);
        if old {
            for line in &mut lines {
                if let CommandLine::Given(command) = line {
                    let at = command.at.unwrap_or(Timestamp(0));
                    *line = CommandLine::Refused(command.record(at, CommandOutcome::Superseded));
                }
            }
        }
        self.waiting.push_back(lines);
    }

    /// The earliest lines that were not taken yet.
    pub(super) fn take(&mut self) -> Option<Lines> {
        self.waiting.pop_front()
    }
}

/// Completes the last line, where it does not name its author and its time, by those of the annotation's field manager.
fn sign(lines: &mut Lines, live: &Value) {
    let owns = |entry: &&Value| {
        entry
            .pointer("/fieldsV1/f:metadata/f:annotations")
            .is_some_and(|owned| owned.get(format!("f:{COMMAND_ANNOTATION}")).is_some())
    };
    let Some(entry) = list(live, "/metadata/managedFields").iter().find(owns) else { return };
    let at = text(entry, "/time").parse::<jiff::Timestamp>().ok();
    let at = at.map(|at| Timestamp(u64::try_from(at.as_millisecond()).unwrap_or(0)));
    match lines.last_mut() {
        Some(CommandLine::Given(command)) => {
            if command.by.is_empty() {
                *command = command.clone().by(text(entry, "/manager"));
            }
            command.at = command.at.or(at);
        }
        Some(CommandLine::Refused(record)) => {
            if record.by.is_empty() {
                text(entry, "/manager").clone_into(&mut record.by);
            }
            if let (0, Some(at)) = (record.at.0, at) {
                record.at = at;
            }
        }
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(version: &str, command: Option<&str>) -> Value {
        let annotations = command.map(|command| json!({COMMAND_ANNOTATION: command}));
        json!({"metadata": {
            "resourceVersion": version, "annotations": annotations,
            "managedFields": [
                {"manager": "istioctl", "fieldsV1": {"f:spec": {}}},
                {"manager": "kubectl-annotate", "time": "2026-11-29T15:00:00Z", "fieldsV1":
                    {"f:metadata": {"f:annotations": {format!("f:{COMMAND_ANNOTATION}"): {}}}}},
            ],
        }})
    }

    #[test]
    fn a_line_without_a_name_is_the_field_managers() {
        let mut listener = Listener::default();
        listener.listen(&object("1", Some("pause 1 by=alice\nresume 2")));
        let lines = listener.take().unwrap();
        let [CommandLine::Given(first), CommandLine::Given(last)] = &lines[..] else {
            panic!("{lines:?}")
        };
        assert_eq!((first.by.as_str(), first.at), ("alice", None));
        assert_eq!(
            (last.by.as_str(), last.at),
            ("kubectl-annotate", Some(Timestamp(1_795_964_400_000)))
        );
        listener.listen(&object("2", Some("pause 1 by=alice\nresume 2")));
        assert!(listener.take().is_none(), "it was read before");
    }

    #[test]
    fn an_earlier_annotation_that_is_shown_later_is_superseded() {
        let mut listener = Listener::default();
        listener.listen(&object("12", Some("resume 2")));
        listener.listen(&object("9", Some("pause 1")));
        listener.listen(&object("13", None));
        assert!(matches!(listener.take().unwrap()[..], [CommandLine::Given(_)]));
        let lines = listener.take().unwrap();
        let [CommandLine::Refused(record)] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!((record.nonce.as_str(), &record.outcome), ("1", &CommandOutcome::Superseded));
        assert!(listener.take().is_none());
    }
}
