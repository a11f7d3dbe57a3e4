//! Somebody else's changes: field by field, expected and found.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    super::plan::{HeaderRoute, Percent, RuleSelector, Rules, Split},
    gitops::GitOps,
    header_route::has_header_route,
    locate::look,
    located::Located,
    mirror::Mirrors,
    ownership::{Author, author},
    route_of::RouteOf,
    sticky,
};
use crate::json::list;

/// One field that is not as it was last written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The place, such as `spec.http[1].route[0].weight`.
    pub path: String,
    /// The value last written or seen there.
    pub expected: String,
    /// The value there now.
    pub found: String,
    /// The field manager that owns the field now, where the object records it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Author>,
}

/// Every field that is not as it was last written.
///
/// ```
/// use canary_core::rollout::patch::{Author, Difference, Differences};
///
/// let weight = Difference {
///     path: "spec.http[0].route[1].weight".into(),
///     expected: "30".into(),
///     found: "50".into(),
///     by: Some(Author { manager: "kubectl-edit".into(), at: None }),
/// };
/// assert_eq!(
///     Differences(vec![weight]).to_string(),
///     "spec.http[0].route[1].weight: expected 30, found 50 (written by kubectl-edit)"
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Differences(pub Vec<Difference>);

impl Differences {
    /// Returns `true` when everything is as it was last written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn push(
        &mut self,
        path: impl Into<String>,
        expected: &(impl ToString + ?Sized),
        found: &(impl ToString + ?Sized),
    ) {
        self.0.push(Difference {
            path: path.into(),
            expected: expected.to_string(),
            found: found.to_string(),
            by: None,
        });
    }

    /// Names the manager of each field by the object's `metadata.managedFields`.
    pub(crate) fn signed(mut self, object: &Value) -> Self {
        for difference in &mut self.0 {
            difference.by = author(object, &difference.path);
        }
        self
    }

    /// The tool of [`GitOps`] that wrote one of the fields.
    ///
    /// ```
    /// use canary_core::rollout::patch::{Author, Difference, Differences, GitOps};
    ///
    /// let weight = Difference {
    ///     path: "spec.http[0].route[1].weight".into(),
    ///     expected: "30".into(),
    ///     found: "0".into(),
    ///     by: Some(Author { manager: "argocd-controller".into(), at: None }),
    /// };
    /// assert_eq!(Differences(vec![weight]).gitops(), Some(GitOps::ArgoCd));
    /// ```
    pub fn gitops(&self) -> Option<GitOps> {
        self.0.iter().find_map(|Difference { by, .. }| GitOps::of_manager(&by.as_ref()?.manager))
    }
}

impl std::fmt::Display for Differences {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, Difference { path, expected, found, by }) in self.0.iter().enumerate() {
            let separator = if index > 0 { "; " } else { "" };
            write!(f, "{separator}{path}: expected {expected}, found {found}")?;
            if let Some(by) = by {
                write!(f, " (written by {by})")?;
            }
        }
        Ok(())
    }
}

/// Returns somebody else's changes since `expected` was written; empty when the weights are as they were.
///
/// Compared are the weights and the mirrors of the plan's rules, the cookie of sticky users, and the header route when
/// `header_route` says that it was created. Other rules and other fields do not concern the rollout.
pub fn differences<'p>(
    of: impl Into<RouteOf<'p>>,
    live: &Value,
    expected: Split,
    header_route: bool,
) -> Differences {
    let of = of.into();
    let mut differences = Differences::default();
    match look(of, live) {
        Err(error) => {
            let wanted = match &of.route.rules {
                Rules::Listed(listed) if let [RuleSelector::Named(name)] = &listed[..] => {
                    format!("one route {name} with {expected}")
                }
                Rules::Only => format!("one route to {} with {expected}", of.plan.stable),
                _ => format!("the routes to {} with {expected}", of.plan.stable),
            };
            differences.push(of.list_name(), &wanted, &error);
        }
        Ok(located) => {
            for one in &located {
                compare_weights(&mut differences, of, one, expected);
                let rule = &of.rules(live)[one.rule];
                compare_mirrors(&mut differences, of, rule, one.rule, expected);
            }
            if differences.is_empty() {
                sticky::compare(of, live, &located, expected, &mut differences);
            }
        }
    }
    if of.is_gateway_api() && list(live, "/spec/parentRefs").is_empty() {
        differences.push("spec.parentRefs", "a Gateway, or the Service that clients call", "none");
    }
    if header_route && differences.is_empty() && !has_header_route(of, live) {
        let name = of.made_name(0);
        let HeaderRoute { name: header, value } = of.plan.probe_header();
        let wanted = format!("a route named {name} that leads header {header}: {value}");
        differences.push(of.list_name(), &format!("{wanted} to {} alone", of.plan.canary), "none");
    }
    differences
}

fn compare_weights(
    differences: &mut Differences,
    of: RouteOf<'_>,
    located: &Located,
    expected: Split,
) {
    if located.split.is_some_and(|split| split.canary == expected.canary) {
        return;
    }
    let entries = format!("{}.{}", of.place(located.rule), of.entries_field());
    let others = located.others();
    let total = located.weights.iter().sum::<u64>() - others;
    let mut compare = |entry: Option<usize>, version: &str, expected: Percent| {
        let weight = entry.map_or(0, |entry| located.weights[entry]);
        if total == 0 || weight * Percent::ALL.thousandths() != expected.thousandths() * total {
            let path = entry.map_or(entries.clone(), |entry| format!("{entries}[{entry}].weight"));
            let found = entry.map_or_else(|| "no destination".to_owned(), |_| weight.to_string());
            let wanted = if others == 0 && expected.whole().is_some() {
                format!("{expected} ({version})")
            } else {
                format!("{expected} % of what both versions have ({version})")
            };
            differences.push(path, &wanted, &found);
        }
    };
    compare(Some(located.stable), &of.plan.stable, expected.canary.rest());
    compare(located.canary, &of.plan.canary, expected.canary);
}

fn compare_mirrors(
    differences: &mut Differences,
    of: RouteOf<'_>,
    rule: &Value,
    index: usize,
    expected: Split,
) {
    let mirrors = Mirrors::of(of, rule);
    let own = mirrors.own();
    if let Some((mirror, _)) = mirrors.foreign() {
        let in_its_place = mirror.field == "mirror" || of.is_gateway_api() && own.is_none();
        let wanted = if in_its_place && !expected.mirror.is_none() {
            format!("{} % of the requests to {}", expected.mirror, of.plan.canary)
        } else {
            "none".to_owned()
        };
        let path = format!("{}.{}", of.place(index), mirror.field);
        differences.push(path, &wanted, &mirrors.share_and_place(mirror));
    } else if let found = own.map_or(Percent::NONE, |(_, percent)| percent)
        && found != expected.mirror
    {
        let field = if of.is_gateway_api() { "filters" } else { "mirrorPercentage" };
        let path = format!("{}.{field}", of.place(index));
        differences.push(path, &expected.mirror, &found);
    }
}
