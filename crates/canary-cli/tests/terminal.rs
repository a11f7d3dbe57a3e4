//! Colours: never into a file or a pipe, and not where `NO_COLOR` is set.

use crate::folder::{Folder, MESH};

#[test]
fn colours_are_for_terminals() {
    let folder = Folder::new("colours");
    folder.write("wrong.yaml", &MESH.replace("weight: 70", "wieght: 70"));
    let shown = |variables: &[(&str, &str)]| {
        let mut command = folder.command(&["validate", "wrong.yaml"]);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(!shown(&[]).contains('\x1b'), "this is a pipe");
    // The output as a terminal receives it.
    let coloured = shown(&[("CLICOLOR_FORCE", "1")]);
    assert!(coloured.contains("\x1b[1m\x1b[31merror[C301]"), "{coloured:?}");
    assert!(!shown(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).contains('\x1b'));
    let help = |variables: &[(&str, &str)]| {
        let mut command = folder.command(&["--help"]);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(help(&[("CLICOLOR_FORCE", "1")]).contains('\x1b'));
    assert!(!help(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).contains('\x1b'));
}
