//! `canary.Decision`.

use canary_core::route;
use canary_python_macros::binding;
use pyo3::{prelude::*, types::PyBytes};

use crate::{convert::value, macros::pymethods};

/// Where a request goes.
#[binding]
#[pyclass(frozen, module = "canary")]
pub(crate) struct Decision {
    core: route::Decision,
    /// The mesh that decided.
    mesh: Py<PyAny>,
}

impl Decision {
    /// The decision of a mesh about a request.
    pub(super) fn new(mesh: &Bound<'_, PyAny>, core: route::Decision) -> Self {
        Self { core, mesh: mesh.clone().unbind() }
    }
}

/// The parts of a pickled decision: the method of its mesh that decides again, and the request.
type Parts<'py> = (Bound<'py, PyAny>, (Bound<'py, PyBytes>,));

/// A share as a number from 0 to 1.
fn fraction(share: route::Chance) -> f64 {
    f64::from(share.parts_per_million()) / 1e6
}

pymethods! {
    Decision [dict, table, plot]
    get |decision| {
        subset: Option<&str> = decision.core.cluster().and_then(|cluster| cluster.subset.as_deref());
        host: Option<&str> = decision.core.cluster().map(|cluster| cluster.host.as_str());
        port: Option<u16> = decision.core.cluster().map(|cluster| cluster.port);
        status: Option<u16> = decision.core.outcome().status();
        rule: Option<String> = decision.core.rule().map(ToString::to_string);
        shares: Vec<(String, f64)> = decision
            .core
            .shares()
            .iter()
            .map(|share| {
                let cluster = &share.cluster;
                (cluster.subset.as_ref().unwrap_or(&cluster.host).clone(), share.fraction())
            })
            .collect();
        delay_share: Option<(f64, f64)> = decision
            .core
            .delay_share()
            .map(|(delay, share)| (delay.as_secs_f64(), fraction(share)));
        abort_share: Option<(u16, f64)> = decision
            .core
            .abort_share()
            .map(|(abort, share)| (abort.status, fraction(share)));
        mirror_shares: Vec<(String, f64)> = decision
            .core
            .mirror_shares()
            .iter()
            .map(|(cluster, share)| (cluster.name.clone(), fraction(*share)))
            .collect();
        path: String = decision.core.path().into_owned();
        timeout: Option<f64> = decision.core.timeout().map(|timeout| timeout.as_secs_f64());
        why: String = decision.core.why().to_string();
    }
    methods {
        fn __eq__(&self, other: &Self) -> PyResult<bool> {
            Ok(value::json(&self.core)? == value::json(&other.core)?)
        }

        fn __hash__(&self) -> PyResult<u64> {
            value::hash(&self.core)
        }

        fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Parts<'py>> {
            let decide = self.mesh.bind(py).getattr("_decide")?;
            Ok((decide, (value::bytes(py, self.core.request())?,)))
        }

        fn __str__(&self) -> String {
            self.core.why().to_string()
        }

        fn __repr__(&self) -> String {
            let status = || self.core.outcome().status();
            let to = self.core.cluster().map_or_else(
                || status().map_or_else(|| "passthrough".to_owned(), |status| status.to_string()),
                |cluster| cluster.name.clone(),
            );
            format!("Decision({to})")
        }

        fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
            slf.py().import("canary._html")?.getattr("render_decision")?.call1((slf,))?.extract()
        }
    }
}
