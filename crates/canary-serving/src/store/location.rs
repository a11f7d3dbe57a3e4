//! The location of a model: a folder, or a prefix in a bucket.

use std::{
    fmt,
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};

use canary_http::Settings;
use object_store::{
    ObjectStore, aws::AmazonS3Builder, gcp::GoogleCloudStorageBuilder, local::LocalFileSystem,
    path::Path,
};

use super::{
    errors::{broken, failed, named, refuse},
    links,
    transport::http_connector_with,
};
use crate::{Error, Result};

/// The folder of one version of a model: `/models/resnet/1`, `gs://bucket/resnet/1`, `s3://bucket/resnet/1`.
#[derive(Clone)]
pub struct Location {
    text: String,
    place: Place,
}

#[derive(Clone)]
enum Place {
    Folder(PathBuf),
    Bucket(Arc<dyn ObjectStore>, Path),
}

/// A store and a prefix in it.
#[derive(Clone)]
pub(super) struct Opened {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) prefix: Path,
    /// The folder that the store's prefix stands for, when it is one.
    pub(super) folder: Option<PathBuf>,
}

impl Location {
    /// Reads a path of this machine, or a URL with `file://`, `gs://` or `s3://`.
    ///
    /// Credentials are found as the clouds' own tools find them in a cluster: for S3 in `AWS_…` variables (`AWS_REGION`,
    /// `AWS_ACCESS_KEY_ID`, `AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_ENDPOINT_URL`, …) or from the instance; for Google in
    /// `GOOGLE_SERVICE_ACCOUNT`, the application default credentials, or from the instance.
    ///
    /// Proxies come from the environment; [`Location::parse_with`] takes settings for them.
    ///
    /// # Errors
    /// [`Error::Store`] when the text is none of these, or has a `..` in the bucket.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_with(text, &Settings::default())
    }

    /// Reads a place as [`Location::parse`] does, with settings for the connections to buckets: proxies, TLS, times.
    ///
    /// ```
    /// use canary_core::serving::store::{Location, Proxy, Settings};
    ///
    /// let settings = Settings::default().proxy(Proxy::at("http://proxy.example:3128")?);
    /// let place = Location::parse_with("/models/resnet/1", &settings)?;
    /// assert_eq!(place.to_string(), "/models/resnet/1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Location::parse`]; and [`Error::Store`] when the settings cannot be used.
    pub fn parse_with(text: &str, settings: &Settings) -> Result<Self> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Ok(Self::folder(text));
        };
        if scheme == "file" {
            return Ok(Self::folder(rest));
        }
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() || bucket.contains('@') {
            // The text before the @ may be a secret: it is not repeated.
            let bucket = bucket.rsplit('@').next().unwrap_or_default();
            let shown = format!("{scheme}://{bucket}/{prefix}");
            return Err(refuse(&shown, "write it as s3://bucket/path/1, without credentials"));
        }
        let prefix = Path::parse(prefix.trim_matches('/'))
            .map_err(|error| failed(&named(text), error.into()))?;
        let store: Arc<dyn ObjectStore> = match scheme {
            "s3" => Arc::new(
                AmazonS3Builder::from_env()
                    .with_bucket_name(bucket)
                    .with_http_connector(http_connector_with(settings)?)
                    .build()
                    .map_err(|error| failed(&named(text), error))?,
            ),
            "gs" => Arc::new(
                GoogleCloudStorageBuilder::from_env()
                    .with_bucket_name(bucket)
                    .with_http_connector(http_connector_with(settings)?)
                    .build()
                    .map_err(|error| failed(&named(text), error))?,
            ),
            _ => return Err(refuse(text, "give a path, or a URL with file://, gs:// or s3://")),
        };
        Ok(Self { text: text.to_owned(), place: Place::Bucket(store, prefix) })
    }

    /// A folder of this machine.
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { text: path.display().to_string(), place: Place::Folder(path) }
    }

    /// A prefix in a store that is already open, with your own settings; `name` is how messages call it.
    ///
    /// # Errors
    /// [`Error::Store`] when the prefix is none, such as one with `..`.
    pub fn within(
        store: Arc<dyn ObjectStore>,
        prefix: &str,
        name: impl Into<String>,
    ) -> Result<Self> {
        let text = name.into();
        let prefix = Path::parse(prefix.trim_matches('/'))
            .map_err(|error| failed(&named(&text), error.into()))?;
        Ok(Self { text, place: Place::Bucket(store, prefix) })
    }

    /// Opens the folder itself, to read from; a link in it that leads out of it is refused.
    pub(super) fn open(&self) -> Result<Opened> {
        Ok(match &self.place {
            Place::Bucket(store, prefix) => {
                Opened { store: Arc::clone(store), prefix: prefix.clone(), folder: None }
            }
            Place::Folder(folder) => {
                if !folder.is_dir() {
                    return Err(Error::NotFound {
                        object: format!("the folder {}", folder.display()),
                        help: "name the folder of one version, such as /models/resnet/1".to_owned(),
                    });
                }
                links::check(folder, &self.text)?;
                local(folder, &self.text)?
            }
        })
    }

    /// Opens the folder around it, to write into; and the version's number.
    pub(super) fn open_parent(&self) -> Result<(Opened, i64)> {
        let no_number = || {
            refuse(
                &self.text,
                "the last part of a target is the version's number, as in /models/resnet/1: TensorFlow Serving loads no other",
            )
        };
        match &self.place {
            Place::Bucket(store, prefix) => {
                let mut parts: Vec<_> = prefix.parts().collect();
                let version = parts.pop().and_then(|last| number(last.as_ref()));
                let version = version.ok_or_else(no_number)?;
                let prefix = parts.into_iter().collect();
                Ok((Opened { store: Arc::clone(store), prefix, folder: None }, version))
            }
            Place::Folder(folder) => {
                let version = folder.file_name().and_then(|name| number(name.to_str()?));
                let version = version.ok_or_else(no_number)?;
                let parent = match folder.parent() {
                    Some(parent) if parent.as_os_str().is_empty() => FilePath::new("."),
                    Some(parent) => parent,
                    None => return Err(no_number()),
                };
                std::fs::create_dir_all(parent)
                    .map_err(|cause| broken(&named(&self.text), "cannot make its folder", cause))?;
                Ok((local(parent, &self.text)?, version))
            }
        }
    }
}

fn local(folder: &FilePath, text: &str) -> Result<Opened> {
    let store = LocalFileSystem::new_with_prefix(folder)
        .map_err(|error| failed(&named(text), error))?
        .with_automatic_cleanup(false);
    let folder = Some(folder.to_owned());
    Ok(Opened { store: Arc::new(store), prefix: Path::default(), folder })
}

/// A version as TensorFlow Serving counts them. `01` would be the same version as `1`, so it is refused.
fn number(name: &str) -> Option<i64> {
    let plain = name == "0" || !name.starts_with('0');
    let digits = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    if plain && digits { name.parse().ok() } else { None }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The settings of a store hold credentials.
impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Location").field(&self.text).finish()
    }
}
