//! A store call that fails once, or whose answer is lost, changes nothing about the outcome.

use shared::store::{StoreError, UserWrite};

use crate::store_table::{Fault, Table, id, tenant, user};

const PASSING: [&str; 3] =
    ["ThrottlingException", "ProvisionedThroughputExceededException", "InternalServerError"];

#[tokio::test(start_paused = true)]
async fn a_fault_that_passes_is_not_seen() {
    for code in PASSING {
        let (table, store) = Table::store().await;
        let t = tenant(1);
        table.fail(Fault::Error(code));
        let created = store.create_user(t, id(1), &user(1)).await.unwrap().user;
        for n in 0..3 {
            table.fail(Fault::After(n, Box::new(Fault::Error(code))));
        }
        store.user_by_user_name(t, &user(1).keys.user_name).await.unwrap().unwrap();
        store.update_user(t, &created, &user(1).keys, &user(1)).await.unwrap();
        store.users_page(t, 1, 1).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_conflict_of_transactions_is_tried_again_and_a_real_one_is_not() {
    let (table, store) = Table::store().await;
    let t = tenant(1);
    table.fail(Fault::Cancelled(vec!["None", "TransactionConflict", "None", "ThrottlingError"]));
    let created = store.create_user(t, id(1), &user(1)).await.unwrap().user;
    assert_eq!(table.take().calls.len(), 1);
    table.fail(Fault::Error("TransactionConflictException"));
    store.update_user(t, &created, &user(1).keys, &user(1)).await.unwrap();
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
async fn conflicts_without_end_are_given_up() {
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
    let changed = store.update_user(t, &created, &user(1).keys, &changed).await.unwrap().user;
    assert_eq!(store.user(t, id(1)).await.unwrap(), Some(changed.clone()));
    table.fail(Fault::AnswerLost);
    store.delete_user(t, &changed, &user(1).keys).await.unwrap();
    assert_eq!(store.users_total(t).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_unavailable() {
    let (table, store) = Table::store().await;
    for _ in 0..50 {
        table.fail(Fault::Error("InternalServerError"));
    }
    let refused = store.create_user(tenant(1), id(1), &user(1)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.user(tenant(1), id(1)).await, Err(StoreError::Unavailable(_))));
}
