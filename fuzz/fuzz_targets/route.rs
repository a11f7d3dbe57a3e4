//! Any objects and any request: a decision with its reasons, or an error, never a panic or a hang.
//!
//! The text is a URL in the first line, then the manifests.

#![no_main]

use canary_core::{Manifest, Mesh, Request, route::diff};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (url, objects) = text.split_once('\n').unwrap_or((text, ""));
    let (manifest, _) = Manifest::read_lenient(objects);
    let Ok(mesh) = Mesh::of(&manifest) else { return };
    let mut request = Request::post(url).header("user-group", "canary").random(7);
    for gateway in [None, Some("mesh".to_owned())] {
        request.gateway = gateway;
        let decision = mesh.route(&request);
        assert!(serde_json::to_string(&decision).is_ok());
        assert_eq!(decision.why().matched.as_ref(), decision.rule());
        let shares = decision.shares();
        assert!(shares.iter().all(|share| share.weight <= share.total));
    }
    assert!(diff(&mesh, &mesh).changes.is_empty());
});
