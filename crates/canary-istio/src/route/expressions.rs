//! The compiled expressions of a mesh: each is compiled once, and their total size is bounded.

use std::{collections::HashMap, sync::Arc};

use regex_automata::meta::Regex;

use crate::validate::re2;

/// The memory that the expressions of one mesh may take together, in bytes.
const LIMIT: usize = 96 << 20;

/// The use of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Sort {
    FullMatch,
    Search,
}

/// Expressions by their text, so that equal ones are compiled once.
#[derive(Debug, Default)]
pub(super) struct Expressions {
    known: HashMap<(Sort, Box<str>), Result<Arc<Regex>, String>>,
    /// The bytes that they take.
    taken: usize,
}

impl Expressions {
    /// Compiles an expression that has to match the whole of a text; the error says what is wrong with it.
    pub(super) fn full_match(&mut self, pattern: &str) -> Result<Arc<Regex>, String> {
        self.compile(Sort::FullMatch, pattern)
    }

    /// Compiles an expression that is looked for within a text.
    pub(super) fn search(&mut self, pattern: &str) -> Result<Arc<Regex>, String> {
        self.compile(Sort::Search, pattern)
    }

    fn compile(&mut self, sort: Sort, pattern: &str) -> Result<Arc<Regex>, String> {
        let key = (sort, Box::from(pattern));
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        if self.taken > LIMIT {
            return Err(format!(
                "the expressions before this one take more than {} MiB together; \
                 write fewer, or without large counts of repetition",
                LIMIT >> 20
            ));
        }
        let compiled = match sort {
            Sort::FullMatch => re2::full_match(pattern),
            Sort::Search => re2::search(pattern),
        };
        // An expression that is too large used the memory before it was refused.
        self.taken += match &compiled {
            Ok(regex) => regex.memory_usage(),
            Err(error) if error.is_too_large() => re2::SIZE_LIMIT,
            Err(_) => 0,
        };
        let compiled = compiled.map(Arc::new).map_err(|error| error.to_string());
        self.known.insert(key, compiled.clone());
        compiled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_expressions_share_one_automaton() {
        let mut expressions = Expressions::default();
        let first = expressions.full_match("/v[0-9]+/.*").unwrap();
        let taken = expressions.taken;
        assert!(Arc::ptr_eq(&first, &expressions.full_match("/v[0-9]+/.*").unwrap()));
        assert!(taken > 0 && expressions.taken == taken);
        assert!(first.is_match("/v12/a") && !first.is_match("/a/v12/a"));
    }

    #[test]
    fn expressions_together_have_a_limit() {
        let mut expressions = Expressions { taken: LIMIT + 1, ..Expressions::default() };
        let error = expressions.full_match("a+").unwrap_err();
        assert!(error.contains("more than 96 MiB together"), "{error}");
    }

    #[test]
    fn those_that_are_too_large_count_too() {
        let mut expressions = Expressions::default();
        for number in 0..4 {
            expressions.search(&format!("{number}\\pL{{900}}\\pL{{900}}")).unwrap_err();
        }
        assert!(expressions.search("a").unwrap_err().contains("together"));
    }

    #[test]
    fn the_memory_of_an_expression_counts() {
        let mut expressions = Expressions::default();
        expressions.full_match("\\pL{20}").unwrap();
        let large = expressions.taken;
        expressions.full_match("a").unwrap();
        let small = expressions.taken - large;
        assert!(large > 50 * small, "{large} {small}");
    }
}
