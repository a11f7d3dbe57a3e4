//! The compiled expressions of a mesh: each once, and together within bounds.

use std::{collections::HashMap, sync::Arc};

use regex_automata::meta::Regex;

use crate::validate::re2;

/// The memory that the expressions of one mesh may take together, in bytes.
const LIMIT: usize = 96 << 20;

/// Expressions by their text, so that equal ones are compiled once.
#[derive(Debug, Default)]
pub(super) struct Expressions {
    known: HashMap<Box<str>, Result<Arc<Regex>, String>>,
    /// The bytes that they take.
    taken: usize,
}

impl Expressions {
    /// Compiles an expression for a full match; the error says what is wrong with it.
    pub(super) fn compile(&mut self, pattern: &str) -> Result<Arc<Regex>, String> {
        if let Some(known) = self.known.get(pattern) {
            return known.clone();
        }
        if self.taken > LIMIT {
            return Err(format!(
                "the expressions before this one take more than {} MiB together; \
                 write fewer, or without large counts of repetition",
                LIMIT >> 20
            ));
        }
        let compiled = re2::full_match(pattern).map(Arc::new).map_err(|error| error.to_string());
        self.taken += compiled.as_ref().map_or(0, |regex| regex.memory_usage());
        self.known.insert(pattern.into(), compiled.clone());
        compiled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_expressions_share_one_automaton() {
        let mut expressions = Expressions::default();
        let first = expressions.compile("/v[0-9]+/.*").unwrap();
        let taken = expressions.taken;
        assert!(Arc::ptr_eq(&first, &expressions.compile("/v[0-9]+/.*").unwrap()));
        assert!(taken > 0 && expressions.taken == taken);
        assert!(first.is_match("/v12/a") && !first.is_match("/a/v12/a"));
    }

    #[test]
    fn expressions_together_have_a_limit() {
        let mut expressions = Expressions { taken: LIMIT + 1, ..Expressions::default() };
        let error = expressions.compile("a+").unwrap_err();
        assert!(error.contains("more than 96 MiB together"), "{error}");
    }

    #[test]
    fn the_memory_of_an_expression_counts() {
        let mut expressions = Expressions::default();
        expressions.compile("\\pL{20}").unwrap();
        let large = expressions.taken;
        expressions.compile("a").unwrap();
        let small = expressions.taken - large;
        assert!(large > 50 * small, "{large} {small}");
    }
}
