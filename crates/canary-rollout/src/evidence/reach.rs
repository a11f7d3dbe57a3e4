//! The ways to the two versions of a plan.

use super::predictor::PredictionRoute;
use crate::{HeaderRoute, Plan, Target, VersionLabels};

/// The routes by which a rollout reaches each version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// By the route that the weights divide alone: none leads to the canary for certain.
    Divided,
    /// The canary by its header, the stable version by the divided route without it.
    Header(HeaderRoute),
    /// Each version by its label.
    Labels(Labels),
}

/// The labels of both versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Labels {
    stable: String,
    canary: String,
    /// The version of the canary's label.
    version: i64,
}

impl Reach {
    /// The routes of a plan's pairs.
    pub(crate) fn of(plan: &Plan) -> Self {
        Self::by_labels(plan)
            .or_else(|| plan.header.clone().map(Self::Header))
            .unwrap_or(Self::Divided)
    }

    /// The routes of a plan's probe, for which the driver makes a header route where the plan has none.
    pub(crate) fn probing(plan: &Plan) -> Self {
        Self::by_labels(plan).unwrap_or_else(|| Self::Header(plan.probe_header()))
    }

    fn by_labels(plan: &Plan) -> Option<Self> {
        let Target::VersionLabels(VersionLabels { version, .. }) = &plan.target else {
            return None;
        };
        let (stable, canary) = (plan.stable.clone(), plan.canary.clone());
        Some(Self::Labels(Labels { stable, canary, version: *version }))
    }

    /// The route to the stable version, or the divided one.
    pub(crate) fn stable(&self) -> PredictionRoute<'_> {
        match self {
            Self::Divided => PredictionRoute::Divided { without: None },
            Self::Header(header) => PredictionRoute::Divided { without: Some(header) },
            Self::Labels(labels) => PredictionRoute::Label { label: &labels.stable, version: None },
        }
    }

    /// The route to the canary.
    pub(crate) fn canary(&self) -> Option<PredictionRoute<'_>> {
        match self {
            Self::Divided => None,
            Self::Header(header) => Some(PredictionRoute::Header(header)),
            Self::Labels(Labels { canary, version, .. }) => {
                Some(PredictionRoute::Label { label: canary, version: Some(*version) })
            }
        }
    }
}

/// The version that served a request, by its name in the plan: a label leads to one version, whatever the response says;
/// elsewhere the response names its subset.
pub(crate) fn served<'a>(route: PredictionRoute<'a>, subset: Option<&'a str>) -> Option<&'a str> {
    match route {
        PredictionRoute::Label { label, .. } => Some(label),
        PredictionRoute::Divided { .. } | PredictionRoute::Header(_) => subset,
    }
}
