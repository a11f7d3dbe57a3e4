//! The name of a signature's only input: gRPC has no inputs without a name.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OnceCell;

use crate::{
    error::{Origin, PredictError, Result},
    predict::{client::Client, input::Input},
};

/// The names that were asked for, by model, version and signature; shared by the clones of a client.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(Arc<Mutex<HashMap<String, Arc<OnceCell<String>>>>>);

impl Names {
    /// The place of a signature's name, which one caller fills while the others wait.
    fn place(&self, key: String) -> Arc<OnceCell<String>> {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(names.entry(key).or_default())
    }
}

impl Client {
    /// The inputs with a name for the one that has none.
    pub(crate) async fn with_names<'a>(&self, mut input: Input<'a>) -> Result<Input<'a>> {
        let config = &self.config;
        let unnamed = matches!(input.values.as_slice(), [(name, _)] if name.is_empty());
        if !self.is_grpc() || !unnamed {
            return Ok(input);
        }
        let key = format!("{:?} {:?} {:?}", config.model, config.version, config.signature);
        let place = self.names.place(key);
        let name = place.get_or_try_init(|| self.name_of_input()).await?.clone();
        if let Some((empty, _)) = input.values.first_mut() {
            *empty = Cow::Owned(name);
        }
        Ok(input)
    }

    /// The name of the signature's only input, as the server's metadata has it.
    async fn name_of_input(&self) -> Result<String> {
        let config = &self.config;
        let metadata = self.metadata().await?;
        let signature = metadata.signature(&config.signature)?;
        let mut inputs = signature.inputs.keys();
        if let (Some(name), None) = (inputs.next(), inputs.next()) {
            return Ok(name.clone());
        }
        let names: Vec<_> = signature.inputs.keys().map(String::as_str).collect();
        Err(PredictError::new(
            Origin::Request,
            config.address.text(),
            format!("the input has no name; the signature has {}", names.join(", ")),
        )
        .into())
    }
}
