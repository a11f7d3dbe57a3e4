//! Constructors and setters of `VirtualService`.

use super::texts;
use crate::{
    error::{Error, Result},
    networking::{
        Destination, Double, Duration, HttpMatchRequest, HttpMirrorPolicy, HttpRetry, HttpRoute,
        HttpRouteDestination, Percent, PortSelector, StringMatch, VirtualService,
    },
};

impl VirtualService {
    /// All requests for a service, named after it, go to the service as a whole.
    ///
    /// ```
    /// use canary_core::VirtualService;
    ///
    /// let all = VirtualService::to("image-classifier")
    ///     .hosts(["*"])
    ///     .gateway("image-classifier-gateway")
    ///     .port(8501);
    /// let json = all.to_json_value()?;
    /// assert_eq!(json["spec"]["http"][0]["route"][0]["destination"]["port"]["number"], 8501);
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    pub fn to(host: impl Into<String>) -> Self {
        let host = host.into();
        Self::routing(&host, vec![HttpRouteDestination::new(Destination::new(&host))])
    }

    /// The requests for a service, named after it, are split over its subsets by weight.
    ///
    /// Each subset gets its weight over the sum of the weights; with the customary sum of 100 a weight is
    /// a percentage. The destinations stand in the order given.
    ///
    /// ```
    /// use canary_core::VirtualService;
    ///
    /// let split = VirtualService::weighted("image-classifier", [("resnet50", 70), ("resnet101", 30)])
    ///     .hosts(["*"])
    ///     .gateway("image-classifier-gateway")
    ///     .port(8501);
    /// let json = split.to_json_value()?;
    /// assert_eq!(json["spec"]["http"][0]["route"][1]["weight"], 30);
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    pub fn weighted<T: Into<String>>(
        host: impl Into<String>,
        weights: impl IntoIterator<Item = (T, i32)>,
    ) -> Self {
        let host = host.into();
        let route = weights
            .into_iter()
            .map(|(subset, weight)| {
                HttpRouteDestination::new(Destination::new(&host).subset(subset)).weight(weight)
            })
            .collect();
        Self::routing(&host, route)
    }

    fn routing(host: &str, route: Vec<HttpRouteDestination>) -> Self {
        let mut service = Self::default();
        service.metadata.name = Some(host.to_owned());
        service.spec.hosts = Some(vec![host.to_owned()]);
        service.spec.http = Some(vec![HttpRoute { route: Some(route), ..HttpRoute::default() }]);
        service
    }

    /// Sets the hosts, which replace the service's own name.
    #[must_use]
    pub fn hosts<T: Into<String>>(mut self, hosts: impl IntoIterator<Item = T>) -> Self {
        self.spec.hosts = Some(texts(hosts));
        self
    }

    /// Adds a gateway that applies these routes, as `name` or `namespace/name`.
    ///
    /// With any gateway the sidecars of the mesh no longer apply them, unless `mesh` is added too.
    #[must_use]
    pub fn gateway(mut self, gateway: impl Into<String>) -> Self {
        self.spec.gateways.get_or_insert_default().push(gateway.into());
        self
    }

    /// Sets the gateways that apply these routes, in place of those given before.
    #[must_use]
    pub fn gateways<T: Into<String>>(mut self, gateways: impl IntoIterator<Item = T>) -> Self {
        self.spec.gateways = Some(texts(gateways));
        self
    }

    /// Sets the namespaces that see these routes.
    #[must_use]
    pub fn export_to<T: Into<String>>(mut self, namespaces: impl IntoIterator<Item = T>) -> Self {
        self.spec.export_to = Some(texts(namespaces));
        self
    }

    /// Sets the port of every destination of every HTTP rule, mirrors included.
    #[must_use]
    pub fn port(mut self, number: u32) -> Self {
        for rule in self.spec.http.iter_mut().flatten() {
            let route = rule.route.iter_mut().flatten().map(|share| &mut share.destination);
            let mirrors = rule.mirrors.iter_mut().flatten().map(|mirror| &mut mirror.destination);
            for destination in route.chain(mirrors).chain(&mut rule.mirror) {
                destination.port = Some(PortSelector::new(number));
            }
        }
        self
    }

    /// Sets the subset of every destination of every HTTP rule that names none.
    #[must_use]
    pub fn subset(mut self, subset: impl Into<String>) -> Self {
        let subset = subset.into();
        for share in self.destinations_mut() {
            share.destination.subset.get_or_insert_with(|| subset.clone());
        }
        self
    }

    /// Sends requests with this exact header value to one subset, before all rules without conditions.
    ///
    /// ```
    /// use canary_core::VirtualService;
    ///
    /// let focused = VirtualService::to("image-classifier")
    ///     .subset("resnet50")
    ///     .when_header("user-group", "canary", "resnet101")
    ///     .port(8501);
    /// let json = focused.to_json_value()?;
    /// assert_eq!(json["spec"]["http"][0]["match"][0]["headers"]["user-group"]["exact"], "canary");
    /// assert_eq!(json["spec"]["http"][0]["route"][0]["destination"]["subset"], "resnet101");
    /// assert_eq!(json["spec"]["http"][1]["route"][0]["destination"]["subset"], "resnet50");
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    #[must_use]
    pub fn when_header(
        self,
        header: impl Into<String>,
        value: impl Into<String>,
        subset: impl Into<String>,
    ) -> Self {
        self.when(HttpMatchRequest::default().header(header, StringMatch::exact(value)), subset)
    }

    /// Sends requests that meet a condition to one subset of the service, before all rules without conditions.
    ///
    /// The service and port are those of the first destination; without any, the service is the first
    /// of the hosts. Several calls are tried in their order.
    #[must_use]
    pub fn when(mut self, condition: HttpMatchRequest, subset: impl Into<String>) -> Self {
        let first = self.destinations_mut().next().map(|share| share.destination.clone());
        let destination = first.unwrap_or_else(|| {
            Destination::new(self.spec.hosts.iter().flatten().next().cloned().unwrap_or_default())
        });
        let rule = HttpRoute {
            matches: Some(vec![condition]),
            route: Some(vec![HttpRouteDestination::new(destination.subset(subset))]),
            ..HttpRoute::default()
        };
        self.with_rule(rule)
    }

    /// Replaces the HTTP rule of the same name. If there is none, the rule is added: after the other rules with
    /// conditions and before those without, or at the end if it has no conditions itself.
    ///
    /// ```
    /// use canary_core::{VirtualService, istio::HttpRoute};
    ///
    /// let rule = HttpRoute { name: Some("split".to_owned()), ..HttpRoute::default() };
    /// let service = VirtualService::to("pets").with_rule(rule.clone()).with_rule(rule);
    /// assert_eq!(service.spec.http.map(|rules| rules.len()), Some(2));
    /// ```
    #[must_use]
    pub fn with_rule(mut self, rule: HttpRoute) -> Self {
        let rules = self.spec.http.get_or_insert_default();
        let named = |other: &HttpRoute| rule.name.is_some() && other.name == rule.name;
        if let Some(place) = rules.iter().position(named) {
            rules[place] = rule;
            return self;
        }
        let before = rules.iter().position(unconditional).filter(|_| !unconditional(&rule));
        let place = before.unwrap_or(rules.len());
        rules.insert(place, rule);
        self
    }

    /// Sets the weights of the subsets in one HTTP rule: the one of that name, or the only one without conditions.
    ///
    /// A subset that the rule does not have becomes a destination like its first one; a destination that is not named
    /// gets the weight 0 and is otherwise unchanged.
    ///
    /// ```
    /// use canary_core::VirtualService;
    ///
    /// let service = VirtualService::to("pets").subset("v1").port(8501);
    /// let split = service.with_weights(None, [("v1", 90), ("v2", 10)])?;
    /// let json = split.to_json_value()?;
    /// assert_eq!(json["spec"]["http"][0]["route"][1]["weight"], 10);
    /// assert_eq!(json["spec"]["http"][0]["route"][1]["destination"]["port"]["number"], 8501);
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Manifest`] when there is no such rule, or several without conditions; the message lists their names.
    pub fn with_weights<T: AsRef<str>>(
        mut self,
        name: Option<&str>,
        weights: impl IntoIterator<Item = (T, i32)>,
    ) -> Result<Self> {
        let what = format!("VirtualService {}", self.name());
        let rules: Vec<&mut HttpRoute> = self.routing_rules_mut().collect();
        let names: Vec<String> = rules.iter().map(|rule| named(rule)).collect();
        let mut chosen = rules.into_iter().filter(|rule| match name {
            Some(name) => rule.name.as_deref() == Some(name),
            None => unconditional(rule),
        });
        let (Some(rule), None) = (chosen.next(), chosen.next()) else {
            let wanted = name.map_or("one rule without conditions".to_owned(), |name| {
                format!("one rule named {name:?}")
            });
            let found = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            let reason = format!(
                "expected {wanted} to set the weights of; its rules with destinations are {found}"
            );
            return Err(Error::Manifest { what, reason });
        };
        let route = rule.route.get_or_insert_default();
        let Some(first) = route.first().cloned() else { return Ok(self) };
        for share in route.iter_mut() {
            share.weight = Some(0);
        }
        for (subset, weight) in weights {
            let subset = subset.as_ref();
            let has =
                |share: &HttpRouteDestination| share.destination.subset.as_deref() == Some(subset);
            match route.iter_mut().find(|share| has(share)) {
                Some(share) => share.weight = Some(weight),
                None => route.push(alike(&first, subset).weight(weight)),
            }
        }
        Ok(self)
    }

    /// Adds an HTTP rule at the end.
    #[must_use]
    pub fn rule(mut self, rule: HttpRoute) -> Self {
        self.spec.http.get_or_insert_default().push(rule);
        self
    }

    /// Limits the time of a whole request, retries included, in every HTTP rule that has destinations.
    #[must_use]
    pub fn timeout(mut self, timeout: impl Into<Duration>) -> Self {
        let timeout = timeout.into();
        for rule in self.routing_rules_mut() {
            rule.timeout = Some(timeout.clone());
        }
        self
    }

    /// Sets when and how often to try again, in every HTTP rule that has destinations.
    #[must_use]
    pub fn retries(mut self, retries: &HttpRetry) -> Self {
        for rule in self.routing_rules_mut() {
            rule.retries = Some(retries.clone());
        }
        self
    }

    /// Copies a share of the requests, in percent, to a subset of the service, whose responses are dropped, in every
    /// HTTP rule that has destinations.
    #[must_use]
    pub fn mirror(mut self, subset: impl Into<String>, percent: impl Into<Double>) -> Self {
        let (subset, percentage) = (subset.into(), Percent::new(percent));
        for rule in self.routing_rules_mut() {
            let first = rule.route.iter().flatten().next().map(|share| share.destination.clone());
            if let Some(destination) = first {
                rule.mirrors.get_or_insert_default().push(HttpMirrorPolicy {
                    destination: destination.subset(subset.clone()),
                    percentage: Some(percentage),
                });
            }
        }
        self
    }

    /// Adds a header of this name with the subset to every response.
    ///
    /// A client can then distinguish the subsets. Destinations without a subset are left unchanged.
    #[must_use]
    pub fn stamp_subset(mut self, header: impl Into<String>) -> Self {
        let header = header.into();
        for share in self.destinations_mut() {
            if let Some(subset) = share.destination.subset.clone() {
                let headers = share.headers.get_or_insert_default();
                let set = headers.response.get_or_insert_default().set.get_or_insert_default();
                set.insert(header.clone(), subset);
            }
        }
        self
    }

    fn routing_rules_mut(&mut self) -> impl Iterator<Item = &mut HttpRoute> {
        let rules = self.spec.http.iter_mut().flatten();
        rules.filter(|rule| rule.route.as_ref().is_some_and(|route| !route.is_empty()))
    }

    fn destinations_mut(&mut self) -> impl Iterator<Item = &mut HttpRouteDestination> {
        self.spec.http.iter_mut().flatten().flat_map(|rule| rule.route.iter_mut().flatten())
    }
}

/// Returns `true` for a rule that every request meets.
fn unconditional(rule: &HttpRoute) -> bool {
    rule.matches.as_ref().is_none_or(Vec::is_empty)
}

/// A rule's name for messages.
fn named(rule: &HttpRoute) -> String {
    match &rule.name {
        Some(name) => format!("{name:?}"),
        None if unconditional(rule) => "one without name and conditions".to_owned(),
        None => "one without name".to_owned(),
    }
}

/// A destination like another one, for another subset; where the first names its subset to clients, so does this one.
fn alike(first: &HttpRouteDestination, subset: &str) -> HttpRouteDestination {
    let mut share = first.clone();
    let before = share.destination.subset.replace(subset.to_owned());
    let set =
        share.headers.iter_mut().filter_map(|headers| headers.response.as_mut()?.set.as_mut());
    for value in set.flat_map(|set| set.values_mut()) {
        if Some(&*value) == before.as_ref() {
            subset.clone_into(value);
        }
    }
    share
}
