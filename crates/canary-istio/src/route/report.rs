//! A complete decision as data, for output and for comparisons.

use serde::{Serialize, Serializer};

use super::{
    chance::{Chance, FaultAbort},
    decision::{Decision, Outcome, Share, shared},
    headers::HeaderEdit,
    policy::EffectivePolicy,
    request::RequestView,
    retries::RetryPolicy,
    why::Why,
};
use crate::networking::Duration;

/// All parts of a [`Decision`], as one JSON object.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'d> {
    outcome: &'d Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_share: Option<FaultShare<Duration>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    abort_share: Option<FaultShare<&'d FaultAbort>>,
    shares: Vec<Share>,
    path: &'d str,
    authority: &'d str,
    request_edits: &'d [HeaderEdit],
    response_edits: &'d [HeaderEdit],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cors_headers: Vec<(&'static str, String)>,
    mirrors: Vec<MirrorShare>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<Duration>,
    retries: Option<&'d RetryPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'d EffectivePolicy>,
    why: Why,
}

/// A fault of a rule, and its share of requests.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FaultShare<F> {
    fault: F,
    parts_per_million: Chance,
}

/// A mirror of a rule: its destination, its share of requests, and whether this request is copied.
#[derive(Serialize)]
struct MirrorShare {
    #[serde(serialize_with = "shared")]
    cluster: std::sync::Arc<super::clusters::Cluster>,
    parts_per_million: Chance,
    copied: bool,
}

impl<R: RequestView> Serialize for Decision<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let path = self.path();
        let copied = self.mirrors();
        let mirrors = self
            .mirror_shares()
            .into_iter()
            .map(|(cluster, parts_per_million)| {
                let copied = copied.iter().any(|found| found.name == cluster.name);
                MirrorShare { cluster, parts_per_million, copied }
            })
            .collect();
        let delay_share = self.delay_share().map(|(delay, parts_per_million)| FaultShare {
            fault: Duration::from(delay),
            parts_per_million,
        });
        let abort_share = self
            .abort_share()
            .map(|(fault, parts_per_million)| FaultShare { fault, parts_per_million });
        Report {
            outcome: &self.outcome,
            status: self.outcome.status(),
            delay: self.delay.map(Duration::from),
            delay_share,
            abort_share,
            shares: self.shares(),
            path: &path,
            authority: self.authority(),
            request_edits: self.request_edits(),
            response_edits: self.response_edits(),
            cors_headers: self.cors_headers(),
            mirrors,
            timeout: self.timeout().map(Duration::from),
            retries: self.retries(),
            policy: self.policy(),
            why: self.why(),
        }
        .serialize(serializer)
    }
}
