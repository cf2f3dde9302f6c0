//! An event as apps see it: in the feed of the directory API, and in the message of a webhook.

use serde_json::{Map, Value, json};

use crate::store::{FeedHead, PublishedEvent, Tenant};
use directory::cursor::Cursor;

/// Renders an event with its `cursor`. `tenant` is that of the event; of a deleted one, the event says
/// only that there was one.
///
/// # Errors
///
/// When the stored body is no JSON object.
pub fn render(
    event: &PublishedEvent,
    cursor: Cursor,
    tenant: Option<&Tenant>,
) -> Result<Map<String, Value>, serde_json::Error> {
    let external_id = tenant.and_then(|tenant| tenant.external_id.as_deref());
    let mut item = Map::from_iter(
        [
            ("id", json!(event.id)),
            ("cursor", json!(cursor.encode())),
            ("type", json!(event.event_type)),
            ("at", json!(event.at)),
            ("tenant", json!({"id": event.tenant, "external_id": external_id})),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    match event.body.as_ref().filter(|_| tenant.is_some()) {
        Some(body) => {
            let body: Map<String, Value> = serde_json::from_str(body)?;
            item.extend(body);
        }
        None => drop(item.insert("tenant_deleted".to_owned(), true.into())),
    }
    Ok(item)
}

/// Returns the position that a cursor has in the feed with this head; `None` if it is of another feed.
pub fn position(head: FeedHead, cursor: Cursor) -> Option<u64> {
    let is_known = cursor.feed == head.feed && cursor.position <= head.position;
    (cursor == Cursor::START || is_known).then_some(cursor.position)
}

/// Returns the cursor of a position.
pub fn cursor(head: FeedHead, position: u64) -> Cursor {
    Cursor { feed: head.feed, position }
}
