//! The state of reading one object: its mode, findings and omissions.

use std::cell::{Cell, RefCell};

use super::tree::{Mark, Node};
use crate::Finding;

/// The mode in which one object is read, and the findings so far.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// True when unknown fields, quoted numbers and numbered enums are accepted.
    lenient: bool,
    /// Findings that did not stop the reading.
    pub(super) findings: RefCell<Vec<Finding>>,
    /// The nodes that could not be read and are left out.
    left_out: RefCell<Vec<usize>>,
    /// True when anything is left out, so that the list is searched only if needed.
    any_left_out: Cell<bool>,
    /// A node that is read as if it stood in quotes.
    quoted: Option<usize>,
}

impl Notes {
    pub(super) fn new(lenient: bool) -> Self {
        Self { lenient, ..Self::default() }
    }

    pub(super) fn leave_out(&self, node: usize) {
        self.left_out.borrow_mut().push(node);
        self.any_left_out.set(true);
    }

    /// The same mode, with one node that is read as if it were quoted.
    pub(super) fn with_quotes(&self, node: usize) -> Self {
        let mut left_out = self.left_out.borrow().clone();
        left_out.retain(|other| *other != node);
        let any_left_out = Cell::new(!left_out.is_empty());
        Self {
            lenient: self.lenient,
            findings: RefCell::default(),
            left_out: RefCell::new(left_out),
            any_left_out,
            quoted: Some(node),
        }
    }

    /// True when unknown fields, quoted numbers and numbered enums are accepted.
    pub(super) fn is_lenient(&self) -> bool {
        self.lenient
    }

    /// Returns true for a node that is read as if it stood in quotes.
    pub(super) fn is_quoted(&self, node: &Node<'_>) -> bool {
        self.quoted == Some(node.id())
    }

    pub(super) fn is_left_out(&self, node: &Node<'_>) -> bool {
        self.any_left_out.get() && self.left_out.borrow().contains(&node.id())
    }

    pub(super) fn note(&self, finding: Finding, at: Mark) {
        self.findings.borrow_mut().push(place(finding, at));
    }
}

/// Records a place, when it is known.
pub(super) fn place(finding: Finding, at: Mark) -> Finding {
    if at.line == 0 { finding } else { finding.at(at.line, at.column) }
}
