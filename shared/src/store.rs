//! The store: one concrete client over one DynamoDB table.
//!
//! Invariants:
//! - Every method takes the tenant first, and every key begins with it. The exceptions are tenants
//!   themselves, apps and webhooks, which serve all tenants, and lookups that find the tenant.
//! - Only `keys` knows `pk` and `sk`.
//! - Every write is conditional on what was read, or on the absence of the row. Rows that belong
//!   together are written in one transaction: a user, its unique names, its counters and its seat.
//! - Unique names and lookups are rows of the table itself, so that a filter right after a write
//!   finds what was written. No secondary index serves them.
//! - No method scans from the start of a collection.
//!
//! There is deliberately no storage trait and no in-memory twin: tests and `local` run the same
//! code against an embedded DynamoDB.
//!
//! # Map
//!
//! - Resources: `users`, `groups` and `members` read; `user_writes`, `group_writes` and `group_parts` write, by
//!   the pure plans of `user_change` and `group_change`; `lookup_rows` find them, `versioned` is
//!   their common form; `page`, `counters` and `split` list and count; `seats` and `pool` are the
//!   licences.
//! - Sign-in: `connections`, `domains`, `links`, `sign_ins`, `grants`, `clients`; `standing` reads
//!   together what a session rests on.
//! - Events: `outbox` has those of each change, in its transaction; `feed` publishes and reads them;
//!   `webhooks` says where they are pushed to, and how far that is.
//! - Tenants and operation: `tenants`, `token_uses`, `activity`, `restore`, `leases`, `refresh`,
//!   `layout`, `table`.
//! - Beneath them: `keys` and `item` are the form of a row, `read`, `write`, `transaction` and
//!   `batch` the calls, `call`, `error`, `retry` and `hints` what they have in common.

mod activity;
mod batch;
mod call;
mod clients;
mod connections;
mod counters;
mod domains;
mod error;
mod feed;
mod grants;
mod group_change;
mod group_parts;
mod group_writes;
mod groups;
mod hints;
mod item;
mod keys;
mod layout;
mod leases;
mod links;
mod lookup_rows;
mod members;
mod outbox;
mod page;
mod pool;
mod read;
mod refresh;
mod restore;
mod retry;
mod seats;
mod sign_ins;
mod split;
mod standing;
mod table;
mod tenants;
mod token_uses;
mod transaction;
mod user_change;
mod user_document;
mod user_writes;
mod users;
mod versioned;
mod webhooks;
mod write;

use std::sync::Arc;

use aws_sdk_dynamodb::Client;

pub use activity::Activity;
pub use connections::{MOST_CONNECTIONS, StoredConnection};
pub use domains::{
    AuthorityChange, ClaimChange, ConnectionAuthority, DomainChange, DomainClaim, DomainHolder,
    DomainState, HolderChange, MOST_CLAIMS, StoredClaim, VerifiedBy,
};
pub use error::{Operation, StoreError, UniqueAttribute};
pub use feed::{FeedHead, FeedPage, PublishedEvent};
pub use grants::{GrantOfUser, NextRefreshToken, OneTime, Redemption, StoredRefreshToken};
pub use groups::{GroupWrite, StoredGroup};
pub use layout::{LAYOUT, LayoutFit};
pub use leases::Lease;
pub use links::{IdentityDigest, Link, LinkKind, LinkOutcome, LinkedUser, NewLink};
pub use members::GroupMember;
pub use outbox::Lane;
pub use page::{Chunk, MAX_PAGE_TEXT, Page};
pub use pool::OnJoin;
pub use restore::Restored;
pub(crate) use retry::Backoff;
pub use seats::{SeatRules, Seats};
pub use sign_ins::{
    EndedSignIn, FoundSignIns, PendingSignIn, SessionKey, SignInRecord, Stage, record_id,
};
pub use standing::Standing;
pub use tenants::Tenant;
pub(crate) use token_uses::TokenUse;
pub use users::{SeatRequest, StoredUser, UserKeys, UserOutcome, UserWrite};
pub use versioned::Versioned;
pub use webhooks::{Attempt, HeldWebhook, MOST_WEBHOOKS, ProgressChange, Webhook};

/// The store. Cheap to clone; clones share what they have learnt about the table.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    table: String,
    split_threshold: u64,
    hints: Arc<hints::Hints>,
    new_events: outbox::NewEvents,
}

impl Store {
    /// Returns a store over `table`. Build the client with [`crate::aws::clients::retry_config`].
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
            split_threshold: DEFAULT_SPLIT_THRESHOLD,
            hints: Arc::default(),
            new_events: outbox::NewEvents::default(),
        }
    }

    /// Sets the number of resources above which one of the sixteen counters of a collection starts
    /// to count in finer steps. Tests make it small.
    #[must_use]
    pub fn with_split_threshold(mut self, resources: u64) -> Self {
        self.split_threshold = resources;
        self
    }
}

/// Number of resources under one first hex digit above which a page would skip too many rows. 1,600
/// leave at most about 100 rows to skip, in a collection of about 25,000.
const DEFAULT_SPLIT_THRESHOLD: u64 = 1_600;

/// Bytes of the largest document. DynamoDB's limit for an item is 400 KB, keys and names included.
const MAX_DOCUMENT_BYTES: usize = 380_000;
