//! The servers of a release by labels: loads the version, gives its label, moves the stable label, and takes all back.
//!
//! Every change of a server is a reload of its whole configuration, made from the text of the model config file. Each can
//! be repeated: what is as it should be is left alone.

use std::sync::Arc;

use crate::{
    Error, Missing, Plan, Result, VersionLabels,
    cluster::{
        Cluster,
        labels::{ModelLabels, ModelServers, Replica, replicas_of},
    },
    patch::{Difference, Differences},
};

/// The servers, and the labels that they are to have.
pub(super) struct Fleet<C> {
    cluster: Arc<C>,
    pub(super) servers: Arc<dyn ModelServers>,
    pub(super) target: VersionLabels,
    pub(super) stable: String,
    pub(super) canary: String,
}

/// The outcome of a check of all servers: what is missing on one of them.
type Checked = Result<Result<(), Missing>>;

impl<C: Cluster> Fleet<C> {
    pub(super) fn new(
        cluster: Arc<C>,
        servers: Arc<dyn ModelServers>,
        target: VersionLabels,
        plan: &Plan,
    ) -> Self {
        let (stable, canary) = (plan.stable.clone(), plan.canary.clone());
        Self { cluster, servers, target, stable, canary }
    }

    /// The servers that there are now.
    pub(super) async fn replicas(&self) -> Result<Vec<Replica>> {
        replicas_of(&*self.cluster, &self.target).await
    }

    /// The servers; the error is the reason why no check of them can be complete.
    pub(super) async fn complete(&self) -> Result<Result<Vec<Replica>, Missing>> {
        let replicas = self.replicas().await?;
        let (service, namespace) = (&self.target.service, &self.target.namespace);
        if replicas.is_empty() {
            return Ok(Err(Missing::yet(format!(
                "Service {namespace}/{service} has no endpoint, so there is no server to ask"
            ))));
        }
        if let Some(late) = replicas.iter().find(|replica| !replica.ready) {
            return Ok(Err(Missing::yet(format!("server {late} is not ready"))));
        }
        Ok(Ok(replicas))
    }

    async fn labelled(&self, replica: &Replica, label: &str) -> Result<Option<i64>> {
        self.servers.labelled(replica, &self.target.model, label).await
    }

    /// The file's text with the version loaded beside those of the file, without its label.
    pub(super) fn loading(&self, file: &str) -> Result<String> {
        self.text(file, |labels| labels.with_version(self.target.version))
    }

    /// The same with the canary's label.
    fn exposed(&self, file: &str) -> Result<String> {
        let version = self.target.version;
        self.text(file, |labels| labels.with_version(version).with_label(&self.canary, version))
    }

    /// The file's text after the promotion: the stable label is at the version, and the old one stays loaded.
    pub(super) fn promoted(&self, file: &str) -> Result<String> {
        let version = self.target.version;
        self.text(file, |labels| labels.with_version(version).with_label(&self.stable, version))
    }

    fn text(&self, file: &str, change: impl FnOnce(ModelLabels) -> ModelLabels) -> Result<String> {
        let model = &self.target.model;
        let labels = self.servers.read(file, model)?;
        self.servers.write(file, model, &change(labels))
    }

    /// Has each server load the version. Labels stay those of the file.
    pub(super) async fn load(&self, file: &str) -> Result<()> {
        let text = self.loading(file)?;
        for replica in self.replicas().await? {
            if self.labelled(&replica, &self.canary).await? == Some(self.target.version) {
                continue;
            }
            // The probe reloads it again, and reports a server that refuses.
            if let Err(error) = self.servers.reload(&replica, &text).await {
                tracing::debug!(server = %replica, %error, "version not loaded");
            }
        }
        Ok(())
    }

    /// Gives the canary's label on each server where the version is available, and checks that it leads there; asks for the
    /// version again where a server was started anew. What is missing on one server does not keep the others waiting.
    pub(super) async fn expose(&self, file: &str, from: i64) -> Checked {
        let replicas = match self.complete().await? {
            Ok(replicas) => replicas,
            Err(missing) => return Ok(Err(missing)),
        };
        let mut first = None;
        for replica in replicas {
            let exposed = self.expose_on(&replica, file, from).await;
            if let Err(missing) = exposed.unwrap_or_else(|error| Err(missing_by(&error))) {
                // Report first what waiting cannot help.
                match &first {
                    Some(Missing { may_come: false, .. }) => {}
                    None => first = Some(missing),
                    Some(_) if !missing.may_come => first = Some(missing),
                    Some(_) => {}
                }
            }
        }
        Ok(first.map_or(Ok(()), Err))
    }

    async fn expose_on(&self, replica: &Replica, file: &str, from: i64) -> Checked {
        let Self { canary, stable, .. } = self;
        if let Err(missing) = self.available(replica, file).await? {
            return Ok(Err(missing));
        }
        let version = self.target.version;
        if self.labelled(replica, canary).await? != Some(version) {
            self.servers.reload(replica, &self.exposed(file)?).await?;
        }
        for (label, expected) in [(canary, version), (stable, from)] {
            let found = self.labelled(replica, label).await?;
            if found != Some(expected) {
                return Ok(Err(Missing::for_good(misled(replica, label, found, expected))));
            }
        }
        Ok(Ok(()))
    }

    /// The version takes requests on a server. A server that does not know it, because it was started again and has the
    /// versions of the file, is reloaded; one that loads it is left alone.
    async fn available(&self, replica: &Replica, file: &str) -> Checked {
        let VersionLabels { model, version, .. } = &self.target;
        let versions = self.servers.versions(replica, model).await?;
        let known = versions.iter().find(|one| one.version == *version);
        if known.is_none_or(|one| one.ended && !one.failed) {
            self.servers.reload(replica, &self.loading(file)?).await?;
        }
        Ok(match known {
            Some(found) if found.available => Ok(()),
            Some(found) if found.failed => Err(Missing::for_good(format!(
                "version {version} of model {model} cannot be loaded on server {replica}: it is {}",
                found.state
            ))),
            Some(found) => Err(Missing::yet(format!(
                "version {version} of model {model} is {} on server {replica}",
                found.state
            ))),
            None => Err(Missing::yet(format!(
                "server {replica} does not know version {version} of model {model} yet; check that the folder {version} is \
                 in the model's base_path"
            ))),
        })
    }

    /// Moves the stable label to the version on every server, and checks that it leads there. When one of them refuses or
    /// does not answer, the label is moved back on those that were changed.
    pub(super) async fn promote(&self, file: &str) -> Checked {
        let version = self.target.version;
        let replicas = match self.complete().await? {
            Ok(replicas) => replicas,
            Err(missing) => return Ok(Err(missing)),
        };
        for replica in &replicas {
            if let Err(missing) = self.available(replica, file).await? {
                return Ok(Err(missing));
            }
        }
        let text = self.promoted(file)?;
        for replica in &replicas {
            let moved = self.move_stable(replica, &text).await;
            let missing = match moved {
                Ok(Ok(())) => continue,
                Ok(Err(missing)) => missing,
                Err(error) => missing_by(&error),
            };
            self.take_back(&replicas, file).await;
            return Ok(Err(missing));
        }
        // A server may have been started anew since it was moved, or may be new.
        let again = match self.complete().await? {
            Ok(replicas) => replicas,
            Err(missing) => return Ok(Err(missing)),
        };
        for replica in &again {
            let found = self.labelled(replica, &self.stable).await?;
            if found != Some(version) {
                return Ok(Err(Missing::yet(misled(replica, &self.stable, found, version))));
            }
        }
        Ok(Ok(()))
    }

    async fn move_stable(&self, replica: &Replica, text: &str) -> Checked {
        let version = self.target.version;
        if self.labelled(replica, &self.stable).await? != Some(version) {
            self.servers.reload(replica, text).await?;
        }
        let found = self.labelled(replica, &self.stable).await?;
        Ok(if found == Some(version) {
            Ok(())
        } else {
            Err(Missing::for_good(misled(replica, &self.stable, found, version)))
        })
    }

    /// Gives the servers the labels from before the promotion, as far as they take them. One that is gone starts from the
    /// file, which has these labels.
    async fn take_back(&self, replicas: &[Replica], file: &str) {
        let Ok(text) = self.exposed(file) else { return };
        for replica in replicas {
            if let Err(error) = self.servers.reload(replica, &text).await {
                tracing::debug!(server = %replica, %error, "label not moved back");
            }
        }
    }

    /// Brings every server to the file: the labels of the file, and no version of the rollout beside its own.
    pub(super) async fn restore(&self, file: &str) -> Result<()> {
        let VersionLabels { model, version, .. } = &self.target;
        let wanted = self.servers.read(file, model)?;
        let stable = wanted.labels.get(&self.stable).copied();
        let canary = wanted.labels.get(&self.canary).copied();
        for replica in self.replicas().await? {
            let versions = self.servers.versions(&replica, model).await?;
            let left = !wanted.versions.contains(version)
                && versions.iter().any(|one| one.version == *version && !one.ended);
            let at = |label| self.labelled(&replica, label);
            if left || at(&self.stable).await? != stable || at(&self.canary).await? != canary {
                self.servers.reload(&replica, file).await?;
            }
            for (label, expected) in [(&self.stable, stable), (&self.canary, canary)] {
                let found = self.labelled(&replica, label).await?;
                if found != expected {
                    return Err(Error::NotReady {
                        action: format!("give server {replica} the labels of the file"),
                        reason: format!(
                            "label {label} is {}, expected {}",
                            version_of(found),
                            version_of(expected)
                        ),
                    });
                }
            }
        }
        Ok(())
    }

    /// Takes the canary's label and its version away where the server's stable label is the file's: elsewhere somebody has
    /// given the server another configuration, which is not overwritten.
    pub(super) async fn withdraw(&self, file: &str) -> Result<()> {
        let wanted = self.servers.read(file, &self.target.model)?;
        let stable = wanted.labels.get(&self.stable).copied();
        for replica in self.replicas().await? {
            let ours = self.labelled(&replica, &self.canary).await? == Some(self.target.version);
            if ours && self.labelled(&replica, &self.stable).await? == stable {
                self.servers.reload(&replica, file).await?;
            }
        }
        Ok(())
    }

    /// Somebody else's changes of the labels on the servers while steps are held; a server that was started anew, and so
    /// has the labels of the file alone, gets the canary's again.
    pub(super) async fn compare(&self, file: &str, from: i64) -> Result<Differences> {
        let version = self.target.version;
        let mut differences = Differences::default();
        let mut lost = false;
        for replica in self.replicas().await?.iter().filter(|replica| replica.ready) {
            // The next look covers a server that ends at this moment.
            let labels = async {
                let stable = self.labelled(replica, &self.stable).await?;
                Ok::<_, Error>((stable, self.labelled(replica, &self.canary).await?))
            };
            let (stable, canary) = match labels.await {
                Ok(labels) => labels,
                Err(error) if error.is_retryable() => continue,
                Err(error) => return Err(error),
            };
            lost |= canary.is_none();
            for (label, found, expected) in
                [(&self.stable, stable, from), (&self.canary, canary.or(Some(version)), version)]
            {
                if found != Some(expected) {
                    differences.0.push(Difference {
                        path: format!("version_labels[{label}] of server {}", replica.name),
                        expected: version_of(Some(expected)),
                        found: version_of(found),
                        by: None,
                    });
                }
            }
        }
        if lost && differences.is_empty() {
            match self.expose(file, from).await {
                Ok(Ok(())) => tracing::debug!("label given again"),
                Ok(Err(missing)) => tracing::debug!(problem = missing.why, "label missing"),
                Err(error) if error.is_retryable() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(differences)
    }
}

/// The thing that is missing where a call on a server has failed.
fn missing_by(error: &Error) -> Missing {
    let why = error.to_string();
    if error.is_retryable() { Missing::yet(why) } else { Missing::for_good(why) }
}

/// The message about a label that does not lead where it should.
fn misled(replica: &Replica, label: &str, found: Option<i64>, expected: i64) -> String {
    format!(
        "label {label} of server {replica} is {}, expected version {expected}",
        version_of(found)
    )
}

fn version_of(version: Option<i64>) -> String {
    version.map_or_else(|| "at no version".to_owned(), |version| format!("version {version}"))
}
