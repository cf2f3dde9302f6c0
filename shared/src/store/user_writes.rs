//! Creates, replaces and deletes a user: the row, its unique names, its place in the counters and
//! its seat and the events of the change, in one transaction.
//!
//! Which rows are written is decided in `user_change`, without I/O.

use jiff::Timestamp;

use super::counters::Counter;
use super::group_parts::LeavingMember;
use super::item::{corrupt, number};
use super::keys::Key;
use super::outbox::Cause;
use super::pool::Pool;
use super::retry::Backoff;
use super::seats::Vacancy;
use super::transaction::{Commit, Refusal};
use super::user_change::{Learned, ReadUser, SeatMove, UserChange, UserRow};
use super::users::{SeatRequest, StoredUser, UserKeys, UserOutcome, UserWrite};
use super::write::Write;
use super::{Store, StoreError, UniqueAttribute};
use directory::event::Origin;
use scim::schema::ResourceKind;
use types::ids::{ResourceId, TenantId};

impl Store {
    /// Creates a user. `id` must be new and random.
    pub async fn create_user(
        &self,
        tenant: TenantId,
        id: ResourceId,
        write: &UserWrite,
    ) -> Result<UserOutcome, StoreError> {
        let cause = Cause { at: write.last_modified, origin: &write.origin };
        let change = UserChange::new(tenant, id, None, Some(write), cause);
        let outcome = self.change_user(&change).await?;
        self.sample_split(tenant, ResourceKind::User, id).await;
        outcome.ok_or(StoreError::NotFound)
    }

    /// Replaces a user that was read, unless it has changed since.
    pub async fn replace_user(
        &self,
        tenant: TenantId,
        before: &StoredUser,
        keys_before: &UserKeys,
        write: &UserWrite,
    ) -> Result<UserOutcome, StoreError> {
        let before = ReadUser { user: before, keys: keys_before };
        let cause = Cause { at: write.last_modified, origin: &write.origin };
        let id = before.user.resource.id;
        let change = UserChange::new(tenant, id, Some(before), Some(write), cause);
        self.change_user(&change).await?.ok_or(StoreError::NotFound)
    }

    /// Deletes a user that was read, unless it has changed since. Its names can be used again at
    /// once, its seat is free, and it is in no group.
    ///
    /// The user leaves its groups first: if the deletion fails in the middle, the same request
    /// finds the user and the remaining work when it is sent again.
    pub async fn delete_user(
        &self,
        tenant: TenantId,
        before: &StoredUser,
        keys_before: &UserKeys,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<(), StoreError> {
        let id = before.resource.id;
        let before = ReadUser { user: before, keys: keys_before };
        let member = LeavingMember { id, kind: ResourceKind::User };
        let cause = Cause { at: now, origin };
        let change = UserChange::new(tenant, id, Some(before), None, cause);
        self.leave_groups(tenant, member, cause).await?;
        // Before the user, so that an attempt that fails in the middle leaves no personal data.
        self.unlink_user(tenant, id, None).await?;
        self.change_user(&change).await?;
        // Groups that it was added to in between.
        self.leave_groups(tenant, member, cause).await
    }

    /// Ends every session, code and token of a user. Returns `false` when there is no such user.
    pub async fn end_sessions_of_user(
        &self,
        tenant: TenantId,
        user: ResourceId,
    ) -> Result<bool, StoreError> {
        // With a new version, so that a concurrent replacement of the row does not undo it.
        let write = Write::update(
            Key::user(tenant, user),
            "SET dn = if_not_exists(dn, :zero) + :one, v = v + :one",
        )
        .when("attribute_exists(pk)")
        .bind(":zero", number(0))
        .bind(":one", number(1));
        Ok(matches!(self.commit(&[((), write)]).await?, Commit::Done))
    }

    /// Commits the change; when that is refused because of outdated knowledge of counters or
    /// seats, learns from the refusal and commits again.
    async fn change_user(
        &self,
        change: &UserChange<'_>,
    ) -> Result<Option<UserOutcome>, StoreError> {
        change.check_size()?;
        let mut learned = Learned::default();
        let mut backoff = Backoff::for_crowd();
        loop {
            let needs_pool = change.needs_pool(&learned);
            let pool = if needs_pool { Some(self.pool(change.tenant).await?) } else { None };
            let after = change.after(&learned, pool.as_ref());
            let seat = change.seat_move(&learned, after.as_ref(), pool.as_ref());
            let deep = self.hints.deep(change.tenant, ResourceKind::User, change.prefix.shard);
            let writes = change.writes(after.as_ref(), seat, deep)?;
            match self.commit(&writes).await? {
                Commit::Done => {
                    let seat_refused = learned.no_seat;
                    return Ok(after.map(|user| UserOutcome { user, seat_refused }));
                }
                Commit::Refused(refusals) => {
                    for refusal in refusals {
                        self.learn(change, &mut learned, pool.as_ref(), seat, refusal).await?;
                    }
                }
            }
            backoff.pause().await?;
        }
    }

    /// Turns a refusal into its error, or learns from it for the next attempt.
    async fn learn(
        &self,
        change: &UserChange<'_>,
        learned: &mut Learned,
        pool: Option<&Pool>,
        seat: Option<SeatMove>,
        refusal: Refusal<UserRow>,
    ) -> Result<(), StoreError> {
        let shard = match refusal.label {
            UserRow::User if refusal.found.is_none() => return Err(StoreError::NotFound),
            UserRow::User => return Err(StoreError::VersionMismatch),
            UserRow::UserName => return Err(StoreError::Conflict(UniqueAttribute::UserName)),
            UserRow::FormerUserName | UserRow::Unconditional => {
                return Err(corrupt(&refusal.found.unwrap_or_default(), "id"));
            }
            UserRow::Counter(shard) => shard,
        };
        let found = match &refusal.found {
            Some(row) => Counter::from_row(row)?,
            None => Counter::empty(shard),
        };
        self.hints.learn_deep(change.tenant, ResourceKind::User, shard, found.deep);
        let Some(seat) = seat.filter(|seat| seat.shard == shard) else { return Ok(()) };
        if found.epoch != seat.step.epoch {
            self.hints.forget_pool(change.tenant);
            learned.vacant = None;
            return Ok(());
        }
        if seat.step.take && seat.step.limited && found.free <= 0 {
            return self.find_seat(change, learned, pool).await;
        }
        Ok(())
    }

    /// Looks for a seat in all counters. Finding none, grows the pool, goes on without a seat, or
    /// refuses.
    async fn find_seat(
        &self,
        change: &UserChange<'_>,
        learned: &mut Learned,
        planned: Option<&Pool>,
    ) -> Result<(), StoreError> {
        learned.vacant = None;
        let debt = match self.vacancy(change.tenant).await? {
            Vacancy::In(shard) => {
                learned.vacant = Some(shard);
                return Ok(());
            }
            Vacancy::None { debt } => debt,
        };
        // The pool is full only if its rules are still those from before the counters were read:
        // the operator may have just allowed growth, or another user may have caused it.
        let pool = self.fresh_pool(change.tenant).await?;
        let (Some(seats), true, Some(write)) = (pool.seats, planned == Some(&pool), change.after)
        else {
            return Ok(());
        };
        if pool.auto_upgrade {
            let (home, now) = (change.prefix.shard, write.last_modified);
            return self.grow(change.tenant, &pool, debt, home, now).await;
        }
        if write.seat == SeatRequest::Required {
            return Err(StoreError::NoSeat { seats });
        }
        learned.no_seat = true;
        Ok(())
    }
}
