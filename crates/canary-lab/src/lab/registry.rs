//! The model of each `--model_base_path`.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use canary_core::rollout::{Error, Result};

use crate::{
    model::{Classifier, Model, ModelFiles, Preprocessing, Scripted, Variant},
    server::Folders,
};

/// The models by path; real ones are loaded when they are first needed.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    pub(crate) models: Mutex<BTreeMap<String, Arc<dyn Model>>>,
    /// The servers that run already, by the path of the pods that they stand for.
    pub(crate) servers: BTreeMap<String, SocketAddr>,
    pub(crate) files: Option<ModelFiles>,
    pub(crate) scripted_instead: bool,
}

/// The real models, by the last part of a path.
const REAL: [(&str, Variant, Preprocessing, f64); 4] = [
    ("efficientnet-lite0", Variant::Lite0, Preprocessing::Whole, 0.46),
    ("efficientnet-lite1", Variant::Lite1, Preprocessing::Whole, 0.50),
    ("efficientnet-lite0-centre-crop", Variant::Lite0, Preprocessing::CentreCrop, 0.24),
    ("efficientnet-lite1-centre-crop", Variant::Lite1, Preprocessing::CentreCrop, 0.08),
];

impl Registry {
    /// The version folders under these base paths: the models whose path is a base path and a number.
    pub(crate) fn folders<'p>(&self, base_paths: impl Iterator<Item = &'p str>) -> Folders {
        let folders = Folders::default();
        let models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        for base_path in base_paths {
            let base = base_path.trim_end_matches('/');
            for (path, model) in models.iter() {
                let below = path.strip_prefix(base).and_then(|rest| rest.strip_prefix('/'));
                if let Some(version) = below.and_then(|name| name.parse().ok()) {
                    folders.add_shared(base, version, Arc::clone(model));
                }
            }
        }
        folders
    }

    /// The model of a path; this may read files and take seconds.
    pub(crate) fn load(&self, path: &str) -> Result<Arc<dyn Model>> {
        let known = || self.models.lock().unwrap_or_else(PoisonError::into_inner);
        let path = path.trim_end_matches('/');
        if let Some(model) = known().get(path) {
            return Ok(Arc::clone(model));
        }
        let last = path.rsplit('/').next().unwrap_or(path);
        let Some((_, variant, preprocessing, probability)) =
            REAL.iter().find(|(name, ..)| *name == last)
        else {
            let paths: Vec<String> = known().keys().cloned().collect();
            return Err(Error::NotFound {
                object: format!("the model {path:?}"),
                help: format!(
                    "give the lab a model for this path, or use a path that ends in {}; \
                     registered are: {}",
                    REAL.map(|(name, ..)| name).join(", "),
                    if paths.is_empty() { "none".to_owned() } else { paths.join(", ") },
                ),
            });
        };
        let files = self.files.clone().map_or_else(ModelFiles::find, Ok);
        let model: Arc<dyn Model> = match files {
            Ok(files) => Arc::new(Classifier::open(&files, *variant, *preprocessing)?),
            Err(_) if self.scripted_instead => {
                let label = match preprocessing {
                    Preprocessing::Whole => "military uniform",
                    Preprocessing::CentreCrop => "academic gown",
                };
                Arc::new(Scripted::new(label, *probability))
            }
            Err(error) => return Err(error.into()),
        };
        known().insert(path.to_owned(), Arc::clone(&model));
        Ok(model)
    }
}
