//! Tenants and their activity.

use std::time::Duration;

use serde_json::json;
use shared::store::{SeatRules, StoreError, Tenant, UniqueAttribute};

use crate::store_table::{Fault, Table, group, id, member, now, tenant, user};

fn acme(n: u128, external_id: Option<&str>) -> Tenant {
    Tenant {
        id: tenant(n),
        name: "Acme".to_owned(),
        external_id: external_id.map(str::to_owned),
        created_at: now(),
        strict: false,
        generation: 0,
    }
}

#[tokio::test]
async fn a_tenant_can_be_created_replaced_and_listed() {
    let (_, store) = Table::store().await;
    for n in 1..=5 {
        store.create_tenant(&acme(n, None)).await.unwrap();
    }
    let first = acme(1, None);
    assert_eq!(store.tenant(tenant(1)).await.unwrap().as_ref(), Some(&first));
    assert_eq!(store.tenant(tenant(6)).await.unwrap(), None);
    let listed = store.tenants(Some(tenant(2)), 2).await.unwrap();
    assert_eq!(listed, [acme(3, None), acme(4, None)]);
    let after = Tenant { name: "Umbrella".to_owned(), strict: true, ..acme(1, Some("org_1")) };
    store.replace_tenant(&first, &after).await.unwrap();
    assert_eq!(store.tenant_by_external_id("org_1").await.unwrap(), Some(after.clone()));
    let stale = store.replace_tenant(&first, &first).await;
    assert!(matches!(stale, Err(StoreError::VersionMismatch)));
    store.replace_tenant(&after, &first).await.unwrap();
    assert_eq!(store.tenant_by_external_id("org_1").await.unwrap(), None);
}

#[tokio::test]
async fn the_external_id_of_a_tenant_is_unique() {
    let (_, store) = Table::store().await;
    store.create_tenant(&acme(1, Some("org"))).await.unwrap();
    let taken = StoreError::Conflict(UniqueAttribute::TenantExternalId).to_string();
    let refused = store.create_tenant(&acme(2, Some("org"))).await.unwrap_err();
    assert_eq!(refused.to_string(), taken);
    store.create_tenant(&acme(2, None)).await.unwrap();
    let refused = store.replace_tenant(&acme(2, None), &acme(2, Some("org"))).await.unwrap_err();
    assert_eq!(refused.to_string(), taken);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_tenant_leaves_only_activity_and_other_tenants_stay_complete() {
    for calls in (0..60).step_by(11) {
        let (table, store) = Table::store().await;
        let store = store.with_split_threshold(1);
        for n in 1..=2 {
            store.create_tenant(&acme(n, Some(&n.to_string()))).await.unwrap();
            store.replace_seats(tenant(n), &SeatRules::default(), now()).await.unwrap();
            for user_number in 0..130 {
                store.create_user(tenant(n), id(user_number), &user(user_number)).await.unwrap();
            }
            for (number, size) in [(100, 3), (101, 130)] {
                let members: Vec<_> = (0..size).map(member).collect();
                let write = group(&number.to_string());
                store.create_group(tenant(n), id(number), &write, &members).await.unwrap();
            }
        }
        table.fail(Fault::After(calls, Box::new(Fault::Error("InternalServerError"))));
        for _ in 0..200 {
            table.fail(Fault::Error("InternalServerError"));
        }
        let failed = store.delete_tenant(tenant(1)).await;
        table.recover();
        assert!(failed.is_ok() || store.tenant(tenant(1)).await.unwrap().is_some(), "{calls}");
        store.delete_tenant(tenant(1)).await.unwrap();
        store.delete_tenant(tenant(1)).await.unwrap();
        let of = |n: u128| {
            let id = tenant(n).to_string();
            let mut rows = table.rows();
            rows.retain(|row| row.to_string().contains(&id));
            rows
        };
        let left: Vec<_> = of(1).iter().map(|row| row["pk"].to_string()).collect();
        assert_eq!(left.len(), 1, "only activity stays: {left:?}");
        let mut events = table.all_rows();
        events.retain(|row| row["t"]["S"] == tenant(1).to_string() && !row["ty"].is_null());
        assert!(events.len() > 130 && events.iter().all(|row| row["d"].is_null()), "{events:?}");
        assert_eq!(store.users_total(tenant(2)).await.unwrap(), 130);
        assert_eq!(store.members(tenant(2), id(101), 200).await.unwrap().len(), 130);
        assert_eq!(store.tenants(None, 10).await.unwrap(), [acme(2, Some("2"))]);
    }
}

#[tokio::test]
async fn activity_is_listed_newest_first_across_months_until_it_expires() {
    let (_, store) = Table::store().await;
    let t = tenant(1);
    let day = Duration::from_hours(24);
    for days in [0_u32, 1, 40, 41, 300, 394, 396] {
        let at = now() - day * days;
        store.record_activity(t, at, "operator", "test", json!({"days": days})).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let entries = store.activity(t, before, 2, now()).await.unwrap();
        let Some(last) = entries.last() else { break };
        before = Some(last.id.clone());
        seen.extend(entries.iter().map(|entry| entry.detail["days"].as_u64().unwrap()));
    }
    assert_eq!(seen, [0, 1, 40, 41, 300, 394]);
    assert!(store.activity(tenant(2), None, 10, now()).await.unwrap().is_empty());
    let none = store.activity(t, Some("nonsense".to_owned()), 10, now()).await.unwrap();
    assert!(none.is_empty());
}
