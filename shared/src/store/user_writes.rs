//! Creating, changing and deleting a user: the row, its unique names, its place in the counters
//! and its seat, in one transaction; a change of the row alone is one conditional put.

use jiff::Timestamp;

use super::counters::Counter;
use super::keys::Collection;
use super::pool::Pool;
use super::retry::Backoff;
use super::seats::Vacancy;
use super::transaction::{Commit, Refusal};
use super::user_change::{Before, Change, Part, Plan, SeatMove};
use super::users::{StoredUser, UserKeys};
use super::{Store, StoreError, UniqueAttribute};
use scim::licence::Licence;
use types::ids::{ResourceId, TenantId};

/// What to store of a user.
#[derive(Clone, Debug)]
pub struct UserWrite {
    /// `meta.lastModified`; of a new user also `meta.created`.
    pub last_modified: Timestamp,
    /// `active`. An inactive user holds no seat, whatever `seat` says.
    pub active: bool,
    /// What the user is found by.
    pub keys: UserKeys,
    /// The licence that `document` states.
    pub licence: Licence,
    /// See [`StoredUser::document`].
    pub document: String,
    /// Whether an active user takes a seat.
    pub seat: SeatWish,
}

/// Whether an active user takes a seat.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SeatWish {
    /// Takes none, and gives back the one it has.
    None,
    /// Has one, or the write fails with [`StoreError::NoSeat`].
    Required,
    /// Has one if one is free.
    IfFree {
        /// The document to store as [`Licence::ViewOnly`] when none is.
        view_only: String,
    },
    /// What the tenant's rule for joining users says, and then as `IfFree`.
    OnJoin {
        /// The document to store as [`Licence::ViewOnly`] without a seat.
        view_only: String,
    },
}

/// What a write of a user came to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UserOutcome {
    /// The user as it is stored now.
    pub user: StoredUser,
    /// No seat was free, so the user was stored as view-only.
    pub seat_refused: bool,
}

impl Store {
    /// Creates a user. `id` must be new and random.
    #[tracing::instrument(level = "debug", name = "store.create_user", skip_all, fields(tenant.id = %tenant))]
    pub async fn create_user(
        &self,
        tenant: TenantId,
        id: ResourceId,
        write: &UserWrite,
    ) -> Result<UserOutcome, StoreError> {
        let change = Change::new(tenant, id, None, Some(write));
        let outcome = self.change_user(&change).await?;
        self.sample_split(tenant, Collection::Users, id).await;
        outcome.ok_or(StoreError::NotFound)
    }

    /// Replaces a user that was read, unless it has changed since.
    #[tracing::instrument(level = "debug", name = "store.update_user", skip_all, fields(tenant.id = %tenant))]
    pub async fn update_user(
        &self,
        tenant: TenantId,
        before: &StoredUser,
        keys_before: &UserKeys,
        write: &UserWrite,
    ) -> Result<UserOutcome, StoreError> {
        let before = Before { user: before, keys: keys_before };
        let change = Change::new(tenant, before.user.id, Some(before), Some(write));
        self.change_user(&change).await?.ok_or(StoreError::NotFound)
    }

    /// Deletes a user that was read, unless it has changed since. Its names can be used again at
    /// once, its seat is free, and it is in no group.
    ///
    /// It leaves its groups first: whoever sends a request again that failed in the middle still
    /// finds the user and the work left.
    #[tracing::instrument(level = "debug", name = "store.delete_user", skip_all, fields(tenant.id = %tenant))]
    pub async fn delete_user(
        &self,
        tenant: TenantId,
        before: &StoredUser,
        keys_before: &UserKeys,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let before = Before { user: before, keys: keys_before };
        let change = Change::new(tenant, before.user.id, Some(before), None);
        self.leave_groups(tenant, before.user.id, now).await?;
        self.change_user(&change).await?;
        // Groups that it was added to in between.
        self.leave_groups(tenant, before.user.id, now).await
    }

    /// Plans, commits, and plans again when the plan rested on what is no longer so.
    async fn change_user(&self, change: &Change<'_>) -> Result<Option<UserOutcome>, StoreError> {
        change.check_size()?;
        let mut plan = Plan::default();
        let mut backoff = Backoff::patient();
        loop {
            let pool =
                if change.needs_pool(&plan) { Some(self.pool(change.tenant).await?) } else { None };
            let after = change.stored(&plan, pool.as_ref());
            let seat = change.seat_move(&plan, after.as_ref(), pool.as_ref());
            let deep = self.hints.deep(change.tenant, Collection::Users, change.position.shard);
            let writes = change.writes(after.as_ref(), seat, deep);
            match self.commit(&writes).await? {
                Commit::Done => {
                    let seat_refused = plan.refused;
                    return Ok(after.map(|user| UserOutcome { user, seat_refused }));
                }
                Commit::Refused(refusals) => {
                    for refusal in refusals {
                        self.replan(change, &mut plan, pool.as_ref(), seat, refusal).await?;
                    }
                }
            }
            backoff.pause().await?;
        }
    }

    /// Turns a refusal into its error, or learns from it for the next plan. Names come before
    /// counters in the writes, so a taken name wins over a full pool.
    async fn replan(
        &self,
        change: &Change<'_>,
        plan: &mut Plan,
        pool: Option<&Pool>,
        seat: Option<SeatMove>,
        refusal: Refusal<Part>,
    ) -> Result<(), StoreError> {
        let taken = match refusal.label {
            Part::User if refusal.found.is_none() => return Err(StoreError::NotFound),
            Part::User => return Err(StoreError::VersionMismatch),
            Part::UserName => return Err(StoreError::Conflict(UniqueAttribute::UserName)),
            Part::Vacated | Part::Unconditional => return Err(StoreError::Corrupt("id")),
            Part::Counter(shard) => shard,
        };
        let found = match &refusal.found {
            Some(item) => Counter::read(item)?,
            None => Counter::empty(taken),
        };
        self.hints.learn_deep(change.tenant, Collection::Users, taken, found.deep);
        let Some(seat) = seat.filter(|seat| seat.shard == taken) else { return Ok(()) };
        if found.epoch != seat.step.epoch {
            self.hints.forget_pool(change.tenant);
            plan.elsewhere = None;
            return Ok(());
        }
        if seat.step.take && seat.step.limited && found.free <= 0 {
            return self.find_seat(change, plan, pool).await;
        }
        Ok(())
    }

    /// Looks for a seat in all counters; finding none, grows the pool, refuses or goes without.
    async fn find_seat(
        &self,
        change: &Change<'_>,
        plan: &mut Plan,
        planned: Option<&Pool>,
    ) -> Result<(), StoreError> {
        plan.elsewhere = None;
        let debt = match self.vacancy(change.tenant).await? {
            Vacancy::In(shard) => {
                plan.elsewhere = Some(shard);
                return Ok(());
            }
            Vacancy::None { debt } => debt,
        };
        // The pool is full only if nobody has changed its rules since before the look at the
        // counters: the operator may have just allowed growth, or another user caused it.
        let pool = self.fresh_pool(change.tenant).await?;
        let (Some(seats), true, Some(write)) = (pool.seats, planned == Some(&pool), change.after)
        else {
            return Ok(());
        };
        if pool.auto_upgrade {
            let (home, now) = (change.position.shard, write.last_modified);
            return self.grow(change.tenant, &pool, debt, home, now).await;
        }
        if write.seat == SeatWish::Required {
            return Err(StoreError::NoSeat { seats });
        }
        plan.refused = true;
        Ok(())
    }
}
