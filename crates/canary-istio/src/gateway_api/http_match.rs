//! Conditions on HTTP requests.

use serde::{Deserialize, Serialize};

/// Conditions that must hold together.
///
/// The Gateway API's [`HTTPRouteMatch`](https://gateway-api.sigs.k8s.io/reference/spec/#httproutematch).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteMatch {
    /// The path. Default: the prefix `/`, which every path has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathMatch>,
    /// Headers, all of which must match; 16 at most, with different names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Vec<HeaderMatch>>,
    /// Parameters of the query, all of which must match; 16 at most, with different names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_params: Option<Vec<QueryParamMatch>>,
    /// The method. Default: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<HttpMethod>,
}

/// A condition on the path, without the query.
///
/// The Gateway API's [`HTTPPathMatch`](https://gateway-api.sigs.k8s.io/reference/spec/#httppathmatch).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PathMatch {
    /// The way in which `value` is compared. Default: `PathPrefix`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub match_type: Option<PathMatchType>,
    /// The path, prefix or RE2 expression, 1024 bytes at most. Default: `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// The way in which a path is compared.
///
/// The Gateway API's `PathMatchType`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum PathMatchType {
    /// The whole path.
    Exact,
    /// Whole segments at the beginning: `/v2` takes `/v2` and `/v2/x`, not `/v2x`.
    #[default]
    PathPrefix,
    /// An RE2 expression, which the whole path must match.
    RegularExpression,
}

/// The way in which a header, parameter or method is compared.
///
/// The Gateway API's `HeaderMatchType`, `QueryParamMatchType` and `GRPCMethodMatchType`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum MatchType {
    /// The same text.
    #[default]
    Exact,
    /// An RE2 expression, which the whole text must match.
    RegularExpression,
}

/// A condition on a header.
///
/// The Gateway API's [`HTTPHeaderMatch`](https://gateway-api.sigs.k8s.io/reference/spec/#httpheadermatch) and
/// `GRPCHeaderMatch`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeaderMatch {
    /// The way in which `value` is compared. Default: `Exact`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub match_type: Option<MatchType>,
    /// The name of the header, in any case of letters. Required.
    pub name: String,
    /// The value or expression, 1 to 4096 bytes. Required.
    pub value: String,
}

/// A condition on a parameter of the query, of which the first occurrence counts.
///
/// The Gateway API's [`HTTPQueryParamMatch`](https://gateway-api.sigs.k8s.io/reference/spec/#httpqueryparammatch).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryParamMatch {
    /// The way in which `value` is compared. Default: `Exact`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub match_type: Option<MatchType>,
    /// The name of the parameter, whose case counts. Required.
    pub name: String,
    /// The value or expression, 1 to 1024 bytes. Required.
    pub value: String,
}

/// A method of HTTP.
///
/// The Gateway API's `HTTPMethod`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "each is the method of its name")]
pub enum HttpMethod {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Connect,
    Options,
    Trace,
    Patch,
}

impl HttpMethod {
    /// The method as requests have it, such as `GET`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
            Self::Options => "OPTIONS",
            Self::Trace => "TRACE",
            Self::Patch => "PATCH",
        }
    }
}

impl HttpRouteMatch {
    /// Sets the condition on the path.
    #[must_use]
    pub fn path(mut self, path: PathMatch) -> Self {
        self.path = Some(path);
        self
    }

    /// Adds a header that must have exactly this value.
    #[must_use]
    pub fn header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with_header(HeaderMatch::exact(name, value))
    }

    /// Adds a condition on a header.
    #[must_use]
    pub fn with_header(mut self, header: HeaderMatch) -> Self {
        self.headers.get_or_insert_default().push(header);
        self
    }

    /// Adds a parameter of the query that must have exactly this value.
    #[must_use]
    pub fn query(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with_query(QueryParamMatch::exact(name, value))
    }

    /// Adds a condition on a parameter of the query.
    #[must_use]
    pub fn with_query(mut self, parameter: QueryParamMatch) -> Self {
        self.query_params.get_or_insert_default().push(parameter);
        self
    }

    /// Sets the method.
    #[must_use]
    pub fn method(mut self, method: HttpMethod) -> Self {
        self.method = Some(method);
        self
    }
}

impl PathMatch {
    /// The whole path.
    pub fn exact(path: impl Into<String>) -> Self {
        Self { match_type: Some(PathMatchType::Exact), value: Some(path.into()) }
    }

    /// Whole segments at the beginning of the path.
    pub fn prefix(prefix: impl Into<String>) -> Self {
        Self { match_type: Some(PathMatchType::PathPrefix), value: Some(prefix.into()) }
    }

    /// An RE2 expression, which the whole path must match. Istio tries it after every exact path and prefix.
    pub fn regex(expression: impl Into<String>) -> Self {
        Self { match_type: Some(PathMatchType::RegularExpression), value: Some(expression.into()) }
    }

    /// The way in which `value` is compared, or its default.
    pub fn type_or_default(&self) -> PathMatchType {
        self.match_type.unwrap_or_default()
    }

    /// The value, or its default.
    pub fn value_or_default(&self) -> &str {
        self.value.as_deref().unwrap_or("/")
    }
}

macro_rules! name_and_value {
    ($($object:ident $what:literal;)*) => {$(
        impl $object {
            #[doc = concat!("A ", $what, " with exactly this value.")]
            pub fn exact(name: impl Into<String>, value: impl Into<String>) -> Self {
                Self { match_type: None, name: name.into(), value: value.into() }
            }

            #[doc = concat!("A ", $what, " whose whole value matches this RE2 expression.")]
            pub fn regex(name: impl Into<String>, expression: impl Into<String>) -> Self {
                Self {
                    match_type: Some(MatchType::RegularExpression),
                    name: name.into(),
                    value: expression.into(),
                }
            }

            /// The way in which `value` is compared, or its default.
            pub fn type_or_default(&self) -> MatchType {
                self.match_type.unwrap_or_default()
            }
        }
    )*};
}

name_and_value! {
    HeaderMatch "header";
    QueryParamMatch "parameter";
}
