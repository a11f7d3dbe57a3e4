//! The defaults of routes.

use super::{
    super::{
        BackendObjectRef, BackendRef, Cors, GrpcMethodMatch, GrpcRouteMatch, GrpcRouteRule,
        GrpcRouteSpec, HeaderMatch, HttpRouteMatch, HttpRouteRule, HttpRouteSpec, ParentRef,
        PathMatch, QueryParamMatch, RequestMirror, RequestRedirect, RouteFilter,
        SessionPersistence, object::GROUP,
    },
    Fill, fill,
};

/// The prefix `/`.
fn any_path() -> HttpRouteMatch {
    HttpRouteMatch::default().path(PathMatch::prefix("/"))
}

impl Fill for HttpRouteSpec {
    fn fill(&mut self) {
        fill(&mut self.rules, || vec![HttpRouteRule::default()]);
        self.parent_refs.fill();
        self.rules.fill();
    }
}

impl Fill for HttpRouteRule {
    fn fill(&mut self) {
        fill(&mut self.matches, || vec![any_path()]);
        self.matches.fill();
        self.filters.fill();
        self.backend_refs.fill();
        self.session_persistence.fill();
    }
}

impl Fill for HttpRouteMatch {
    fn fill(&mut self) {
        fill(&mut self.path, || PathMatch::prefix("/"));
        self.path.fill();
        self.headers.fill();
        self.query_params.fill();
    }
}

impl Fill for PathMatch {
    fn fill(&mut self) {
        fill(&mut self.match_type, Default::default);
        fill(&mut self.value, || "/".to_owned());
    }
}

impl Fill for HeaderMatch {
    fn fill(&mut self) {
        fill(&mut self.match_type, Default::default);
    }
}

impl Fill for QueryParamMatch {
    fn fill(&mut self) {
        fill(&mut self.match_type, Default::default);
    }
}

impl Fill for GrpcRouteSpec {
    fn fill(&mut self) {
        self.parent_refs.fill();
        self.rules.fill();
    }
}

impl Fill for GrpcRouteRule {
    fn fill(&mut self) {
        self.matches.fill();
        self.filters.fill();
        self.backend_refs.fill();
        self.session_persistence.fill();
    }
}

impl Fill for GrpcRouteMatch {
    fn fill(&mut self) {
        self.method.fill();
        self.headers.fill();
    }
}

impl Fill for GrpcMethodMatch {
    fn fill(&mut self) {
        fill(&mut self.match_type, Default::default);
    }
}

impl Fill for ParentRef {
    fn fill(&mut self) {
        fill(&mut self.group, || GROUP.to_owned());
        fill(&mut self.kind, || "Gateway".to_owned());
    }
}

impl Fill for BackendRef {
    fn fill(&mut self) {
        fill(&mut self.group, String::new);
        fill(&mut self.kind, || "Service".to_owned());
        fill(&mut self.weight, || 1);
        self.filters.fill();
    }
}

impl Fill for BackendObjectRef {
    fn fill(&mut self) {
        fill(&mut self.group, String::new);
        fill(&mut self.kind, || "Service".to_owned());
    }
}

impl Fill for RouteFilter {
    fn fill(&mut self) {
        match self {
            Self::RequestMirror(mirror) => mirror.fill(),
            Self::RequestRedirect(redirect) => redirect.fill(),
            Self::Cors(cors) => cors.fill(),
            Self::ExternalAuth(auth) => auth.backend_ref.fill(),
            Self::RequestHeaderModifier(_)
            | Self::ResponseHeaderModifier(_)
            | Self::UrlRewrite(_)
            | Self::ExtensionRef(_) => {}
        }
    }
}

impl Fill for RequestMirror {
    fn fill(&mut self) {
        self.backend_ref.fill();
        if let Some(fraction) = &mut self.fraction {
            fill(&mut fraction.denominator, || 100);
        }
    }
}

impl Fill for RequestRedirect {
    fn fill(&mut self) {
        fill(&mut self.status_code, || 302);
    }
}

impl Fill for Cors {
    fn fill(&mut self) {
        fill(&mut self.max_age, || 5);
    }
}

impl Fill for SessionPersistence {
    fn fill(&mut self) {
        fill(&mut self.session_type, Default::default);
        if let Some(cookie) = &mut self.cookie_config {
            fill(&mut cookie.lifetime_type, Default::default);
        }
    }
}
