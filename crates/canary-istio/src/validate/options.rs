//! The settings of a check.

use std::{fmt, str::FromStr};

/// The control plane of the objects, and assumptions about them.
///
/// ```
/// use canary_core::validate::Options;
///
/// let options = Options::default().istio_version("1.14".parse().unwrap());
/// assert!(options.weights_must_sum_to_100());
/// assert!(!Options::default().weights_must_sum_to_100());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// The version of the control plane; `None` for the newest known.
    pub istio_version: Option<IstioVersion>,
    /// The namespace of objects that name none.
    pub namespace: String,
    /// The channel of the Gateway API's `CustomResourceDefinition`s in the cluster.
    pub channel: Channel,
}

/// A channel of the Gateway API: the fields and rules that its `CustomResourceDefinition`s have.
///
/// The annotation `gateway.networking.k8s.io/channel` of the definitions names it.
///
/// ```
/// use canary_core::{gateway_api::HttpRoute, validate::{Channel, Options, validate}};
///
/// let json = serde_json::json!({
///     "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "pets"},
///     "spec": {"parentRefs": [{"name": "public"}], "rules": [
///         {"backendRefs": [{"name": "pets", "port": 80}], "retry": {"attempts": 3}}]},
/// });
/// let route = HttpRoute::from_json_value(&json)?;
/// assert_eq!(route.validate().errors().next().map(|one| one.code.as_str()), Some("G210"));
/// let options = Options::default().channel(Channel::Experimental);
/// assert!(!validate(&route, &options).has_errors());
/// # Ok::<(), canary_core::manifest::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Channel {
    /// The standard channel.
    #[default]
    Standard,
    /// The experimental channel, which has `retry`, `sessionPersistence` and other fields besides.
    Experimental,
}

/// A text that is not a channel of the Gateway API.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a channel of the Gateway API; write `standard` or `experimental`")]
pub struct ChannelError(String);

impl FromStr for Channel {
    type Err = ChannelError;

    fn from_str(text: &str) -> Result<Self, ChannelError> {
        match text {
            "standard" => Ok(Self::Standard),
            "experimental" => Ok(Self::Experimental),
            _ => Err(ChannelError(text.to_owned())),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { istio_version: None, namespace: "default".to_owned(), channel: Channel::Standard }
    }
}

impl Options {
    /// Checks for the control plane of this version.
    #[must_use]
    pub fn istio_version(mut self, version: IstioVersion) -> Self {
        self.istio_version = Some(version);
        self
    }

    /// Assumes that objects without a namespace are in this one.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Checks objects of the Gateway API for the definitions of this channel.
    #[must_use]
    pub fn channel(mut self, channel: Channel) -> Self {
        self.channel = channel;
        self
    }

    /// Returns true when the control plane refuses weights that do not sum to 100, as all did before Istio 1.15.
    pub fn weights_must_sum_to_100(&self) -> bool {
        self.istio_version.is_some_and(|version| version < IstioVersion::new(1, 15))
    }
}

/// A minor version of Istio, such as 1.14.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IstioVersion {
    /// The number before the dot.
    pub major: u32,
    /// The number after it.
    pub minor: u32,
}

impl IstioVersion {
    /// The version `major.minor`.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }
}

impl fmt::Display for IstioVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A text that is not a version of Istio.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a version of Istio; write it as `1.27` or `1.27.1`")]
pub struct IstioVersionError(String);

impl FromStr for IstioVersion {
    type Err = IstioVersionError;

    fn from_str(text: &str) -> Result<Self, IstioVersionError> {
        let error = || IstioVersionError(text.to_owned());
        let mut parts = text.strip_prefix('v').unwrap_or(text).split('.');
        let mut number = || parts.next().and_then(|part| part.parse().ok()).ok_or_else(error);
        let version = Self { major: number()?, minor: number()? };
        // A patch number, with or without a suffix, changes no rule.
        if parts.all(|part| part.starts_with(|first: char| first.is_ascii_alphanumeric())) {
            Ok(version)
        } else {
            Err(error())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::IstioVersion;

    #[test]
    fn versions_are_read_and_ordered() {
        for text in ["1.14", "v1.14", "1.14.6", "1.14.0-rc.1"] {
            assert_eq!(text.parse(), Ok(IstioVersion::new(1, 14)), "{text}");
        }
        for text in ["", "1", "1.", "one.two", "1.14.", "-1.2"] {
            assert!(text.parse::<IstioVersion>().is_err(), "{text}");
        }
        assert!(IstioVersion::new(1, 9) < IstioVersion::new(1, 15));
        assert_eq!(IstioVersion::new(1, 9).to_string(), "1.9");
    }
}
