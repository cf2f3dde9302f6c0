//! The feed has every change exactly once, in order, whatever fails and whoever is late.

use std::collections::BTreeMap;

use directory::event::EventType;
use serde_json::Value;
use shared::store::{
    FeedHead, FeedPage, GroupWrite, Lane, PublishedEvent, Store, StoreError, UserWrite,
};

use crate::store_table::{Fault, Meanwhile, Table, group, id, member, now, origin, tenant, user};

/// Publishes all lanes.
async fn publish(store: &Store) -> usize {
    let mut events = 0;
    for lane in Lane::all() {
        events += store.publish(lane, now()).await.unwrap();
    }
    events
}

async fn head(store: &Store) -> FeedHead {
    store.feed_head().await.unwrap()
}

/// Reads the feed from the beginning, `limit` events at a time.
async fn read_all(store: &Store, limit: usize) -> Vec<PublishedEvent> {
    let head = store.feed_head().await.unwrap();
    let mut read: Vec<PublishedEvent> = Vec::new();
    loop {
        let after = read.last().map_or(0, |event| event.position);
        match store.events_after(head, after, limit, now()).await.unwrap() {
            FeedPage::Events(events) if events.is_empty() => return read,
            FeedPage::Events(events) => read.extend(events),
            FeedPage::Expired => panic!("expired after {after}"),
        }
    }
}

fn body(event: &PublishedEvent) -> Value {
    serde_json::from_str(event.body.as_deref().unwrap()).unwrap()
}

fn types(events: &[PublishedEvent]) -> Vec<&str> {
    events.iter().map(|event| event.event_type.as_str()).collect()
}

/// Checks what every feed promises: positions without a gap, and the versions of each resource in
/// order.
fn check_order(events: &[PublishedEvent]) {
    let mut versions: BTreeMap<String, u64> = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.position, index as u64 + 1);
        let resource = &body(event)["resource"];
        let version = resource["version"].as_u64().unwrap();
        let last = versions.entry(resource["id"].to_string()).or_default();
        assert!(*last <= version, "version {version} after {last}");
        *last = version;
    }
}

#[tokio::test]
async fn every_change_of_a_user_is_one_event_in_the_order_of_its_versions() {
    let (_, store) = Table::store().await;
    let t = tenant(1);
    let created = store.create_user(t, id(1), &user(1)).await.unwrap().user;
    let inactive = UserWrite { active: false, ..user(1) };
    let off = store.replace_user(t, &created, &user(1).keys, &inactive).await.unwrap().user;
    let on = store.replace_user(t, &off, &user(1).keys, &user(1)).await.unwrap().user;
    let same = store.replace_user(t, &on, &user(1).keys, &user(1)).await.unwrap().user;
    store.delete_user(t, &same, &user(1).keys, now(), &origin()).await.unwrap();
    assert_eq!(publish(&store).await, 5);
    let events = read_all(&store, 2).await;
    check_order(&events);
    let expected =
        ["user.created", "user.deactivated", "user.reactivated", "user.updated", "user.deleted"];
    assert_eq!(types(&events), expected);
    let created = body(&events[0]);
    assert_eq!(created["data"]["user_name"], "First1@contoso-enterprise.example");
    assert_eq!(created["actor"]["type"], "scim_token");
    assert_eq!(body(&events[1])["previous"]["active"], true);
    assert_eq!(body(&events[4])["data"]["id"], id(1).to_string());
}

#[tokio::test]
async fn members_are_reported_with_their_group_also_when_they_leave_by_being_deleted() {
    let (_, store) = Table::store().await;
    let t = tenant(1);
    for n in 1..=2 {
        store.create_user(t, id(n), &user(n)).await.unwrap();
    }
    let staff = store.create_group(t, id(10), &group("Staff"), &[member(1), member(2)]).await;
    let staff = staff.unwrap();
    let write = GroupWrite { external_id: Some("G".to_owned()), ..group("Staff") };
    store.replace_group(t, &staff, &write, &[], &[member(1)]).await.unwrap();
    let second = store.user(t, id(2)).await.unwrap().unwrap();
    store.delete_user(t, &second, &user(2).keys, now(), &origin()).await.unwrap();
    let staff = store.group(t, id(10)).await.unwrap().unwrap();
    store.delete_group(t, &staff, now(), &origin()).await.unwrap();
    publish(&store).await;
    let events = read_all(&store, 100).await;
    check_order(&events);
    let of_group: Vec<_> =
        events.iter().filter(|event| event.event_type.starts_with("group")).cloned().collect();
    let expected = [
        "group.created",
        "group.member_added",
        "group.member_removed",
        "group.member_removed",
        "group.deleted",
    ];
    assert_eq!(types(&of_group), expected);
    let added = &body(&of_group[1])["data"];
    assert_eq!(added["group"]["display_name"], "Staff");
    assert_eq!(added["members"].as_array().unwrap().len(), 2);
    assert_eq!(body(&of_group[3])["data"]["members"][0]["id"], id(2).to_string());
}

#[tokio::test]
async fn a_large_change_is_a_row_of_transactions_each_with_the_events_of_its_part() {
    let (_, store) = Table::store().await;
    let t = tenant(1);
    for n in 1..=250 {
        store.create_user(t, id(n), &user(n)).await.unwrap();
    }
    let members: Vec<_> = (1..=250).map(member).collect();
    let staff = store.create_group(t, id(1_000), &group("Staff"), &members).await.unwrap();
    store.delete_group(t, &staff, now(), &origin()).await.unwrap();
    publish(&store).await;
    let events = read_all(&store, 1_000).await;
    check_order(&events);
    let members = |wanted: EventType| -> usize {
        let of_type = events.iter().filter(|event| event.event_type == wanted.as_str());
        of_type.map(|event| body(event)["data"]["members"].as_array().unwrap().len()).sum()
    };
    assert_eq!(members(EventType::GroupMemberAdded), 250);
    assert_eq!(members(EventType::GroupMemberRemoved), 250);
    let of_group = events.iter().rev().find(|event| event.event_type.starts_with("group."));
    assert_eq!(of_group.unwrap().event_type, "group.deleted");
}

#[tokio::test]
async fn an_event_whose_change_commits_late_reaches_a_reader_who_has_passed_its_neighbours() {
    let (table, store) = Table::store().await;
    let t = tenant(1);
    // While the transaction of the first user is on its way, another process creates the second,
    // publishes it, and a reader reads the feed to its end.
    table.fail(Fault::Meanwhile(Meanwhile::process(&table, async |other| {
        other.create_user(tenant(1), id(2), &user(2)).await.unwrap();
        assert_eq!(publish(&other).await, 1);
        assert_eq!(read_all(&other, 100).await.len(), 1);
    })));
    store.create_user(t, id(1), &user(1)).await.unwrap();
    assert_eq!(publish(&store).await, 1);
    let FeedPage::Events(late) =
        store.events_after(head(&store).await, 1, 100, now()).await.unwrap()
    else {
        panic!("expired")
    };
    assert_eq!(body(&late[0])["resource"]["id"], id(1).to_string());
}

#[tokio::test(start_paused = true)]
async fn two_publishers_at_once_publish_each_event_once() {
    let (table, store) = Table::store().await;
    for n in 0..100 {
        store.create_user(tenant(1), id(n), &user(n)).await.unwrap();
    }
    // Before each of the first calls of one publisher, another one publishes.
    for nth in 0..6 {
        let other = Meanwhile::process(&table, async |other| {
            publish(&other).await;
        });
        table.fail(Fault::After(nth, Box::new(Fault::Meanwhile(other))));
    }
    publish(&store).await;
    table.recover();
    publish(&store).await;
    let events = read_all(&store, 1_000).await;
    check_order(&events);
    assert_eq!(events.len(), 100);
    assert!(
        table.all_rows().iter().all(|row| !row["pk"]["S"].as_str().unwrap().starts_with("OUT#"))
    );
}

/// Makes changes, publishing after each.
async fn change_and_publish(store: &Store) -> Result<(), StoreError> {
    let t = tenant(1);
    let lanes = async || store.publish(Lane::of(t), now()).await.map(drop);
    let first = store.create_user(t, id(1), &user(1)).await?.user;
    lanes().await?;
    let staff = store.create_group(t, id(10), &group("Staff"), &[member(1)]).await?;
    store.replace_group(t, &staff, &group("Team"), &[], &[member(1)]).await?;
    lanes().await?;
    store.delete_user(t, &first, &user(1).keys, now(), &origin()).await?;
    lanes().await
}

#[tokio::test(start_paused = true)]
async fn each_change_is_published_once_whichever_call_fails_once() {
    let (table, store) = Table::store().await;
    change_and_publish(&store).await.unwrap();
    let calls = table.take().calls.len();
    let expected = read_all(&store, 100).await;
    assert_eq!(expected.len(), 6);
    let faults = [
        Fault::Conflict,
        Fault::Error("ProvisionedThroughputExceededException"),
        Fault::AnswerLost,
    ];
    for nth in 0..calls {
        for fault in &faults {
            let (table, store) = Table::store().await;
            table.fail(Fault::After(nth, Box::new(fault.clone())));
            change_and_publish(&store).await.unwrap_or_else(|e| panic!("{nth} {fault:?}: {e:?}"));
            assert_eq!(read_all(&store, 100).await, expected, "{nth} {fault:?}");
        }
    }
}

#[tokio::test]
async fn the_oldest_events_expire_and_a_reader_who_is_too_late_learns_of_it() {
    let (_, store) = Table::store().await;
    for n in 0..40 {
        store.create_user(tenant(1), id(n), &user(n)).await.unwrap();
        // The first ten are older.
        let at = if n < 10 { now() } else { now() + jiff::SignedDuration::from_hours(24) };
        for lane in Lane::all() {
            store.publish(lane, at).await.unwrap();
        }
    }
    let head = head(&store).await;
    let later = now() + jiff::SignedDuration::from_hours(90 * 24);
    assert_eq!(store.oldest_position(head, now()).await.unwrap(), 0);
    assert_eq!(store.oldest_position(head, later).await.unwrap(), 10);
    assert_eq!(store.events_after(head, 9, 5, later).await.unwrap(), FeedPage::Expired);
    let FeedPage::Events(kept) = store.events_after(head, 10, 5, later).await.unwrap() else {
        panic!("expired")
    };
    assert_eq!(kept.len(), 5);
}
