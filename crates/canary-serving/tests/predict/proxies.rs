//! Predictions through a proxy that a setting names.

use canary_core::{
    error::Origin,
    predict::{Client, Retry},
};

use crate::{
    calls::predict_error,
    server::{Server, reply},
};

#[tokio::test]
async fn a_proxy_is_sent_the_whole_address_and_its_password() {
    let proxy =
        Server::new(|_, stream| reply(stream, "200 OK", &[], br#"{"predictions": ["proxied"]}"#));
    let at = proxy.url().replace("http://", "http://me:hunter2@");
    let client = Client::new("http://models.example:8501").unwrap().model("m");
    let client = client.proxy(&at).unwrap();
    let answer = client.predict(vec![1_u8]).await.unwrap();
    assert_eq!(answer.single().unwrap().to_texts().unwrap(), ["proxied"]);
    let head = &proxy.requests()[0].head;
    let line = "POST http://models.example:8501/v1/models/m:predict HTTP/1.1\r\n";
    assert!(head.starts_with(line), "{head}");
    // "me:hunter2" in base64.
    assert!(head.contains("Basic bWU6aHVudGVyMg=="), "{head}");
    assert!(!format!("{client:?}").contains("hunter2"), "{client:?}");
}

#[tokio::test]
async fn a_proxy_that_is_no_url_is_refused_and_not_repeated() {
    let client = Client::new("http://models.example:8501").unwrap().model("m");
    let error = predict_error(client.clone().proxy("ftp://me:hunter2@p:1").unwrap_err());
    assert_eq!(error.origin, Origin::Request);
    let text = format!("{error} {error:?}");
    assert!(text.contains("proxy") && !text.contains("hunter2"), "{text}");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = client.proxy(&format!("http://me:hunter2@{nobody}")).unwrap();
    let error =
        predict_error(client.clone().retry(Retry::never()).predict(vec![1_u8]).await.unwrap_err());
    assert!(error.retryable && !error.sent, "{error:?}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    // A setting that comes later wins.
    let server = Server::json("200 OK", r#"{"predictions": ["direct"]}"#);
    let direct = Client::new(&server.url()).unwrap().model("m").proxy("http://127.0.0.1:1");
    direct.unwrap().no_proxy().predict(vec![1_u8]).await.unwrap();
}
