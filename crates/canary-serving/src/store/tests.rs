//! Copies between folders and a bucket in memory: whole, interrupted, damaged, refused.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path as FilePath, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::TryStreamExt;
use object_store::{
    ObjectStore, ObjectStoreExt,
    memory::InMemory,
    path::Path,
    throttle::{ThrottleConfig, ThrottledStore},
};

use super::{CopyModel, Location, Phase, Progress};
use crate::Error;

/// A folder of its own, removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name =
            format!("canary-store-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    fn location(&self, path: &str) -> Location {
        Location::folder(self.at(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// `saved_model.pb` with one graph of so many bytes.
fn graph(bytes: usize) -> Vec<u8> {
    assert!(bytes < 1 << 14);
    let length = [0x80 | u8::try_from(bytes & 0x7f).unwrap(), u8::try_from(bytes >> 7).unwrap()];
    let mut file = vec![0x08, 1, 0x12, length[0], length[1]];
    file.resize(5 + bytes, 7);
    file
}

fn model() -> BTreeMap<String, Vec<u8>> {
    sized(100_000)
}

/// A model with a shard of about so many bytes.
fn sized(bytes: usize) -> BTreeMap<String, Vec<u8>> {
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

fn write(folder: &FilePath, files: &BTreeMap<String, Vec<u8>>) {
    for (path, bytes) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn read(folder: &FilePath) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &FilePath, folder: &FilePath, files: &mut BTreeMap<String, Vec<u8>>) {
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

/// What stands beside a version: the names in a folder.
fn names(folder: &FilePath) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

async fn reason(copy: CopyModel) -> String {
    let error = copy.run().await.unwrap_err();
    assert!(matches!(error, Error::Store { .. }), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn a_model_goes_from_folder_to_bucket_and_back() {
    let folder = Folder::new();
    // One file is larger than what is written in one request.
    let model = sized(20 << 20);
    write(&folder.at("resnet/1"), &model);
    let bucket: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let there =
        Location::within(Arc::clone(&bucket), "models/resnet/7", "mem://models/resnet/7").unwrap();
    let told = Arc::new(Mutex::new(Vec::<Progress>::new()));
    let listener = Arc::clone(&told);
    let copied = CopyModel::new(folder.location("resnet/1"), there.clone())
        .on_progress(move |progress| listener.lock().unwrap().push(progress.clone()))
        .run()
        .await
        .unwrap();
    assert_eq!((copied.version, copied.files.len(), copied.already_there), (7, 6, false));
    assert!(copied.files.iter().all(|file| !file.resumed && file.sha256.len() == 64));
    let labels = copied.files.iter().find(|file| file.path == "assets/labels.txt").unwrap();
    // By sha256sum.
    assert_eq!(labels.sha256, "f641fdcd8af73b2f6334ab63c13d2eb857cd16f2aa4ea0ba20ba0eb9627918b5");
    {
        let told = told.lock().unwrap();
        let last = told.last().unwrap();
        assert_eq!((last.bytes, last.files), (copied.bytes, 6));
        assert_eq!((last.phase, last.file.as_str()), (Phase::Complete, "saved_model.pb"));
        assert!(told.windows(2).all(|two| two[0].bytes <= two[1].bytes));
        let large = told.iter().filter(|one| one.file.ends_with("00000-of-00002"));
        assert!(large.count() > 3, "a large file is told of in parts");
    }
    // Nothing but the model is left in the bucket.
    let left: Vec<_> = bucket.list(None).try_collect().await.unwrap();
    assert_eq!(left.len(), 6);
    assert!(left.iter().all(|file| file.location.as_ref().starts_with("models/resnet/7/")));

    let copied = CopyModel::new(there.clone(), folder.location("back/2")).run().await.unwrap();
    assert!(read(&folder.at("back/2")) == model);
    assert_eq!(names(&folder.at("back")), ["2"]);
    // Once more changes nothing.
    let again = CopyModel::new(there, folder.location("back/2")).run().await.unwrap();
    assert!(again.already_there);
    assert_eq!(again.files.len(), copied.files.len());
}

/// Ends a copy after the progress at which `stop` says so, as if the process had been killed.
async fn killed(copy: CopyModel, stop: impl Fn(&Progress) -> bool + Send + Sync + 'static) -> bool {
    let copy = copy.concurrency(1).on_progress(move |progress| {
        // Without the message that a panic prints.
        if stop(progress) {
            std::panic::resume_unwind(Box::new("killed"));
        }
    });
    tokio::spawn(copy.run()).await.is_err()
}

#[tokio::test]
async fn a_copy_that_is_killed_at_any_file_is_not_visible_and_goes_on() {
    let phases = [Phase::Copying, Phase::ReadingBack, Phase::Complete];
    for (at, phase) in (0..6).flat_map(|at| phases.map(|phase| (at, phase))) {
        let folder = Folder::new();
        write(&folder.at("resnet/1"), &model());
        let copy = || CopyModel::new(folder.location("resnet/1"), folder.location("served/3"));
        let done = if phase == Phase::Complete { at + 1 } else { at };
        let stop = move |one: &Progress| one.phase == phase && one.files == done;
        assert!(killed(copy(), stop).await, "{phase:?} of file {at}");
        let numbers: Vec<String> = names(&folder.at("served"))
            .into_iter()
            .filter(|name| name.parse::<i64>().is_ok())
            .collect();
        assert_eq!(numbers, Vec::<String>::new(), "{phase:?} of file {at}");
        let copied = copy().run().await.unwrap();
        assert_eq!(read(&folder.at("served/3")), model());
        assert_eq!(names(&folder.at("served")), ["3"]);
        let resumed = copied.files.iter().filter(|file| file.resumed).count();
        assert_eq!(resumed, done, "{phase:?} of file {at}");
    }
}

#[tokio::test]
async fn a_bucket_has_saved_model_pb_last_and_goes_on_too() {
    for at in 0..6 {
        let folder = Folder::new();
        write(&folder.at("resnet/1"), &model());
        let bucket: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let copy = || {
            let to = Location::within(Arc::clone(&bucket), "m/3", "mem://m/3").unwrap();
            CopyModel::new(folder.location("resnet/1"), to)
        };
        let stop = move |one: &Progress| one.phase == Phase::ReadingBack && one.files == at;
        assert!(killed(copy(), stop).await);
        let pb = bucket.head(&Path::from("m/3/saved_model.pb")).await;
        // The last file was written when everything else was complete.
        assert_eq!(pb.is_ok(), at == 5, "file {at}");
        let copied = copy().run().await.unwrap();
        assert_eq!(copied.files.iter().filter(|file| file.resumed).count(), at);
        let left: Vec<_> = bucket.list(None).try_collect().await.unwrap();
        assert_eq!(left.len(), 6);
        assert!(copy().run().await.unwrap().already_there);
    }
}

#[tokio::test]
async fn a_source_that_changed_is_copied_anew() {
    let folder = Folder::new();
    write(&folder.at("resnet/1"), &model());
    let copy = || CopyModel::new(folder.location("resnet/1"), folder.location("served/3"));
    assert!(killed(copy(), |one| one.files == 5).await);
    let mut changed = model();
    changed.insert("assets/labels.txt".to_owned(), b"dog\ncat\n".to_vec());
    changed.remove("fingerprint.pb");
    fs::remove_file(folder.at("resnet/1/fingerprint.pb")).unwrap();
    fs::write(folder.at("resnet/1/assets/labels.txt"), "dog\ncat\n").unwrap();
    copy().run().await.unwrap();
    assert_eq!(read(&folder.at("served/3")), changed);

    // In a bucket, what another copy left is not touched.
    let bucket: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let to = |from: Location| {
        CopyModel::new(from, Location::within(Arc::clone(&bucket), "m/3", "mem://m/3").unwrap())
    };
    assert!(killed(to(folder.location("resnet/1")), |one| one.files == 2).await);
    write(&folder.at("other/1"), &model());
    let text = reason(to(folder.location("other/1"))).await;
    assert!(text.contains("was begun there and is not complete"), "{text}");
}

#[tokio::test]
async fn damage_is_found_when_it_is_read_back() {
    let folder = Folder::new();
    write(&folder.at("resnet/1"), &model());
    let copy = || CopyModel::new(folder.location("resnet/1"), folder.location("served/3"));
    let staged = folder.at("served/.canary-3");
    let damaging = copy().concurrency(1).on_progress(move |progress| {
        if progress.phase == Phase::ReadingBack && progress.file == "fingerprint.pb" {
            fs::write(staged.join("fingerprint.pb"), [8, 2]).unwrap();
        }
    });
    let error = damaging.run().await.unwrap_err();
    assert!(
        error.is_retryable() && error.to_string().contains("fingerprint.pb was read with SHA-256"),
        "{error}"
    );
    assert!(!folder.at("served/3").exists());
    copy().run().await.unwrap();
    assert_eq!(read(&folder.at("served/3")), model());
    // A version that is there and differs stays as it is.
    fs::write(folder.at("served/3/fingerprint.pb"), [8, 9]).unwrap();
    let text = reason(copy()).await;
    assert!(text.contains("differs in fingerprint.pb; nothing was written"), "{text}");
    assert_eq!(fs::read(folder.at("served/3/fingerprint.pb")).unwrap(), [8, 9]);
    fs::write(folder.at("served/3/extra"), "x").unwrap();
    assert!(reason(copy()).await.contains("has other files"));
}

#[tokio::test]
async fn what_is_no_saved_model_is_refused_before_anything_is_written() {
    let cut = |path: &str, bytes: usize| {
        let mut files = model();
        files.get_mut(path).unwrap().truncate(bytes);
        files
    };
    let without = |path: &str| {
        let mut files = model();
        files.remove(path);
        files
    };
    let with = |path: &str, bytes: &[u8]| {
        let mut files = model();
        files.insert(path.to_owned(), bytes.to_vec());
        files
    };
    let nested = model().into_iter().map(|(path, bytes)| (format!("4/{path}"), bytes)).collect();
    for (files, words) in [
        (without("saved_model.pb"), "it has no saved_model.pb"),
        (nested, "it holds the versions 4"),
        (cut("saved_model.pb", 4_000), "saved_model.pb is cut off"),
        (cut("saved_model.pb", 0), "saved_model.pb is empty"),
        (cut("saved_model.pb", 2), "saved_model.pb has no graph"),
        (with("saved_model.pb", b"<html>not found"), "saved_model.pb is not one: byte 0"),
        (with("saved_model.pb", &[graph(10), vec![0x1a, 1, 0]].concat()), "is not one: byte 15"),
        (without("variables/variables.index"), "has no variables.index"),
        (without("variables/variables.data-00001-of-00002"), "data-00001-of-00002 is missing"),
        (with("variables/variables.data-00000-of-00003", b"x"), "more than one set"),
        (cut("variables/variables.index", 100), "does not end as an index"),
    ] {
        let folder = Folder::new();
        write(&folder.at("m"), &files);
        let text = reason(CopyModel::new(folder.location("m"), folder.location("out/1"))).await;
        assert!(text.contains(words), "{text}\nwithout {words}");
        assert!(!folder.at("out").exists());
    }
    // A graph of constants, in text.
    let folder = Folder::new();
    let text = b"saved_model_schema_version: 1\nmeta_graphs {\n}\n".to_vec();
    write(&folder.at("m"), &[("saved_model.pbtxt".to_owned(), text)].into());
    CopyModel::new(folder.location("m"), folder.location("out/1")).run().await.unwrap();
}

#[tokio::test]
async fn places_that_cannot_be_are_refused() {
    let folder = Folder::new();
    write(&folder.at("m"), &model());
    for target in ["out/latest", "out/01", "out/1.5", "out/-1", "out/99999999999999999999"] {
        let text = reason(CopyModel::new(folder.location("m"), folder.location(target))).await;
        assert!(text.contains("the version's number"), "{target}: {text}");
    }
    let missing = CopyModel::new(folder.location("nowhere"), folder.location("out/1")).run().await;
    assert!(matches!(missing, Err(Error::NotFound { .. })));
    let bucket: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let empty = Location::within(Arc::clone(&bucket), "m/1", "mem://m/1").unwrap();
    let missing = CopyModel::new(empty, folder.location("out/1")).run().await;
    assert!(matches!(missing, Err(Error::NotFound { .. })));
    assert!(Location::within(bucket, "../m/1", "mem://m/1").is_err());
    for text in ["http://a/b", "s3://", "s3://key:secret@bucket/m/1", "gs://b/../c/1"] {
        let error = Location::parse(text).unwrap_err();
        assert!(matches!(error, Error::Store { .. }), "{text}: {error}");
    }
    // A bucket's names may hold what a folder's must not.
    let hostile: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    for (path, bytes) in model() {
        hostile.put(&Path::from(format!("m/1/{path}")), bytes.into()).await.unwrap();
    }
    hostile.put(&Path::parse("m/1/assets/C:evil").unwrap(), b"x".to_vec().into()).await.unwrap();
    let from = Location::within(hostile, "m/1", "mem://m/1").unwrap();
    let text = reason(CopyModel::new(from, folder.location("out/1"))).await;
    assert!(text.contains("is no path of a model's file"), "{text}");
}

/// Two copies of different models to one version at the same moment: one of them is there whole, the other was refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_copies_to_one_version_one_is_refused() {
    let folder = Folder::new();
    write(&folder.at("one/1"), &model());
    let mut other = model();
    other.insert("assets/labels.txt".to_owned(), b"dog\ncat\n".to_vec());
    write(&folder.at("two/1"), &other);
    for round in 1..=8 {
        let bucket: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let to = |in_bucket: bool| {
            if in_bucket {
                Location::within(Arc::clone(&bucket), "m/3", "mem://m/3").unwrap()
            } else {
                folder.location(&format!("served/{round}"))
            }
        };
        for in_bucket in [false, true] {
            let copy = |from: &str| {
                let to = to(in_bucket);
                let copy = CopyModel::new(folder.location(from), to.clone());
                // Slow enough that the other one comes in between.
                let copy = copy.lock_lasts(Duration::from_secs(1)).on_progress(|_| {
                    std::thread::sleep(Duration::from_millis(20));
                });
                tokio::spawn(copy.run())
            };
            let (first, second) = tokio::join!(copy("one/1"), copy("two/1"));
            let (first, second) = (first.unwrap(), second.unwrap());
            let won = match (&first, &second) {
                (Ok(_), Err(error)) => (error, &model()),
                (Err(error), Ok(_)) => (error, &other),
                both => panic!("{in_bucket}: {both:?}"),
            };
            let (error, expected) = (won.0.to_string(), won.1.clone());
            // Refused while the other was at work, or because its version is there and differs.
            assert!(
                error.contains("is under way") || error.contains("is there already and differs"),
                "{error}"
            );
            if in_bucket {
                let back = folder.location(&format!("back/{round}"));
                CopyModel::new(to(true), back).run().await.unwrap();
                assert!(read(&folder.at(&format!("back/{round}"))) == expected);
                let left: Vec<_> = bucket.list(None).try_collect().await.unwrap();
                assert_eq!(left.len(), 6, "no lock is left: {left:?}");
            } else {
                assert!(read(&folder.at(&format!("served/{round}"))) == expected);
            }
        }
    }
    assert_eq!(names(&folder.at("served")), ["1", "2", "3", "4", "5", "6", "7", "8"]);
}

/// A process that was killed leaves its lock in a bucket: it is waited for, and then taken over.
#[tokio::test]
async fn the_lock_of_a_process_that_is_gone_is_taken_over_and_that_of_a_living_one_is_not() {
    let folder = Folder::new();
    write(&folder.at("m"), &model());
    let bucket: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let to = || Location::within(Arc::clone(&bucket), "m/3", "mem://m/3").unwrap();
    let at = Path::from("m/.canary-3.lock");
    let held = |renewed: u64| {
        format!(r#"{{"holder":"elsewhere-1-a-0","lastsMs":1000,"renewed":{renewed}}}"#).into_bytes()
    };
    bucket.put(&at, held(0).into()).await.unwrap();
    let copy = || CopyModel::new(folder.location("m"), to()).lock_lasts(Duration::from_secs(1));
    let began = std::time::Instant::now();
    assert!(!copy().run().await.unwrap().already_there);
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());

    // One that is renewed belongs to somebody who lives.
    let other = Path::from("n/.canary-3.lock");
    let to = Location::within(Arc::clone(&bucket), "n/3", "mem://n/3").unwrap();
    bucket.put(&other, held(0).into()).await.unwrap();
    let (renewing, lock) = (Arc::clone(&bucket), other.clone());
    let renewing = tokio::spawn(async move {
        for renewed in 1..100 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            renewing.put(&lock, held(renewed).into()).await.unwrap();
        }
    });
    let text = reason(CopyModel::new(folder.location("m"), to)).await;
    renewing.abort();
    assert!(text.contains("is under way by elsewhere-1-a-0"), "{text}");
    let left: Vec<_> = bucket.list(Some(&Path::from("n"))).try_collect().await.unwrap();
    assert_eq!(left.len(), 1, "nothing was written: {left:?}");

    // One who loses the lock in the middle stops before the version can be loaded.
    let stolen = Location::within(Arc::clone(&bucket), "o/3", "mem://o/3").unwrap();
    let thief = Arc::clone(&bucket);
    let copy =
        CopyModel::new(folder.location("m"), stolen).concurrency(1).on_progress(move |one| {
            if one.files == 1 && one.phase == Phase::Complete {
                let thief = Arc::clone(&thief);
                let held = br#"{"holder":"thief","lastsMs":60000,"renewed":0}"#.to_vec();
                tokio::spawn(async move {
                    thief.put(&Path::from("o/.canary-3.lock"), held.into()).await.unwrap();
                });
            }
        });
    let text = reason(copy).await;
    assert!(text.contains("has taken the lock"), "{text}");
    assert!(bucket.head(&Path::from("o/3/saved_model.pb")).await.is_err());
    let lock = bucket.get(&Path::from("o/.canary-3.lock")).await.unwrap().bytes().await.unwrap();
    assert!(lock.starts_with(br#"{"holder":"thief""#), "the other's lock stays");
}

/// A copy whose writes take longer than the time between two renewals renews its lock itself, too, before the last
/// file: neither waits for the other, and the lock is gone in the end.
#[tokio::test]
async fn a_slow_bucket_keeps_the_lock_and_gives_it_back() {
    let folder = Folder::new();
    write(&folder.at("m"), &model());
    let slow = ThrottleConfig {
        wait_put_per_call: Duration::from_millis(450),
        ..ThrottleConfig::default()
    };
    let bucket: Arc<dyn ObjectStore> = Arc::new(ThrottledStore::new(InMemory::new(), slow));
    let to = Location::within(Arc::clone(&bucket), "m/3", "mem://m/3").unwrap();
    let copy = CopyModel::new(folder.location("m"), to).lock_lasts(Duration::from_secs(1));
    let copied = tokio::time::timeout(Duration::from_secs(60), copy.run()).await;
    assert!(!copied.expect("it ends").unwrap().already_there);
    let left: Vec<_> = bucket.list(None).try_collect().await.unwrap();
    assert_eq!(left.len(), 6, "no lock is left: {left:?}");
}

/// A copy on this machine refuses another process too: the lock is the system's.
#[tokio::test]
async fn a_folder_that_is_locked_is_left_alone() {
    let folder = Folder::new();
    write(&folder.at("m"), &model());
    fs::create_dir_all(folder.at("out")).unwrap();
    let lock = fs::File::create(folder.at("out/.canary-1.lock")).unwrap();
    lock.lock().unwrap();
    let copy = || CopyModel::new(folder.location("m"), folder.location("out/1"));
    let text = reason(copy()).await;
    assert!(
        text.contains("another copy to") && text.contains("is under way on this machine"),
        "{text}"
    );
    assert_eq!(names(&folder.at("out")), [".canary-1.lock"]);
    drop(lock);
    copy().run().await.unwrap();
    assert_eq!(names(&folder.at("out")), ["1"]);
}
