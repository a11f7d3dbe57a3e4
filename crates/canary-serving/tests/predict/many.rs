//! Many predictions at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{
    calls::client,
    server::{Server, reply},
};

fn echo(body: &str) -> String {
    // The item is one byte, base64 of which stands in the request: answer with the same text.
    let text = body.split("\"b64\":\"").nth(1).unwrap().split('"').next().unwrap();
    format!(r#"{{"predictions": ["{text}"]}}"#)
}

#[tokio::test]
async fn order_is_kept_failures_stay_in_their_place_and_flight_is_bounded() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (in_flight, peak) = (now.clone(), most.clone());
    let server = Server::new(move |request, stream| {
        let flying = in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        peak.fetch_max(flying, Ordering::SeqCst);
        // Later requests overtake earlier ones.
        thread::sleep(Duration::from_millis(if request.index.is_multiple_of(3) { 8 } else { 1 }));
        let text = request.text();
        in_flight.fetch_sub(1, Ordering::SeqCst);
        if text.contains("\"Bw==\"") {
            return reply(stream, "400 Bad Request", &[], br#"{"error": "seven"}"#);
        }
        reply(stream, "200 OK", &[], echo(&text).as_bytes())
    });
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = taken.clone();
    let items = (0..60_u8).map(move |item| {
        counter.fetch_add(1, Ordering::SeqCst);
        vec![item]
    });
    let mut answers = client(&server).predict_many(items, 4);
    let mut given = 0;
    while let Some(answer) = answers.next().await {
        if given == 7 {
            assert!(answer.unwrap_err().to_string().contains("seven"));
        } else {
            let wanted = base64_simd::STANDARD.encode_to_string([given]);
            assert_eq!(answer.unwrap().single().unwrap().to_texts().unwrap(), [wanted]);
        }
        given += 1;
        // Items are taken only when their turn comes.
        assert!(taken.load(Ordering::SeqCst) <= usize::from(given) + 4);
    }
    assert_eq!(given, 60);
    assert!((2..=4).contains(&most.load(Ordering::SeqCst)), "{most:?}");
}
