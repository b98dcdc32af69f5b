use std::sync::Arc;

use longshore_engine::{ByteRange, Cleanup, Discard, Error, ErrorKind, Limits, Memory, Progress, put_many, read_range};
use longshore_gateway::{FaultAction, FaultRule};

use crate::place::{Place, everywhere, s3};

async fn read(place: &Place, name: &str, range: ByteRange) -> Result<Vec<u8>, Error> {
    read_range(place.object(name), range, &Memory, &Progress::silent()).await
}

#[tokio::test]
async fn a_range_is_exactly_those_bytes_everywhere() {
    for place in everywhere().await {
        place.fill(&["0123456789"]).await;
        for (range, expected) in [
            (ByteRange::Bounded(0..10), "0123456789"),
            (ByteRange::Bounded(2..5), "234"),
            (ByteRange::Bounded(9..10), "9"),
            (ByteRange::From(0), "0123456789"),
            (ByteRange::From(7), "789"),
            (ByteRange::Last(3), "789"),
            (ByteRange::Last(100), "0123456789"),
        ] {
            let found = read(&place, "0123456789", range.clone()).await.unwrap();
            assert_eq!(String::from_utf8(found).unwrap(), expected, "{range:?} of {}", place.base);
        }
    }
}

#[tokio::test]
async fn a_range_that_the_object_does_not_have_is_an_error_everywhere() {
    for place in everywhere().await {
        place.fill(&["0123456789"]).await;
        for range in [ByteRange::Bounded(5..11), ByteRange::Bounded(10..11), ByteRange::From(10), ByteRange::From(99)] {
            let error = read(&place, "0123456789", range.clone()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::OutOfRange, "{range:?} of {}: {error}", place.base);
        }
        let error = read(&place, "missing", ByteRange::From(0)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{}: {error}", place.base);
        for empty in [ByteRange::Bounded(3..3), ByteRange::Last(0)] {
            let error = read(&place, "0123456789", empty).await.unwrap_err();
            assert_eq!((error.kind(), error.attempts()), (ErrorKind::InvalidArgument, 0), "{}: {error}", place.base);
        }
    }
}

#[tokio::test]
async fn a_range_that_breaks_off_is_continued_within_the_range() {
    let place = s3().await;
    let body: Vec<u8> = (0..500_000u32).flat_map(u32::to_le_bytes).collect();
    for name in ["big", "odd//big"] {
        let bodies = Arc::new(vec![body.clone().into()]);
        put_many(place.objects(&[name]), bodies, Limits::default(), &Progress::silent(), &Cleanup::default())
            .await
            .unwrap();
        let cut = FaultRule {
            method: Some("GET".into()),
            times: Some(2),
            ..FaultRule::new(FaultAction::CutBody { after: 300_001 })
        };
        let cut = place.server().faults().add(cut);
        let found = read(&place, name, ByteRange::Bounded(100_003..1_900_001)).await.unwrap();
        assert!(found == body[100_003..1_900_001], "{name} differs");
        assert_eq!(place.server().faults().hits(cut), 2);
        place.server().faults().clear();
    }
}

#[tokio::test]
async fn a_short_answer_is_an_error_and_never_a_short_range() {
    let place = s3().await;
    place.fill(&["0123456789"]).await;
    let reply = |code, headers: &[(&str, &str)], body: &str| FaultAction::Reply {
        code,
        headers: headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        body: body.to_owned(),
    };
    for (action, words) in [
        (FaultAction::ShortBody { length: 2 }, "announced one range and another length"),
        (reply(206, &[], "234"), "did not say which"),
        (reply(206, &[("Content-Range", "bytes 3-5/10")], "345"), "the server sent 3..6 of 10"),
        (reply(206, &[("Content-Range", "bytes 2-4/*")], "234"), "did not say which"),
        (reply(200, &[], "0123456789"), "does not keep to ranges"),
    ] {
        let rule = place.server().faults().add(FaultRule::new(action));
        let error = read(&place, "0123456789", ByteRange::Bounded(2..5)).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(place.server().faults().hits(rule), 1);
        place.server().faults().clear();
    }
}

#[tokio::test]
async fn an_object_replaced_while_it_is_read_is_an_error_and_no_mixture() {
    let place = s3().await;
    let write = async |byte: u8| {
        let bodies = Arc::new(vec![vec![byte; 1_000_000].into()]);
        put_many(place.objects(&["a"]), bodies, Limits::default(), &Progress::silent(), &Cleanup::default())
            .await
            .unwrap();
    };
    write(1).await;
    let faults = place.server().faults();
    let get = |action| FaultRule { method: Some("GET".into()), times: Some(1), ..FaultRule::new(action) };
    faults.add(get(FaultAction::CutBody { after: 500_000 }));
    // Long enough for the object to be replaced before the body is continued.
    faults.add(FaultRule { skip: 1, ..get(FaultAction::Latency(std::time::Duration::from_millis(300))) });
    let (object, progress) = (place.object("a"), Progress::silent());
    let reading = read_range(object, ByteRange::From(10), &Discard, &progress);
    let replacing = async {
        while progress.bytes() < 400_000 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        write(2).await;
    };
    let (read, ()) = tokio::join!(reading, replacing);
    let error = read.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Precondition, Some(412)), "{error}");
}
