//! The requests of a predictor, counted.

use canary_rollout::{
    Result,
    evidence::{PredictionRequest, PredictionResponse, PredictionRoute, Predictor},
};

use super::{Measured, Route, Sent};

impl<P: Predictor> Predictor for Measured<P> {
    type Input = P::Input;

    async fn predict(
        &self,
        request: PredictionRequest<'_, P::Input>,
    ) -> Result<PredictionResponse> {
        let route = match request.route {
            PredictionRoute::Divided { .. } => Route::Weights,
            PredictionRoute::Header(_) => Route::Header,
            PredictionRoute::Label { .. } => Route::Label,
        };
        let answered = self.inner.predict(request).await;
        if let Some(metrics) = &self.metrics {
            let sent = match &answered {
                Ok(PredictionResponse { outcome: Ok(_), .. }) => Sent::Ok,
                Ok(PredictionResponse { outcome: Err(failure), .. }) if failure.sent => {
                    Sent::Failed
                }
                Ok(_) => Sent::NotConnected,
                Err(_) => Sent::InvalidInput,
            };
            metrics.predicted(route, sent);
        }
        answered
    }

    fn read(&self, name: &str) -> Result<Self::Input, String> {
        self.inner.read(name)
    }
}
