//! `schema`: what it prints is JSON Schema, by which the files of these tests hold.

use serde_json::Value;

use crate::folder::Folder;

#[test]
fn schemas_are_printed() {
    let folder = Folder::new("schema");
    for (of, property) in [("plan", "guardrails"), ("cases", "cases")] {
        let (status, text, _) = folder.run(&["schema", of]);
        let schema: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(status, Some(0));
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert!(schema["properties"][property].is_object(), "{of}");
    }
}
