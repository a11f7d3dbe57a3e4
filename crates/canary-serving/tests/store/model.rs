//! Models in folders.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path as FilePath, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use canary_core::serving::store::Location;

/// The files of a folder by their paths.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// A folder of its own, removed in the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name =
            format!("canary-store-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    pub(crate) fn location(&self, path: &str) -> Location {
        Location::folder(self.at(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// `saved_model.pb` with one graph of so many bytes.
pub(crate) fn graph(bytes: usize) -> Vec<u8> {
    assert!(bytes < 1 << 14);
    let length = [0x80 | u8::try_from(bytes & 0x7f).unwrap(), u8::try_from(bytes >> 7).unwrap()];
    let mut file = vec![0x08, 1, 0x12, length[0], length[1]];
    file.resize(5 + bytes, 7);
    file
}

pub(crate) fn model() -> Files {
    sized(100_000)
}

/// A model with a shard of about so many bytes.
pub(crate) fn sized(bytes: usize) -> Files {
    let mut index = vec![1; 200];
    index.extend([0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]);
    let large = (0..251).collect::<Vec<u8>>().repeat(bytes / 251);
    [
        ("saved_model.pb", graph(5_000)),
        ("variables/variables.index", index),
        ("variables/variables.data-00000-of-00002", large),
        ("variables/variables.data-00001-of-00002", vec![3; 1000]),
        ("assets/labels.txt", b"cat\ndog\n".to_vec()),
        ("fingerprint.pb", vec![8, 1]),
    ]
    .map(|(path, bytes)| (path.to_owned(), bytes))
    .into()
}

pub(crate) fn write(folder: &FilePath, files: &Files) {
    for (path, bytes) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

pub(crate) fn read(folder: &FilePath) -> Files {
    fn walk(root: &FilePath, folder: &FilePath, files: &mut Files) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, files);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    walk(folder, folder, &mut files);
    files
}

/// The names in a folder.
pub(crate) fn names(folder: &FilePath) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
