//! Every code that a finding of this library can have, with its meaning and its remedy.
//!
//! A code has one meaning, in whichever crate it is given. The tables of the documentation are made from this list.
//!
//! ```
//! use canary_core::finding::catalogue::{CATALOGUE, find};
//!
//! let rule = find("V073").unwrap();
//! assert_eq!(rule.text, "a weight is 0 or more; before Istio 1.15, 100 at most");
//! assert!(CATALOGUE.iter().all(|rule| !rule.remedy.is_empty()));
//! ```

macro_rules! rules {
    ($area:ident, $source:ident;
     $($code:ident $severity:ident $(or $lesser:ident)?: $text:literal, $remedy:literal;)*) => {
        &[$(Rule {
            code: stringify!($code),
            severity: Severity::$severity,
            lesser: rules!(@ $($lesser)?),
            source: Source::$source,
            area: Area::$area,
            text: $text,
            remedy: $remedy,
        }),*]
    };
    (@) => { None };
    (@ $lesser:ident) => { Some(Severity::$lesser) };
}

mod admission;
mod between;
mod gateway_api;
mod others;
mod own;
mod plan;

use std::fmt;

use super::Severity;

/// The author of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// Istio: its admission webhook or its analyzers.
    Istio,
    /// The API server, by the schema of the `CustomResourceDefinition` or by Kubernetes' own rules.
    ApiServer,
    /// This library.
    Canary,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Istio => "Istio",
            Self::ApiServer => "API server",
            Self::Canary => "canary",
        })
    }
}

/// The part of the library that gives a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Area {
    /// [`validate`](crate::validate): the rules of one object.
    Object,
    /// [`analyze`](crate::analyze): the rules across objects.
    Objects,
    /// [`route`](crate::route): routes that Envoy would refuse.
    Routing,
    /// [`manifest`](crate::manifest): text that is read.
    Reading,
    /// The plan of a rollout.
    Plan,
    /// A workload of a model server.
    Workload,
    /// The inputs of a prediction, compared with the model's signature.
    Prediction,
    /// The answers of the API server.
    Cluster,
}

/// A code with its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Rule {
    /// The stable code: `V…` for the webhook's rules, `IST…` for those that Istio's analyzers number, `S…` for the
    /// API server's schema, `G…` for its schema and rules of the Gateway API, `K…` for its answers, `C…` for ours.
    pub code: &'static str,
    /// The severity of a breach; the highest one if there are several.
    pub severity: Severity,
    /// A lower severity, if a part of the rule only warns.
    pub lesser: Option<Severity>,
    /// The author of the rule.
    pub source: Source,
    /// The part of the library that gives it.
    pub area: Area,
    /// The requirement of the rule; for codes outside [`Area::Object`], the finding itself.
    pub text: &'static str,
    /// The way to comply.
    pub remedy: &'static str,
}

impl Rule {
    /// Returns true when findings of this code can have `severity`.
    pub fn has(&self, severity: Severity) -> bool {
        self.severity == severity || self.lesser == Some(severity)
    }
}

const TABLES: [&[Rule]; 6] =
    [admission::RULES, own::RULES, between::RULES, gateway_api::RULES, others::RULES, plan::RULES];

/// The number of rows of several tables.
const fn count(tables: &[&[Rule]]) -> usize {
    let mut count = 0;
    let mut table = 0;
    while table < tables.len() {
        count += tables[table].len();
        table += 1;
    }
    count
}

/// The rows of several tables, `N` in all, in one.
const fn joined<const N: usize>(tables: &[&[Rule]]) -> [Rule; N] {
    let mut all = [tables[0][0]; N];
    let (mut table, mut at) = (0, 0);
    while table < tables.len() {
        let mut row = 0;
        while row < tables[table].len() {
            all[at] = tables[table][row];
            at += 1;
            row += 1;
        }
        table += 1;
    }
    all
}

/// Every code, each once, table by table.
pub const CATALOGUE: &[Rule] = &joined::<{ count(&TABLES) }>(&TABLES);

/// The rule of a code.
pub fn find(code: &str) -> Option<&'static Rule> {
    CATALOGUE.iter().find(|rule| rule.code == code)
}

#[cfg(test)]
mod tests;
