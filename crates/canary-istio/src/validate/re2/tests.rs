use super::{check, full_match, groups, repeated_group, search, translate};

#[test]
fn what_go_accepts_is_accepted() {
    for pattern in [
        "",
        "a",
        "/v1/models/.*",
        "a|b|",
        "(a|b)*",
        "(?i)abc",
        "(?i:a)b",
        "(?s).",
        "(?m)^a$",
        "(?U)a*",
        "(?i-s)a",
        "(?-i)a",
        r"\d+\.\d+",
        r"[\d\-x]",
        "[a-]",
        "[-a]",
        "[]a]",
        "[^]a]",
        "[a-\\x{10}b]".replace("a-\\x{10}", "\\x{10}-a").as_str(),
        "[[:alpha:]]",
        "[[:^alpha:]_]",
        "[[:x]",
        r"\pL\p{Lu}\P{Greek}\p{^Han}",
        r"\p{Letter}",
        r"\p{Old_Italic}",
        "a{2}",
        "a{2,}",
        "a{2,3}",
        "a{0}",
        "{",
        "a{",
        "a{,3}",
        "a{01}",
        "a{1",
        "x{2}{",
        r"\Qa.b\E+",
        r"\Q",
        r"\Qa\\E",
        r"\x41\x{41}\101\0",
        r"\a\f\n\r\t\v",
        r"\.\_\<\-\ ",
        r"\A\z\b\B",
        "(?P<n>a)",
        "(?<n>a)",
        "(?P<1>a)",
        "^*",
        "(|a)*",
        "(?:)*",
        "()",
        "a(?i)*",
        r"a*\Q\E*",
        "a(?i)*(?-i)*",
        "(a{30}){33}",
        "(a{2}){500}",
        "[^\\x00-\\x{10FFFF}]",
        r"[\x{D800}]",
        "é+",
        "[é-ü]",
        "a&&b",
        "[a&&b]",
        "[a--b]".replace("a--b", "a~~b").as_str(),
        "[[a]",
        "#",
        " ",
        "(a)(?:b)(c)",
        ".*?",
        "a??",
    ] {
        let translated = check(pattern)
            .and_then(|()| translate(pattern))
            .unwrap_or_else(|error| panic!("{pattern}: {error}"));
        assert!(
            full_match(pattern).is_ok(),
            "{pattern} became {translated}, which does not compile"
        );
    }
}

#[test]
fn what_go_refuses_is_refused() {
    for pattern in [
        "*",
        "+a",
        "?",
        "a**",
        "a+*",
        "a{2}{3}",
        "a*{2}",
        "(*)",
        "(|*)",
        "(",
        ")",
        "a)",
        "(a",
        "[",
        "[a",
        "[]",
        "[^]",
        "[b-a]",
        r"[a-\d]",
        r"\8",
        r"\1",
        r"(a)\1",
        r"\C",
        r"\Z",
        r"\G",
        r"\K",
        r"\e",
        r"\",
        r"\x",
        r"\x4",
        r"\x{",
        r"\x{}",
        r"\x{110000}",
        r"\x{4g}",
        r"\p",
        r"\pX",
        r"\p{Nope}",
        r"\p{Greek",
        "(?",
        "(?=a)",
        "(?!a)",
        "(?<=a)",
        "(?<!a)",
        "(?>a)",
        "(?#c)",
        "(?x)a",
        "(?R)",
        "(?-)",
        "(?i-)",
        "(?--i)",
        "(?P<n-n>a)",
        "(?P<>a)",
        "(?P=n)",
        "(?'n'a)",
        "(?P<n",
        "(?P<",
        "a{1001}",
        "a{3,2}",
        "a{1,1001}",
        "(a{100}){11}",
        "((a{10}){10}){11}",
        "[[:nope:]]",
        "[[:alpha:]",
        "a|*",
        "(?i)*",
        "^**",
        "a???",
        "a+?*",
        r"\pé",
    ] {
        assert!(check(pattern).is_err(), "{pattern} should be refused");
    }
    assert!(check(&"a".repeat(1024)).is_ok());
    assert!(check(&"a".repeat(1025)).is_err());
    assert!(check(&"é".repeat(513)).is_err(), "the limit counts bytes");
}

#[test]
fn the_reason_names_the_place() {
    assert_eq!(check("a**").unwrap_err().to_string(), "two repetitions follow each other at `**`");
    assert_eq!(
        check("(?=a)").unwrap_err().to_string(),
        "RE2 has no such group: no look-around, no conditions, flags i m s U only at `(?=`"
    );
    assert_eq!(check("x[").unwrap_err().to_string(), "a `[` is not closed at `[`");
    assert_eq!(check(r"\Z").unwrap_err().to_string(), r"RE2 has no such escape at `\Z`");
}

#[test]
fn the_translation_keeps_the_meaning() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("/v1/.*", &["/v1/", "/v1/models"], &["/v1", "x/v1/", "/v1/a\nb"]),
        ("a|bc", &["a", "bc"], &["abc", "ac", ""]),
        (r"\d+", &["123"], &["١٢٣", ""]),
        (r"\w+", &["a_1"], &["é"]),
        (r"\W", &["é", "-"], &["_"]),
        (r"\s", &[" ", "\t"], &["\u{a0}", "\u{b}"]),
        ("[[:space:]]", &["\u{b}"], &["\u{a0}"]),
        (r"a\b.*", &["aé", "a"], &["ab"]),
        (r"é\Bé", &["éé"], &["é"]),
        (r"\Q.*\E+", &[".*", ".**"], &["..", "ab"]),
        (r"\Qab\E+", &["abb"], &["abab"]),
        ("(?i)straße", &["STRAßE"], &["strasse"]),
        (r"(?i)[^a]", &["b"], &["A", "a"]),
        (r"(?i)\w", &["ſ", "K", "k"], &["é"]),
        (r"(?i)[\W]", &["é"], &["ſ", "K"]),
        (r"a(?i)b|c", &["aB", "C"], &["Ab"]),
        (r"(?:a(?i)b)c", &["aBc"], &["aBC"]),
        ("a{,3}", &["a{,3}"], &["aa"]),
        ("a(?i)*", &["aaa", ""], &["A"]),
        (r"\<\>", &["<>"], &[""]),
        (r"[a&&b]+", &["a&b"], &["c"]),
        (r"[[a]", &["[", "a"], &["]"]),
        (r"[a~~b-]+", &["~-ab"], &["c"]),
        (r"\x{D800}", &[], &["", "\u{FFFD}"]),
        (r"[\x{D700}-\x{E001}]", &["\u{D7FF}", "\u{E000}"], &["\u{E002}"]),
        (r"[^\x{D800}]", &["a", "\n"], &[""]),
        (r"\p{^Any}|x", &["x"], &["a"]),
        (r"\pN\p{Greek}", &["1α", "Ⅳα"], &["aα"]),
        ("^a$", &["a"], &["a\n"]),
        ("(?m)a$\n^b", &["a\nb"], &["ab"]),
        ("(?s)a.b", &["a\nb"], &["ab"]),
        ("(?U)a+", &["aaa"], &[""]),
        (r"\101\0", &["A\0"], &["A"]),
        ("#a b", &["#a b"], &["ab"]),
    ];
    for (pattern, matching, other) in cases {
        let regex = full_match(pattern).unwrap();
        for text in *matching {
            assert!(regex.is_match(text), "{pattern} should match {text:?}");
        }
        for text in *other {
            assert!(!regex.is_match(text), "{pattern} should not match {text:?}");
        }
    }
}

#[test]
fn groups_keep_their_numbers() {
    assert_eq!(groups("(a)(?:b)(?P<x>c(d))"), Some(3));
    assert_eq!(groups("("), None);
    let regex = search("/v([0-9]+)/(?P<1>.*)").unwrap();
    let mut captures = regex.create_captures();
    regex.captures("/v2/models", &mut captures);
    assert_eq!(captures.interpolate_string("/v2/models", "$2-$1"), "models-2");
}

#[test]
fn deep_nesting_is_read_and_compiled() {
    let deep = format!("{}a{}", "(".repeat(500), ")".repeat(500));
    assert!(full_match(&deep).unwrap().is_match("a"));
}

#[test]
fn every_known_class_name_compiles() {
    for name in super::names::all() {
        let regex = full_match(&format!(r"\p{{{name}}}|\P{{{name}}}"));
        assert!(regex.is_ok(), "{name}");
    }
}

#[test]
fn a_group_name_may_be_used_twice_for_istio_and_not_for_envoy() {
    let pattern = "(?P<n>a)(?P<n>b)";
    assert_eq!(check(pattern), Ok(()));
    assert_eq!(repeated_group(pattern).as_deref(), Some("n"));
    assert_eq!(repeated_group("(?P<n>a)(?P<m>b)"), None);
    assert!(full_match(pattern).unwrap_err().to_string().contains("used twice"));
}
