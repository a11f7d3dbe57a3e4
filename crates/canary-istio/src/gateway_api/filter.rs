//! Filters: what is done with a request besides sending it on.

use serde::{Deserialize, Serialize};

use super::{
    cors::Cors,
    external_auth::ExternalAuth,
    header_modifier::HeaderModifier,
    object_ref::LocalObjectRef,
    redirect::{RequestRedirect, UrlRewrite},
    request_mirror::RequestMirror,
    union,
};

/// A filter of a rule or of one of its backends.
///
/// The Gateway API's [`HTTPRouteFilter`](https://gateway-api.sigs.k8s.io/reference/spec/#httproutefilter) and
/// `GRPCRouteFilter`, which has the header modifiers, the mirror and the extension only.
///
/// ```
/// use canary_core::gateway_api::{HeaderModifier, RouteFilter};
///
/// let filter = RouteFilter::ResponseHeaderModifier(HeaderModifier::default().set("x-version", "v2"));
/// let json = serde_json::to_value(&filter)?;
/// assert_eq!(json["type"], "ResponseHeaderModifier");
/// assert_eq!(json["responseHeaderModifier"]["set"][0]["value"], "v2");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RouteFilterWire", into = "RouteFilterWire")]
pub enum RouteFilter {
    /// `requestHeaderModifier`: changes to headers before the request is sent on.
    RequestHeaderModifier(HeaderModifier),
    /// `responseHeaderModifier`: changes to headers before the response is returned.
    ResponseHeaderModifier(HeaderModifier),
    /// `requestMirror`: a copy of the request for another backend.
    RequestMirror(RequestMirror),
    /// `requestRedirect`: a redirect as the answer. Excludes backends.
    RequestRedirect(RequestRedirect),
    /// `urlRewrite`: changes to host and path. Excludes a redirect.
    UrlRewrite(UrlRewrite),
    /// `cors`: the answer to browsers that ask for cross-origin access.
    Cors(Cors),
    /// `externalAuth`: authorization by another service. Experimental channel only; Istio does not have it.
    ExternalAuth(Box<ExternalAuth>),
    /// `extensionRef`: a filter that another object describes. Istio has none, and removes a route with it from the proxies.
    ExtensionRef(LocalObjectRef),
}

impl RouteFilter {
    /// The `type` of the filter, such as `RequestMirror` or `URLRewrite`.
    pub fn filter_type(&self) -> &'static str {
        match self {
            Self::RequestHeaderModifier(_) => FilterType::RequestHeaderModifier,
            Self::ResponseHeaderModifier(_) => FilterType::ResponseHeaderModifier,
            Self::RequestMirror(_) => FilterType::RequestMirror,
            Self::RequestRedirect(_) => FilterType::RequestRedirect,
            Self::UrlRewrite(_) => FilterType::UrlRewrite,
            Self::Cors(_) => FilterType::Cors,
            Self::ExternalAuth(_) => FilterType::ExternalAuth,
            Self::ExtensionRef(_) => FilterType::ExtensionRef,
        }
        .name()
    }

    /// The field of the filter's payload, such as `requestMirror`.
    pub(crate) fn field(&self) -> &'static str {
        match self {
            Self::RequestHeaderModifier(_) => "requestHeaderModifier",
            Self::ResponseHeaderModifier(_) => "responseHeaderModifier",
            Self::RequestMirror(_) => "requestMirror",
            Self::RequestRedirect(_) => "requestRedirect",
            Self::UrlRewrite(_) => "urlRewrite",
            Self::Cors(_) => "cors",
            Self::ExternalAuth(_) => "externalAuth",
            Self::ExtensionRef(_) => "extensionRef",
        }
    }
}

/// The fields of a filter.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RouteFilterWire {
    /// The type of the filter, which names the field that is given. Required.
    #[serde(rename = "type")]
    filter: FilterType,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_header_modifier: Option<HeaderModifier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_header_modifier: Option<HeaderModifier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_mirror: Option<RequestMirror>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_redirect: Option<RequestRedirect>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url_rewrite: Option<UrlRewrite>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cors: Option<Cors>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_auth: Option<Box<ExternalAuth>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extension_ref: Option<LocalObjectRef>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum FilterType {
    RequestHeaderModifier,
    ResponseHeaderModifier,
    RequestMirror,
    RequestRedirect,
    #[serde(rename = "URLRewrite")]
    UrlRewrite,
    #[serde(rename = "CORS")]
    Cors,
    ExternalAuth,
    ExtensionRef,
}

impl FilterType {
    fn name(self) -> &'static str {
        match self {
            Self::RequestHeaderModifier => "RequestHeaderModifier",
            Self::ResponseHeaderModifier => "ResponseHeaderModifier",
            Self::RequestMirror => "RequestMirror",
            Self::RequestRedirect => "RequestRedirect",
            Self::UrlRewrite => "URLRewrite",
            Self::Cors => "CORS",
            Self::ExternalAuth => "ExternalAuth",
            Self::ExtensionRef => "ExtensionRef",
        }
    }
}

impl TryFrom<RouteFilterWire> for RouteFilter {
    type Error = String;

    fn try_from(wire: RouteFilterWire) -> Result<Self, String> {
        use FilterType as Of;
        let given = [
            (
                Of::RequestHeaderModifier,
                "requestHeaderModifier",
                wire.request_header_modifier.is_some(),
            ),
            (
                Of::ResponseHeaderModifier,
                "responseHeaderModifier",
                wire.response_header_modifier.is_some(),
            ),
            (Of::RequestMirror, "requestMirror", wire.request_mirror.is_some()),
            (Of::RequestRedirect, "requestRedirect", wire.request_redirect.is_some()),
            (Of::UrlRewrite, "urlRewrite", wire.url_rewrite.is_some()),
            (Of::Cors, "cors", wire.cors.is_some()),
            (Of::ExternalAuth, "externalAuth", wire.external_auth.is_some()),
            (Of::ExtensionRef, "extensionRef", wire.extension_ref.is_some()),
        ]
        .map(|(of, field, is_given)| (field, of.name(), is_given));
        union::check("G110", wire.filter.name(), &given)?;
        let only = wire
            .request_header_modifier
            .map(Self::RequestHeaderModifier)
            .or(wire.response_header_modifier.map(Self::ResponseHeaderModifier))
            .or(wire.request_mirror.map(Self::RequestMirror))
            .or(wire.request_redirect.map(Self::RequestRedirect))
            .or(wire.url_rewrite.map(Self::UrlRewrite))
            .or(wire.cors.map(Self::Cors))
            .or(wire.external_auth.map(Self::ExternalAuth))
            .or(wire.extension_ref.map(Self::ExtensionRef));
        only.ok_or_else(|| "a filter without settings".to_owned())
    }
}

impl From<RouteFilter> for RouteFilterWire {
    fn from(filter: RouteFilter) -> Self {
        let mut wire = Self {
            filter: FilterType::RequestHeaderModifier,
            request_header_modifier: None,
            response_header_modifier: None,
            request_mirror: None,
            request_redirect: None,
            url_rewrite: None,
            cors: None,
            external_auth: None,
            extension_ref: None,
        };
        wire.filter = match filter {
            RouteFilter::RequestHeaderModifier(headers) => {
                wire.request_header_modifier = Some(headers);
                FilterType::RequestHeaderModifier
            }
            RouteFilter::ResponseHeaderModifier(headers) => {
                wire.response_header_modifier = Some(headers);
                FilterType::ResponseHeaderModifier
            }
            RouteFilter::RequestMirror(mirror) => {
                wire.request_mirror = Some(mirror);
                FilterType::RequestMirror
            }
            RouteFilter::RequestRedirect(redirect) => {
                wire.request_redirect = Some(redirect);
                FilterType::RequestRedirect
            }
            RouteFilter::UrlRewrite(rewrite) => {
                wire.url_rewrite = Some(rewrite);
                FilterType::UrlRewrite
            }
            RouteFilter::Cors(cors) => {
                wire.cors = Some(cors);
                FilterType::Cors
            }
            RouteFilter::ExternalAuth(auth) => {
                wire.external_auth = Some(auth);
                FilterType::ExternalAuth
            }
            RouteFilter::ExtensionRef(extension) => {
                wire.extension_ref = Some(extension);
                FilterType::ExtensionRef
            }
        };
        wire
    }
}
