//! Somebody else's changes: field by field, expected and found.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    super::plan::{HeaderRoute, Plan, Split},
    gitops::GitOps,
    header_route::has_header_route,
    locate::{Located, look},
    mirror::Mirrors,
    ownership::{Author, author},
    routes::http,
};

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
/// Compared are the weights and the mirrors of the plan's route, and the header route when `header_route` says that it
/// was created. Other routes and other fields do not concern the rollout.
pub fn differences(
    plan: &Plan,
    virtual_service: &Value,
    expected: Split,
    header_route: bool,
) -> Differences {
    let mut differences = Differences::default();
    match look(plan, virtual_service) {
        Err(error) => {
            let route = plan.target.route.clone().unwrap_or_else(|| format!("to {}", plan.stable));
            differences.push("spec.http", &format!("one route {route} with {expected}"), &error);
        }
        Ok(located) => {
            compare_weights(&mut differences, plan, &located, expected);
            let route = &http(virtual_service)[located.http];
            compare_mirrors(&mut differences, plan, route, located.http, expected);
        }
    }
    if header_route && differences.is_empty() && !has_header_route(plan, virtual_service) {
        let name = HeaderRoute::route_name(&plan.canary);
        let HeaderRoute { name: header, value } = plan.probe_header();
        let wanted = format!("a route named {name} that leads header {header}: {value}");
        differences.push("spec.http", &format!("{wanted} to {} alone", plan.canary), "none");
    }
    differences
}

fn compare_weights(differences: &mut Differences, plan: &Plan, located: &Located, expected: Split) {
    if located.split.is_some_and(|split| split.canary == expected.canary) {
        return;
    }
    let at = |entry: usize| format!("spec.http[{}].route[{entry}].weight", located.http);
    let total: u64 = located.weights.iter().sum();
    let mut compare = |entry: Option<usize>, subset: &str, expected: u32| {
        let weight = entry.map_or(0, |entry| located.weights[entry]);
        if weight != u64::from(expected) || total != 100 {
            let path = entry.map_or_else(|| format!("spec.http[{}].route", located.http), at);
            let found = entry.map_or_else(|| "no destination".to_owned(), |_| weight.to_string());
            differences.push(path, &format!("{expected} ({subset})"), &found);
        }
    };
    compare(Some(located.stable), &plan.stable, 100 - expected.canary.min(100));
    compare(located.canary, &plan.canary, expected.canary);
}

fn compare_mirrors(
    differences: &mut Differences,
    plan: &Plan,
    route: &Value,
    index: usize,
    expected: Split,
) {
    let mirrors = Mirrors::of(plan, route);
    let own = mirrors.own().map_or(0, |(_, percent)| percent);
    if let Some((mirror, _)) = mirrors.foreign() {
        let wanted = if expected.mirror > 0 && mirror.field == "mirror" {
            format!("{} % of the requests to {}", expected.mirror, plan.canary)
        } else {
            "none".to_owned()
        };
        let path = format!("spec.http[{index}].{}", mirror.field);
        differences.push(path, &wanted, &mirror.share_and_place());
    } else if own != expected.mirror {
        let path = format!("spec.http[{index}].mirrorPercentage");
        differences.push(path, &expected.mirror, &own);
    }
}
