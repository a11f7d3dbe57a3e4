//! Documents of several makes: out of the schemas, and the objects of generated meshes.

use canary_core::{Object, stats::Random};
use canary_tests::{
    generated::Generator,
    meshes::{clients, draw::Draw, objects},
};
use serde_json::Value;

/// An endless row of documents.
pub(crate) struct Documents {
    generators: Vec<Generator>,
    draw: Draw,
    /// The objects of the mesh that was generated last.
    meshed: Vec<Value>,
    made: usize,
}

impl Documents {
    pub(crate) fn new(definitions: &[Value], seed: u64) -> Self {
        let kinds = ["VirtualService", "DestinationRule", "Gateway"];
        Self {
            generators: kinds.map(|kind| Generator::new(definitions, kind, seed)).into(),
            draw: Draw(Random::new(!seed)),
            meshed: Vec::new(),
            made: 0,
        }
    }

    /// The next one: every fifth is of a mesh.
    pub(crate) fn next(&mut self) -> Value {
        self.made += 1;
        if !self.made.is_multiple_of(5) {
            let kind = self.made % self.generators.len();
            return self.generators[kind].next("generated-objects");
        }
        loop {
            if let Some(object) = self.meshed.pop() {
                return object;
            }
            let draw = &mut self.draw;
            let mut rules = objects::destination_rules(draw);
            clients::with_policies(draw, &mut rules);
            let made = objects::objects(draw);
            let all = made
                .gateways
                .into_iter()
                .map(Object::from)
                .chain(made.services.into_iter().map(Object::from))
                .chain(clients::services(draw).into_iter().map(Object::from))
                .chain(rules.into_iter().map(Object::from));
            self.meshed = all.map(|object| serde_json::to_value(object).unwrap()).collect();
        }
    }
}
