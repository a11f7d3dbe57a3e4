//! The published packages, as far as they can be checked without a build: one version everywhere, whole packages,
//! licences of exactly the crates in the lock file.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The output of cargo; never from the network.
fn cargo(arguments: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO")).args(arguments).arg("--offline").current_dir(root()).output();
    let output = output.unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}: {message}");
    String::from_utf8(output.stdout).unwrap()
}

fn metadata(arguments: &[&str]) -> Vec<Value> {
    let base = ["metadata", "--format-version=1", "--locked"];
    let mut metadata: Value =
        serde_json::from_str(&cargo(&[&base[..], arguments].concat())).unwrap();
    serde_json::from_value(metadata["packages"].take()).unwrap()
}

/// The crates of this workspace that may be published.
fn published() -> Vec<Value> {
    let mut packages = metadata(&["--no-deps"]);
    packages.retain(|package| package["publish"].is_null());
    packages
}

/// The version that `[workspace.package]` states.
fn version() -> String {
    let manifest = read("Cargo.toml");
    let (_, package) = manifest.split_once("[workspace.package]").unwrap();
    let (_, version) = package.split_once("\nversion = \"").unwrap();
    version.split('"').next().unwrap().to_owned()
}

/// The three numbers of a version; `1.89` is `1.89.0`.
fn numbers(version: &str) -> [u64; 3] {
    let mut numbers = version.split('.').map(|number| number.parse().unwrap());
    [(); 3].map(|()| numbers.next().unwrap_or(0))
}

#[test]
fn every_package_has_the_one_version() {
    let version = version();
    for package in metadata(&["--no-deps"]) {
        assert_eq!(package["version"], version.as_str(), "{}", package["name"]);
    }
    // The crates need each other at exactly this version: they are released together.
    let pinned: Vec<String> = read("Cargo.toml")
        .lines()
        .filter(|line| line.contains("path = \"crates/"))
        .map(|line| {
            line.split_once("version = \"=").unwrap().1.split('"').next().unwrap().to_owned()
        })
        .collect();
    assert_eq!(pinned.len(), published().len());
    assert!(pinned.iter().all(|pin| *pin == version), "{pinned:?}");
    let changelog = read("CHANGELOG.md");
    let newest = changelog.lines().find_map(|line| line.strip_prefix("## ")).unwrap();
    assert_eq!(
        newest.split(' ').next(),
        Some(version.as_str()),
        "CHANGELOG.md begins with {newest}"
    );
    // Python's comes from the manifest, through maturin and through `CARGO_PKG_VERSION`.
    let python = read("python/pyproject.toml");
    assert!(python.contains("dynamic = [\"version\"]") && !python.contains("\nversion ="));
}

#[test]
fn each_published_crate_says_all_that_a_registry_shows() {
    let published = published();
    let folders = fs::read_dir(root().join("crates")).unwrap().count();
    assert_eq!(published.len(), folders, "each folder of crates/ is published");
    for package in &published {
        let name = &package["name"];
        for field in ["description", "license", "readme", "rust_version", "documentation"] {
            assert!(package[field].is_string(), "{name} has no {field}");
        }
        assert!((1..=5).contains(&package["keywords"].as_array().unwrap().len()), "{name}");
        assert!((1..=5).contains(&package["categories"].as_array().unwrap().len()), "{name}");
        for dependency in package["dependencies"].as_array().unwrap() {
            // A path without a version is left out of what is published: the crates' examples use the facade.
            if dependency["kind"] == "dev" && dependency["path"].is_string() {
                continue;
            }
            assert_ne!(dependency["req"], "*", "{name} needs {} at no version", dependency["name"]);
        }
    }
}

#[test]
fn the_readme_of_each_crate_has_an_example_and_says_what_its_features_add() {
    for package in published() {
        let name = package["name"].as_str().unwrap();
        let readme = read(&format!("crates/{name}/README.md"));
        assert!(readme.contains("```rust"), "the README of {name} has no example");
        let library = read(&format!("crates/{name}/src/lib.rs"));
        assert!(
            library.contains("include_str!(\"../README.md\")"),
            "{name}: the example of the README does not run"
        );
        let features = package["features"].as_object().unwrap();
        for feature in features.keys().filter(|feature| *feature != "default") {
            assert!(
                readme.contains(&format!("| `{feature}`")),
                "the README of {name} lacks the feature {feature}"
            );
        }
        if !features.is_empty() {
            assert_eq!(package["metadata"]["docs"]["rs"]["all-features"], true, "{name}");
        }
    }
}

/// The files that a line of code takes into the program; of a name that is put together, the beginning.
fn included(line: &str) -> Option<&str> {
    let (_, rest) =
        line.split_once("include_str!(").or_else(|| line.split_once("include_bytes!("))?;
    rest.split('"').nth(1)
}

#[test]
fn every_included_file_is_in_its_package() {
    let mut seen = 0;
    for package in published() {
        let name = package["name"].as_str().unwrap();
        let listed = cargo(&["package", "--list", "--allow-dirty", "--package", name]);
        let files: BTreeSet<PathBuf> = listed.lines().map(PathBuf::from).collect();
        for needed in ["LICENSE", "README.md", "Cargo.lock", "src/lib.rs"] {
            assert!(files.contains(Path::new(needed)), "{name} has no {needed}");
        }
        let folder = root().join("crates").join(name);
        for file in
            files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "rs"))
        {
            let text = fs::read_to_string(folder.join(file)).unwrap();
            for part in text.lines().filter_map(included) {
                let mut path = file.parent().unwrap().to_owned();
                for step in Path::new(part) {
                    if step == ".." { assert!(path.pop()) } else { path.push(step) }
                }
                let there = files.iter().any(|listed| listed.starts_with(&path));
                assert!(there, "{name}: {} includes {part}, which is not packaged", file.display());
                seen += 1;
            }
        }
        let size: u64 = files
            .iter()
            .filter_map(|file| fs::metadata(folder.join(file)).ok())
            .map(|file| file.len())
            .sum();
        assert!(size < 5_000_000, "{name} would be published with {size} bytes");
    }
    assert!(seen >= 5, "{seen} included files were found");
    let copies = published()
        .into_iter()
        .map(|package| format!("crates/{}/LICENSE", package["name"].as_str().unwrap()));
    for copy in copies.chain(["python/LICENSE".to_owned()]) {
        assert_eq!(read(&copy), read("LICENSE"), "{copy}");
    }
}

#[test]
fn the_licences_are_those_of_the_crates_in_the_lock_file() {
    const REMEDY: &str = "run python3 scripts/third_party_licenses.py";
    let lock = read("Cargo.lock").replace("\"\nversion = \"", " ");
    let locked: BTreeSet<&str> =
        lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).collect();
    assert!(locked.len() > 100, "the lock file was not understood");
    let text = read("python/THIRD_PARTY_LICENSES.txt");
    // `name 1.2.3 (MIT)`
    let named: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_suffix(')')?.split_once(" (").map(|(crate_, _)| crate_))
        .filter(|crate_| {
            let version = crate_.split_once(' ').map_or("", |(_, version)| version);
            version.starts_with(|first: char| first.is_ascii_digit()) && version.contains('.')
        })
        .collect();
    let gone: Vec<_> = named.difference(&locked).collect();
    assert!(gone.is_empty(), "THIRD_PARTY_LICENSES.txt has {gone:?}, Cargo.lock has not; {REMEDY}");
    // Of this platform; the script writes the file for all.
    let edges = "--edges=normal,no-proc-macro";
    let tree = cargo(&[
        "tree",
        "--locked",
        "--package=canary-python",
        edges,
        "--prefix=none",
        "--format={p}",
    ]);
    let linked: BTreeSet<String> = tree
        .lines()
        .filter(|line| !line.is_empty() && !line.contains("(/") && !line.contains("(proc-macro)"))
        .map(|line| line.replacen(" v", " ", 1).split(' ').take(2).collect::<Vec<_>>().join(" "))
        .filter(|crate_| !crate_.starts_with("canary-"))
        .collect();
    assert!(linked.len() > 50, "{linked:?}");
    let missing: Vec<_> = linked.iter().filter(|crate_| !named.contains(crate_.as_str())).collect();
    assert!(missing.is_empty(), "THIRD_PARTY_LICENSES.txt lacks {missing:?}; {REMEDY}");
}

/// The oldest compiler is what the dependencies need at least; clippy's `incompatible_msrv` holds our own code to it.
#[test]
fn no_dependency_needs_a_newer_compiler() {
    let host = Command::new("rustc").arg("-vV").output().unwrap();
    let host = String::from_utf8(host.stdout).unwrap();
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let packages = metadata(&[&format!("--filter-platform={host}")]);
    let ours = published()[0]["rust_version"].as_str().unwrap().to_owned();
    for package in &packages {
        if let Some(needed) = package["rust_version"].as_str() {
            let name = &package["name"];
            assert!(
                numbers(needed) <= numbers(&ours),
                "{name} needs Rust {needed}, this workspace says {ours}"
            );
        }
    }
    let readmes = published()
        .into_iter()
        .map(|package| format!("crates/{}/README.md", package["name"].as_str().unwrap()));
    for place in readmes.chain(["README.md", "scripts/setup.sh"].map(str::to_owned)) {
        assert!(read(&place).contains(&format!("Rust {ours}")), "{place} does not say Rust {ours}");
    }
}

#[test]
fn every_shared_dependency_says_why_it_is_there_in_alphabetical_order() {
    let manifest = read("Cargo.toml");
    let (_, section) = manifest.split_once("[workspace.dependencies]\n").unwrap();
    let mut explained = false;
    let mut names: Vec<&str> = Vec::new();
    for line in section.lines().take_while(|line| !line.starts_with('[')) {
        if let Some((name, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            // One comment speaks for all crates of the workspace.
            assert!(
                explained || name.starts_with("canary-"),
                "{name} does not say why it is there"
            );
            names.push(name);
        }
        explained = line.starts_with('#');
    }
    assert!(names.len() > 20, "{names:?}");
    assert!(names.is_sorted(), "not in alphabetical order: {names:?}");
}
