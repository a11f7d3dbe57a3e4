//! `canary.Prometheus`: counts of requests as evidence of a run.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use canary_core::evidence::{
    Subsets,
    prometheus::{Matcher, NewTargets, Prometheus as Core},
};
use canary_python_macros::binding;
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyDict};

use super::{
    settings::{Counted, auth, metrics, one_of, tls},
    window::{counts, thresholds, window},
};
use crate::{
    convert::{file::File, proxy::Proxy, time::Seconds},
    door::{Call, Task},
    error::IntoPy,
    macros::pymethods,
};

/// A Prometheus, and the series that are read from it.
#[binding("Prometheus(url, service, stable=\"…\", canary=\"…\")")]
#[pyclass(frozen, module = "canary")]
pub(crate) struct Prometheus {
    pub(crate) core: Core,
    what: String,
    subsets: (String, String),
    /// The arguments of the constructor; none where one of them is a secret.
    arguments: Option<Py<PyDict>>,
}

/// The arguments of these names as a dictionary.
macro_rules! given {
    ($py:expr; $($name:ident),* $(,)?) => {{
        let given = PyDict::new($py);
        $(given.set_item(stringify!($name), &$name)?;)*
        given.unbind()
    }};
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
        counts, counts_async (seconds: Option<Seconds>, until: Option<f64>) = {
            let (since, until) = window(seconds, until)?;
            Task::new(counts(prometheus.core.clone(), since, until))
        };
    }
    methods {
        #[new]
        #[pyo3(signature = (url, service = None, *, stable, canary, namespace = "default", reporter = "source", arms = "subsets", subset_label = None, model = None, labels = None, slower_than = None, every = None, lag = None, lookback = None, timeout = None, new_targets_from_zero = false, accept_warnings = false, token = None, token_file = None, username = None, password = None, password_file = None, ca_file = None, cert_file = None, key_file = None, allow_cleartext = false, proxy = None))]
        #[expect(clippy::too_many_arguments, reason = "a keyword argument each")]
        fn new(
            py: Python<'_>,
            url: &str,
            service: Option<String>,
            stable: String,
            canary: String,
            namespace: &str,
            reporter: &str,
            arms: &str,
            subset_label: Option<String>,
            model: Option<String>,
            labels: Option<BTreeMap<String, String>>,
            slower_than: Option<Seconds>,
            every: Option<Seconds>,
            lag: Option<Seconds>,
            lookback: Option<Seconds>,
            timeout: Option<Seconds>,
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
            let arguments = match (&token, &password, Proxy::new(proxy)?.holds_password()) {
                (None, None, false) => Some(given!(
                    py; url, service, stable, canary, namespace, reporter, arms, subset_label, model, labels,
                    slower_than, every, lag, lookback, timeout, new_targets_from_zero, accept_warnings, token_file, username,
                    password_file, ca_file, cert_file, key_file, allow_cleartext, proxy
                )),
                _ => None,
            };
            let (mut metrics, what) = metrics(Counted {
                service, model, namespace, reporter, arms, stable: &stable, canary: &canary,
            })?;
            if let Some(label) = subset_label {
                metrics = metrics.subset_label(label);
            }
            for (label, value) in labels.into_iter().flatten() {
                metrics = metrics.with(Matcher::equal(label, value));
            }
            let subsets = (stable.clone(), canary.clone());
            let mut core = Core::new(url, metrics, Subsets::new(stable, canary)).py()?;
            let times: [(Option<Seconds>, SetTime); 5] = [
                (slower_than, Core::slower_than),
                (every, Core::every),
                (lag, Core::lag),
                (lookback, Core::lookback),
                (timeout, Core::timeout),
            ];
            for (given, set) in times {
                if let Some(given) = given {
                    core = set(core, given.into());
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
            Ok(Self { core, what, subsets, arguments })
        }

        /// The name of the series, and the two values of the subset's label.
        fn _about(&self) -> (&str, &str, &str) {
            (&self.what, &self.subsets.0, &self.subsets.1)
        }

        fn __getnewargs_ex__(&self, py: Python<'_>) -> PyResult<((), Py<PyDict>)> {
            match &self.arguments {
                Some(arguments) => Ok(((), arguments.bind(py).copy()?.unbind())),
                None => Err(PyTypeError::new_err(
                    "cannot pickle a Prometheus that holds a token, a password, or the password of a proxy; give \
                     token_file=, password_file=, or the proxy in the environment",
                )),
            }
        }

        fn __repr__(&self) -> String {
            format!("Prometheus({:?}, {})", self.core.url(), self.what)
        }
    }
}
