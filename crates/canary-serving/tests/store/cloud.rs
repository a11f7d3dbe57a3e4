//! Copies to and from S3 and Google Cloud Storage, as a small server speaks their XML over HTTP.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    fmt::Write as _,
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use canary_core::{
    serving::Error,
    serving::store::{
        CopyModel, Location, http_connector,
        object_store::{
            ObjectStore, RetryConfig,
            aws::AmazonS3Builder,
            client::StaticCredentialProvider,
            gcp::{GcpCredential, GoogleCloudStorageBuilder, GoogleConfigKey},
        },
    },
};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;

use crate::model::{Folder, graph, write};

/// Keys of a page of a listing.
const PAGE: usize = 4;

#[derive(Default)]
struct Cloud {
    objects: Mutex<BTreeMap<String, Bytes>>,
    parts: Mutex<BTreeMap<(String, u32), Bytes>>,
    log: Mutex<Vec<String>>,
    /// The number of writes before the bucket fails, and the status with which it fails.
    writes: AtomicUsize,
    failure: Mutex<StatusCode>,
}

impl Cloud {
    async fn start() -> (Arc<Self>, String) {
        let cloud = Arc::new(Self { writes: AtomicUsize::new(usize::MAX), ..Self::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::clone(&cloud);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let cloud = Arc::clone(&shared);
                let service = hyper::service::service_fn(move |request| {
                    let cloud = Arc::clone(&cloud);
                    async move { Ok::<_, Infallible>(cloud.answer(request).await) }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        (cloud, url)
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let path = decode(parts.uri.path());
        let key = path.trim_start_matches('/').strip_prefix("bucket").unwrap();
        let key = key.trim_start_matches('/').to_owned();
        let query: BTreeMap<String, String> = parts
            .uri
            .query()
            .unwrap_or_default()
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (decode(name), decode(value)))
            .collect();
        let writes = matches!(parts.method, Method::PUT | Method::POST | Method::DELETE);
        let left = self.writes.load(Ordering::SeqCst);
        if writes && left == 0 {
            let mut answer = Response::new(Full::from("<Error><Code>Broken</Code></Error>"));
            *answer.status_mut() = *self.failure.lock().unwrap();
            return answer;
        }
        if writes && left != usize::MAX {
            self.writes.store(left - 1, Ordering::SeqCst);
        }
        if writes {
            self.log.lock().unwrap().push(format!("{} {key}", parts.method));
        }
        match parts.method {
            Method::GET if key.is_empty() => self.list(&query),
            Method::GET | Method::HEAD => self.get(&parts, &key),
            Method::PUT => self.put(key, &query, &parts.headers, body),
            Method::POST if query.contains_key("delete") => {
                let text = String::from_utf8(body.to_vec()).unwrap();
                let mut deleted = String::new();
                for key in text.split("<Key>").skip(1) {
                    let key = key.split("</Key>").next().unwrap();
                    self.objects.lock().unwrap().remove(key);
                    write!(deleted, "<Deleted><Key>{key}</Key></Deleted>").unwrap();
                }
                xml(&format!("<DeleteResult>{deleted}</DeleteResult>"))
            }
            Method::POST if query.contains_key("uploads") => xml(&format!(
                "<InitiateMultipartUploadResult><Bucket>bucket</Bucket><Key>{key}</Key><UploadId>{key}</UploadId></InitiateMultipartUploadResult>"
            )),
            Method::POST => {
                let mut parts = self.parts.lock().unwrap();
                let all: Vec<Bytes> = parts
                    .range((key.clone(), 0)..=(key.clone(), u32::MAX))
                    .map(|one| one.1.clone())
                    .collect();
                parts.retain(|(of, _), _| *of != key);
                self.objects.lock().unwrap().insert(key.clone(), all.concat().into());
                xml(&format!(
                    "<CompleteMultipartUploadResult><Location>/</Location><Bucket>bucket</Bucket><Key>{key}</Key><ETag>\"done\"</ETag></CompleteMultipartUploadResult>"
                ))
            }
            Method::DELETE => {
                self.objects.lock().unwrap().remove(&key);
                self.parts.lock().unwrap().retain(|(of, _), _| *of != key);
                status(StatusCode::NO_CONTENT)
            }
            _ => status(StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    fn list(&self, query: &BTreeMap<String, String>) -> Response<Full<Bytes>> {
        let prefix = query.get("prefix").cloned().unwrap_or_default();
        let after = query.get("continuation-token").cloned().unwrap_or_default();
        let objects = self.objects.lock().unwrap();
        let found = || objects.iter().filter(|(key, _)| key.starts_with(&prefix) && **key > after);
        let mut text = String::from("<ListBucketResult>");
        for (key, bytes) in found().take(PAGE) {
            write!(
                text,
                "<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>{}</ETag><Size>{}</Size></Contents>",
                tag(bytes).replace('"', "&quot;"),
                bytes.len()
            )
            .unwrap();
        }
        let more = found().count() > PAGE;
        write!(text, "<IsTruncated>{more}</IsTruncated>").unwrap();
        if more {
            let last = found().take(PAGE).last().unwrap().0;
            write!(text, "<NextContinuationToken>{last}</NextContinuationToken>").unwrap();
        }
        text.push_str("</ListBucketResult>");
        xml(&text)
    }

    fn get(&self, parts: &http::request::Parts, key: &str) -> Response<Full<Bytes>> {
        let Some(bytes) = self.objects.lock().unwrap().get(key).cloned() else {
            return status(StatusCode::NOT_FOUND);
        };
        let text = |name| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        if text(header::IF_MATCH).is_some_and(|wanted| wanted != tag(&bytes)) {
            return status(StatusCode::PRECONDITION_FAILED);
        }
        let mut answer = Response::builder()
            .header(header::ETAG, tag(&bytes))
            .header("x-goog-generation", generation(&bytes))
            .header(header::LAST_MODIFIED, "Thu, 01 Jan 2026 00:00:00 GMT");
        let size = bytes.len();
        let mut part = bytes;
        if let Some(range) = text(header::RANGE) {
            let (start, end) = range.trim_start_matches("bytes=").split_once('-').unwrap();
            let (start, end): (usize, usize) = (start.parse().unwrap(), end.parse().unwrap());
            let end = end.min(size - 1);
            part = part.slice(start..=end);
            answer = answer
                .status(StatusCode::PARTIAL_CONTENT)
                .header(header::CONTENT_RANGE, format!("bytes {start}-{end}/{size}"));
        }
        answer = answer.header(header::CONTENT_LENGTH, part.len());
        let body = if parts.method == Method::HEAD { Bytes::new() } else { part };
        answer.body(Full::from(body)).unwrap()
    }

    fn put(
        &self,
        key: String,
        query: &BTreeMap<String, String>,
        headers: &http::HeaderMap,
        body: Bytes,
    ) -> Response<Full<Bytes>> {
        let wanted = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let there = self.objects.lock().unwrap().get(&key).cloned();
        let generation = there.as_ref().map_or_else(|| "0".to_owned(), generation);
        let holds = wanted("if-none-match").is_none_or(|_| there.is_none())
            && wanted("if-match")
                .is_none_or(|wanted| there.as_ref().is_some_and(|one| wanted == tag(one)))
            && wanted("x-goog-if-generation-match").is_none_or(|wanted| wanted == generation);
        if !holds {
            return status(StatusCode::PRECONDITION_FAILED);
        }
        let (tag, number) = (tag(&body), self::generation(&body));
        match query.get("partNumber") {
            Some(number) => {
                self.parts.lock().unwrap().insert((key, number.parse().unwrap()), body);
            }
            None => {
                self.objects.lock().unwrap().insert(key, body);
            }
        }
        let answer = Response::builder().header(header::ETAG, tag);
        answer.header("x-goog-generation", number).body(Full::default()).unwrap()
    }

    fn objects(&self) -> BTreeMap<String, Bytes> {
        self.objects.lock().unwrap().clone()
    }
}

fn tag(bytes: &Bytes) -> String {
    use std::hash::{DefaultHasher, Hasher};
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    format!("\"{:x}\"", hasher.finish())
}

/// Google's number of a version of an object.
fn generation(bytes: &Bytes) -> String {
    use std::hash::{DefaultHasher, Hasher};
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    (hasher.finish() >> 8 | 1).to_string()
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    Response::builder().status(status).body(Full::default()).unwrap()
}

fn xml(text: &str) -> Response<Full<Bytes>> {
    Response::new(Full::from(text.to_owned()))
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            let digits = std::str::from_utf8(&digits).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// The two clouds at the same server.
fn stores(url: &str) -> [(&'static str, Arc<dyn ObjectStore>); 2] {
    let once = RetryConfig { max_retries: 0, ..RetryConfig::default() };
    let s3 = AmazonS3Builder::new()
        .with_bucket_name("bucket")
        .with_endpoint(url)
        .with_allow_http(true)
        .with_access_key_id("someone")
        .with_secret_access_key("hunter2")
        .with_retry(once.clone())
        .with_http_connector(http_connector().unwrap())
        .build()
        .unwrap();
    let gs = GoogleCloudStorageBuilder::new()
        .with_bucket_name("bucket")
        .with_config(GoogleConfigKey::BaseUrl, url)
        .with_credentials(Arc::new(StaticCredentialProvider::new(GcpCredential {
            bearer: "hunter2".to_owned(),
        })))
        .with_retry(once)
        .with_http_connector(http_connector().unwrap())
        .build()
        .unwrap();
    [("s3", Arc::new(s3)), ("gs", Arc::new(gs))]
}

/// A model in a folder, with a shard of about so many bytes.
fn folder_with(bytes: usize) -> Folder {
    let index = [&[1; 100][..], &[0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]].concat();
    let large = (0..249).collect::<Vec<u8>>().repeat(bytes / 249);
    let files = [
        ("saved_model.pb", graph(1_000)),
        ("variables/variables.index", index),
        ("variables/variables.data-00000-of-00001", large),
        ("assets/a name with spaces.txt", b"cat".to_vec()),
        ("assets/labels.txt", Vec::new()),
        ("fingerprint.pb", vec![8, 1]),
    ];
    let folder = Folder::new();
    write(&folder.at("1"), &files.map(|(path, bytes)| (path.to_owned(), bytes)).into());
    folder
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_goes_to_a_cloud_and_back() {
    let (cloud, url) = Cloud::start().await;
    let model = folder_with(20 << 20);
    for (name, store) in stores(&url) {
        let place = format!("{name}/resnet/7");
        let there =
            || Location::within(Arc::clone(&store), &place, format!("{name}://{place}")).unwrap();
        cloud.log.lock().unwrap().clear();
        let copied = CopyModel::new(model.location("1"), there()).run().await.unwrap();
        assert_eq!((copied.files.len(), copied.version), (6, 7), "{name}");
        let keys: Vec<String> =
            cloud.objects().into_keys().filter(|key| key.starts_with(name)).collect();
        assert_eq!(keys.len(), 6, "{name}: {keys:?}");
        assert!(cloud.parts.lock().unwrap().is_empty(), "{name}: parts are left");
        // `saved_model.pb` is the last file of the model that is written.
        let log = cloud.log.lock().unwrap().clone();
        let written: Vec<&String> =
            log.iter().filter(|line| line.contains("/7/") && !line.starts_with("DELETE")).collect();
        assert!(written.last().unwrap().ends_with("saved_model.pb"), "{name}: {written:?}");
        let times = written.iter().filter(|line| line.ends_with("saved_model.pb")).count();
        assert_eq!(times, 1, "{name}: {written:?}");

        let back = format!("{}", 20 + name.len());
        let _ = fs::remove_dir_all(model.at(&back));
        CopyModel::new(there(), model.location(&back)).run().await.unwrap();
        for path in [
            "saved_model.pb",
            "variables/variables.data-00000-of-00001",
            "assets/labels.txt",
            "assets/a name with spaces.txt",
        ] {
            let read = |version: &str| fs::read(model.at(version).join(path)).unwrap();
            assert!(read("1") == read(&back), "{name}: {path}");
        }
        assert!(CopyModel::new(model.location("1"), there()).run().await.unwrap().already_there);
        fs::remove_dir_all(model.at(&back)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cloud_that_fails_after_any_write_leaves_nothing_to_load_and_is_resumed() {
    let (cloud, url) = Cloud::start().await;
    let model = folder_with(1_000);
    *cloud.failure.lock().unwrap() = StatusCode::SERVICE_UNAVAILABLE;
    for (name, store) in stores(&url) {
        for writes in 0.. {
            let place = format!("{name}-{writes}/1");
            let copy = || {
                let to = Location::within(Arc::clone(&store), &place, format!("{name}://{place}"));
                CopyModel::new(model.location("1"), to.unwrap()).concurrency(2)
            };
            cloud.writes.store(writes, Ordering::SeqCst);
            let stopped = copy().run().await;
            cloud.writes.store(usize::MAX, Ordering::SeqCst);
            let Err(error) = stopped else {
                assert!(writes > 12, "{name}: there were only {writes} writes");
                break;
            };
            assert!(error.is_retryable(), "{name}: {error:?}");
            assert!(!format!("{error:?}").contains("hunter2"));
            let objects = cloud.objects();
            let files = |key: &&String| key.starts_with(&place);
            if objects.contains_key(&format!("{place}/saved_model.pb")) {
                let there = objects.keys().filter(files).count();
                assert_eq!(there, 6, "{name} after {writes}: half a model can be loaded");
            }
            copy().run().await.unwrap();
            let left: Vec<String> = cloud
                .objects()
                .into_keys()
                .filter(|key| key.starts_with(&format!("{name}-{writes}/")))
                .collect();
            assert_eq!(left.len(), 6, "{name} after {writes}: {left:?}");
        }
    }
    // What does not pass is not called passing.
    *cloud.failure.lock().unwrap() = StatusCode::FORBIDDEN;
    cloud.writes.store(0, Ordering::SeqCst);
    for (name, store) in stores(&url) {
        let to = Location::within(store, "forbidden/1", format!("{name}://forbidden/1")).unwrap();
        let error = CopyModel::new(model.location("1"), to).run().await.unwrap_err();
        assert!(matches!(error, Error::Store { retryable: false, .. }), "{name}: {error:?}");
        assert!(error.to_string().contains("credentials may not reach"), "{name}: {error}");
    }
}

/// Both clouds keep two copies apart by their conditional writes; one copy is there whole, and no lock is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_copies_to_one_version_in_a_cloud_one_is_refused() {
    let (cloud, url) = Cloud::start().await;
    let model = folder_with(1_000);
    for (name, store) in stores(&url) {
        let place = format!("{name}/apart/1");
        let copy = || {
            let to = Location::within(Arc::clone(&store), &place, format!("{name}://{place}"));
            let copy = CopyModel::new(model.location("1"), to.unwrap());
            tokio::spawn(
                copy.on_progress(|_| {
                    std::thread::sleep(std::time::Duration::from_millis(60));
                })
                .run(),
            )
        };
        let (one, other) = tokio::join!(copy(), copy());
        let results = [one.unwrap(), other.unwrap()];
        // The other one was refused, or came when the version was there, whole and equal.
        let written = results.iter().flatten().filter(|copied| !copied.already_there).count();
        assert_eq!(written, 1, "{name}: {results:?}");
        for error in results.iter().filter_map(|result| result.as_ref().err()) {
            assert!(error.to_string().contains("is under way"), "{name}: {error}");
        }
        let keys: Vec<String> =
            cloud.objects().into_keys().filter(|key| key.starts_with(name)).collect();
        assert_eq!(keys.len(), 6, "{name}: {keys:?}");
    }
}
