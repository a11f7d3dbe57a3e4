//! Every `canary` command on a page is one that this version accepts.

use std::path::{Path, PathBuf};

/// The repository's pages, or nothing in a packaged crate, which stands without them.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders = vec![root.join("docs")];
    let mut found = vec![root.join("README.md"), root.join("examples/README.md")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found
}

/// The lines of a page's code blocks in `sh` and `text`, with continued lines joined.
fn lines(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside = false;
    let mut continued = String::new();
    for line in page.lines().map(str::trim) {
        if line.starts_with("```") {
            inside = matches!(line, "```sh" | "```text");
        } else if inside {
            if let Some(part) = line.strip_suffix('\\') {
                continued.push_str(part);
                continue;
            }
            found.push(std::mem::take(&mut continued) + line);
        }
    }
    found
}

/// The `canary` commands of a line: each part of a pipeline that begins with the program, without redirections.
fn commands(line: &str) -> Vec<Vec<String>> {
    let line = line.split(" #").next().unwrap_or_default();
    let parts = line.split(" | ").filter_map(|part| {
        let words = words(part.trim());
        (words.first().is_some_and(|word| word == "canary")).then_some(words)
    });
    parts.collect()
}

/// The words of a shell command: quotes group, and a redirection ends the arguments.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut any) = (Vec::new(), String::new(), None, false);
    for character in command.chars() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (None, '\'' | '"') => (quote, any) = (Some(character), true),
            (None, ' ') => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            (Some(_) | None, _) => word.push(character),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    let end = words.iter().position(|word| word.starts_with('>'));
    words.truncate(end.unwrap_or(words.len()));
    words
}

#[test]
fn every_command_of_a_page_is_accepted() {
    let mut refused = Vec::new();
    let mut accepted = 0;
    for path in pages() {
        let page = std::fs::read_to_string(&path).unwrap();
        for words in lines(&page).iter().flat_map(|line| commands(line)) {
            // A message of the program begins with its name and a colon; `…` leaves arguments out.
            if words.iter().any(|word| word.contains('…')) {
                continue;
            }
            match canary_cli::command().try_get_matches_from(&words) {
                Err(error) if error.use_stderr() => {
                    refused.push(format!("{}: {}\n{error}", path.display(), words.join(" ")));
                }
                _ => accepted += 1,
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert!(accepted > 40, "only {accepted} commands were found");
}

#[test]
fn commands_are_found_in_their_lines() {
    let page = "```text\n$ no\ncanary run plan.yaml \\\n    --images 'a b.jpg' > out # note\n```\n\ncanary outside\n";
    let found: Vec<_> = lines(page).iter().flat_map(|line| commands(line)).collect();
    assert_eq!(found, [["canary", "run", "plan.yaml", "--images", "a b.jpg"]]);
    let piped = commands("helm template ./chart | canary validate - -o sarif");
    assert_eq!(piped, [["canary", "validate", "-", "-o", "sarif"]]);
    // A stale option would be reported.
    assert!(
        canary_cli::command().try_get_matches_from(["canary", "run", "p", "--no-such"]).is_err()
    );
}
