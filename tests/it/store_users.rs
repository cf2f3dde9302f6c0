//! Users: uniqueness, lookups, versions.

use std::collections::HashSet;

use shared::store::{StoreError, UniqueAttribute, UserKeys, UserWrite};

use crate::store_table::{Lookups as _, Table, id, now, origin, tenant, user};

fn keyed(user_name: &str, external_id: Option<&str>, emails: &[&str]) -> UserWrite {
    let keys = UserKeys {
        user_name: user_name.to_owned(),
        external_id: external_id.map(str::to_owned),
        emails: emails.iter().map(|&email| email.to_owned()).collect(),
    };
    UserWrite { keys, ..user(0) }
}

#[tokio::test]
async fn a_created_user_is_found_by_each_of_its_keys() {
    let (_, store) = Table::store().await;
    let write = keyed("anna@acme.com", Some("E1"), &["anna@acme.com", "a@acme.com"]);
    let created = store.create_user(tenant(1), id(1), &write).await.unwrap().user;
    assert_eq!(created.resource.version, 1);
    assert_eq!(created.resource.document, write.document);
    let t = tenant(1);
    assert_eq!(store.user(t, id(1)).await.unwrap().as_ref(), Some(&created));
    let by_name = store.user_by_user_name(t, "anna@acme.com").await.unwrap();
    assert_eq!(by_name.as_ref(), Some(&created));
    let by_external_id = store.users_by_external_id(t, "E1").await.unwrap();
    assert_eq!(by_external_id, std::slice::from_ref(&created));
    for email in ["anna@acme.com", "a@acme.com"] {
        assert_eq!(
            store.users_by_email(t, email).await.unwrap(),
            std::slice::from_ref(&created),
            "{email}"
        );
    }
    assert_eq!(store.users_total(t).await.unwrap(), 1);
    assert_eq!(store.users_by_external_id(t, "e1").await.unwrap(), []);
    assert_eq!(store.user(tenant(2), id(1)).await.unwrap(), None);
    assert_eq!(store.user_by_user_name(tenant(2), "anna@acme.com").await.unwrap(), None);
}

#[tokio::test]
async fn an_address_does_not_match_a_longer_one_with_the_same_beginning() {
    let (_, store) = Table::store().await;
    let write = keyed("anna", None, &["a#b@acme.com"]);
    store.create_user(tenant(1), id(1), &write).await.unwrap();
    assert_eq!(store.users_by_email(tenant(1), "a").await.unwrap(), []);
    assert_eq!(store.users_by_email(tenant(1), "a#b@acme.com").await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_address_may_belong_to_several_users() {
    let (_, store) = Table::store().await;
    for (n, name) in [(1, "team@acme.com"), (2, "b"), (3, "c")] {
        let write = keyed(name, None, &["team@acme.com"]);
        store.create_user(tenant(1), id(n), &write).await.unwrap();
    }
    assert_eq!(store.users_by_email(tenant(1), "team@acme.com").await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_taken_name_is_refused_and_nothing_is_written() {
    let (table, store) = Table::store().await;
    let t = tenant(1);
    store.create_user(t, id(1), &keyed("anna", Some("E1"), &["x"])).await.unwrap();
    let before = table.rows();
    let refused = store.create_user(t, id(2), &keyed("anna", Some("E2"), &["x"])).await;
    assert!(matches!(refused, Err(StoreError::Conflict(UniqueAttribute::UserName))));
    assert_eq!(table.rows(), before);
    store.create_user(tenant(2), id(2), &keyed("anna", Some("E1"), &["x"])).await.unwrap();
}

#[tokio::test]
async fn several_users_may_have_one_external_id() {
    let (_, store) = Table::store().await;
    let t = tenant(1);
    for (n, name, external_id) in [(1, "a", "E"), (2, "b", "E"), (3, "c", "E#1")] {
        store.create_user(t, id(n), &keyed(name, Some(external_id), &[])).await.unwrap();
    }
    assert_eq!(store.users_by_external_id(t, "E").await.unwrap().len(), 2);
    let first = store.user(t, id(1)).await.unwrap().unwrap();
    let keys = keyed("a", Some("E"), &[]).keys;
    store.replace_user(t, &first, &keys, &keyed("a", Some("F"), &[])).await.unwrap();
    assert_eq!(store.users_by_external_id(t, "E").await.unwrap().len(), 1);
    assert_eq!(store.users_by_external_id(t, "F").await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_100_identical_creations_one_succeeds() {
    let (table, store) = Table::store().await;
    let tasks: Vec<_> = (0..100)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                store.create_user(tenant(1), id(n), &keyed("anna", Some("E1"), &[])).await
            })
        })
        .collect();
    let mut created = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => created += 1,
            Err(error) => assert!(matches!(error, StoreError::Conflict(_)), "{error:?}"),
        }
    }
    assert_eq!(created, 1);
    assert_eq!(store.users_total(tenant(1)).await.unwrap(), 1);
    assert_eq!(table.rows().len(), 4);
}

#[tokio::test]
async fn a_change_replaces_the_lookup_rows_that_changed() {
    let (table, store) = Table::store().await;
    let t = tenant(1);
    let first = keyed("anna", Some("E1"), &["anna", "a@acme.com", "b@acme.com"]);
    let second = keyed("a@acme.com", None, &["anna", "a@acme.com", "c@acme.com"]);
    let created = store.create_user(t, id(1), &first).await.unwrap().user;
    let changed = store.replace_user(t, &created, &first.keys, &second).await.unwrap().user;
    assert_eq!((changed.resource.version, changed.resource.created), (2, created.resource.created));
    assert_eq!(store.user_by_user_name(t, "anna").await.unwrap(), None);
    assert_eq!(store.users_by_external_id(t, "E1").await.unwrap(), []);
    assert_eq!(store.users_by_email(t, "b@acme.com").await.unwrap(), []);
    for email in ["anna", "a@acme.com", "c@acme.com"] {
        assert_eq!(
            store.users_by_email(t, email).await.unwrap(),
            std::slice::from_ref(&changed),
            "{email}"
        );
    }
    store.create_user(t, id(2), &keyed("anna", Some("E1"), &[])).await.unwrap();
    let clash = keyed("anna", None, &[]);
    let refused = store.replace_user(t, &changed, &second.keys, &clash).await;
    assert!(matches!(refused, Err(StoreError::Conflict(UniqueAttribute::UserName))));
    store.delete_user(t, &changed, &second.keys, now(), &origin()).await.unwrap();
    let left: HashSet<_> = table.rows().iter().map(|row| row["pk"]["S"].to_string()).collect();
    assert_eq!(left.len(), 4, "{left:?}");
    assert!(table.rows_of("#E").is_empty());
    assert_eq!(store.users_total(t).await.unwrap(), 1);
}

#[tokio::test]
async fn a_stale_version_changes_nothing() {
    let (table, store) = Table::store().await;
    let t = tenant(1);
    let write = user(1);
    let stale = store.create_user(t, id(1), &write).await.unwrap().user;
    let inactive = UserWrite { active: false, ..user(1) };
    store.replace_user(t, &stale, &write.keys, &inactive).await.unwrap();
    let before = table.rows();
    let renamed = UserWrite { keys: UserKeys::default(), ..user(1) };
    for attempt in [&user(1), &renamed] {
        let refused = store.replace_user(t, &stale, &write.keys, attempt).await;
        assert!(matches!(refused, Err(StoreError::VersionMismatch)), "{refused:?}");
    }
    let refused = store.delete_user(t, &stale, &write.keys, now(), &origin()).await;
    assert!(matches!(refused, Err(StoreError::VersionMismatch)));
    assert_eq!(table.rows(), before);
}

#[tokio::test]
async fn a_deleted_user_cannot_be_changed() {
    let (table, store) = Table::store().await;
    let t = tenant(1);
    let write = user(1);
    let gone = store.create_user(t, id(1), &write).await.unwrap().user;
    store.delete_user(t, &gone, &write.keys, now(), &origin()).await.unwrap();
    assert_eq!(table.rows().len(), 1, "only the counter stays");
    let refused = store.replace_user(t, &gone, &write.keys, &user(1)).await;
    assert!(matches!(refused, Err(StoreError::NotFound)));
    let refused = store.delete_user(t, &gone, &write.keys, now(), &origin()).await;
    assert!(matches!(refused, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn keys_may_have_any_length_and_a_too_large_user_is_refused() {
    let (_, store) = Table::store().await;
    let t = tenant(1);
    let long = "é".repeat(4_000);
    store.create_user(t, id(1), &keyed(&long, Some(&long), &["x", &long])).await.unwrap();
    assert!(store.user_by_user_name(t, &long).await.unwrap().is_some());
    assert_eq!(store.users_by_external_id(t, &long).await.unwrap().len(), 1);
    let huge = UserWrite { document: "x".repeat(400_000), ..user(2) };
    let refused = store.create_user(t, id(2), &huge).await;
    assert!(matches!(refused, Err(StoreError::TooLarge)));
    let emails: Vec<String> = (0..41).map(|n| format!("{n}@acme.com")).collect();
    let emails: Vec<&str> = emails.iter().map(String::as_str).collect();
    let refused = store.create_user(t, id(2), &keyed("b", None, &emails)).await;
    assert!(matches!(refused, Err(StoreError::TooLarge)));
    store.create_user(t, id(2), &keyed("b", None, &emails[1..])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_writers_of_one_user_succeed_one_after_the_other() {
    let (table, store) = Table::store().await;
    store.create_user(tenant(1), id(1), &user(1)).await.unwrap();
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let store = table.open();
            tokio::spawn(async move {
                loop {
                    let before = store.user(tenant(1), id(1)).await.unwrap().unwrap();
                    match store.replace_user(tenant(1), &before, &user(1).keys, &user(1)).await {
                        Ok(outcome) => return outcome.user.resource.version,
                        Err(StoreError::VersionMismatch) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
            })
        })
        .collect();
    let mut versions = HashSet::new();
    for task in tasks {
        assert!(versions.insert(task.await.unwrap()), "two writers made the same version");
    }
    assert_eq!(versions.into_iter().max(), Some(101));
}
