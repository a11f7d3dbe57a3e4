//! The last changes, for watches that continue from a version.

use std::collections::VecDeque;

use serde_json::Value;

use super::change::Change;

/// The number of changes that are remembered.
const MAX_REMEMBERED: usize = 256;

/// The last changes, each with the version that it made.
#[derive(Debug)]
pub(super) struct Recent {
    /// Changes up to this version are forgotten.
    forgotten: u64,
    changes: VecDeque<(u64, Change, Value)>,
}

impl Recent {
    /// Remembers changes after this version.
    pub(super) fn new(version: u64) -> Self {
        Self { forgotten: version, changes: VecDeque::new() }
    }

    pub(super) fn remember(&mut self, change: Change, object: &Value) {
        let version = object["metadata"]["resourceVersion"].as_str();
        let Some(version) = version.and_then(|text| text.parse().ok()) else { return };
        if self.changes.len() == MAX_REMEMBERED
            && let Some((oldest, ..)) = self.changes.pop_front()
        {
            self.forgotten = oldest;
        }
        self.changes.push_back((version, change, object.clone()));
    }

    /// The changes after a version; `None` when some of them are forgotten.
    pub(super) fn after(&self, version: u64) -> Option<Vec<(Change, Value)>> {
        let later = self.changes.iter().filter(|(made, ..)| *made > version);
        (version >= self.forgotten)
            .then(|| later.map(|(_, change, object)| (*change, object.clone())).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn forgotten_changes_are_not_passed_over() {
        let mut recent = Recent::new(10);
        assert_eq!(recent.after(9), None);
        assert_eq!(recent.after(10), Some(Vec::new()));
        for version in 11..=11 + MAX_REMEMBERED {
            let object = json!({"metadata": {"resourceVersion": version.to_string()}});
            recent.remember(Change::Applied, &object);
        }
        assert_eq!(recent.after(10), None, "the change to 11 is forgotten");
        assert_eq!(recent.after(11).map(|later| later.len()), Some(MAX_REMEMBERED));
        assert_eq!(recent.after(500), Some(Vec::new()));
    }
}
