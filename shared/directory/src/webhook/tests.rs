use secrecy::ExposeSecret as _;

use super::*;
use crate::cursor::FeedId;

/// The example of the specification, which the tests of its libraries share.
const PUBLISHED: Message<'static> = Message {
    id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    sent_at: Timestamp::constant(1_614_265_330, 0),
    body: r#"{"test": 2432232314}"#,
};

fn published_secret() -> WebhookSecret {
    WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn cursor(position: u64) -> Cursor {
    Cursor { feed: FeedId(7), position }
}

#[test]
fn the_signature_is_that_of_the_specification() {
    assert_eq!(
        PUBLISHED.signature([&published_secret()]),
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    );
}

#[test]
fn during_a_rotation_a_message_has_a_signature_by_each_secret() {
    let (old, new) = (published_secret(), WebhookSecret::new(&[7; 32]));
    let both = PUBLISHED.signature([&new, &old]);
    let (first, second) = both.split_once(' ').unwrap();
    assert_eq!(first, PUBLISHED.signature([&new]));
    assert_eq!(second, PUBLISHED.signature([&old]));
}

#[test]
fn a_signature_covers_id_time_and_body() {
    let signature = PUBLISHED.signature([&published_secret()]);
    for other in [
        Message { id: "msg_p5jXN8AQM9LWM0D4loKWxJel", ..PUBLISHED },
        Message { sent_at: at(1_614_265_331), ..PUBLISHED },
        Message { body: r#"{"test": 2432232315}"#, ..PUBLISHED },
    ] {
        assert_ne!(other.signature([&published_secret()]), signature, "{other:?}");
    }
}

#[test]
fn a_secret_reads_as_it_was_written_and_is_not_printed() {
    let secret = WebhookSecret::new(&[255; 32]);
    let text = secret.reveal();
    assert_eq!(text.expose_secret().len(), "whsec_".len() + 44);
    let read = WebhookSecret::parse(text.expose_secret()).unwrap();
    assert_eq!(PUBLISHED.signature([&read]), PUBLISHED.signature([&secret]));
    assert_eq!(format!("{secret:?}"), "WebhookSecret(_)");
}

#[test]
fn a_text_of_another_form_is_no_secret() {
    for text in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ", "whsec_*"] {
        assert!(WebhookSecret::parse(text).is_err(), "{text}");
    }
}

#[test]
fn the_waits_grow_from_five_seconds_to_a_day_and_stay_there() {
    let seconds: Vec<i64> = (1..=10).map(|n| retry_delay(n, 0).as_secs()).collect();
    let day = 86_400;
    assert_eq!(seconds, [5, 60, 300, 1_800, 7_200, 18_000, 36_000, day, day, day]);
}

#[test]
fn jitter_lengthens_a_wait_by_up_to_a_tenth() {
    assert_eq!(retry_delay(2, u16::MAX).as_secs(), 66);
    assert_eq!(retry_delay(1, u16::MAX / 2).as_millis(), 5_249);
}

#[test]
fn an_accepted_message_moves_the_cursor_and_forgets_failures() {
    let failing = Progress::from_cursor(cursor(3)).after(Outcome::TimedOut, cursor(4), at(0), 0);
    for status in [200, 202, 204, 299] {
        let after = failing.after(Outcome::Answered(status), cursor(4), at(5), 0);
        assert_eq!(after, Progress::from_cursor(cursor(4)), "{status}");
    }
}

#[test]
fn whatever_else_happens_is_tried_again_at_the_same_cursor() {
    for outcome in [
        Outcome::Answered(301),
        Outcome::Answered(304),
        Outcome::Answered(400),
        Outcome::Answered(404),
        Outcome::Answered(500),
        Outcome::Answered(199),
        Outcome::TimedOut,
        Outcome::Unreachable,
        Outcome::NotPublic,
    ] {
        let after = Progress::from_cursor(cursor(3)).after(outcome, cursor(4), at(100), 0);
        assert_eq!(
            (after.cursor, after.paused, after.attempts),
            (cursor(3), None, 1),
            "{outcome:?}"
        );
        assert_eq!(after.failing_since, Some(at(100)));
        assert_eq!(after.next_attempt_at, Some(at(105)));
        assert!(!after.is_due(at(104)) && after.is_due(at(105)));
    }
}

#[test]
fn gone_pauses_at_once() {
    let after =
        Progress::from_cursor(cursor(3)).after(Outcome::Answered(410), cursor(4), at(100), 0);
    assert_eq!((after.cursor, after.paused), (cursor(3), Some(PauseReason::Gone)));
    assert!(!after.is_due(at(1_000_000)));
}

#[test]
fn an_endpoint_that_fails_for_three_days_is_paused_at_its_cursor() {
    let (mut progress, mut now) = (Progress::from_cursor(cursor(3)), at(0));
    let mut times = Vec::new();
    while progress.paused.is_none() {
        times.push(now.as_second());
        progress = progress.after(Outcome::Unreachable, cursor(4), now, 0);
        now = progress.next_attempt_at.unwrap_or(now);
    }
    let expected = [0, 5, 65, 365, 2_165, 9_365, 27_365, 63_365, 149_765, 236_165, 259_200];
    assert_eq!(times, expected);
    assert_eq!((progress.cursor, progress.paused), (cursor(3), Some(PauseReason::Failing)));
}

#[test]
fn an_endpoint_is_sent_the_types_and_tenants_that_it_selects() {
    let tenant = |n: u8| format!("0199d3a0-0000-7000-8000-00000000000{n}").parse().unwrap();
    let selection =
        Selection { types: Some(vec![EventType::UserCreated]), tenants: Some(vec![tenant(1)]) };
    assert!(selection.has("user.created", tenant(1)));
    assert!(!selection.has("user.updated", tenant(1)));
    assert!(!selection.has("user.created", tenant(2)));
    assert!(Selection::default().has("user.renamed", tenant(2)));
}

#[test]
fn an_outcome_is_read_as_it_was_written() {
    let all = [Outcome::Answered(204), Outcome::TimedOut, Outcome::Unreachable, Outcome::NotPublic];
    for outcome in all {
        assert_eq!(Outcome::parse(outcome.status(), outcome.error()), Some(outcome));
    }
    assert_eq!(Outcome::parse(None, None), None);
}
