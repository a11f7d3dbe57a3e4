//! The real networks on the real photo. Runs when the files are on this machine, and says so when they are not.

use canary_core::{
    VirtualService,
    predict::{Client, Input},
    serving::Error,
};
use canary_lab::{
    Lab,
    model::{Classifier, ModelFiles, Preprocessing, Variant},
    server::{ModelServer, Served},
};

fn files() -> Option<(ModelFiles, Vec<u8>)> {
    let files = match ModelFiles::find() {
        Ok(files) => files,
        Err(error) => {
            eprintln!("SKIPPED, the real models are untested: {error}");
            return None;
        }
    };
    let Some(photo) = &files.photo else {
        eprintln!(
            "SKIPPED, the real models are untested: the photo is missing; `pip install matplotlib`"
        );
        return None;
    };
    let photo = std::fs::read(photo).unwrap();
    Some((files, photo))
}

#[test]
fn the_photo_is_recognised_as_well_as_it_should_be() {
    let Some((files, photo)) = files() else { return };
    for (variant, low, high) in [(Variant::Lite0, 0.44, 0.47), (Variant::Lite1, 0.48, 0.52)] {
        let model = Classifier::open(&files, variant, Preprocessing::Whole).unwrap();
        let best = model.classify(&photo).unwrap();
        assert_eq!(best[0].0, "military uniform", "{best:?}");
        assert!((low..=high).contains(&best[0].1), "{}: {best:?}", variant.name());
    }
}

#[test]
fn a_centre_crop_is_a_bad_release() {
    let Some((files, photo)) = files() else { return };
    let model = Classifier::open(&files, Variant::Lite0, Preprocessing::CentreCrop).unwrap();
    let best = model.classify(&photo).unwrap();
    assert_eq!(best[0].0, "academic gown", "{best:?}");
}

#[tokio::test]
async fn a_server_answers_files_and_refuses_what_is_no_image() {
    let Some((files, photo)) = files() else { return };
    let model = Classifier::open(&files, Variant::Lite0, Preprocessing::Whole).unwrap();
    let server = ModelServer::start([Served::new("image_classifier", model)]).await.unwrap();
    let client = Client::new(&server.url())
        .unwrap()
        .model("image_classifier")
        .signature("serving_preprocess");
    let answer = client.predict(Input::files([photo.as_slice()])).await.unwrap();
    assert_eq!(answer.top().unwrap()[0].0, "military uniform");
    let error = client.predict(Input::files([&b"no image"[..]])).await.unwrap_err();
    let Error::Predict(error) = error else { panic!("{error}") };
    assert_eq!(error.status, Some(400));
    assert!(error.message.contains("image 0"), "{}", error.message);
}

#[tokio::test]
async fn the_whole_lab_answers_with_both_networks() {
    let Some((_, photo)) = files() else { return };
    let lab = Lab::seed().unwrap();
    let client = Client::new(&lab.gateway_url())
        .unwrap()
        .model("image_classifier")
        .signature("serving_preprocess");
    let split = |header: &str| {
        VirtualService::weighted(
            "image-classifier",
            [("efficientnet-lite0", 100), ("efficientnet-lite1", 0)],
        )
        .hosts(["*"])
        .gateway("image-classifier-gateway")
        .port(8501)
        .when_header("user-group", header, "efficientnet-lite1")
    };
    lab.apply(&split("canary")).unwrap();
    for (group, subset, low, high) in
        [("other", "efficientnet-lite0", 0.42, 0.48), ("canary", "efficientnet-lite1", 0.48, 0.52)]
    {
        let asked = client.clone().header("user-group", group);
        let answer = asked.predict(Input::files([photo.as_slice()])).await.unwrap();
        assert_eq!(answer.subset(), Some(subset));
        let top = answer.top().unwrap();
        assert_eq!(top[0].0, "military uniform");
        assert!((low..=high).contains(&top[0].1), "{top:?}");
    }
}
