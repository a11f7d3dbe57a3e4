//! Copies between folders and a bucket in memory: whole, interrupted, damaged, refused.

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use canary_core::serving::{
    Error,
    store::{
        CopyModel, Location, Phase, Progress,
        object_store::{ObjectStore, ObjectStoreExt, memory::InMemory, path::Path},
    },
};
use futures_util::{FutureExt, TryStreamExt};

use crate::model::{Folder, graph, model, names, read, sized, write};

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
    let reports = Arc::new(Mutex::new(Vec::<Progress>::new()));
    let listener = Arc::clone(&reports);
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
        let reports = reports.lock().unwrap();
        let last = reports.last().unwrap();
        assert_eq!((last.bytes, last.files), (copied.bytes, 6));
        assert_eq!((last.phase, last.file.as_str()), (Phase::Complete, "saved_model.pb"));
        assert!(reports.windows(2).all(|two| two[0].bytes <= two[1].bytes));
        let large = reports.iter().filter(|one| one.file.ends_with("00000-of-00002"));
        assert!(large.count() > 3, "a large file is reported in parts");
    }
    // Nothing except the model is left in the bucket.
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
    assert!(text.contains("is not a valid path for a model's file"), "{text}");
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
                let copy = copy.on_progress(|_| {
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
                error.contains("is under way")
                    || error.contains("is not complete")
                    || error.contains("already exists and differs"),
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

/// A journal in a bucket is that of a copy that was killed, or of one at work.
#[tokio::test]
async fn a_journal_of_another_source_is_left_alone_and_one_of_the_same_source_is_taken_over() {
    let folder = Folder::new();
    write(&folder.at("m"), &model());
    let bucket: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let to = |name: &str| {
        let place = format!("{name}/3");
        Location::within(Arc::clone(&bucket), &place, format!("mem://{place}")).unwrap()
    };
    let journal = |source: &str, untouched: bool| {
        format!(
            r#"{{"source":"{source}","copy":"elsewhere","untouched":{untouched},"files":{{}}}}"#
        )
        .into_bytes()
    };
    let copy = |name: &str| CopyModel::new(folder.location("m"), to(name));
    bucket.put(&Path::from("n/.canary-3.json"), journal("gs://n", false).into()).await.unwrap();
    let text = reason(copy("n")).await;
    assert!(text.contains("a copy from gs://n was begun there and is not complete"), "{text}");
    let left: Vec<_> = bucket.list(Some(&Path::from("n"))).try_collect().await.unwrap();
    assert_eq!(left.len(), 1, "nothing was written: {left:?}");

    // One that had written nothing, and one of the same source.
    bucket.put(&Path::from("u/.canary-3.json"), journal("gs://n", true).into()).await.unwrap();
    let own = folder.location("m").to_string();
    bucket.put(&Path::from("s/.canary-3.json"), journal(&own, false).into()).await.unwrap();
    for name in ["u", "s"] {
        assert!(!copy(name).run().await.unwrap().already_there, "{name}");
        let left: Vec<_> = bucket.list(Some(&Path::from(name))).try_collect().await.unwrap();
        assert_eq!(left.len(), 6, "{name}: {left:?}");
    }

    // A copy whose journal is taken over stops before the version can be loaded.
    let other = Arc::clone(&bucket);
    let overtaken = copy("o").concurrency(1).on_progress(move |one| {
        if one.files == 1 && one.phase == Phase::Complete {
            let place = Path::from("o/.canary-3.json");
            let written = other.put(&place, journal(&own, false).into()).now_or_never();
            written.expect("a bucket in memory answers at once").unwrap();
        }
    });
    let text = reason(overtaken).await;
    assert!(text.contains("is under way and has written the journal since"), "{text}");
    assert!(bucket.head(&Path::from("o/3/saved_model.pb")).await.is_err());
    let kept = bucket.get(&Path::from("o/.canary-3.json")).await.unwrap().bytes().await.unwrap();
    assert!(String::from_utf8_lossy(&kept).contains("elsewhere"), "the other's journal stays");
}

/// A copy that is killed while it compares a complete version leaves it as it is, and so do the next ones.
#[tokio::test]
async fn a_version_in_a_bucket_outlives_copies_that_only_compare_it() {
    let folder = Folder::new();
    write(&folder.at("m"), &model());
    let mut other = model();
    other.insert("assets/labels.txt".to_owned(), b"dog\ncat\n".to_vec());
    write(&folder.at("other"), &other);
    let bucket: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let copy = |from: &str| {
        let to = Location::within(Arc::clone(&bucket), "m/3", "mem://m/3").unwrap();
        CopyModel::new(folder.location(from), to)
    };
    copy("m").run().await.unwrap();
    assert!(killed(copy("m"), |one| one.file == "assets/labels.txt").await);
    assert!(bucket.head(&Path::from("m/.canary-3.json")).await.is_ok(), "the kill left a journal");
    assert!(reason(copy("other")).await.contains("differs in assets/labels.txt"));
    assert!(killed(copy("m"), |one| one.file == "assets/labels.txt").await);
    assert!(copy("m").run().await.unwrap().already_there);
    let left: Vec<_> = bucket.list(None).try_collect().await.unwrap();
    assert_eq!(left.len(), 6, "{left:?}");
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
