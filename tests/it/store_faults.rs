//! A call of the store that fails once, or whose answer is lost, does not change the result.

use scim::licence::Licence;
use serde_json::Value;
use shared::store::{GroupMember, SeatRequest, SeatRules, Store, StoreError, UserWrite};

use crate::store_table::{
    Fault, Lookups as _, Table, group, id, member, now, origin, tenant, user,
};

const TRANSIENT: [&str; 3] =
    ["ThrottlingException", "ProvisionedThroughputExceededException", "InternalServerError"];

#[tokio::test(start_paused = true)]
async fn a_transient_error_is_retried() {
    for code in TRANSIENT {
        let (table, store) = Table::store().await;
        let t = tenant(1);
        table.fail(Fault::Error(code));
        let created = store.create_user(t, id(1), &user(1)).await.unwrap().user;
        for n in 0..3 {
            table.fail(Fault::After(n, Box::new(Fault::Error(code))));
        }
        store.user_by_user_name(t, &user(1).keys.user_name).await.unwrap().unwrap();
        store.replace_user(t, &created, &user(1).keys, &user(1)).await.unwrap();
        store.users_page(t, 1, 1).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_transaction_conflict_is_retried_and_a_failed_condition_is_not() {
    let (table, store) = Table::store().await;
    let t = tenant(1);
    table.fail(Fault::Cancelled(vec!["None", "TransactionConflict", "None", "ThrottlingError"]));
    let created = store.create_user(t, id(1), &user(1)).await.unwrap().user;
    assert_eq!(table.take().calls.len(), 1);
    table.fail(Fault::Error("TransactionConflictException"));
    assert!(store.end_sessions_of_user(t, created.resource.id).await.unwrap());
    table.take();
    let refused = store.create_user(t, id(2), &user(1)).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))));
    assert_eq!(table.take().calls.len(), 1);
    table.fail(Fault::Cancelled(vec!["TransactionConflict", "ConditionalCheckFailed"]));
    let refused = store.create_user(t, id(2), &user(1)).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))));
    assert_eq!(table.take().calls.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn endless_transaction_conflicts_end_in_contention() {
    let (table, store) = Table::store().await;
    for _ in 0..50 {
        table.fail(Fault::Cancelled(vec!["TransactionConflict"]));
    }
    let refused = store.create_user(tenant(1), id(1), &user(1)).await;
    assert!(matches!(refused, Err(StoreError::Contention)));
    assert!(table.rows().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_is_lost_happens_once() {
    let (table, store) = Table::store().await;
    let t = tenant(1);
    table.fail(Fault::AnswerLost);
    let created = store.create_user(t, id(1), &user(1)).await.unwrap().user;
    table.fail(Fault::AnswerLost);
    let changed = UserWrite { active: false, ..user(1) };
    let changed = store.replace_user(t, &created, &user(1).keys, &changed).await.unwrap().user;
    assert_eq!(store.user(t, id(1)).await.unwrap(), Some(changed.clone()));
    table.fail(Fault::AnswerLost);
    store.delete_user(t, &changed, &user(1).keys, now(), &origin()).await.unwrap();
    assert_eq!(store.users_total(t).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_reported_as_unavailable() {
    let (table, store) = Table::store().await;
    for _ in 0..50 {
        table.fail(Fault::Error("InternalServerError"));
    }
    let refused = store.create_user(tenant(1), id(1), &user(1)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })));
    assert!(matches!(store.user(tenant(1), id(1)).await, Err(StoreError::Unavailable { .. })));
}

/// Members of a group that does not fit into one transaction.
const LARGE: std::ops::Range<u64> = 100..150;

/// A table with the users that become members of a large group.
async fn table_with_users() -> (Table, Store) {
    let (table, store) = Table::store().await;
    for n in LARGE {
        store.create_user(tenant(1), id(n), &user(n)).await.unwrap();
    }
    table.take();
    (table, store)
}

/// Makes every kind of write.
async fn write_everything(store: &Store) -> Result<(), StoreError> {
    let t = tenant(1);
    let rules = SeatRules { seats: Some(1), auto_upgrade: true, ..SeatRules::default() };
    store.replace_seats(t, &rules, now()).await?;
    let seated = |n| UserWrite { licence: Licence::Full, seat: SeatRequest::Required, ..user(n) };
    let first = store.create_user(t, id(1), &seated(1)).await?.user;
    let second = store.create_user(t, id(2), &seated(2)).await?.user;
    let renamed = UserWrite { keys: user(3).keys, ..seated(1) };
    let first = store.replace_user(t, &first, &user(1).keys, &renamed).await?.user;
    let inactive = UserWrite { active: false, ..renamed };
    store.replace_user(t, &first, &user(3).keys, &inactive).await?;
    let small = store.create_group(t, id(10), &group("Small"), &[member(1), member(2)]).await?;
    let small = store.replace_group(t, &small, &group("Tiny"), &[], &[member(1)]).await?;
    let many: Vec<GroupMember> = LARGE.map(member).collect();
    let large = store.create_group(t, id(11), &group("Large"), &many).await?;
    store.replace_group(t, &large, &group("Large"), &[member(2)], &[member(100)]).await?;
    store.delete_user(t, &second, &user(2).keys, now(), &origin()).await?;
    let small = store.group(t, small.resource.id).await?.ok_or(StoreError::NotFound)?;
    store.delete_group(t, &small, now(), &origin()).await
}

/// The rows, without the attributes that depend on the number of attempts.
fn comparable_rows(table: &Table) -> Vec<Value> {
    let mut rows = table.rows();
    rows.retain(|row| !row["pk"].to_string().contains("#A#"));
    for row in &mut rows {
        let row = row.as_object_mut().unwrap();
        row.remove("w");
        // The counter that gives a seat to another one is chosen at random.
        row.remove("f");
        if row["sk"]["S"] == id(11).to_string() {
            row.remove("v");
        }
    }
    rows
}

#[tokio::test(start_paused = true)]
async fn the_result_is_the_same_whichever_call_fails_once() {
    let (table, store) = table_with_users().await;
    write_everything(&store).await.unwrap();
    let calls = table.take().calls.len();
    let expected = comparable_rows(&table);
    let used = store.seats(tenant(1)).await.unwrap();
    assert_eq!((used.used, used.rules.seats), (0, Some(11)));
    let faults = [
        Fault::Conflict,
        Fault::Error("ProvisionedThroughputExceededException"),
        Fault::AnswerLost,
    ];
    for nth in 0..calls {
        for fault in &faults {
            let (table, store) = table_with_users().await;
            table.fail(Fault::After(nth, Box::new(fault.clone())));
            write_everything(&store)
                .await
                .unwrap_or_else(|error| panic!("{nth} {fault:?}: {error:?}"));
            assert_eq!(comparable_rows(&table), expected, "{nth} {fault:?}");
            assert_eq!(store.seats(tenant(1)).await.unwrap(), used, "{nth} {fault:?}");
        }
    }
}
