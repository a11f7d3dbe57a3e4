//! Forms of texts, by the patterns that the API publishes.

use std::{ops::RangeInclusive, sync::LazyLock};

use regex::Regex;

use super::limits;
use crate::{path::Path, validate::sink::Sink};

/// A form of texts: the pattern that the schema has, the lengths, and the rule that a breach breaks.
pub(super) struct Form {
    pattern: LazyLock<Regex>,
    lengths: RangeInclusive<usize>,
    code: &'static str,
    wanted: &'static str,
}

impl Form {
    /// Returns true when the pattern fits somewhere in `text`, whatever its length.
    pub(super) fn fits(&self, text: &str) -> bool {
        self.pattern.is_match(text)
    }
}

macro_rules! forms {
    ($($(#[$doc:meta])* $name:ident = $pattern:expr, $lengths:expr, $code:literal, $wanted:literal;)*) => {$(
        $(#[$doc])*
        pub(super) static $name: Form = Form {
            pattern: LazyLock::new(|| Regex::new($pattern).unwrap()),
            lengths: $lengths,
            code: $code,
            wanted: $wanted,
        };
    )*};
}

forms! {
    /// A host name, whose first label may be `*`.
    HOSTNAME = r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$", 1..=253, "G203",
        "a host name: lower-case letters, digits and `-`, in labels with dots between, `*.` in front if many hosts are meant";
    /// A host name without wildcard.
    PRECISE_HOSTNAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$", 1..=253, "G203",
        "a host name without `*`: lower-case letters, digits and `-`, in labels with dots between";
    /// An API group, empty for the core group.
    GROUP = r"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$", 0..=253, "G204",
        "an API group: a lower-case DNS name, empty for the core group";
    /// A kind.
    KIND = r"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$", 1..=63, "G204",
        "a kind: letters, digits and inner `-`, a letter first";
    /// A namespace.
    NAMESPACE = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", 1..=63, "G204",
        "a namespace: lower-case letters, digits and inner `-`";
    /// The name of a rule, listener or port.
    SECTION = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$", 1..=253, "G204",
        "a name of lower-case letters, digits and `-`, in labels with dots between";
    /// The name of an object, which has no form here.
    NAME = "", 1..=253, "G204", "a name";
    /// The name of a header or of a parameter of the query.
    HEADER_NAME = r"^[A-Za-z0-9!#$%&'*+\-.^_\x60|~]+$", 1..=256, "G205",
        "a name of token characters: letters, digits and `-` are safe";
    /// A header value, in the standard channel.
    HEADER_VALUE = "", 1..=4096, "G206", "a header value";
    /// A header value, in the experimental channel.
    STRICT_HEADER_VALUE = r"^[!-~]+([\t ]?[!-~]+)*$", 1..=4096, "G206",
        "a header value of printable ASCII, with single spaces or tabs inside";
    /// The value of a parameter of the query.
    QUERY_VALUE = "", 1..=1024, "G202", "a value";
    /// A path, whose form other rules check.
    PATH = "", 0..=1024, "G202", "a path";
    /// A path of a service of authorization.
    AUTH_PATH = r"^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$", 0..=1024, "G212",
        "a path: letters, digits, `-._~!$&'()*+,;=:@/` and `%XX`";
    /// The protocol of a listener.
    PROTOCOL = r"^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9]+$",
        1..=255, "G212", "a protocol such as HTTP, HTTPS, TLS or TCP";
    /// The type of an address. The pattern is not anchored as one would expect, which is the API's own.
    ADDRESS_TYPE = r"^Hostname|IPAddress|NamedAddress|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9\/\-._~%!$&'()*+,;=:]+$",
        1..=253, "G212", "a type: IPAddress, Hostname, NamedAddress or one with a domain, as in example.com/type";
    /// A controller.
    CONTROLLER = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9\/\-._~%!$&'()*+,;=:]+$",
        1..=253, "G212", "a controller as domain/path, such as istio.io/gateway-controller";
    /// A URI.
    URI = r"^(([^:/?#]+):)(//([^/?#]*))([^?#]*)(\?([^#]*))?(#(.*))?", 1..=253, "G212",
        "a URI with a scheme and `//`, such as spiffe://cluster.local/ns/default/sa/pets";
    /// Well-known authorities.
    WELL_KNOWN = r"^(System|([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]))$",
        1..=253, "G212", "`System`, or a name with a domain";
    /// An origin of CORS.
    ORIGIN = r"(^\*$)|(^(http(s)?):\/\/(((\*\.)?([a-zA-Z0-9\-]+\.)*[a-zA-Z0-9-]+|\*)(:([0-9]{1,5}))?)$)", 1..=253, "G211",
        "`*`, or an origin such as https://shop.example.com or https://*.example.com:8443";
    /// The key of a label or annotation.
    LABEL_KEY = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$",
        0..=usize::MAX, "G134", "a key: 63 letters, digits, `-`, `_` and `.` at most, after a DNS name and `/` if there is one";
    /// The value of a label.
    LABEL_VALUE = r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$", 0..=63, "G134",
        "the value of a label: letters, digits, `-`, `_` and `.`, a letter or digit at both ends";
    /// The characters of an exact path or prefix.
    PLAIN_PATH = r"^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$", 0..=1024, "G119", "a path";
    /// An exact gRPC service.
    GRPC_SERVICE = r"^(?i)\.?[a-z_][a-z_0-9]*(\.[a-z_][a-z_0-9]*)*$", 0..=1024, "G123", "a gRPC service";
    /// An exact gRPC method.
    GRPC_METHOD = r"^[A-Za-z_][A-Za-z_0-9]*$", 0..=1024, "G124", "a gRPC method";
}

/// Checks a text: its length, and then its form.
pub(super) fn text(text: &str, form: &Form, path: &Path<'_>, sink: &mut Sink<'_>) {
    if limits::characters(text, form.lengths.clone(), path, sink) && !form.fits(text) {
        sink.error(form.code, path, format!("the text must be {}", form.wanted))
            .found(text)
            .help("correct the text");
    }
}

/// Checks a text that may be absent.
pub(super) fn optional(given: Option<&String>, form: &Form, path: &Path<'_>, sink: &mut Sink<'_>) {
    if let Some(given) = given {
        text(given, form, path, sink);
    }
}

/// Checks each text of a list.
pub(super) fn each(given: Option<&Vec<String>>, form: &Form, path: &Path<'_>, sink: &mut Sink<'_>) {
    for (index, one) in given.into_iter().flatten().enumerate() {
        text(one, form, &path.index(index), sink);
    }
}
