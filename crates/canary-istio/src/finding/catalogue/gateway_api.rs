//! The rules of the Gateway API: those of its `CustomResourceDefinition`s, and what Istio makes of objects that the API
//! server admits.

use super::{super::Severity, Area, Rule, Source};

/// The CEL rules and schemas of the Gateway API 1.6.
const ADMISSION: &[Rule] = rules! { Object, ApiServer;
    G101 Error: "of several references to one parent, all or none set sectionName (experimental channel: or port)", "set sectionName on each, or keep one reference";
    G102 Error: "several references to one parent differ in sectionName (experimental channel: or port)", "remove the repetition, or correct a sectionName";
    G103 Error: "the matches of all rules of a route are 128 at most", "merge matches, or write a second route";
    G104 Error: "the names of the rules of a route differ (experimental channel)", "give each rule a name of its own";
    G105 Error: "a rule with backends has no RequestRedirect", "remove the backends, or the redirect";
    G106 Error: "a redirect with ReplacePrefixMatch stands in a rule with exactly one match, of type PathPrefix", "write one rule for each prefix";
    G107 Error: "a rewrite with ReplacePrefixMatch stands in a rule with exactly one match, of type PathPrefix", "write one rule for each prefix";
    G108 Error: "a redirect with ReplacePrefixMatch in a backend stands in a rule with exactly one match, of type PathPrefix", "write one rule for each prefix";
    G109 Error: "a rewrite with ReplacePrefixMatch in a backend stands in a rule with exactly one match, of type PathPrefix", "write one rule for each prefix";
    G110 Error: "a filter has the field that its type names, and no other", "correct the type, or the field";
    G111 Error: "a rule or backend has no RequestRedirect beside a URLRewrite", "keep one of them";
    G112 Error: "a filter type stands once, except RequestMirror, ExtensionRef and ExternalAuth", "merge the filters";
    G113 Error: "a path modifier has the field that its type names, and no other", "correct the type, or the field";
    G114 Error: "a mirror has percent or fraction, not both", "keep one of them";
    G115 Error: "the numerator of a fraction is not above its denominator, which is 100 by default", "correct the fraction";
    G116 Error: "`*` stands alone in allowOrigins, allowMethods and allowHeaders", "remove the other entries, or the `*`";
    G117 Error: "external authorization has the settings of its protocol, and no other (experimental channel)", "give grpc or http, as protocol says";
    G118 Error: "a reference to a Service has a port", "add the port of the Service";
    G119 Error: "an exact path or prefix begins with `/` and is normal: no `//`, `/./`, `/../`, `%2f`, `#`, no `/.` or `/..` at its end, only characters of a path", "write the path as requests have it";
    G120 Error: "backendRequest is not above request, unless request is 0s", "lower backendRequest, or raise request";
    G121 Error: "a permanent cookie has an absoluteTimeout, and cookieConfig stands with type Cookie (experimental channel)", "add absoluteTimeout, or remove cookieConfig";
    G122 Error: "a match of a gRPC method has a service or a method", "add one of them";
    G123 Error: "an exact gRPC service is identifiers with dots between", "write the service with its package, such as tensorflow.serving.PredictionService";
    G124 Error: "an exact gRPC method is an identifier", "write the method alone, such as Predict";
    G125 Error: "the names of the listeners of a Gateway differ", "give each listener a name of its own";
    G126 Error: "the listeners of a Gateway differ in port, protocol or hostname", "correct one of them, or remove the repetition";
    G127 Error: "listeners of HTTP, TCP and UDP have no tls", "remove tls, or make the protocol HTTPS or TLS";
    G128 Error: "a listener of HTTPS ends TLS", "set mode Terminate, or make the protocol TLS";
    G129 Error: "a listener of TLS has tls with a mode", "add tls with mode Terminate or Passthrough";
    G130 Error: "listeners of TCP and UDP have no hostname", "remove it";
    G131 Error: "a listener that ends TLS has certificateRefs or options", "name the Secret with the certificate";
    G132 Error: "the addresses of a Gateway differ", "remove the repetition";
    G133 Error: "an address of a Gateway fits its type", "write an IP address, or a lower-case host name with type Hostname";
    G134 Error: "labels and annotations of a Gateway's infrastructure have keys and values in Kubernetes' form", "use letters, digits, `-`, `_` and `.`, 63 characters at most, after a DNS name and `/` if there is one";
    G135 Error: "the ports of tls.frontend.perPort differ", "merge the entries";
    G136 Error: "controllerName of a GatewayClass does not change", "create a class of another name";
    G150 Error: "of several references to one target, all or none set sectionName", "set sectionName on each, or keep one reference";
    G151 Error: "several references to one target differ in sectionName", "remove the repetition, or correct a sectionName";
    G152 Error: "a BackendTLSPolicy has caCertificateRefs or wellKnownCACertificates, not both", "keep one of them; wellKnownCACertificates is System";
    G153 Error: "a subjectAltName has the field that its type names, and no other", "correct the type, or the field";
    G201 Error: "a list has neither too few nor too many entries", "see the limit in the finding";
    G202 Error: "a text is neither too short nor too long", "see the limit in the finding";
    G203 Error: "a host name is lower-case letters, digits and `-`, in labels with dots between; where several hosts are meant, the first label may be `*`", "correct the name; a bare `*` is written by leaving the field out";
    G204 Error: "groups, kinds, namespaces, names and sections have Kubernetes' form", "correct the name";
    G205 Error: "the name of a header or parameter is made of token characters", "correct the name";
    G206 Error: "a header value is printable ASCII with single spaces or tabs inside (experimental channel)", "correct the value";
    G207 Error: "a number is within its limits", "see the limits in the finding";
    G208 Error: "entries of a list differ, and headers and parameters differ in their names", "remove the repetition, or merge the entries";
    G209 Error: "a value is one of those that the field has", "see the values in the finding";
    G210 Error: "fields and filters of the experimental channel are not used with the standard one", "install the experimental CustomResourceDefinitions and say so, or remove the field";
    G211 Error: "a CORS origin is `*`, or a scheme and a host with an optional port", "write an origin such as https://shop.example.com";
    G212 Error: "protocols, controllers, address types, URIs and authorities have the form of the field", "see the form in the finding";
};

/// Faults of one admitted object that a controller reports in its status, or that no status reports.
const OWN: &[Rule] = rules! { Object, Canary;
    C030 Warning: "a route names a parent: without one it attaches to nothing", "add a Gateway or a Service to parentRefs";
    C031 Warning: "a route has only filters that Istio has: one other removes the whole route from the proxies, while Accepted stays True", "remove the filter";
    C032 Warning: "the weights of a rule sum to more than 0: otherwise it answers 500", "give a backend a weight above 0";
    C033 Warning: "a rule has a backend or a redirect: otherwise it answers 500", "add backendRefs";
    C034 Warning: "a regular expression is RE2: otherwise Envoy refuses every route of the port, and no status says so", "correct the expression";
    C035 Warning: "no match of every path is in the route of a regular expression: Istio tries the expression last, where no request reaches it", "write the condition as an exact path or a prefix";
    C036 Warning: "sessionPersistence is not set: Istio ignores it, and no status says so", "remove it, or use a consistent hash of a DestinationRule";
    C037 Warning: "a header value has no control character, and `%` only doubled or around a variable: otherwise Istio drops the route or Envoy refuses every route of the port", "double the `%`, and leave out control characters";
    C038 Warning: "a backend is of a kind that Istio sends to, and its name fits the kind: otherwise its share answers 500, or the whole route disappears", "name a Service, or correct the name";
    C039 Warning: "a parent is of a kind that Istio has: otherwise no status is reported at all", "name a Gateway, ListenerSet, Service or ServiceEntry";
    C040 Warning or Info: "two matches of a route tie in precedence: the earlier rule takes the requests", "remove one of them, or make it more specific";
    C041 Warning: "backendRequest is set together with retry: alone it replaces request", "remove backendRequest, or the longer request";
    C042 Warning: "a header is set by the rule or by its backends, not by both: with two live backends the rule's value wins", "set the header in the backends alone";
    C043 Warning: "a replaced prefix keeps the path's form: replacing `/`, or a redirect to a prefix that ends with `/`, loses or doubles a slash", "see the finding";
    C044 Warning: "the route is not owned by another tool, which writes its rules: Flagger, Argo Rollouts or KServe", "let one tool own the weights";
    C045 Warning: "header names differ in more than case: Istio demands both values, the specification takes the first", "remove one of them";
};

/// Faults of references between objects that a controller reports in a status, or that no status reports.
const BETWEEN: &[Rule] = rules! { Objects, Canary;
    C510 Error: "the Gateway or Service that a route names as its parent does not exist", "create it, or correct the name or the namespace";
    C511 Error: "no listener of the Gateway has the port or section that a route names (NoMatchingParent)", "correct sectionName or port";
    C512 Error: "no listener serves a host name of the route (NoMatchingListenerHostname)", "add a host name that a listener serves";
    C513 Error: "the listeners do not allow routes of this namespace or kind (NotAllowedByListeners)", "set allowedRoutes on the listener";
    C514 Error: "a backend does not exist: its share answers 500 (BackendNotFound)", "create the Service, or correct the name or the namespace";
    C515 Error: "a reference to another namespace is not granted: its share answers 500 (RefNotPermitted)", "create a ReferenceGrant in the namespace of the target";
    C516 Error: "a Service lacks the port of a backend: its share answers 500, and no status says so", "name a port of the Service";
    C517 Warning: "a regular expression is behind another route's match of every path, where no request reaches it", "write the condition as an exact path or a prefix";
    C518 Warning or Info: "matches of two routes tie in precedence: the older route takes the requests, then the first by namespace and name", "remove one of them, or make it more specific";
    C519 Warning: "a route for a Service of another namespace applies to clients of its own namespace only", "put the route into the namespace of the Service";
    C520 Warning: "the class of a Gateway is not Istio's, or it is a waypoint: Istio reports nothing for routes of it", "name a Gateway of class istio, or the Service behind the waypoint";
    C521 Error: "the Secret with a listener's certificate does not exist (InvalidCertificateRef)", "create it, or correct the name";
};

const TABLES: [&[Rule]; 3] = [ADMISSION, OWN, BETWEEN];

pub(super) const RULES: &[Rule] = &super::joined::<{ super::count(&TABLES) }>(&TABLES);
