//! The name of a signature's only input: gRPC has no inputs without a name.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    error::{Origin, PredictError, Result},
    predict::{client::Client, input::Input},
};

/// The names that were asked for, by model, version and signature; shared by the clones of a client.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(Arc<Mutex<HashMap<String, String>>>);

impl Client {
    /// The inputs with a name for the one that has none.
    pub(crate) async fn with_names<'a>(&self, mut input: Input<'a>) -> Result<Input<'a>> {
        let config = &self.config;
        let unnamed = matches!(input.values.as_slice(), [(name, _)] if name.is_empty());
        if !self.is_grpc() || !unnamed {
            return Ok(input);
        }
        let key = format!("{:?} {:?} {:?}", config.model, config.version, config.signature);
        let known = self.names.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let name = if let Some(name) = known {
            name
        } else {
            let metadata = self.metadata().await?;
            let signature = metadata.signature(&config.signature)?;
            let mut inputs = signature.inputs.keys();
            let (Some(name), None) = (inputs.next(), inputs.next()) else {
                let names: Vec<_> = signature.inputs.keys().map(String::as_str).collect();
                return Err(PredictError::new(
                    Origin::Request,
                    config.address.text(),
                    format!("the input has no name; the signature has {}", names.join(", ")),
                )
                .into());
            };
            let mut names = self.names.0.lock().unwrap_or_else(PoisonError::into_inner);
            names.insert(key, name.clone());
            name.clone()
        };
        if let Some((empty, _)) = input.values.first_mut() {
            *empty = Cow::Owned(name);
        }
        Ok(input)
    }
}
