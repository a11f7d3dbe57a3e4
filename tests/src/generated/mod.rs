//! Objects out of the schemas of `CustomResourceDefinition`s: mostly good ones, with a careless value here and there.

mod gateway_api;

use canary_core::stats::Random;
use serde_json::{Map, Value, json};

/// Generates the specs of one kind.
#[derive(Debug)]
pub struct Generator {
    random: Random,
    schema: Value,
    skeletons: Vec<Value>,
    api_version: String,
    kind: &'static str,
    /// The texts of a field that no other rule names.
    texts: fn(&str, &Value) -> &'static [&'static str],
    /// Lists that are too long are made up to this limit.
    longest: u64,
    made: usize,
}

impl Generator {
    /// Of a kind of Istio's whose definition is among these.
    pub fn new(definitions: &[Value], kind: &'static str, seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            schema: schema(definitions, kind),
            skeletons: skeletons(kind),
            api_version: "networking.istio.io/v1".to_owned(),
            kind,
            texts: |name, _| texts(name),
            longest: 10,
            made: 0,
        }
    }

    /// Of a kind of the Gateway API whose definition is among these.
    pub fn of_gateway_api(definitions: &[Value], kind: &'static str, seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            schema: schema(definitions, kind),
            skeletons: gateway_api::skeletons(kind),
            api_version: "gateway.networking.k8s.io/v1".to_owned(),
            kind,
            texts: gateway_api::texts,
            longest: 70,
            made: 0,
        }
    }

    /// The next object: a good one with one to three fields generated from the schema, or generated entirely from it.
    pub fn next(&mut self, namespace: &str) -> Value {
        self.made += 1;
        let schema = self.schema.clone();
        let spec = if self.random.bernoulli(0.1) {
            self.value("spec", &schema, 0)
        } else {
            let place = usize::try_from(self.random.below(self.skeletons.len() as u64)).unwrap();
            let mut spec = self.skeletons[place].clone();
            for _ in 0..=self.random.below(3) {
                self.change(&mut spec, &schema, 0);
            }
            spec
        };
        json!({
            "apiVersion": self.api_version, "kind": self.kind,
            "metadata": {"name": format!("generated-{}", self.made), "namespace": namespace},
            "spec": spec,
        })
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[usize::try_from(self.random.below(of.len() as u64)).unwrap()]
    }

    /// Replaces or adds one field somewhere within.
    fn change(&mut self, value: &mut Value, schema: &Value, depth: usize) {
        match value {
            Value::Array(items) if !items.is_empty() => {
                let place = usize::try_from(self.random.below(items.len() as u64)).unwrap();
                self.change(&mut items[place], &schema["items"], depth);
            }
            Value::Object(fields) => {
                let Some(known) = schema["properties"].as_object() else { return };
                if self.random.bernoulli(0.01) {
                    fields.insert("notAField".to_owned(), json!(1));
                    return;
                }
                let present: Vec<&str> = known
                    .keys()
                    .filter(|name| fields.contains_key(*name))
                    .map(String::as_str)
                    .collect();
                if depth < 4 && !present.is_empty() && self.random.bernoulli(0.6) {
                    let name = self.one(&present);
                    if let Some(inner) =
                        fields.get_mut(name).filter(|v| v.is_object() || v.is_array())
                    {
                        return self.change(inner, &known[name], depth + 1);
                    }
                }
                let all: Vec<&str> = known.keys().map(String::as_str).collect();
                let name = self.one(&all);
                let made = self.value(name, &known[name], depth + 1);
                fields.insert(name.to_owned(), made);
            }
            _ => {}
        }
    }

    /// A value that the schema describes.
    fn value(&mut self, name: &str, schema: &Value, depth: usize) -> Value {
        if self.random.bernoulli(0.01) {
            // Of a wrong type.
            return self
                .one(&[&json!("text"), &json!(7), &json!(true), &json!([]), &json!({})])
                .clone();
        }
        if schema["x-kubernetes-int-or-string"] == true {
            return json!(self.random.below(100));
        }
        match schema["type"].as_str() {
            Some("object") => self.object(schema, depth),
            Some("array") => {
                let number = if self.random.bernoulli(0.05) { 0 } else { 1 + self.random.below(2) };
                let most = schema["maxItems"].as_u64().filter(|most| *most < self.longest);
                let number =
                    most.filter(|_| self.random.bernoulli(0.2)).map_or(number, |most| most + 1);
                (0..number).map(|_| self.value(name, &schema["items"], depth + 1)).collect()
            }
            Some("boolean") => json!(self.random.bernoulli(0.5)),
            Some("integer") => self.integer(name, schema),
            Some("number") => self
                .one(&[&json!(0), &json!(0.5), &json!(50), &json!(100), &json!(100.5), &json!(-1)])
                .clone(),
            Some("string") => json!(self.text(name, schema)),
            _ => json!({}),
        }
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let mut fields = Map::new();
        if let Some(of) = schema.get("additionalProperties") {
            for _ in 0..=self.random.below(2) {
                let key = self.one(&["version", "app", "x-user", "region/*", "istio.io/a"]);
                let value = self.value("value", of, depth + 1);
                fields.insert(key.to_owned(), value);
            }
            return Value::Object(fields);
        }
        let Some(known) = schema["properties"].as_object() else { return json!({}) };
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let more = if depth > 6 { 0 } else { 1 + self.random.below(3) };
        let mut chosen: Vec<&str> = required;
        for _ in 0..more {
            chosen.push(self.one(&names));
        }
        let union = gateway_api::union(schema);
        if !union.is_empty() && self.random.bernoulli(0.9) {
            let (kind, payload) =
                union[usize::try_from(self.random.below(union.len() as u64)).unwrap()];
            let value = self.value(payload, &known[payload], depth + 1);
            return json!({"type": kind, payload: value});
        }
        let oneof = alternatives(schema);
        let careless = self.random.bernoulli(0.1);
        let mut taken = false;
        for name in chosen {
            if oneof.contains(&name) {
                if taken && !careless && !fields.contains_key(name) {
                    continue;
                }
                taken = true;
            }
            let value = self.value(name, &known[name], depth + 1);
            fields.insert(name.to_owned(), value);
        }
        Value::Object(fields)
    }

    fn integer(&mut self, name: &str, schema: &Value) -> Value {
        if let Some(numbers) = schema["enum"].as_array() {
            let place = usize::try_from(self.random.below(numbers.len() as u64 + 1)).unwrap();
            return numbers.get(place).cloned().unwrap_or(json!(300));
        }
        if name == "number" || name.ends_with("ort") {
            return self
                .one(&[
                    &json!(80),
                    &json!(8501),
                    &json!(443),
                    &json!(65535),
                    &json!(65536),
                    &json!(0),
                ])
                .clone();
        }
        let low =
            schema["minimum"].as_i64().unwrap_or_else(|| i64::from(schema["format"] != "uint32"));
        let high = schema["maximum"].as_i64().unwrap_or(100);
        let inside = low
            + i64::try_from(
                self.random.below(u64::try_from((high - low).clamp(1, 1_000)).unwrap()),
            )
            .unwrap();
        let values = [low, high, inside, inside, inside, inside, low - 1, high.saturating_add(1)];
        json!(values[usize::try_from(self.random.below(8)).unwrap()])
    }

    fn text(&mut self, name: &str, schema: &Value) -> String {
        if let Some(words) = schema["enum"].as_array() {
            if self.random.bernoulli(0.05) {
                return "NOT_A_WORD".to_owned();
            }
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            return self.one(&words).to_owned();
        }
        let rules = schema["x-kubernetes-validations"].to_string();
        if rules.contains("duration(") || name.ends_with("imeout") || name.ends_with("Interval") {
            return self
                .one(&[
                    "1s", "10s", "0.5s", "1ms", "5m", "1h30m", "2s", "0s", "100us", "-1s", "1",
                    "fast", "1d",
                ])
                .to_owned();
        }
        let pool = (self.texts)(name, schema);
        self.one(pool).to_owned()
    }
}

/// The schema of the spec of a kind whose definition is among these.
fn schema(definitions: &[Value], kind: &str) -> Value {
    let of_kind = |definition: &&Value| definition["spec"]["names"]["kind"] == kind;
    let definition = definitions.iter().find(of_kind).expect("the kind's definition");
    let versions = definition["spec"]["versions"].as_array().unwrap();
    let version = versions.iter().find(|version| version["name"] == "v1").unwrap();
    version["schema"]["openAPIV3Schema"]["properties"]["spec"].clone()
}

/// Texts for a field of Istio's kinds.
fn texts(name: &str) -> &'static [&'static str] {
    match name {
        "hosts" | "host" | "sniHosts" | "fqdn" => &[
            "reviews",
            "reviews.default.svc.cluster.local",
            "a.example.com",
            "*.example.com",
            "*",
            "a b",
            "",
            "10.0.0.1",
            "UPPER",
        ],
        "gateways" => &["gateway", "mesh", "istio-system/gateway", "a/b/c", ""],
        "exportTo" => &[".", "*", "istio-system", "Not A Namespace"],
        "subset" | "name" => &["v1", "http", "stable", "a-b", "Not_A_Label", ""],
        "protocol" => &["HTTP", "HTTPS", "TCP", "GRPC", "TLS", "FOO"],
        "regex" => &["a.*", "^v[12]$", "(", "", "a{2000}"],
        "prefix" | "exact" | "uri" | "path" => &["/", "/v1", "/v1/models", "", "no-slash"],
        "method" | "allowMethods" => &["GET", "POST", "FETCH"],
        "scheme" => &["http", "https", "ftp"],
        "retryOn" => &["5xx", "gateway-error,reset", "503", "sometimes", ""],
        "credentialName" | "credentialNames" | "serverCertificate" | "privateKey"
        | "caCertificates" => &["secret", "/etc/certs/a.pem", ""],
        "bind" | "sourceSubnets" | "destinationSubnets" => {
            &["10.0.0.1", "10.0.0.0/8", "::1", "/tmp/s.sock", "x"]
        }
        "from" | "to" => &["us-west/*", "us-east/*", "us-west", "*", ""],
        _ => &[
            "value",
            "a",
            "x-b",
            "",
            "1",
            "%",
            "long-long-long-long-long-long-long-long-long-long-long-long-long-value",
        ],
    }
}

/// The fields of which the schema allows at most one.
fn alternatives(schema: &Value) -> Vec<&str> {
    let lists = [&schema["oneOf"], &schema["allOf"][0]["oneOf"]];
    let options = lists.into_iter().filter_map(Value::as_array).flatten();
    let required = options.filter_map(|option| option["required"].as_array());
    required.flatten().filter_map(Value::as_str).collect()
}

/// Good specs to begin with.
fn skeletons(kind: &str) -> Vec<Value> {
    let tls = json!({"mode": "SIMPLE", "credentialName": "secret"});
    match kind {
        "VirtualService" => vec![
            json!({"hosts": ["reviews"], "http": [{"route": [{"destination": {"host": "reviews", "subset": "v1"}, "weight": 70},
                {"destination": {"host": "reviews", "subset": "v2"}, "weight": 30}]}]}),
            json!({"hosts": ["*"], "gateways": ["gateway"], "http": [
                {"match": [{"headers": {"user-group": {"exact": "canary"}}, "uri": {"prefix": "/v1"}}],
                 "route": [{"destination": {"host": "reviews", "port": {"number": 8501}}}], "timeout": "5s",
                 "retries": {"attempts": 3, "perTryTimeout": "2s", "retryOn": "5xx"}},
                {"redirect": {"uri": "/new", "authority": "b.example.com"}}]}),
            json!({"hosts": ["a.example.com"], "http": [{"route": [{"destination": {"host": "reviews"}}],
                "fault": {"delay": {"fixedDelay": "1s", "percentage": {"value": 10}}}, "corsPolicy": {"allowOrigins": [{"exact": "a"}]},
                "mirror": {"host": "shadow"}, "headers": {"request": {"set": {"a": "b"}}}, "rewrite": {"uri": "/x"}}]}),
            json!({"hosts": ["a.example.com"], "tls": [{"match": [{"port": 443, "sniHosts": ["a.example.com"]}],
                "route": [{"destination": {"host": "reviews"}}]}], "tcp": [{"route": [{"destination": {"host": "reviews"}}]}]}),
        ],
        "DestinationRule" => vec![
            json!({"host": "reviews", "subsets": [{"name": "v1", "labels": {"version": "v1"}}, {"name": "v2", "labels": {"version": "v2"}}]}),
            json!({"host": "reviews", "trafficPolicy": {"loadBalancer": {"consistentHash": {"httpHeaderName": "x"}},
                "connectionPool": {"tcp": {"maxConnections": 10, "connectTimeout": "1s"}, "http": {"http1MaxPendingRequests": 5}},
                "outlierDetection": {"consecutive5xxErrors": 5, "interval": "10s", "baseEjectionTime": "30s"}, "tls": tls}}),
            json!({"host": "reviews", "trafficPolicy": {"loadBalancer": {"simple": "LEAST_REQUEST", "warmup": {"duration": "10s"},
                "localityLbSetting": {"distribute": [{"from": "us-west/*", "to": {"us-west/*": 100}}]}},
                "portLevelSettings": [{"port": {"number": 80}, "loadBalancer": {"simple": "RANDOM"}}]}}),
        ],
        _ => vec![
            json!({"selector": {"istio": "ingressgateway"}, "servers": [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}]}),
            json!({"servers": [{"port": {"number": 443, "name": "https", "protocol": "HTTPS"}, "hosts": ["a.example.com"], "tls": tls}]}),
        ],
    }
}
