//! This library's own warnings about one object, which Istio admits, but which has no effect or an unexpected one.

use super::{super::Severity, Area, Rule, Source};

pub(super) const RULES: &[Rule] = rules! { Object, Canary;
    C001 Warning: "a percentage is a number: Istio lets NaN pass", "write a number";
    C002 Warning: "a gateway that Istio does not look at, after one without a namespace, is well named", "write `namespace/name`";
    C003 Warning: "a warning that Istio computes and then drops: in subsets, ports, matches and faults", "follow the help of the finding";
    C004 Warning: "timeout, retries and mirrors have no redirect or directResponse beside them", "remove them: they have no effect there";
    C005 Warning: "perTryTimeout is not above the timeout of the rule", "lower perTryTimeout, or raise timeout";
    C006 Warning: "maxProtocolVersion is not below minProtocolVersion", "swap them";
    C007 Warning: "a destination is not a wildcard", "name a service";
    C008 Warning: "weights sum to 4294967295 at most, which is Envoy's limit", "divide the weights by a common factor";
    C009 Warning: "TLS files are named only with a mode that uses them", "remove them, or set the mode";
    C010 Warning: "the ports of portLevelSettings exist and differ", "correct the number, or merge the entries";
    C011 Warning: "a fault names the share of requests it meets", "add `percentage: {value: …}`";
    C012 Warning: "retries without attempts switch retries off", "write `attempts: 0` to mean it, or a number";
    C013 Warning: "a redirect has a code that Envoy knows", "use 301, 302, 303, 307 or 308";
    C014 Warning: "a rewrite refers to groups that the match has", "correct the number of the group";
    C015 Warning: "a rewritten prefix does not double the slash", "match the prefix with a slash at its end, and a second time without";
    C016 Warning: "a delay has a duration", "add fixedDelay";
    C017 Warning: "sourceLabels and sourceNamespace are matched without gateways", "remove them, or remove `gateways`";
    C018 Warning: "ignoreUriCase is set without a regular expression", "begin the expression with `(?i)`";
    C019 Info: "weights sum to 100, so that each is a percentage", "none needed: weights are shares of their sum";
    C020 Warning: "a single destination has no weight below 100", "remove the weight: the destination gets everything";
    C021 Warning: "a mirrored share is set beside a mirror", "add the mirror, or remove the share";
    C022 Warning: "the groups of a regular expression have different names: Istio admits equal ones, Envoy refuses them", "give each group a name of its own";
};
