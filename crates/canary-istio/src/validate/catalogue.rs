//! Every code that a check can give, with its rule.

use std::fmt;

use crate::finding::Severity;

/// Whose rule it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// Istio's admission webhook.
    Istio,
    /// The API server, by the schema of the `CustomResourceDefinition` or by Kubernetes' own rules.
    ApiServer,
    /// This library: Istio admits the object, but it will not do what it seems to.
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

/// A rule with its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Rule {
    /// The stable code: `V…` for the webhook's rules, `IST…` for those that Istio's analyzers number, `S…` for the
    /// API server's, `C…` for ours.
    pub code: &'static str,
    /// How much a breach matters.
    pub severity: Severity,
    /// Whose rule it is.
    pub source: Source,
    /// What it demands.
    pub text: &'static str,
}

const fn rule(code: &'static str, severity: Severity, source: Source, text: &'static str) -> Rule {
    Rule { code, severity, source, text }
}

const fn istio(code: &'static str, text: &'static str) -> Rule {
    rule(code, Severity::Error, Source::Istio, text)
}

const fn istio_warns(code: &'static str, text: &'static str) -> Rule {
    rule(code, Severity::Warning, Source::Istio, text)
}

const fn schema(code: &'static str, text: &'static str) -> Rule {
    rule(code, Severity::Error, Source::ApiServer, text)
}

const fn ours(code: &'static str, text: &'static str) -> Rule {
    rule(code, Severity::Warning, Source::Canary, text)
}

/// Every rule, by code.
pub const CATALOGUE: &[Rule] = &[
    istio("V005", "the number of a port is in 1..65535"),
    istio("V006", "a duration is 1ms or more, in whole milliseconds"),
    istio("V007", "a subnet is an IP address or a CIDR block"),
    istio("V008", "labels have keys and values in Kubernetes' form"),
    istio(
        "V009",
        "header values follow Envoy's format: no control characters, `%` as `%%` or around a variable",
    ),
    istio(
        "V010",
        "a header to match on has a name of token characters, a known `:` name, or a claim's",
    ),
    istio(
        "V011",
        "a header set or added to requests has a name, which begins with `:` only for `:authority`",
    ),
    istio(
        "V012",
        "a header removed, or changed in responses, has a name other than Host and without `:`",
    ),
    istio("V013", "a header in a CORS policy has a name of token characters"),
    istio("V014", "a prefix is not empty, a regular expression is RE2 of 1 to 1024 bytes"),
    istio("V017", "exportTo lists `.`, `*` or namespaces, each once, and `*` alone"),
    istio("V018", "no object of these kinds has the annotation istio.io/dry-run"),
    istio("V019", "annotations that Istio reserves for itself are absent"),
    istio("V020", "the name of a Gateway is a DNS label"),
    istio("V021", "a Gateway has a server"),
    istio("V023", "the names of the ports of a Gateway differ"),
    istio_warns("V024", "httpsRedirect stands on HTTP servers only"),
    istio("V025", "a server has a host"),
    istio(
        "V026",
        "a host of a server is `[namespace/]name`, the name with a dot, `*` only as a whole first label",
    ),
    istio("V027", "a server has a port"),
    istio("V028", "the protocol of a port is known"),
    istio("V029", "the number of a server's port is in 1..65535, or 0 for a Unix socket"),
    istio("V030", "a Gateway has no targetPort"),
    istio("V031", "a port has a name"),
    istio("V032", "a server binds to an IP address, or with port 0 to a Unix socket"),
    istio("V033", "an HTTPS or TLS server has TLS settings"),
    istio("V034", "an HTTP server has no TLS settings except httpsRedirect"),
    istio("V035", "any other server has no TLS settings"),
    istio_warns("V036", "below TLS 1.2, ciphers are named"),
    istio_warns("V037", "ciphers are known, each once"),
    istio("V038", "mode ISTIO_MUTUAL stands without certificates"),
    istio_warns("V039", "passthrough stands without certificates"),
    istio("V040", "the certificates of a server come from one place"),
    istio(
        "V042",
        "SIMPLE needs a certificate and a key, MUTUAL and OPTIONAL_MUTUAL an authority too",
    ),
    istio_warns("V042", "a server has two certificates at most"),
    istio("V043", "caCrl does not stand beside credentialName"),
    istio("V044", "caCrl does not stand with mode SIMPLE"),
    istio("V045", "a VirtualService without hosts has neither gateways nor TLS or TCP rules"),
    istio("V047", "gateways are named `namespace/name` or by a DNS name"),
    istio_warns("V047", "gateways are not named in the old form `name.namespace`"),
    istio("V048", "a host is a DNS name, whose first label may be a wildcard, or an IP address"),
    istio("V049", "host `*` stands without the mesh"),
    istio("V050", "hosts of a VirtualService do not overlap"),
    istio("V051", "a VirtualService has a rule"),
    istio("V052", "claims of a token are matched at gateways only"),
    istio("V055", "a rule that delegates has neither redirect nor destinations"),
    istio("V056", "a delegate does not delegate"),
    istio("V057", "redirect stands without route, fault, rewrite and directResponse"),
    istio("V058", "directResponse stands without route, fault and rewrite"),
    istio("V059", "a rule has destinations, a redirect or a direct response"),
    istio("V060", "mirror and mirrors do not stand together"),
    istio("V062", "sourceNamespace is a DNS label"),
    istio("V064", "the host of a request is set in one place"),
    istio("V065", "CORS allows non-empty origins and known methods, for whole seconds"),
    istio(
        "V066",
        "a fault has a delay or an abort, of a supported kind, for 0 or 0.0001..100 percent",
    ),
    istio("V067", "0..100 percent of requests are mirrored"),
    istio_warns("V067", "mirrorPercent is deprecated"),
    istio("V068", "a redirect changes something, with a code in 300..399 and a known scheme"),
    istio("V069", "a direct response has a status in 200..600 and a body of 1 MiB at most"),
    istio_warns("V069", "the body of a direct response has 100 KiB at most"),
    istio(
        "V070",
        "retries have attempts above 0 when anything else is given, and known conditions",
    ),
    istio("V071", "a rewrite changes the path, in one way, or the authority"),
    istio("V073", "a weight is 0 or more; before Istio 1.15, 100 at most"),
    istio(
        "V074",
        "the weights of several destinations do not sum to 0; before Istio 1.15, they sum to 100",
    ),
    istio("V076", "an entry has a destination"),
    istio("V077", "a destination has a DNS name as host, and a DNS label as subset"),
    istio("V078", "a TLS rule has a destination and SNI hosts that are among the hosts"),
    istio_warns("V078", "an SNI host is no IP address"),
    istio("V079", "a TCP rule has a destination"),
    istio_warns("IST0130", "a rule can be reached: no rule before it takes every request"),
    istio_warns("IST0131", "a match is not repeated or covered by one before it"),
    istio(
        "V083",
        "the host of a DestinationRule is a DNS name, whose first label may be a wildcard",
    ),
    istio("V084", "a traffic policy has a field, and not both tunnel and proxyProtocol"),
    istio("V085", "the names of subsets are DNS labels, each used once"),
    istio("V086", "a rule with a workloadSelector is exported to its own namespace only"),
    istio("V087", "a workloadSelector has neither empty keys nor wildcards"),
    istio_warns("V087", "a workloadSelector has labels"),
    istio(
        "V088",
        "outlier detection has percentages in 0..100, and local failures only when they are split",
    ),
    istio_warns("V088", "consecutiveErrors is deprecated"),
    istio("V089", "a connection pool has fields, with limits of 0 or more"),
    istio(
        "V090",
        "a load balancer has named cookies, a prime maglev table, one locality setting and a positive warm-up",
    ),
    istio_warns("V090", "minimumRingSize is deprecated"),
    istio(
        "V091",
        "locality weights sum to 100, localities do not overlap, failover is between regions",
    ),
    istio_warns("V091", "failover stands beside outlier detection"),
    istio("V092", "zone-aware failover is between regions, and names no topology label"),
    istio(
        "V093",
        "TLS settings of a client name one source of certificates, and nothing to verify when nothing is verified",
    ),
    istio("V094", "the policy of a port names a port and has a field"),
    istio("V095", "a tunnel leads to a host and port, by CONNECT or POST"),
    schema("S001", "an object has a name that is a DNS subdomain"),
    schema("S002", "warmupDurationSecs is 1ms or more"),
    schema("S003", "retryBudget.percent is in 0..100, minimumPercent is 0 or more"),
    schema("S004", "outlierDetectionHttpErrorCodes are in 100..599"),
    schema("S005", "minClusterSize is 1 or more"),
    schema("S006", "portLevelSettings has 4096 entries at most"),
    schema("S007", "credentialNames and tlsCertificates have 1 or 2 entries"),
    schema(
        "S008",
        "workloadSelector has 4096 labels at most, with values of 63 characters at most",
    ),
    schema("S009", "credentialNames is not written beside credentialName or tlsCertificates"),
    ours("C001", "a percentage is a number: Istio lets NaN pass"),
    ours(
        "C002",
        "a gateway that Istio does not look at, after one without a namespace, is well named",
    ),
    ours(
        "C003",
        "a warning that Istio computes and then drops: in subsets, ports, matches and faults",
    ),
    ours("C004", "timeout, retries and mirrors stand without redirect and directResponse"),
    ours("C005", "perTryTimeout is not above the timeout of the rule"),
    ours("C006", "maxProtocolVersion is not below minProtocolVersion"),
    ours("C007", "a destination is no wildcard"),
    ours("C008", "weights sum to 4294967295 at most, which is Envoy's limit"),
    ours("C009", "TLS files stand only with a mode that uses them"),
    ours("C010", "the ports of portLevelSettings exist and differ"),
    ours("C011", "a fault names the share of requests it meets"),
    ours("C012", "retries without attempts switch retries off"),
    ours("C013", "a redirect has a code that Envoy knows"),
    ours("C014", "a rewrite refers to groups that the match has"),
    ours("C015", "a rewritten prefix does not double the slash"),
    ours("C016", "a delay has a duration"),
    ours("C017", "sourceLabels and sourceNamespace stand without gateways"),
    ours("C018", "ignoreUriCase stands without a regular expression"),
    rule(
        "C019",
        Severity::Info,
        Source::Canary,
        "weights sum to 100, so that each is a percentage",
    ),
    ours("C020", "a single destination has no weight below 100"),
    ours("C021", "a mirrored share stands beside a mirror"),
];

/// The rule of this code and severity.
pub(crate) fn find(code: &str, severity: Severity) -> Option<&'static Rule> {
    CATALOGUE.iter().find(|rule| rule.code == code && rule.severity == severity)
}
