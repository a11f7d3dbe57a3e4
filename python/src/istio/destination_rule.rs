//! `canary.DestinationRule`.

use canary_core::istio;
use pyo3::prelude::*;

use super::kind::kind_class;
use crate::convert::given::Names;

kind_class!(DestinationRule [], "DestinationRuleSpec", "Istio's `DestinationRule`: the subsets of a service, and how to call them.", {
    #[staticmethod]
    #[pyo3(signature = (host, names, *, namespace = None))]
    fn subsets(host: String, names: Names, namespace: Option<String>) -> Self {
        let mut rule = istio::DestinationRule::subsets(host, names.0);
        rule.metadata.namespace = namespace;
        rule.into()
    }
});
