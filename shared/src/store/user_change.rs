//! One change of a user as a plan: which rows to write under which conditions. No I/O.

use aws_sdk_dynamodb::types::AttributeValue;

use super::counters::{CounterUpdate, Position, SeatStep, leaf_update};
use super::item::{Item, number, text};
use super::keys::{Collection, Key};
use super::pool::{OnJoin, Pool};
use super::seats::FIRST;
use super::unique::{move_row, move_value};
use super::user_writes::{SeatWish, UserWrite};
use super::users::{StoredUser, UserKeys};
use super::write::Write;
use super::{MAX_DOCUMENT_BYTES, StoreError};
use scim::licence::Licence;
use scim::resource::MAX_EMAILS;
use types::ids::{ResourceId, TenantId};

/// A user as the caller read it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before<'a> {
    pub(super) user: &'a StoredUser,
    pub(super) keys: &'a UserKeys,
}

/// What the caller asks for.
#[derive(Debug)]
pub(super) struct Change<'a> {
    pub(super) tenant: TenantId,
    id: ResourceId,
    pub(super) position: Position,
    before: Option<Before<'a>>,
    pub(super) after: Option<&'a UserWrite>,
}

/// What was learnt from refusals.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Take the seat from this counter, since the user's own has none left.
    pub(super) elsewhere: Option<char>,
    /// No counter has one: go on without.
    pub(super) refused: bool,
}

/// A seat's step and the counter that takes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeatMove {
    pub(super) shard: char,
    pub(super) step: SeatStep,
}

/// A write of the transaction, named by what its refusal means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// The row itself.
    User,
    /// The new `userName`.
    UserName,
    /// A name given up, conditional on its being this user's.
    Vacated,
    /// A row without a condition.
    Unconditional,
    /// The counter of this digit.
    Counter(char),
}

impl<'a> Change<'a> {
    pub(super) fn new(
        tenant: TenantId,
        id: ResourceId,
        before: Option<Before<'a>>,
        after: Option<&'a UserWrite>,
    ) -> Self {
        Self { tenant, id, position: Position::of(id), before, after }
    }

    pub(super) fn check_size(&self) -> Result<(), StoreError> {
        let Some(write) = self.after else { return Ok(()) };
        let longest = match &write.seat {
            SeatWish::IfFree { view_only } | SeatWish::OnJoin { view_only } => {
                view_only.len().max(write.document.len())
            }
            SeatWish::None | SeatWish::Required => write.document.len(),
        };
        if longest > MAX_DOCUMENT_BYTES || write.keys.email_rows().len() > MAX_EMAILS {
            return Err(StoreError::TooLarge);
        }
        Ok(())
    }

    fn seated_before(&self) -> bool {
        self.before.is_some_and(|before| before.user.seated)
    }

    /// Whether the user asks for a seat; `None` leaves it to the tenant's rule.
    fn wish(&self, plan: &Plan) -> Option<bool> {
        let Some(write) = self.after else { return Some(false) };
        match write.seat {
            _ if !write.active || plan.refused => Some(false),
            SeatWish::None => Some(false),
            SeatWish::Required | SeatWish::IfFree { .. } => Some(true),
            SeatWish::OnJoin { .. } => None,
        }
    }

    pub(super) fn needs_pool(&self, plan: &Plan) -> bool {
        self.wish(plan) != Some(self.seated_before())
    }

    /// The row to write; `None` for a deletion.
    pub(super) fn stored(&self, plan: &Plan, pool: Option<&Pool>) -> Option<StoredUser> {
        let write = self.after?;
        let seated = self.wish(plan).unwrap_or_else(|| grants(pool));
        let fallback = match &write.seat {
            SeatWish::IfFree { view_only } if plan.refused => Some(view_only),
            SeatWish::OnJoin { view_only } if write.active && !seated => Some(view_only),
            SeatWish::None
            | SeatWish::Required
            | SeatWish::IfFree { .. }
            | SeatWish::OnJoin { .. } => None,
        };
        Some(StoredUser {
            id: self.id,
            version: self.before.map_or(1, |before| before.user.version + 1),
            created: self.before.map_or(write.last_modified, |before| before.user.created),
            last_modified: write.last_modified,
            active: write.active,
            deactivations: self.deactivations(write.active),
            licence: if fallback.is_some() { Licence::ViewOnly } else { write.licence },
            seated,
            document: fallback.unwrap_or(&write.document).clone(),
        })
    }

    fn deactivations(&self, active: bool) -> u64 {
        let Some(Before { user, .. }) = self.before else { return 0 };
        user.deactivations + u64::from(user.active && !active)
    }

    pub(super) fn seat_move(
        &self,
        plan: &Plan,
        after: Option<&StoredUser>,
        pool: Option<&Pool>,
    ) -> Option<SeatMove> {
        let take = after.is_some_and(|user| user.seated);
        let pool = pool.filter(|_| take != self.seated_before())?;
        let home = if pool.single { FIRST } else { self.position.shard };
        let shard = plan.elsewhere.filter(|_| take).unwrap_or(home);
        let step = SeatStep { take, limited: pool.seats.is_some(), epoch: pool.epoch };
        Some(SeatMove { shard, step })
    }

    pub(super) fn writes(
        &self,
        after: Option<&StoredUser>,
        seat: Option<SeatMove>,
        deep: bool,
    ) -> Vec<(Part, Write)> {
        let mut writes = vec![(Part::User, self.row_write(after))];
        self.name_writes(&mut writes);
        self.counter_writes(seat, deep, &mut writes);
        writes
    }

    fn row_write(&self, after: Option<&StoredUser>) -> Write {
        let key = Key::user(self.tenant, self.id);
        let write = match after {
            Some(user) if self.before.is_some() => Write::replace(row(&key, user), &["dn"]),
            Some(user) => Write::put(row(&key, user)),
            None => Write::delete(key),
        };
        match self.before {
            Some(before) => write.when("v = :v").bind(":v", number(before.user.version)),
            None => write.when("attribute_not_exists(pk)"),
        }
    }

    fn name_writes(&self, writes: &mut Vec<(Part, Write)>) {
        let id = self.id.to_string();
        let none = UserKeys::default();
        let old = self.before.map_or(&none, |before| before.keys);
        let new = self.after.map_or(&none, |write| &write.keys);
        let names = |keys: &UserKeys| {
            (!keys.user_name.is_empty()).then(|| Key::user_name(self.tenant, &keys.user_name))
        };
        move_value((Part::UserName, Part::Vacated), &id, names(old), names(new), writes);
        let external = |keys: &UserKeys| {
            let value = keys.external_id()?;
            Some(Key::external_id(self.tenant, Collection::Users, value, self.id))
        };
        let (old_id, new_id) = (external(old), external(new));
        writes.extend(move_row(old_id, new_id).map(|write| (Part::Unconditional, write)));
        let (old, new) = (old.email_rows(), new.email_rows());
        for email in old.iter().filter(|email| !new.contains(email)) {
            let key = Key::email(self.tenant, email, self.id);
            writes.push((Part::Unconditional, Write::delete(key)));
        }
        for email in new.iter().filter(|email| !old.contains(email)) {
            let item = Key::email(self.tenant, email, self.id).item();
            writes.push((Part::Unconditional, Write::put(item)));
        }
    }

    fn counter_writes(&self, seat: Option<SeatMove>, deep: bool, writes: &mut Vec<(Part, Write)>) {
        let home = self.position.shard;
        let step = i8::from(self.after.is_some()) - i8::from(self.before.is_some());
        let update = |shard| CounterUpdate::new(self.tenant, Collection::Users, shard);
        let mut seat_elsewhere = seat;
        if step != 0 {
            let mut own = update(home).resource(self.position, step, deep);
            if let Some(seat) = seat_elsewhere.take_if(|seat| seat.shard == home) {
                own = own.seat(seat.step);
            }
            writes.push((Part::Counter(home), own.write()));
            if deep {
                let leaf = leaf_update(self.tenant, Collection::Users, self.position, step);
                writes.push((Part::Unconditional, leaf));
            }
        }
        if let Some(seat) = seat_elsewhere {
            writes.push((Part::Counter(seat.shard), update(seat.shard).seat(seat.step).write()));
        }
    }
}

fn grants(pool: Option<&Pool>) -> bool {
    pool.is_some_and(|pool| pool.on_join == OnJoin::Grant)
}

fn row(key: &Key, user: &StoredUser) -> Item {
    let mut item = key.item();
    item.extend([
        ("v".to_owned(), number(user.version)),
        ("ca".to_owned(), text(user.created.to_string())),
        ("lm".to_owned(), text(user.last_modified.to_string())),
        ("act".to_owned(), AttributeValue::Bool(user.active)),
        ("lic".to_owned(), text(user.licence.as_str())),
        ("seat".to_owned(), AttributeValue::Bool(user.seated)),
        ("d".to_owned(), text(&user.document)),
    ]);
    if user.deactivations > 0 {
        item.insert("dn".to_owned(), number(user.deactivations));
    }
    item
}
