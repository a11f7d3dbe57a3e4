//! The codes of reading, routing, workloads, predictions and the API server.

use super::{super::Severity, Area, Rule, Source};

const READING: &[Rule] = rules! { Reading, Canary;
    C300 Error: "the text is neither YAML nor JSON", "correct the text at the place named";
    C301 Error or Warning: "a field is unknown", "correct the name, or remove the field";
    C302 Info: "a field has no value, which is read as if it were not there", "remove the field, or give a value";
    C303 Warning: "a number is in quotes, which the API server refuses", "write the number without quotes";
    C304 Warning: "a number is in place of a name, which the API server refuses", "write the name";
    C305 Error or Warning: "a time is not in the form that Kubernetes writes", "write whole seconds of UTC, as in 2026-01-31T12:00:00Z, or leave it out";
    C306 Error: "`apiVersion`, `kind` or `items` is missing or not known", "write those of a kind that Istio or Kubernetes has";
    C307 Error: "a value is missing, or not of the field's type", "write a value of the type that the message names";
    C308 Warning: "an integer is not written in decimal: YAML 1.1 reads it so, and others may not", "write it in decimal";
};

const ROUTING: &[Rule] = rules! { Routing, Canary;
    C901 Error: "weights sum to more than Envoy takes", "divide the weights by a common factor";
    C902 Error: "the matches of roots and delegates multiply to too many", "write fewer matches, or fewer delegates";
    C903 Error: "the status of a redirect is not one that Envoy supports", "use 301, 302, 303, 307 or 308";
    C904 Error: "hosts times rules make more routes than a mesh may have", "split the mesh into several, or write fewer hosts and rules";
    C905 Error: "a condition on a claim has no value, of which Istio makes routes that Envoy refuses", "give exact, prefix or regex";
};

const WORKLOAD: &[Rule] = rules! { Workload, Canary;
    C200 Error or Warning: "a workload breaks a rule of Kubernetes, or asks for GPUs that its image does not use (warning)", "correct the value that the finding names";
};

const PREDICTION: &[Rule] = rules! { Prediction, Canary;
    C401 Error: "the inputs cannot be read as tensors", "give arrays of numbers or texts";
    C402 Error: "the signature has no input of that name", "give the inputs by the names of the signature";
    C403 Error: "an input's element type or shape does not fit the signature", "give an array of the shape and type expected";
    C404 Error: "an input of the signature is missing", "add it";
};

const CLUSTER: &[Rule] = rules! { Cluster, ApiServer;
    K422 Error: "the API server refused the object; the message is its own", "correct the field; `validate()` finds most of these before anything is sent";
};

const TABLES: [&[Rule]; 5] = [READING, ROUTING, WORKLOAD, PREDICTION, CLUSTER];

pub(super) const RULES: &[Rule] = &super::joined::<{ super::count(&TABLES) }>(&TABLES);
