//! Groups and memberships.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use scim::schema::ResourceKind;
use shared::store::{GroupMember, GroupWrite, Store, StoreError, StoredGroup, UniqueAttribute};
use types::ids::ResourceId;

use crate::store_table::{
    Fault, Lookups as _, Meanwhile, Table, group, id, member, now, origin, tenant, user,
};

async fn member_ids(store: &Store, group: ResourceId) -> BTreeSet<ResourceId> {
    store.members(tenant(1), group, 100_000).await.unwrap().iter().map(|row| row.id).collect()
}

fn ids(range: std::ops::Range<u64>) -> BTreeSet<ResourceId> {
    range.map(id).collect()
}

fn members(range: std::ops::Range<u64>) -> Vec<GroupMember> {
    range.map(member).collect()
}

/// Counts the rows of groups, of their names and memberships.
fn group_rows(table: &Table) -> usize {
    let rows = table.rows();
    let partitions = rows.iter().map(|row| row["pk"]["S"].as_str().unwrap());
    partitions.filter(|pk| pk.contains("#G") && !pk.ends_with("#GC")).count()
}

/// Creates users that become members, since members must exist.
async fn create_users(store: &Store, range: std::ops::Range<u64>) {
    for n in range {
        store.create_user(tenant(1), id(n), &user(n)).await.unwrap();
    }
}

/// Adds members as a handler does: adds the missing ones, and again after a lost race.
async fn add(store: &Store, group: ResourceId, add: &[GroupMember]) -> Result<(), StoreError> {
    let wanted: Vec<ResourceId> = add.iter().map(|row| row.id).collect();
    loop {
        let before = store.group(tenant(1), group).await?.unwrap();
        let present = store.members_among(tenant(1), group, &wanted).await?;
        let missing: Vec<_> = add.iter().filter(|row| !present.contains(row)).cloned().collect();
        if missing.is_empty() {
            return Ok(());
        }
        let write = rewrite(&before);
        match store.replace_group(tenant(1), &before, &write, &missing, &[]).await {
            Err(StoreError::VersionMismatch) => {}
            other => return other.map(drop),
        }
    }
}

fn rewrite(before: &StoredGroup) -> GroupWrite {
    GroupWrite { external_id: before.external_id.clone(), ..group(&before.display_name) }
}

#[tokio::test]
async fn a_created_group_is_found_by_each_of_its_keys() {
    let (_, store) = Table::store().await;
    let t = tenant(1);
    let write = GroupWrite { external_id: Some("G1".to_owned()), ..group("Staff") };
    create_users(&store, 10..13).await;
    let created = store.create_group(t, id(1), &write, &members(10..13)).await.unwrap();
    assert_eq!(store.group(t, id(1)).await.unwrap().as_ref(), Some(&created));
    let by_name = store.group_by_display_name(t, "staff").await.unwrap();
    assert_eq!(by_name.as_ref(), Some(&created));
    assert_eq!(store.groups_by_external_id(t, "G1").await.unwrap(), std::slice::from_ref(&created));
    assert_eq!(member_ids(&store, id(1)).await, ids(10..13));
    assert_eq!(store.group_ids_of(t, id(11)).await.unwrap(), [id(1)]);
    assert_eq!(store.groups_of(t, id(11)).await.unwrap(), std::slice::from_ref(&created));
    assert_eq!(store.groups_page(t, 1, 10).await.unwrap().items, [created]);
    assert_eq!(store.groups_total(t).await.unwrap(), 1);
    assert_eq!(store.members(t, id(1), 2).await.unwrap().len(), 2);
    assert_eq!(store.group(tenant(2), id(1)).await.unwrap(), None);
    assert!(store.members(tenant(2), id(1), 9).await.unwrap().is_empty());
    assert!(store.group_ids_of(tenant(2), id(11)).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_display_name_is_unique_in_any_letter_case_and_an_external_id_is_not() {
    let (table, store) = Table::store().await;
    let t = tenant(1);
    let first = GroupWrite { external_id: Some("G".to_owned()), ..group("Staff") };
    let first = store.create_group(t, id(1), &first, &[]).await.unwrap();
    let before = table.rows();
    let refused = store.create_group(t, id(2), &group("STAFF"), &members(10..300)).await;
    assert!(matches!(refused, Err(StoreError::Conflict(UniqueAttribute::DisplayName))));
    assert_eq!(table.rows(), before);
    let second = GroupWrite { external_id: Some("G".to_owned()), ..group("Guests") };
    let second = store.create_group(t, id(2), &second, &[]).await.unwrap();
    assert_eq!(store.groups_by_external_id(t, "G").await.unwrap().len(), 2);
    let refused = store.replace_group(t, &second, &group("staff"), &[], &[]).await;
    assert!(matches!(refused, Err(StoreError::Conflict(UniqueAttribute::DisplayName))));
    store.replace_group(t, &first, &group("Team"), &[], &[]).await.unwrap();
    assert_eq!(store.group_by_display_name(t, "staff").await.unwrap(), None);
    assert_eq!(store.groups_by_external_id(t, "G").await.unwrap(), [second]);
}

#[tokio::test]
async fn only_users_and_groups_of_the_tenant_can_be_members() {
    let (_, store) = Table::store().await;
    let t = tenant(1);
    store.create_user(t, id(1), &user(1)).await.unwrap();
    store.create_user(tenant(2), id(2), &user(2)).await.unwrap();
    store.create_group(t, id(3), &group("Nested"), &[]).await.unwrap();
    let mut expected =
        vec![member(1), GroupMember { id: id(3), kind: ResourceKind::Group, display: None }];
    expected.sort_by_key(|member| member.id);
    let found = store.existing_members(t, &[id(1), id(2), id(3), id(4), id(1)]).await.unwrap();
    assert_eq!(found, expected);
    store.create_group(t, id(5), &group("Outer"), &found).await.unwrap();
    assert_eq!(store.members(t, id(5), 10).await.unwrap(), expected);
    assert_eq!(store.members_among(t, id(5), &[id(3), id(4)]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_change_of_members_moves_the_version_and_a_stale_version_changes_nothing() {
    let (table, store) = Table::store().await;
    let t = tenant(1);
    create_users(&store, 10..510).await;
    // With many members the version moves with each part: 49 that are added, 98 that are removed.
    for (n, few_or_many, added, removed) in [(1, 5, 1, 1), (2, 500, 11, 6)] {
        let name = format!("group {n}");
        let stale = store.create_group(t, id(n), &group(&name), &[]).await.unwrap();
        let rows = members(10..10 + few_or_many);
        let after = store.replace_group(t, &stale, &group(&name), &rows, &[]).await.unwrap();
        assert_eq!(after.resource.version, 1 + added);
        let before = table.rows();
        let refused =
            store.replace_group(t, &stale, &group(&name), &[], &[member(10), member(11)]).await;
        assert!(matches!(refused, Err(StoreError::VersionMismatch)));
        let refused = store.delete_group(t, &stale, now(), &origin()).await;
        assert!(matches!(refused, Err(StoreError::VersionMismatch)));
        assert_eq!(table.rows(), before);
        let after = store.replace_group(t, &after, &group(&name), &[], &rows).await.unwrap();
        assert_eq!(after.resource.version, 1 + added + removed);
        assert!(member_ids(&store, id(n)).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_that_add_500_members_each_end_with_1000() {
    let (table, store) = Table::store().await;
    create_users(&store, 10..1_010).await;
    store.create_group(tenant(1), id(1), &group("Staff"), &[]).await.unwrap();
    let tasks: Vec<_> = [10..510, 510..1_010]
        .map(|range| {
            let store = table.open();
            tokio::spawn(async move {
                for chunk in members(range).chunks(150) {
                    add(&store, id(1), chunk).await.unwrap();
                }
            })
        })
        .into_iter()
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(member_ids(&store, id(1)).await, ids(10..1_010));
}

#[tokio::test(start_paused = true)]
async fn a_large_change_that_fails_in_the_middle_is_safe_to_send_again() {
    let (table, store) = Table::store().await;
    create_users(&store, 10..1_010).await;
    store.create_group(tenant(1), id(1), &group("Staff"), &[]).await.unwrap();
    let all = members(10..1_010);
    // The table fails from the 21st call on, for longer than the SDK retries.
    table.fail(Fault::After(20, Box::new(Fault::Error("InternalServerError"))));
    for _ in 0..100 {
        table.fail(Fault::Error("InternalServerError"));
    }
    let failed = add(&store, id(1), &all).await;
    assert!(matches!(failed, Err(StoreError::Unavailable { .. })), "{failed:?}");
    table.recover();
    let some = member_ids(&store, id(1)).await.len();
    assert!(0 < some && some < 1_000, "{some}");
    add(&store, id(1), &all).await.unwrap();
    assert_eq!(member_ids(&store, id(1)).await, ids(10..1_010));
}

#[tokio::test]
async fn a_deleted_user_leaves_its_groups_and_their_versions_move() {
    let (table, store) = Table::store().await;
    let t = tenant(1);
    let user_before = store.create_user(t, id(10), &user(10)).await.unwrap().user;
    create_users(&store, 11..13).await;
    for n in 1..4 {
        store.create_group(t, id(n), &group(&n.to_string()), &members(10..13)).await.unwrap();
    }
    let later = now() + SignedDuration::from_secs(1);
    store.delete_user(t, &user_before, &user(10).keys, later, &origin()).await.unwrap();
    for n in 1..4 {
        assert_eq!(member_ids(&store, id(n)).await, ids(11..13));
        let group = store.group(t, id(n)).await.unwrap().unwrap();
        assert_eq!((group.resource.version, group.resource.last_modified), (2, later));
    }
    assert!(table.rows().iter().all(|row| row["sk"]["S"] != id(10).to_string()));
}

/// A reader of the last version has seen its members, so that a response that a client keeps under
/// an `ETag` stays true.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_version_is_never_read_with_other_members() {
    for calls in 0..16 {
        let (table, store) = Table::store().await;
        let t = tenant(1);
        let leaving = store.create_user(t, id(10), &user(10)).await.unwrap().user;
        create_users(&store, 11..13).await;
        create_users(&store, 100..220).await;
        let before = store.create_group(t, id(1), &group("Staff"), &members(10..13)).await.unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let read = Meanwhile::process(&table, {
            let seen = Arc::clone(&seen);
            move |store| {
                let seen = Arc::clone(&seen);
                async move {
                    let version = store.group(t, id(1)).await.unwrap().unwrap().resource.version;
                    let members = member_ids(&store, id(1)).await;
                    seen.lock().unwrap().push((version, members));
                }
            }
        });
        table.fail(Fault::After(calls, Box::new(Fault::Meanwhile(read))));
        let write = group("Staff");
        store.replace_group(t, &before, &write, &members(100..220), &[]).await.unwrap();
        store.delete_user(t, &leaving, &user(10).keys, now(), &origin()).await.unwrap();
        table.recover();
        let version = store.group(t, id(1)).await.unwrap().unwrap().resource.version;
        let last = member_ids(&store, id(1)).await;
        for (seen_version, seen_members) in seen.lock().unwrap().iter() {
            assert!(*seen_version != version || *seen_members == last, "{calls}: {version}");
        }
    }
}

#[tokio::test]
async fn a_member_that_is_deleted_meanwhile_is_not_added() {
    let (table, store) = Table::store().await;
    let t = tenant(1);
    create_users(&store, 10..12).await;
    let inner = store.create_group(t, id(2), &group("Inner"), &[]).await.unwrap();
    let nested = GroupMember { id: inner.resource.id, kind: ResourceKind::Group, display: None };
    let staff = store.create_group(t, id(1), &group("Staff"), &[]).await.unwrap();
    let delete = Meanwhile::process(&table, move |store| async move {
        let before = store.user(t, id(11)).await.unwrap().unwrap();
        store.delete_user(t, &before, &user(11).keys, now(), &origin()).await.unwrap();
        let inner = store.group(t, id(2)).await.unwrap().unwrap();
        store.delete_group(t, &inner, now(), &origin()).await.unwrap();
    });
    table.fail(Fault::Meanwhile(delete));
    let both = members(10..12);
    let refused = store.replace_group(t, &staff, &group("Staff"), &both, &[]).await;
    assert!(matches!(refused, Err(StoreError::MemberGone)), "{refused:?}");
    for gone in [&both[1], &nested] {
        let new = store.create_group(t, id(3), &group("New"), std::slice::from_ref(gone)).await;
        assert!(matches!(new, Err(StoreError::MemberGone)), "{new:?}");
    }
    assert!(table.rows_of(&format!("#GM#{}", id(1))).is_empty());
    assert_eq!(store.group(t, id(1)).await.unwrap(), Some(staff.clone()));
    // A group may be its own member.
    let itself = GroupMember { id: id(1), kind: ResourceKind::Group, display: None };
    store.replace_group(t, &staff, &group("Staff"), &[itself], &[]).await.unwrap();
}

#[tokio::test]
async fn members_are_checked_as_long_as_they_fit_into_one_transaction() {
    let (table, store) = Table::store().await;
    let t = tenant(1);
    create_users(&store, 10..58).await;
    let before = store.create_group(t, id(1), &group("Staff"), &[]).await.unwrap();
    table.take();
    // The group's row, 49 members and their users: 99.
    let refused = store.replace_group(t, &before, &group("Staff"), &members(10..59), &[]).await;
    assert!(matches!(refused, Err(StoreError::MemberGone)), "{refused:?}");
    store.create_user(t, id(58), &user(58)).await.unwrap();
    store.replace_group(t, &before, &group("Staff"), &members(10..59), &[]).await.unwrap();
    assert_eq!(table.take().calls, ["TransactWriteItems"; 3]);
    assert_eq!(member_ids(&store, id(1)).await, ids(10..59));
}

#[tokio::test]
async fn a_group_that_is_deleted_during_a_large_change_leaves_nothing() {
    let (table, store) = Table::store().await;
    let t = tenant(1);
    create_users(&store, 100..600).await;
    let before = store.create_group(t, id(1), &group("Staff"), &[]).await.unwrap();
    let delete = Meanwhile::process(&table, move |store| async move {
        let before = store.group(t, id(1)).await.unwrap().unwrap();
        store.delete_group(t, &before, now(), &origin()).await.unwrap();
    });
    table.fail(Fault::After(1, Box::new(Fault::Meanwhile(delete))));
    let late = store.replace_group(t, &before, &group("Staff"), &members(100..600), &[]).await;
    assert!(matches!(late, Err(StoreError::NotFound)), "{late:?}");
    assert_eq!(group_rows(&table), 0);
}

#[tokio::test]
async fn a_deleted_group_leaves_nothing() {
    for size in [0, 3, 90, 91, 1_500] {
        let (table, store) = Table::store().await;
        let t = tenant(1);
        create_users(&store, 10..10 + size).await;
        let write = GroupWrite { external_id: Some("G".to_owned()), ..group("Staff") };
        let created = store.create_group(t, id(1), &write, &members(10..10 + size)).await.unwrap();
        let nested = GroupMember { id: id(1), kind: ResourceKind::Group, display: None };
        let outer = store.create_group(t, id(2), &group("Outer"), &[nested]).await.unwrap();
        store.delete_group(t, &created, now(), &origin()).await.unwrap();
        // The other group and its name are left.
        assert_eq!(group_rows(&table), 2, "{size}");
        assert_eq!(store.groups_total(t).await.unwrap(), 1);
        assert_eq!(
            store.group(t, id(2)).await.unwrap().unwrap().resource.version,
            outer.resource.version + 1
        );
        store.create_group(t, id(3), &write, &[]).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_fails_anywhere_is_safe_to_send_again() {
    for calls in 0..12 {
        let (table, store) = Table::store().await;
        let t = tenant(1);
        create_users(&store, 10..210).await;
        store.create_group(t, id(1), &group("Staff"), &members(10..210)).await.unwrap();
        table.fail(Fault::After(calls, Box::new(Fault::Error("InternalServerError"))));
        for _ in 0..200 {
            table.fail(Fault::Error("InternalServerError"));
        }
        let failed = delete_both(&store).await;
        assert!(matches!(failed, Err(StoreError::Unavailable { .. })), "{calls}");
        table.recover();
        delete_both(&store).await.unwrap();
        assert_eq!(group_rows(&table), 0, "{calls}");
        assert_eq!(store.user(t, id(10)).await.unwrap(), None, "{calls}");
    }
}

/// Deletes a user and a group as a handler does: one that does not exist is deleted already.
async fn delete_both(store: &Store) -> Result<(), StoreError> {
    if let Some(before) = store.user(tenant(1), id(10)).await? {
        store.delete_user(tenant(1), &before, &user(10).keys, now(), &origin()).await?;
    }
    if let Some(before) = store.group(tenant(1), id(1)).await? {
        store.delete_group(tenant(1), &before, now(), &origin()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn pages_of_groups_are_exact_with_split_counters() {
    let (table, store) = Table::store().await;
    let store = store.with_split_threshold(4);
    for n in 0..120 {
        store.create_group(tenant(1), id(n), &group(&n.to_string()), &[]).await.unwrap();
    }
    for n in 0..20 {
        let before = store.group(tenant(1), id(n)).await.unwrap().unwrap();
        table.open().delete_group(tenant(1), &before, now(), &origin()).await.unwrap();
    }
    assert!(!table.rows_of("#GR").is_empty());
    let expected: Vec<_> = ids(20..120).into_iter().collect();
    for start in 1..=100 {
        let page = store.groups_page(tenant(1), start, 3).await.unwrap();
        let found: Vec<_> = page.items.iter().map(|group| group.resource.id).collect();
        let from = usize::try_from(start).unwrap() - 1;
        assert_eq!(found, expected[from..(from + 3).min(100)], "{start}");
        assert_eq!(page.total, 100);
    }
}
