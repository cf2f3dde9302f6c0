//! Pages are exact at any `startIndex`: with shallow counters, with deep ones, and while they
//! split.

use shared::store::{Store, StoredUser};
use types::ids::ResourceId;

use crate::store_table::{Table, id, now, origin, tenant, user};

/// Compares pages of many sizes with the sorted list of ids.
async fn check_pages(store: &Store, expected: &mut Vec<ResourceId>) {
    expected.sort_unstable();
    let total = expected.len();
    for (start, count) in [(0, 3), (1, 1), (1, 1_000), (2, 0), (total + 1, 5), (total, 5)] {
        check_page(store, expected, start, count).await;
    }
    for step in 0..15 {
        check_page(store, expected, 1 + step * 7919 % total.max(1), 1 + step).await;
    }
    let mut walked = Vec::new();
    while let page = store.users_after(tenant(1), walked.last().copied(), 7).await.unwrap()
        && !page.is_empty()
    {
        walked.extend(ids(&page));
    }
    assert_eq!(&walked, expected);
}

async fn check_page(store: &Store, expected: &[ResourceId], start: usize, count: usize) {
    let page = store.users_page(tenant(1), start as u64, count).await.unwrap();
    let from = start.saturating_sub(1).min(expected.len());
    let to = (from + count).min(expected.len());
    assert_eq!(page.total, expected.len() as u64);
    assert_eq!(ids(&page.items), expected[from..to], "startIndex {start} count {count}");
}

fn ids(users: &[StoredUser]) -> Vec<ResourceId> {
    users.iter().map(|user| user.resource.id).collect()
}

async fn delete(store: &Store, n: u64) {
    let before = store.user(tenant(1), id(n)).await.unwrap().unwrap();
    store.delete_user(tenant(1), &before, &user(n).keys, now(), &origin()).await.unwrap();
}

#[tokio::test]
async fn an_empty_tenant_has_an_empty_page() {
    let (_, store) = Table::store().await;
    check_pages(&store, &mut Vec::new()).await;
}

#[tokio::test]
async fn shallow_counters_find_every_index() {
    let (table, store) = Table::store().await;
    let mut expected = Vec::new();
    for n in 0..150 {
        store.create_user(tenant(1), id(n), &user(n)).await.unwrap();
        expected.push(id(n));
    }
    check_pages(&store, &mut expected).await;
    assert!(table.rows_of("#R").is_empty());
}

#[tokio::test]
async fn counters_that_split_while_growing_find_every_index() {
    let (table, store) = Table::store().await;
    let store = store.with_split_threshold(10);
    // Another process, which notices each split by a refused write.
    let other = table.open().with_split_threshold(10);
    let mut expected = Vec::new();
    for n in 0..300 {
        let writer = if n % 3 == 0 { &other } else { &store };
        writer.create_user(tenant(1), id(n), &user(n)).await.unwrap();
        expected.push(id(n));
        if n % 100 == 99 {
            check_pages(&store, &mut expected).await;
        }
    }
    let deep = table.rows_of("#C").iter().filter(|row| row.get("deep").is_some()).count();
    assert!(deep >= 14, "{deep}");
    for n in 0..100 {
        delete(if n % 3 == 0 { &store } else { &other }, n).await;
        expected.retain(|kept| *kept != id(n));
    }
    check_pages(&table.open(), &mut expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_exact_after_concurrent_creations_deletions_and_splits() {
    let (table, _) = Table::store().await;
    let tasks: Vec<_> = (0..8_u64)
        .map(|writer| {
            let store = table.open().with_split_threshold(6);
            tokio::spawn(async move {
                for n in (0..200).filter(|n| n % 8 == writer) {
                    store.create_user(tenant(1), id(n), &user(n)).await.unwrap();
                    if n % 5 == 0 {
                        delete(&store, n).await;
                    }
                    store.users_page(tenant(1), n, 5).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let mut expected: Vec<_> = (0..200).filter(|n| n % 5 != 0).map(id).collect();
    check_pages(&table.open(), &mut expected).await;
    assert!(!table.rows_of("#R").is_empty());
}

#[tokio::test]
async fn reading_a_page_splits_a_large_counter() {
    let (table, store) = Table::store().await;
    let mut expected = Vec::new();
    for n in 0..200 {
        store.create_user(tenant(1), id(n), &user(n)).await.unwrap();
        expected.push(id(n));
    }
    let reader = table.open().with_split_threshold(5);
    check_pages(&reader, &mut expected).await;
    assert!(table.rows_of("#R").len() >= 16);
    check_pages(&reader, &mut expected).await;
}
