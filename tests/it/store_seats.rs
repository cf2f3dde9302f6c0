//! Seats are never oversold, and a seat given back is free at once.

use scim::licence::Licence;
use shared::store::{OnJoin, SeatRequest, SeatRules, Store, StoreError, UserWrite};

use crate::store_table::{Fault, Meanwhile, Table, id, now, origin, tenant, user};

fn requesting(n: u64, seat: SeatRequest) -> UserWrite {
    UserWrite {
        licence: Licence::Full,
        document: "{\"license\":\"full\"}".to_owned(),
        seat,
        ..user(n)
    }
}

fn if_free(n: u64) -> UserWrite {
    requesting(n, SeatRequest::IfFree { view_only: "{\"license\":\"view_only\"}".to_owned() })
}

fn on_join(n: u64) -> UserWrite {
    requesting(n, SeatRequest::OnJoin { view_only: "{\"license\":\"view_only\"}".to_owned() })
}

fn rules(seats: u64) -> SeatRules {
    SeatRules { seats: Some(seats), ..SeatRules::default() }
}

/// Checks that the seats in use are `used`, by the counters and by the users.
async fn check_used(store: &Store, used: u64) {
    let counted = store.seats(tenant(1)).await.unwrap().used;
    let users = store.users_after(tenant(1), None, 10_000).await.unwrap();
    let seated = users.iter().filter(|user| user.seated).count() as u64;
    assert_eq!((counted, seated), (used, used));
    assert!(
        users.iter().all(|user| user.seated
            == (user.resource.document == "{\"license\":\"full\"}" && user.active))
    );
}

async fn set_active(store: &Store, n: u64, write: UserWrite) -> Result<bool, StoreError> {
    let before = store.user(tenant(1), id(n)).await?.unwrap();
    let keys = user(n).keys;
    store.replace_user(tenant(1), &before, &keys, &write).await.map(|outcome| outcome.user.seated)
}

#[tokio::test]
async fn an_unlimited_pool_counts_its_seats() {
    let (_, store) = Table::store().await;
    for n in 0..20 {
        assert!(store.create_user(tenant(1), id(n), &on_join(n)).await.unwrap().user.seated);
    }
    check_used(&store, 20).await;
    assert!(!set_active(&store, 3, UserWrite { active: false, ..if_free(3) }).await.unwrap());
    check_used(&store, 19).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_200_concurrent_users_50_get_the_50_seats() {
    let (table, store) = Table::store().await;
    store.replace_seats(tenant(1), &rules(50), now()).await.unwrap();
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let store = table.open();
            tokio::spawn(async move { store.create_user(tenant(1), id(n), &if_free(n)).await })
        })
        .collect();
    let mut refused = 0;
    for task in tasks {
        let outcome = task.await.unwrap().unwrap();
        assert_eq!(outcome.seat_refused, outcome.user.licence == Licence::ViewOnly);
        refused += u32::from(outcome.seat_refused);
    }
    assert_eq!(refused, 150);
    check_used(&store, 50).await;
}

#[tokio::test]
async fn a_full_pool_refuses_a_required_seat_after_the_name_was_checked() {
    let (table, store) = Table::store().await;
    store.replace_seats(tenant(1), &rules(1), now()).await.unwrap();
    store.create_user(tenant(1), id(1), &requesting(1, SeatRequest::Required)).await.unwrap();
    let before = table.rows();
    let refused = store.create_user(tenant(1), id(2), &requesting(2, SeatRequest::Required)).await;
    assert!(matches!(refused, Err(StoreError::NoSeat { seats: 1 })));
    let refused = store.create_user(tenant(1), id(2), &requesting(1, SeatRequest::Required)).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))));
    assert_eq!(table.rows(), before);
}

#[tokio::test]
async fn a_seat_is_free_at_once_after_deactivation_and_deletion() {
    let (_, store) = Table::store().await;
    store.replace_seats(tenant(1), &rules(1), now()).await.unwrap();
    for n in 0..20 {
        store.create_user(tenant(1), id(n), &requesting(n, SeatRequest::Required)).await.unwrap();
        if n % 2 == 0 {
            set_active(&store, n, UserWrite { active: false, ..if_free(n) }).await.unwrap();
        } else {
            let before = store.user(tenant(1), id(n)).await.unwrap().unwrap();
            store.delete_user(tenant(1), &before, &user(n).keys, now(), &origin()).await.unwrap();
        }
        check_used(&store, 0).await;
    }
    assert!(set_active(&store, 2, requesting(2, SeatRequest::Required)).await.unwrap());
    let refused = set_active(&store, 4, requesting(4, SeatRequest::Required)).await;
    assert!(matches!(refused, Err(StoreError::NoSeat { seats: 1 })));
    assert!(!set_active(&store, 4, if_free(4)).await.unwrap());
}

#[tokio::test]
async fn a_pool_smaller_than_its_use_gives_no_seat_until_its_debt_is_paid() {
    let (table, store) = Table::store().await;
    let other = table.open();
    for n in 0..20 {
        other.create_user(tenant(1), id(n), &if_free(n)).await.unwrap();
    }
    store.replace_seats(tenant(1), &rules(18), now()).await.unwrap();
    check_used(&store, 20).await;
    for n in 0..4 {
        let joined = 100 + n;
        assert!(
            other.create_user(tenant(1), id(joined), &if_free(joined)).await.unwrap().seat_refused
                == (n < 3)
        );
        set_active(&other, n, UserWrite { active: false, ..if_free(n) }).await.unwrap();
    }
    check_used(&store, 17).await;
    store.replace_seats(tenant(1), &rules(100), now()).await.unwrap();
    assert!(!other.create_user(tenant(1), id(200), &if_free(200)).await.unwrap().seat_refused);
    store.replace_seats(tenant(1), &SeatRules::default(), now()).await.unwrap();
    assert!(!other.create_user(tenant(1), id(201), &if_free(201)).await.unwrap().seat_refused);
    check_used(&store, 19).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_can_change_while_users_are_created_and_deactivated() {
    let (table, store) = Table::store().await;
    let tasks: Vec<_> = (0..8_u64)
        .map(|writer| {
            let store = table.open();
            tokio::spawn(async move {
                for n in (0..160).filter(|n| n % 8 == writer) {
                    store.create_user(tenant(1), id(n), &if_free(n)).await.unwrap();
                    if n % 4 == 0 {
                        let inactive = UserWrite { active: false, ..if_free(n) };
                        set_active(&store, n, inactive).await.unwrap();
                    }
                }
            })
        })
        .collect();
    for size in [30, 10, 60, 5, 40] {
        store.replace_seats(tenant(1), &rules(size), now()).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    for task in tasks {
        task.await.unwrap();
    }
    let seats = store.seats(tenant(1)).await.unwrap();
    check_used(&store, seats.used).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_growing_pool_grows_by_steps() {
    let (table, store) = Table::store().await;
    store
        .replace_seats(tenant(1), &SeatRules { auto_upgrade: true, ..rules(5) }, now())
        .await
        .unwrap();
    let tasks: Vec<_> = (0..60)
        .map(|n| {
            let store = table.open();
            tokio::spawn(async move { store.create_user(tenant(1), id(n), &if_free(n)).await })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap().unwrap().user.seated);
    }
    check_used(&store, 60).await;
    assert_eq!(store.seats(tenant(1)).await.unwrap().rules.seats, Some(65));
}

/// The pool grows between the reads of its rules and of its counters.
#[tokio::test]
async fn a_pool_that_grows_during_a_read_is_counted_correctly() {
    let growing = SeatRules { auto_upgrade: true, ..rules(2) };
    for calls_before in 0..4 {
        let (table, store) = Table::store().await;
        store.replace_seats(tenant(1), &growing, now()).await.unwrap();
        for n in 0..2 {
            store.create_user(tenant(1), id(n), &if_free(n)).await.unwrap();
        }
        let grow = Meanwhile::process(&table, |store| async move {
            store.create_user(tenant(1), id(2), &if_free(2)).await.unwrap();
        });
        table.fail(Fault::After(calls_before, Box::new(Fault::Meanwhile(grow.clone()))));
        let seats = store.seats(tenant(1)).await.unwrap();
        let expected = if calls_before == 3 { (2, Some(2)) } else { (3, Some(12)) };
        assert_eq!((seats.used, seats.rules.seats), expected, "{calls_before}");
        table.recover();
    }
}

#[tokio::test]
async fn a_pool_that_grows_during_a_change_of_rules_is_not_oversold() {
    let growing = SeatRules { auto_upgrade: true, ..rules(2) };
    for calls_before in 0..4 {
        let (table, store) = Table::store().await;
        store.replace_seats(tenant(1), &growing, now()).await.unwrap();
        for n in 0..2 {
            store.create_user(tenant(1), id(n), &if_free(n)).await.unwrap();
        }
        let grow = Meanwhile::process(&table, |store| async move {
            store.create_user(tenant(1), id(2), &if_free(2)).await.unwrap();
        });
        table.fail(Fault::After(calls_before, Box::new(Fault::Meanwhile(grow))));
        let after = store.replace_seats(tenant(1), &rules(3), now()).await.unwrap();
        if calls_before == 3 {
            assert_eq!(after.used, 2);
            table.recover();
        } else {
            check_used(&store, 3).await;
            assert_eq!(after.used, 3, "{calls_before}");
        }
        for n in 10..14 {
            table.open().create_user(tenant(1), id(n), &if_free(n)).await.unwrap();
        }
        check_used(&store, 3).await;
    }
}

#[tokio::test]
async fn a_pool_with_a_debt_grows_once() {
    let (table, store) = Table::store().await;
    for n in 0..360 {
        store.create_user(tenant(1), id(n), &if_free(n)).await.unwrap();
    }
    store
        .replace_seats(tenant(1), &SeatRules { auto_upgrade: true, ..rules(5) }, now())
        .await
        .unwrap();
    let joined = table.open().create_user(tenant(1), id(400), &if_free(400)).await.unwrap();
    assert!(joined.user.seated);
    check_used(&store, 361).await;
    assert_eq!(store.seats(tenant(1)).await.unwrap().rules.seats, Some(370));
    let mut rows = table.rows();
    rows.retain(|row| row.to_string().contains("seats.grown"));
    assert_eq!(rows.len(), 1, "{rows:?}");
}

#[tokio::test]
async fn a_joining_user_gets_a_seat_by_the_rule() {
    let (table, store) = Table::store().await;
    let view_only = SeatRules { on_join: OnJoin::ViewOnly, ..rules(5) };
    store.replace_seats(tenant(1), &view_only, now()).await.unwrap();
    let outcome = table.open().create_user(tenant(1), id(1), &on_join(1)).await.unwrap();
    assert_eq!((outcome.user.licence, outcome.seat_refused), (Licence::ViewOnly, false));
    store.replace_seats(tenant(1), &rules(5), now()).await.unwrap();
    let outcome = table.open().create_user(tenant(1), id(2), &on_join(2)).await.unwrap();
    assert_eq!((outcome.user.licence, outcome.user.seated), (Licence::Full, true));
    check_used(&store, 1).await;
}
