//! The rules of a tenant's seat pool, which a process may keep in memory for a minute.
//!
//! Free seats are handed out by the sixteen user counters, each on its own, so that no single row
//! is hot. The counters hold how many each has; the rules are one row per tenant. A copy in memory
//! is safe: every counter names the *epoch* of the rules that its seats belong to, each step is
//! conditional on it, and a change of the rules moves it.

use aws_sdk_dynamodb::types::AttributeValue;

use super::item::{Item, flag, number, optional_number, take_optional_text, text};
use super::keys::Key;
use super::{Store, StoreError};
use types::ids::TenantId;

/// Whether a user who joins without a stated licence gets a seat.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnJoin {
    /// A seat, while one is free.
    #[default]
    Grant,
    /// No seat.
    ViewOnly,
}

impl OnJoin {
    /// Returns the wire form, as in the operator API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::ViewOnly => "view_only",
        }
    }
}

/// The rules of one tenant's pool.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Pool {
    /// Size; `None` is unlimited.
    pub(super) seats: Option<u64>,
    /// Grows by a step instead of refusing.
    pub(super) auto_upgrade: bool,
    pub(super) on_join: OnJoin,
    /// All seats are in the first counter: the operator made the pool smaller than what is in use,
    /// and that debt must be paid before another user gets a seat.
    pub(super) single: bool,
    /// Moves with every change of the rules; zero before the first.
    pub(super) epoch: u64,
}

impl Pool {
    fn from_row(mut row: Item) -> Result<Self, StoreError> {
        let on_join = match take_optional_text(&mut row, "join").as_deref() {
            Some("view_only") => OnJoin::ViewOnly,
            _ => OnJoin::Grant,
        };
        Ok(Self {
            seats: optional_number(&row, "seats")?,
            auto_upgrade: flag(&row, "auto"),
            on_join,
            single: flag(&row, "single"),
            epoch: optional_number(&row, "e")?.unwrap_or_default(),
        })
    }

    pub(super) fn to_row(&self, tenant: TenantId) -> Item {
        let mut row = Key::seats(tenant).item();
        row.extend([
            ("auto".to_owned(), AttributeValue::Bool(self.auto_upgrade)),
            ("join".to_owned(), text(self.on_join.as_str())),
            ("single".to_owned(), AttributeValue::Bool(self.single)),
            ("e".to_owned(), number(self.epoch)),
        ]);
        if let Some(seats) = self.seats {
            row.insert("seats".to_owned(), number(seats));
        }
        row
    }
}

impl Store {
    /// Reads the rules, at most a minute old.
    pub(super) async fn pool(&self, tenant: TenantId) -> Result<Pool, StoreError> {
        match self.hints.pool(tenant) {
            Some(pool) => Ok(pool),
            None => self.fresh_pool(tenant).await,
        }
    }

    /// Reads the rules as they are now. A tenant without any has an unlimited pool.
    pub(super) async fn fresh_pool(&self, tenant: TenantId) -> Result<Pool, StoreError> {
        let pool = match self.get(&Key::seats(tenant)).await? {
            Some(row) => Pool::from_row(row)?,
            None => Pool::default(),
        };
        self.hints.learn_pool(tenant, pool.clone());
        Ok(pool)
    }
}
