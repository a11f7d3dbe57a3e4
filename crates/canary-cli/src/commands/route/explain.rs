//! A decision in lines.

use canary_core::{Decision, Request};

pub(super) fn lines(decision: &Decision<&Request>) -> String {
    let mut lines = vec![format!("request: {}", decision.request()), decision.why().to_string()];
    for share in decision.shares() {
        lines.push(format!("share: {share}"));
    }
    if decision.path() != decision.request().path.as_str() {
        lines.push(format!("path sent: {}", decision.path()));
    }
    if decision.authority() != decision.request().authority {
        lines.push(format!("authority sent: {}", decision.authority()));
    }
    lines.extend(decision.request_edits().iter().map(|edit| format!("request header: {edit}")));
    lines.extend(decision.response_edits().iter().map(|edit| format!("response header: {edit}")));
    lines.extend(decision.mirrors().iter().map(|cluster| format!("copy to: {}", cluster.name)));
    if let Some(timeout) = decision.timeout() {
        lines.push(format!("timeout: {timeout:?}"));
    }
    if let Some(retries) = decision.retries() {
        let on = retries.retry_on.join(", ");
        lines.push(format!("retries: {} more attempts on {on}", retries.attempts));
    }
    if let Some(policy) = decision.policy() {
        let blocks = policy.sources.iter();
        lines.extend(blocks.map(|(block, source)| format!("policy: {block} of {source}")));
    }
    lines.join("\n")
}
