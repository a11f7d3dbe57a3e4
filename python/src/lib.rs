//! The bindings behind `import canary`: conversions and views, one file a topic; the rules are in the crates.

#![allow(
    clippy::unsafe_derive_deserialize,
    reason = "the methods that pyo3 writes are unsafe inside, and none of them relies on a value of this crate"
)]

use pyo3::prelude::*;

mod answer;
mod array;
mod client;
mod cluster;
mod codec;
mod command;
mod convert;
mod door;
mod error;
mod finding;
mod gateway_api;
mod image;
mod input;
mod istio;
mod json;
mod lab;
mod logging;
mod macros;
mod mesh;
mod prometheus;
mod rollout;
mod run;
mod show;
mod stats;
mod store;
mod workload;

/// The compiled half of the `canary` package.
#[pymodule(gil_used = false)]
mod _canary {
    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_export]
    use crate::{
        answer::{Answer, Answers},
        client::Client,
        cluster::{
            Cluster, applied::Applied, preflight::Preflight, release::Release, status::Status,
            watch::Watch, workload::Workload,
        },
        codec::{
            decode::{decode_predict, decode_predict_grpc},
            encode::{encode_predict, encode_predict_grpc},
        },
        finding::Finding,
        gateway_api::{
            backend_tls_policy::BackendTlsPolicy, gateway::KubernetesGateway,
            gateway_class::GatewayClass, grpc_route::GrpcRoute, http_route::HttpRoute,
            reference_grant::ReferenceGrant,
        },
        image::{decode::decode_image, models::preprocess_models, preprocess::Preprocess},
        istio::{
            analysis::Analysis,
            analyze::analyze_objects,
            destination_rule::DestinationRule,
            gateway::Gateway,
            load::{load, loads},
            virtual_service::VirtualService,
            write::{dumps, validate},
        },
        lab::{Lab, scripted_model::ScriptedModel},
        mesh::{Decision, Mesh},
        prometheus::Prometheus,
        rollout::{
            aa::AaReport,
            compare::compare_rules,
            comparison::Comparison,
            guardrail::Guardrail,
            guardrails::{
                accuracy, agreement, custom, error_rate, error_ratio, mean, numeric_drift,
                pair_errors, quantile_ratio, slow_ratio,
            },
            observation::Observation,
            pair::Pair,
            plan::Plan,
            power::Power,
            progress::Progress,
            reading::Reading,
            route::Route,
            simulation::Simulation,
            sticky::Sticky,
            target::Target,
            verdict::Verdict,
            version_labels::VersionLabels,
        },
        run::{Run, report::report},
        stats::{ObservedShare, observed_share},
        store::{copy_model, copy_model_async},
        workload::{
            batching_parameters::BatchingParameters, inference_service::InferenceService,
            model_config::ModelConfig, model_server_config::ModelServerConfig,
            monitoring_config::MonitoringConfig, warm_up::encode_warm_up,
        },
    };

    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        // Not by `add`, which would list it in `__all__`.
        module.setattr("_panic", pyo3::wrap_pyfunction!(crate::door::_panic, module)?)?;
        crate::logging::add_to(module)?;
        module.setattr("_command", pyo3::wrap_pyfunction!(crate::command::_command, module)?)
    }
}
