//! Texts made to hurt: each is refused quickly, or read, and none panics.

use std::fmt::Write;

use canary_core::{Manifest, manifest::Error};

fn refused(text: &str, why: &str) {
    match Manifest::read(text) {
        Err(Error::Manifest { reason, .. }) => assert!(reason.contains(why), "{reason}"),
        other => panic!("expected `{why}`, got {other:?}"),
    }
    let (manifest, findings) = Manifest::read_lenient(text);
    assert!(manifest.objects.is_empty() && findings.has_errors());
}

#[test]
fn alias_bombs() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{aliases}]").unwrap();
    }
    refused(&text, "the aliases expand to more than");
}

#[test]
fn anchors_inside_anchors() {
    let depth = 90;
    let mut text = String::new();
    for level in 0..depth {
        write!(text, "&a{level} [").unwrap();
    }
    text.push_str(&"x, ".repeat(3000));
    text.push_str(&"]".repeat(depth));
    refused(&text, "anchors hold more than");
}

#[test]
fn aliases_to_themselves_and_to_nothing() {
    refused("a: &a [*a]\n", "alias");
    refused("a: *nothing\n", "");
}

#[test]
fn deep_nesting() {
    refused(&"[".repeat(100_000), "");
    refused(
        &format!("{{\"a\": {}1{}}}", "[".repeat(200), "]".repeat(200)),
        "nested more than 100 deep",
    );
    let mut block = String::new();
    for depth in 0..500 {
        writeln!(block, "{}a:", " ".repeat(depth)).unwrap();
    }
    refused(&block, "nested more than 100 deep");
    refused(&"- ".repeat(5000), "");
}

#[test]
fn many_keys_and_many_documents() {
    let mut text = "apiVersion: v1\nkind: ConfigMap\ndata:\n".to_owned();
    for key in 0..20_000 {
        writeln!(text, "  k{key}: v").unwrap();
    }
    assert_eq!(Manifest::read(&text).unwrap().objects.len(), 1);
    text.push_str("  k77: again\n");
    refused(&text, "`k77` is defined twice");
    let many = "apiVersion: v1\nkind: Pod\n---\n".repeat(5000);
    assert_eq!(Manifest::read(&many).unwrap().objects.len(), 5000);
}

#[test]
fn merges_follow_yaml() {
    let text =
        "apiVersion: v1\nkind: ConfigMap\nbase: &base {a: x, b: y}\ndata: {<<: *base, b: z}\n";
    let json = Manifest::read(text).unwrap().to_json_value().unwrap();
    assert_eq!(json["data"], serde_json::json!({"a": "x", "b": "z"}));
    refused("apiVersion: v1\nkind: ConfigMap\ndata: {<<: 5}\n", "only objects can be merged");
}

#[test]
fn tags_and_keys_that_are_no_texts() {
    refused("a: !!python/object:os.system x\n", "tag");
    refused("a: !secret x\n", "tag");
    refused("? [a]\n: b\n", "a key must be a text");
    refused("? {a: b}\n: b\n", "a key must be a text");
    refused("null: b\n", "is not a string in YAML 1.1");
    let text = "apiVersion: v1\nkind: ConfigMap\ndata: {a: !!str 1, b: ! 2}\n";
    let json = Manifest::read(text).unwrap().to_json_value().unwrap();
    assert_eq!(json["data"], serde_json::json!({"a": "1", "b": "2"}));
}

#[test]
fn numbers_that_json_does_not_have() {
    for number in [".nan", ".inf", "-.inf"] {
        let text = format!(
            "apiVersion: networking.istio.io/v1\nkind: VirtualService\nspec: {{http: [{{mirrorPercentage: {{value: {number}}}}}]}}\n"
        );
        let Err(Error::Invalid(findings)) = Manifest::read(&text) else { panic!("read {number}") };
        assert_eq!(findings.0[0].path, "spec.http[0].mirrorPercentage.value");
        let text = format!("apiVersion: v1\nkind: ConfigMap\ndata: {{a: {number}}}\n");
        assert!(matches!(Manifest::read(&text), Err(Error::Invalid(_))));
    }
}

#[test]
fn odd_bytes() {
    for text in [
        "\u{0}",
        "\u{feff}",
        "\t",
        "%YAML 9.9\n---\na",
        "a: \u{1b}[31m",
        "'",
        "\"\\q\"",
        "&",
        "*",
        "!",
        "|",
        "? ",
        ": ",
        "- - -",
        "{",
        "}",
        "{}",
        "[]",
        "{\"a\":\"\\ud800\"}",
    ] {
        let _ = Manifest::read(text);
        let _ = Manifest::read_lenient(text);
    }
    let windows = "apiVersion: v1\r\nkind: Pod\r\nmetadata:\r\n  name: a\r\n";
    assert_eq!(Manifest::read(windows).unwrap().objects[0].name(), "a");
}
