//! The exact cost of each operation: calls and capacity units. A change of a figure is a decision.

use scim::licence::Licence;
use shared::store::{Lane, SeatRequest, UserWrite};

use crate::store_table::{Lookups as _, Table, group, id, member, now, origin, tenant, user};

/// Checks the calls and units since the last check.
fn check(table: &Table, what: &str, calls: &[&str], units: f64) {
    let mut used = table.take();
    // Parallel calls have no order.
    used.calls.sort_unstable();
    assert_eq!(
        (used.calls, used.units),
        (calls.iter().map(ToString::to_string).collect(), units),
        "{what}"
    );
}

#[tokio::test]
async fn operations_on_users_have_these_costs() {
    let (table, store) = Table::store().await;
    let t = tenant(1);
    let name = &user(1).keys.user_name;
    // This id is not in the sample for a split.
    let created = store.create_user(t, id(1), &user(1)).await.unwrap().user;
    check(&table, "create", &["TransactWriteItems"], 12.0);
    store.user(t, id(1)).await.unwrap().unwrap();
    check(&table, "get", &["GetItem"], 1.0);
    store.user_by_user_name(t, name).await.unwrap().unwrap();
    check(&table, "filter userName, hit", &["GetItem", "GetItem"], 2.0);
    store.user_by_user_name(t, "nobody").await.unwrap();
    check(&table, "filter userName, miss", &["GetItem"], 1.0);
    store.users_by_email(t, name).await.unwrap();
    check(&table, "filter emails", &["GetItem", "GetItem", "Query"], 3.0);
    let patched = store.replace_user(t, &created, &user(1).keys, &user(1)).await.unwrap().user;
    check(&table, "patch", &["TransactWriteItems"], 6.0);
    let renamed = UserWrite { keys: user(2).keys, ..user(1) };
    let renamed_user = store.replace_user(t, &patched, &user(1).keys, &renamed).await.unwrap().user;
    check(&table, "rename and new externalId", &["TransactWriteItems"], 14.0);
    store.users_total(t).await.unwrap();
    check(&table, "totalResults", &["Query"], 1.0);
    store.users_page(t, 1, 100).await.unwrap();
    check(&table, "page", &["Query", "Query"], 1.5);
    store.delete_user(t, &renamed_user, &renamed.keys, now(), &origin()).await.unwrap();
    check(&table, "delete", &["Query", "Query", "Query", "TransactWriteItems"], 14.0);
}

#[tokio::test]
async fn a_seat_costs_no_more_than_its_counter() {
    let (table, store) = Table::store().await;
    let t = tenant(1);
    let seated = UserWrite { licence: Licence::Full, seat: SeatRequest::Required, ..user(1) };
    store.create_user(t, id(1), &seated).await.unwrap();
    check(&table, "first create, which reads the rules", &["GetItem", "TransactWriteItems"], 13.0);
    let second = UserWrite { keys: user(2).keys, ..seated.clone() };
    let created = store.create_user(t, id(2), &second).await.unwrap().user;
    check(&table, "create with a seat", &["TransactWriteItems"], 12.0);
    let inactive = UserWrite { active: false, keys: user(2).keys, ..seated };
    store.replace_user(t, &created, &user(2).keys, &inactive).await.unwrap();
    check(&table, "deactivate", &["TransactWriteItems"], 8.0);
}

#[tokio::test]
async fn publishing_has_these_costs() {
    let (table, store) = Table::store().await;
    for n in 1..=31 {
        store.create_user(tenant(1), id(n), &user(n)).await.unwrap();
    }
    let lane = Lane::of(tenant(1));
    table.take();
    // The lane and the head of the feed are read; two transactions publish 30 events and one.
    store.publish(lane, now()).await.unwrap();
    let used = table.take();
    let transactions = ["TransactWriteItems", "TransactWriteItems"];
    assert_eq!(used.calls, ["Query", "GetItem", transactions[0], transactions[1], "Query"]);
    assert!(used.units <= 31.0 * 5.0, "{}", used.units);
    store.create_user(tenant(1), id(40), &user(40)).await.unwrap();
    table.take();
    store.publish(lane, now()).await.unwrap();
    check(&table, "one event alone", &["GetItem", "Query", "Query", "TransactWriteItems"], 11.0);
}

#[tokio::test]
async fn a_page_costs_the_same_anywhere() {
    let (table, store) = Table::store().await;
    let store = store.with_split_threshold(20);
    for n in 0..1_000 {
        store.create_user(tenant(1), id(n), &user(n)).await.unwrap();
    }
    for start in [1, 300, 500, 777, 900] {
        table.take();
        let page = store.users_page(tenant(1), start, 100).await.unwrap();
        assert_eq!((page.items.len(), page.total), (100, 1_000));
        let used = table.take();
        assert_eq!(used.calls, ["Query", "GetItem", "Query"], "{start}");
        assert!(used.units <= 21.0, "{start}: {}", used.units);
    }
}

#[tokio::test]
async fn a_member_costs_the_same_in_an_empty_group_and_in_one_of_two_thousand() {
    let (table, store) = Table::store().await;
    let t = tenant(1);
    store.create_user(t, id(7), &user(7)).await.unwrap();
    store.create_group(t, id(1), &group("empty"), &[]).await.unwrap();
    for n in 10_000..12_000 {
        store.create_user(t, id(n), &user(n)).await.unwrap();
    }
    let many: Vec<_> = (10_000..12_000).map(member).collect();
    store.create_group(t, id(2), &group("large"), &many).await.unwrap();
    for n in [1, 2] {
        let before = store.group(t, id(n)).await.unwrap().unwrap();
        let write = group(&before.display_name);
        table.take();
        assert!(store.members_among(t, before.resource.id, &[id(7)]).await.unwrap().is_empty());
        check(&table, "look for one member", &["BatchGetItem"], 1.0);
        let after = store.replace_group(t, &before, &write, &[member(7)], &[]).await.unwrap();
        check(&table, "add a member", &["TransactWriteItems"], 11.0);
        store.replace_group(t, &after, &write, &[], &[member(7)]).await.unwrap();
        check(&table, "remove a member", &["TransactWriteItems"], 7.0);
        store.group(t, before.resource.id).await.unwrap();
        check(&table, "get without members", &["GetItem"], 1.0);
        store.members(t, before.resource.id, 10).await.unwrap();
        check(&table, "first members", &["Query"], 1.0);
    }
    store.group_ids_of(t, id(10_000)).await.unwrap();
    check(&table, "groups of a user", &["Query"], 0.5);
    store.group_by_display_name(t, "large").await.unwrap().unwrap();
    check(&table, "filter displayName", &["GetItem", "GetItem"], 2.0);
}
