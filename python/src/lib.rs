//! The bindings behind `import canary`: one file a topic, no logic of their own.

use pyo3::prelude::*;

mod analyze;
mod answer;
mod applied;
mod array;
mod client;
mod cluster;
mod cluster_report;
mod cluster_watch;
mod codec;
mod comparison;
mod door;
mod drive;
mod error;
mod examples;
mod feed;
mod file;
mod finding;
mod given;
mod guardrail;
mod input;
mod istio;
mod json;
mod lab;
mod manifest;
mod many;
mod pair;
mod place;
mod plan;
mod preprocess;
mod prometheus;
mod proxy;
mod recipe;
mod route;
mod run;
mod run_view;
mod samples;
mod scripted_model;
mod show;
mod simulation;
mod stats;
mod store;
mod time;
mod tls;
mod value;
mod verdict;
mod version_state;
mod workload;

/// The compiled half of the `canary` package.
#[pymodule(gil_used = false)]
mod _canary {
    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_export]
    use crate::{
        analyze::{Analysis, analyze_objects},
        answer::Answer,
        applied::Applied,
        client::Client,
        cluster::Cluster,
        cluster_report::{Preflight, Status},
        cluster_watch::Watch,
        codec::{decode_predict, decode_predict_grpc, encode_predict, encode_predict_grpc},
        comparison::{Comparison, compare_rules},
        finding::Finding,
        guardrail::{
            Guardrail, accuracy, agreement, custom, error_ratio, numeric_drift, pair_errors,
            slow_ratio,
        },
        istio::{DestinationRule, Gateway, VirtualService},
        lab::Lab,
        manifest::{dumps, load, loads, validate},
        many::Answers,
        pair::Pair,
        plan::Plan,
        preprocess::{Preprocess, decode_image},
        prometheus::Prometheus,
        route::{Decision, Mesh},
        run::{Run, report},
        scripted_model::ScriptedModel,
        simulation::{Power, Simulation},
        stats::{ObservedShare, observed_share},
        store::{copy_model, copy_model_async},
        verdict::{Progress, Reading, Verdict},
        workload::Workload,
    };
}
