//! One change of a user: which rows it writes, under which conditions. No I/O.
//!
//! `user_writes` commits the writes. When a condition does not hold, it updates [`Learned`] by the
//! row that was found and asks for the writes again.

use super::counters::{CounterUpdate, IdPrefix, SeatStep, leaf_update};
use super::keys::Key;
use super::lookup_rows::{move_row, move_value};
use super::outbox::{Cause, event_writes};
use super::pool::{OnJoin, Pool};
use super::seats::FIRST;
use super::users::{SIGN_IN_GROUPS, SeatRequest, StoredUser, UserKeys, UserWrite};
use super::versioned::{Versioned, row_write};
use super::write::Write;
use super::{MAX_DOCUMENT_BYTES, StoreError};
use directory::changes;
use scim::licence::Licence;
use scim::resource::MAX_EMAILS;
use scim::schema::ResourceKind;
use types::ids::{ResourceId, TenantId};

/// A user as the caller read it.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadUser<'a> {
    pub(super) user: &'a StoredUser,
    pub(super) keys: &'a UserKeys,
}

/// The change that the caller asks for: a creation without `before`, a deletion without `after`.
#[derive(Debug)]
pub(super) struct UserChange<'a> {
    pub(super) tenant: TenantId,
    id: ResourceId,
    pub(super) prefix: IdPrefix,
    before: Option<ReadUser<'a>>,
    pub(super) after: Option<&'a UserWrite>,
    cause: Cause<'a>,
}

/// Knowledge about the seats from refused commits.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// The counter to take the seat from, since the user's own has none left.
    pub(super) vacant: Option<char>,
    /// No counter has a free seat: write the user without one.
    pub(super) no_seat: bool,
}

/// A seat taken or given back, and the counter in which it happens.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeatMove {
    pub(super) shard: char,
    pub(super) step: SeatStep,
}

/// The row that a write of the transaction is about, which tells what its refusal means.
#[derive(Clone, Copy, Debug)]
pub(super) enum UserRow {
    /// The user itself.
    User,
    /// The new `userName`.
    UserName,
    /// The old `userName`, on the condition that it is this user's.
    FormerUserName,
    /// A row without a condition.
    Unconditional,
    /// The counter of this digit.
    Counter(char),
}

impl<'a> UserChange<'a> {
    pub(super) fn new(
        tenant: TenantId,
        id: ResourceId,
        before: Option<ReadUser<'a>>,
        after: Option<&'a UserWrite>,
        cause: Cause<'a>,
    ) -> Self {
        Self { tenant, id, prefix: IdPrefix::of(id), before, after, cause }
    }

    pub(super) fn check_size(&self) -> Result<(), StoreError> {
        let Some(write) = self.after else { return Ok(()) };
        let longest = match &write.seat {
            SeatRequest::IfFree { view_only } | SeatRequest::OnJoin { view_only } => {
                view_only.len().max(write.document.len())
            }
            SeatRequest::None | SeatRequest::Required => write.document.len(),
        };
        let groups: usize =
            write.sign_in_groups.iter().flatten().map(|group| group.len() + 1).sum();
        if longest + groups > MAX_DOCUMENT_BYTES || write.keys.email_rows().len() > MAX_EMAILS {
            return Err(StoreError::TooLarge);
        }
        Ok(())
    }

    fn was_seated(&self) -> bool {
        self.before.is_some_and(|before| before.user.seated)
    }

    /// Returns whether the user asks for a seat; `None` leaves it to the tenant's rule.
    fn asks_for_seat(&self, learned: &Learned) -> Option<bool> {
        let Some(write) = self.after else { return Some(false) };
        match write.seat {
            _ if !write.active || learned.no_seat => Some(false),
            SeatRequest::None => Some(false),
            SeatRequest::Required | SeatRequest::IfFree { .. } => Some(true),
            SeatRequest::OnJoin { .. } => None,
        }
    }

    /// Returns whether the rules of the seat pool have to be read.
    pub(super) fn needs_pool(&self, learned: &Learned) -> bool {
        self.asks_for_seat(learned) != Some(self.was_seated())
    }

    /// Returns the user to write; `None` for a deletion.
    pub(super) fn after(&self, learned: &Learned, pool: Option<&Pool>) -> Option<StoredUser> {
        let write = self.after?;
        let seated = self.asks_for_seat(learned).unwrap_or_else(|| grants_on_join(pool));
        let fallback = match &write.seat {
            SeatRequest::IfFree { view_only } if learned.no_seat => Some(view_only),
            SeatRequest::OnJoin { view_only } if write.active && !seated => Some(view_only),
            SeatRequest::None
            | SeatRequest::Required
            | SeatRequest::IfFree { .. }
            | SeatRequest::OnJoin { .. } => None,
        };
        let document = fallback.unwrap_or(&write.document);
        let before = self.before.map(|before| &before.user.resource);
        Some(StoredUser {
            resource: Versioned::after(before, self.id, write.last_modified, document),
            active: write.active,
            generation: self.generation(write.active),
            licence: if fallback.is_some() { Licence::ViewOnly } else { write.licence },
            seated,
            sign_in_groups: write.sign_in_groups.clone(),
        })
    }

    fn generation(&self, active: bool) -> u64 {
        let Some(ReadUser { user, .. }) = self.before else { return 0 };
        user.generation + u64::from(user.active && !active)
    }

    pub(super) fn seat_move(
        &self,
        learned: &Learned,
        after: Option<&StoredUser>,
        pool: Option<&Pool>,
    ) -> Option<SeatMove> {
        let take = after.is_some_and(|user| user.seated);
        let pool = pool.filter(|_| take != self.was_seated())?;
        let home = if pool.single { FIRST } else { self.prefix.shard };
        let shard = learned.vacant.filter(|_| take).unwrap_or(home);
        let step = SeatStep { take, limited: pool.seats.is_some(), epoch: pool.epoch };
        Some(SeatMove { shard, step })
    }

    /// Returns all writes of the transaction. Names come before counters, so that a taken name is
    /// reported before a full pool.
    pub(super) fn writes(
        &self,
        after: Option<&StoredUser>,
        seat: Option<SeatMove>,
        deep: bool,
    ) -> Result<Vec<(UserRow, Write)>, StoreError> {
        let key = Key::user(self.tenant, self.id);
        let before = self.before.map(|before| &before.user.resource);
        let row = after.map(|user| user.to_row(&key));
        let mut writes =
            vec![(UserRow::User, row_write(key, before, row, &["dn", SIGN_IN_GROUPS]))];
        self.name_writes(&mut writes);
        self.counter_writes(seat, deep, &mut writes);
        self.event_writes(after, &mut writes)?;
        Ok(writes)
    }

    fn event_writes(
        &self,
        after: Option<&StoredUser>,
        writes: &mut Vec<(UserRow, Write)>,
    ) -> Result<(), StoreError> {
        let before = self.before.map(|before| before.user);
        let old = before.map(|user| user.resource.attributes()).transpose()?;
        let new = after.map(|user| user.resource.attributes()).transpose()?;
        let old = before.zip(old.as_ref()).map(|(user, attributes)| user.view(attributes));
        let new = after.zip(new.as_ref()).map(|(user, attributes)| user.view(attributes));
        let events = changes::of_user(old, new);
        let rows = event_writes(self.tenant, self.cause, &events);
        writes.extend(rows.map(|row| (UserRow::Unconditional, row)));
        Ok(())
    }

    fn name_writes(&self, writes: &mut Vec<(UserRow, Write)>) {
        let none = UserKeys::default();
        let old = self.before.map_or(&none, |before| before.keys);
        let new = self.after.map_or(&none, |write| &write.keys);
        let name = |keys: &UserKeys| {
            (!keys.user_name.is_empty()).then(|| Key::user_name(self.tenant, &keys.user_name))
        };
        let labels = (UserRow::UserName, UserRow::FormerUserName);
        move_value(labels, &self.id.to_string(), name(old), name(new), writes);
        let external_id = |keys: &UserKeys| {
            let value = keys.external_id()?;
            Some(Key::external_id(self.tenant, ResourceKind::User, value, self.id))
        };
        let moved = move_row(external_id(old), external_id(new));
        writes.extend(moved.map(|write| (UserRow::Unconditional, write)));
        self.email_writes(&old.email_rows(), &new.email_rows(), writes);
    }

    fn email_writes(&self, old: &[&str], new: &[&str], writes: &mut Vec<(UserRow, Write)>) {
        let key = |email: &str| Key::email(self.tenant, email, self.id);
        for email in old.iter().filter(|email| !new.contains(email)) {
            writes.push((UserRow::Unconditional, Write::delete(key(email))));
        }
        for email in new.iter().filter(|email| !old.contains(email)) {
            writes.push((UserRow::Unconditional, Write::put(key(email).item())));
        }
    }

    fn counter_writes(
        &self,
        seat: Option<SeatMove>,
        deep: bool,
        writes: &mut Vec<(UserRow, Write)>,
    ) {
        let home = self.prefix.shard;
        let step = i8::from(self.after.is_some()) - i8::from(self.before.is_some());
        let update = |shard| CounterUpdate::new(self.tenant, ResourceKind::User, shard);
        let mut seat_elsewhere = seat;
        if step != 0 {
            let mut own = update(home).resource(self.prefix, step, deep);
            if let Some(seat) = seat_elsewhere.take_if(|seat| seat.shard == home) {
                own = own.seat(seat.step);
            }
            writes.push((UserRow::Counter(home), own.write()));
            if deep {
                let leaf = leaf_update(self.tenant, ResourceKind::User, self.prefix, step);
                writes.push((UserRow::Unconditional, leaf));
            }
        }
        if let Some(seat) = seat_elsewhere {
            let write = update(seat.shard).seat(seat.step).write();
            writes.push((UserRow::Counter(seat.shard), write));
        }
    }
}

fn grants_on_join(pool: Option<&Pool>) -> bool {
    pool.is_some_and(|pool| pool.on_join == OnJoin::Grant)
}
