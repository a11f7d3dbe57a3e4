//! Constructors and setters of `HttpRoute` and `GrpcRoute`.

use super::texts;
use crate::gateway_api::{
    BackendRef, GrpcMethodMatch, GrpcRoute, GrpcRouteMatch, GrpcRouteRule, HeaderModifier,
    HttpHeader, HttpRoute, HttpRouteMatch, HttpRouteRule, ParentRef, RequestMirror, RouteFilter,
};

/// Sets a header of the responses, by the filter of that type, which a list may have once.
fn stamp(filters: &mut Vec<RouteFilter>, header: HttpHeader) {
    let found = filters.iter_mut().find_map(|filter| match filter {
        RouteFilter::ResponseHeaderModifier(modifier) => Some(modifier),
        _ => None,
    });
    let Some(modifier) = found else {
        let modifier = HeaderModifier { set: Some(vec![header]), ..HeaderModifier::default() };
        filters.push(RouteFilter::ResponseHeaderModifier(modifier));
        return;
    };
    let set = modifier.set.get_or_insert_default();
    set.retain(|one| !one.name.eq_ignore_ascii_case(&header.name));
    set.push(header);
}

macro_rules! route {
    ($route:ident, $rule:ident, $match:ident) => {
        impl $route {
            /// A route of this name, without parents, host names and rules.
            pub fn new(name: impl Into<String>) -> Self {
                Self::default().named(name)
            }

            /// All requests go to the Service of the same name.
            ///
            /// ```
            #[doc = concat!("use canary_core::gateway_api::", stringify!($route), ";")]
            ///
            #[doc = concat!("let route = ", stringify!($route), "::to(\"pets\").gateway(\"public\").port(80);")]
            /// let json = route.to_json_value()?;
            /// assert_eq!(json["spec"]["rules"][0]["backendRefs"][0]["name"], "pets");
            /// # Ok::<(), canary_core::Error>(())
            /// ```
            pub fn to(service: impl Into<String>) -> Self {
                let service = service.into();
                Self::new(&service).rule($rule::to([BackendRef::service(service)]))
            }

            /// The requests are split over Services by weight; each gets its weight over the sum of the weights.
            ///
            /// The Gateway API knows no subsets: each version has a Service of its own.
            ///
            /// ```
            #[doc = concat!("use canary_core::gateway_api::", stringify!($route), ";")]
            ///
            #[doc = concat!("let route = ", stringify!($route), "::weighted(\"pets\", [(\"pets-v1\", 90), (\"pets-v2\", 10)])")]
            ///     .gateway("public")
            ///     .host("pets.example.com")
            ///     .port(80);
            /// let json = route.to_json_value()?;
            /// assert_eq!(json["spec"]["parentRefs"][0]["name"], "public");
            /// assert_eq!(json["spec"]["rules"][0]["backendRefs"][1]["weight"], 10);
            /// # Ok::<(), canary_core::Error>(())
            /// ```
            pub fn weighted<T: Into<String>>(
                name: impl Into<String>,
                weights: impl IntoIterator<Item = (T, i32)>,
            ) -> Self {
                let backends = weights
                    .into_iter()
                    .map(|(service, weight)| BackendRef::service(service).weight(weight));
                Self::new(name).rule($rule::to(backends))
            }

            /// Adds a gateway that applies the route, as `name` or `namespace/name`.
            #[must_use]
            pub fn gateway(self, gateway: impl Into<String>) -> Self {
                self.parent(ParentRef::gateway(gateway))
            }

            /// Adds a Service, as `name` or `namespace/name`, whose requests inside the mesh take the route.
            ///
            /// ```
            #[doc = concat!("use canary_core::gateway_api::", stringify!($route), ";")]
            ///
            #[doc = concat!("let route = ", stringify!($route), "::weighted(\"pets\", [(\"pets-v1\", 90), (\"pets-v2\", 10)]).service(\"pets\").port(80);")]
            /// assert!(route.spec.parent_refs.iter().flatten().all(|parent| parent.is_service()));
            /// ```
            #[must_use]
            pub fn service(self, service: impl Into<String>) -> Self {
                self.parent(ParentRef::service(service))
            }

            /// Adds a parent.
            #[must_use]
            pub fn parent(mut self, parent: ParentRef) -> Self {
                self.spec.parent_refs.get_or_insert_default().push(parent);
                self
            }

            /// Adds a host name.
            #[must_use]
            pub fn host(mut self, hostname: impl Into<String>) -> Self {
                self.spec.hostnames.get_or_insert_default().push(hostname.into());
                self
            }

            /// Sets the host names, in place of those given before.
            #[must_use]
            pub fn hosts<T: Into<String>>(
                mut self,
                hostnames: impl IntoIterator<Item = T>,
            ) -> Self {
                self.spec.hostnames = Some(texts(hostnames));
                self
            }

            /// Sets the port of every backend that has none, mirrors included.
            #[must_use]
            pub fn port(mut self, port: u32) -> Self {
                for rule in self.spec.rules.iter_mut().flatten() {
                    for backend in rule.backend_refs.iter_mut().flatten() {
                        backend.port.get_or_insert(port);
                    }
                    for filter in rule.filters.iter_mut().flatten() {
                        if let RouteFilter::RequestMirror(mirror) = filter {
                            mirror.backend_ref.port.get_or_insert(port);
                        }
                    }
                }
                self
            }

            /// Adds a rule.
            #[must_use]
            pub fn rule(mut self, rule: $rule) -> Self {
                self.spec.rules.get_or_insert_default().push(rule);
                self
            }

            /// Adds a filter to every rule.
            #[must_use]
            pub fn filter(mut self, filter: RouteFilter) -> Self {
                for rule in self.spec.rules.iter_mut().flatten() {
                    rule.filters.get_or_insert_default().push(filter.clone());
                }
                self
            }

            /// Tells clients which backend served them: each response has this header with the backend's name.
            ///
            /// ```
            #[doc = concat!("use canary_core::gateway_api::", stringify!($route), ";")]
            ///
            #[doc = concat!("let route = ", stringify!($route), "::weighted(\"pets\", [(\"pets-v1\", 90), (\"pets-v2\", 10)]).stamp_backend(\"x-served-by\");")]
            /// let json = route.to_json_value()?;
            /// let filter = &json["spec"]["rules"][0]["backendRefs"][1]["filters"][0];
            /// assert_eq!(filter["responseHeaderModifier"]["set"][0]["value"], "pets-v2");
            /// # Ok::<(), canary_core::Error>(())
            /// ```
            #[must_use]
            pub fn stamp_backend(mut self, header: &str) -> Self {
                for rule in self.spec.rules.iter_mut().flatten() {
                    for backend in rule.backend_refs.iter_mut().flatten() {
                        let value = backend.name.clone();
                        let filters = backend.filters.get_or_insert_default();
                        stamp(filters, HttpHeader { name: header.to_owned(), value });
                    }
                }
                self
            }

            /// Adds a backend that gets a copy of every request of every rule.
            #[must_use]
            pub fn mirror(self, mirror: RequestMirror) -> Self {
                self.filter(RouteFilter::RequestMirror(mirror))
            }

            /// Narrows every rule: one of its conditions must hold.
            ///
            /// ```
            #[doc = concat!("use canary_core::gateway_api::{", stringify!($route), ", ", stringify!($match), "};")]
            ///
            #[doc = concat!("let route = ", stringify!($route), "::to(\"pets\").when(", stringify!($match), "::default().header(\"x-canary\", \"1\"));")]
            /// let json = route.to_json_value()?;
            /// assert_eq!(json["spec"]["rules"][0]["matches"][0]["headers"][0]["value"], "1");
            /// # Ok::<(), canary_core::Error>(())
            /// ```
            #[must_use]
            pub fn when(mut self, condition: $match) -> Self {
                for rule in self.spec.rules.iter_mut().flatten() {
                    rule.matches.get_or_insert_default().push(condition.clone());
                }
                self
            }

            /// Sends requests with this exact header value to one Service, by a rule for each rule that is there.
            ///
            /// A rule with the header alone would lose to any rule with a longer path, so each rule is copied with
            /// its conditions, filters and times; the copy has the header in every condition, and this Service, on
            /// the port of the rule's first backend, as its one backend. The name of a rule is not copied.
            ///
            /// ```
            #[doc = concat!("use canary_core::gateway_api::", stringify!($route), ";")]
            ///
            #[doc = concat!("let route = ", stringify!($route), "::to(\"pets-v1\").port(80).when_header(\"x-canary\", \"1\", \"pets-v2\");")]
            /// let json = route.to_json_value()?;
            /// assert_eq!(json["spec"]["rules"][1]["matches"][0]["headers"][0]["name"], "x-canary");
            /// assert_eq!(json["spec"]["rules"][1]["backendRefs"][0]["port"], 80);
            /// # Ok::<(), canary_core::Error>(())
            /// ```
            #[must_use]
            pub fn when_header(
                mut self,
                header: impl Into<String>,
                value: impl Into<String>,
                service: impl Into<String>,
            ) -> Self {
                let (header, value) = (header.into(), value.into());
                let backend = BackendRef::service(service);
                let rules = self.spec.rules.get_or_insert_default();
                let copies: Vec<$rule> = rules
                    .iter()
                    .map(|rule| {
                        let port = rule.backend_refs.iter().flatten().find_map(|one| one.port);
                        let mut copy = rule.clone();
                        copy.name = None;
                        let matches = copy.matches.get_or_insert_default();
                        if matches.is_empty() {
                            matches.push($match::default());
                        }
                        for one in matches {
                            one.headers
                                .get_or_insert_default()
                                .push(crate::gateway_api::HeaderMatch::exact(&header, &value));
                        }
                        copy.backend_refs =
                            Some(vec![BackendRef { port: port.or(backend.port), ..backend.clone() }]);
                        copy
                    })
                    .collect();
                rules.extend(copies);
                self
            }
        }
    };
}

route!(HttpRoute, HttpRouteRule, HttpRouteMatch);
route!(GrpcRoute, GrpcRouteRule, GrpcRouteMatch);

impl HttpRoute {
    /// Narrows every rule to a prefix of the path, by whole segments.
    ///
    /// ```
    /// use canary_core::gateway_api::HttpRoute;
    ///
    /// let route = HttpRoute::to("pets").prefix("/v1/models");
    /// let json = route.to_json_value()?;
    /// assert_eq!(json["spec"]["rules"][0]["matches"][0]["path"]["value"], "/v1/models");
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    #[must_use]
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        self.when(HttpRouteMatch::default().path(crate::gateway_api::PathMatch::prefix(prefix)))
    }
}

impl GrpcRoute {
    /// Narrows every rule to the methods of one gRPC service.
    ///
    /// ```
    /// use canary_core::gateway_api::GrpcRoute;
    ///
    /// let route = GrpcRoute::to("pets").grpc_service("tensorflow.serving.PredictionService");
    /// let json = route.to_json_value()?;
    /// let method = &json["spec"]["rules"][0]["matches"][0]["method"];
    /// assert_eq!(method["service"], "tensorflow.serving.PredictionService");
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    #[must_use]
    pub fn grpc_service(self, service: impl Into<String>) -> Self {
        self.when(GrpcRouteMatch::default().method(GrpcMethodMatch::service(service)))
    }
}
