//! The command line.

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{commands as of, log::LogOptions, status::Status};

/// Release models behind an Istio mesh: check manifests and plans, simulate, run and observe releases.
///
/// Subcommands that read manifests accept files, folders or `-` for standard input, each with one or several documents:
/// pipe the output of `helm template` or `kustomize build` into them. Results go to standard output, messages and
/// progress to standard error. Colours are used only on a terminal, and not if `NO_COLOR` is set.
#[derive(Debug, Parser)]
#[command(
    name = "canary",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = Status::lines(&Status::ALL),
    disable_help_subcommand = true
)]
pub(crate) struct Canary {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) log: LogOptions,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Validate(of::validate::Validate),
    Analyze(of::analyze::Analyze),
    Route(of::route::Route),
    Diff(of::diff::Diff),
    Simulate(of::simulate::Simulate),
    Power(of::power::Power),
    Replay(of::replay::Replay),
    Preflight(of::preflight::Preflight),
    Apply(of::apply::Apply),
    Run(Box<of::run::Run>),
    Aa(Box<of::aa::Aa>),
    Status(Box<of::status::StatusOf>),
    Pause(of::person::Pause),
    Resume(of::person::Resume),
    Approve(of::person::Approve),
    Abort(of::person::Abort),
    Promote(of::person::Promote),
    Lab(of::lab::LabOf),
    Demo(of::demo::Demo),
    CopyModel(of::copy_model::Copy),
    InCluster(of::in_cluster::InClusterOf),
    Schema(of::schema::Schema),
    Completions(of::completions::Completions),
    Man(of::man::Man),
}

impl Command {
    pub(crate) fn run(&self) -> Result<Status> {
        match self {
            Self::Validate(command) => command.run(),
            Self::Analyze(command) => command.run(),
            Self::Route(command) => command.run(),
            Self::Diff(command) => command.run(),
            Self::Simulate(command) => command.run(),
            Self::Power(command) => command.run(),
            Self::Replay(command) => command.run(),
            Self::Preflight(command) => command.run(),
            Self::Apply(command) => command.run(),
            Self::Run(command) => command.run(),
            Self::Aa(command) => command.run(),
            Self::Status(command) => command.run(),
            Self::Pause(command) => command.run(),
            Self::Resume(command) => command.run(),
            Self::Approve(command) => command.run(),
            Self::Abort(command) => command.run(),
            Self::Promote(command) => command.run(),
            Self::Lab(command) => command.run(),
            Self::Demo(command) => command.run(),
            Self::CopyModel(command) => command.run(),
            Self::InCluster(command) => command.run(),
            Self::Schema(command) => command.run(),
            Self::Completions(command) => command.run(),
            Self::Man(command) => command.run(),
        }
    }
}
