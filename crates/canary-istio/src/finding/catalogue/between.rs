//! The rules across objects: Istio's analyzers and our own.

use super::{super::Severity, Area, Rule, Source};

const ISTIO: &[Rule] = rules! { Objects, Istio;
    IST0002 Warning: "a deprecated field is used", "use the field that the help names";
    IST0101 Error: "a Gateway, host, subset, selector or Secret that is named does not exist", "create it, or name one that exists";
    IST0106 Error: "an object breaks a rule of admission; the message begins with the rule's code", "see that code";
    IST0109 Error: "two VirtualServices claim the same host in the mesh", "put the rules into one VirtualService, or export them to different namespaces";
    IST0112 Error: "a destination names no port, and its service has several", "name one in `port: {number: …}`";
    IST0128 Warning: "TLS to a host does not verify the server", "name caCertificates and subjectAltNames";
    IST0129 Warning: "TLS to a port does not verify the server", "name caCertificates and subjectAltNames";
    IST0132 Warning: "a Gateway serves none of the hosts of a VirtualService that names it", "add the host to a server of the Gateway, or to spec.hosts";
    IST0133 Warning: "a rule of admission warns; the message begins with the rule's code", "see that code";
    IST0138 Warning: "two Gateways of the same workload use the same certificate", "serve the hosts from one Gateway, or use two certificates";
    IST0140 Warning: "traffic from a Gateway goes around the subsets of another VirtualService", "write the split in this VirtualService too, or bind the other one to the gateway";
    IST0145 Error: "two Gateways of the same workload serve the same host and port", "remove the host from one of them";
    IST0162 Warning: "no Service offers the port of a server", "add the port to the Service of the gateway";
    IST0165 Warning: "a VirtualService names a Gateway that Istio generated", "write an HTTPRoute for the Gateway of the Gateway API";
    IST0173 Error: "a subset selects no pod", "correct the labels, or deploy such pods";
    IST0174 Warning: "the host of a DestinationRule is not a service", "name a service in full";
};

const OWN: &[Rule] = rules! { Objects, Canary;
    C501 Warning: "a namespace that is named does not exist", "create it, or correct the name";
    C502 Warning: "no request can fit a match", "remove the conditions that contradict each other";
    C503 Warning: "a delegate that is named does not exist, or is not exported to the root", "make a VirtualService without hosts of that name, or export it";
    C504 Warning: "a rule of a delegate contradicts the rule that delegates to it", "give both matches that one request can fit";
    C505 Warning: "some clients do not see the DestinationRule that declares a subset", "export the rule to them, or declare the subset in the rule that they see";
    C506 Warning: "HTTP rules are for servers that do not end TLS, or that do not speak HTTP", "write TLS or TCP rules, or end TLS at the gateway";
};

const TABLES: [&[Rule]; 2] = [ISTIO, OWN];

pub(super) const RULES: &[Rule] = &super::joined::<{ super::count(&TABLES) }>(&TABLES);
