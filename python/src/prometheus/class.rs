//! `canary.Prometheus`: counts of requests as evidence of a run.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use canary_core::evidence::{
    Subsets,
    prometheus::{Matcher, NewTargets, Prometheus as Core},
};
use pyo3::prelude::*;

use super::{
    settings::{auth, metrics, one_of, tls},
    window::{counts, thresholds, window},
};
use crate::{
    convert::{file::File, proxy::Proxy, time},
    door::{Call, Task},
    error::IntoPy,
    macros::pymethods,
};

/// A Prometheus, and the series that are read from it.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Prometheus {
    pub(crate) core: Core,
    what: String,
    subsets: (String, String),
}

/// A setter of a duration.
type SetTime = fn(Core, Duration) -> Core;

pymethods! {
    Prometheus [card(render_prometheus)]
    get |prometheus| {
        url: String = prometheus.core.url();
    }
    twins |prometheus, py| {
        thresholds, thresholds_async () = Task::new(thresholds(prometheus.core.clone()));
        #[pyo3(signature = (seconds = None, *, until = None))]
        counts, counts_async (seconds: Option<&Bound<'py, PyAny>>, until: Option<f64>) = {
            let (since, until) = window(seconds, until)?;
            Task::new(counts(prometheus.core.clone(), since, until))
        };
    }
    methods {
        #[new]
        #[pyo3(signature = (url, service = None, *, stable, canary, namespace = "default", reporter = "source", subset_label = None, model = None, labels = None, slower_than = None, every = None, lag = None, lookback = None, timeout = None, new_targets_from_zero = false, accept_warnings = false, token = None, token_file = None, username = None, password = None, password_file = None, ca_file = None, cert_file = None, key_file = None, allow_cleartext = false, proxy = None))]
        #[expect(clippy::too_many_arguments, reason = "a keyword argument each")]
        fn new(
            url: &str,
            service: Option<String>,
            stable: String,
            canary: String,
            namespace: &str,
            reporter: &str,
            subset_label: Option<String>,
            model: Option<String>,
            labels: Option<BTreeMap<String, String>>,
            slower_than: Option<Bound<'_, PyAny>>,
            every: Option<Bound<'_, PyAny>>,
            lag: Option<Bound<'_, PyAny>>,
            lookback: Option<Bound<'_, PyAny>>,
            timeout: Option<Bound<'_, PyAny>>,
            new_targets_from_zero: bool,
            accept_warnings: bool,
            token: Option<String>,
            token_file: Option<PathBuf>,
            username: Option<String>,
            password: Option<String>,
            password_file: Option<PathBuf>,
            ca_file: Option<File>,
            cert_file: Option<File>,
            key_file: Option<File>,
            allow_cleartext: bool,
            proxy: Option<&Bound<'_, PyAny>>,
        ) -> PyResult<Self> {
            let (mut metrics, what) = metrics(service, model, namespace, reporter)?;
            if let Some(label) = subset_label {
                metrics = metrics.subset_label(label);
            }
            for (label, value) in labels.into_iter().flatten() {
                metrics = metrics.with(Matcher::equal(label, value));
            }
            let subsets = (stable.clone(), canary.clone());
            let mut core = Core::new(url, metrics, Subsets::new(stable, canary)).py()?;
            let times: [(Option<Bound<'_, PyAny>>, SetTime); 5] = [
                (slower_than, Core::slower_than),
                (every, Core::every),
                (lag, Core::lag),
                (lookback, Core::lookback),
                (timeout, Core::timeout),
            ];
            for (given, set) in times {
                if let Some(given) = given {
                    core = set(core, time::seconds(&given)?);
                }
            }
            if new_targets_from_zero {
                core = core.new_targets(NewTargets::FromZero);
            }
            if accept_warnings {
                core = core.accept_warnings();
            }
            let token = one_of(token, token_file, "token")?;
            let password = one_of(password, password_file, "password")?;
            if let Some(auth) = auth(token, username, password)? {
                core = core.auth(auth);
            }
            core = match Proxy::new(proxy)? {
                Proxy::Environment => core,
                Proxy::Direct => core.no_proxy().py()?,
                Proxy::At(url) => core.proxy(&url).py()?,
            };
            if let Some(tls) = tls(&[ca_file, cert_file, key_file])? {
                core = core.tls(tls).py()?;
            }
            if allow_cleartext {
                core = core.allow_cleartext();
            }
            Ok(Self { core, what, subsets })
        }

        /// The name of the series, and the two values of the subset's label.
        fn _about(&self) -> (&str, &str, &str) {
            (&self.what, &self.subsets.0, &self.subsets.1)
        }

        fn __repr__(&self) -> String {
            format!("Prometheus({:?}, {})", self.core.url(), self.what)
        }
    }
}
