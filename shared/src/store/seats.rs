//! Seats: their number, the counters that hold the free ones, and changes of the pool.
//!
//! The sum of the free seats in the sixteen user counters is always the size of the pool minus the
//! seats in use. A user takes a seat from a counter that has one, in the transaction that changes
//! the user, so the pool is never oversold and a seat given back is free at once. The rules of the
//! pool are in `pool`, the transaction in `user_change`.

use jiff::Timestamp;
use serde_json::json;

use super::activity::Activity;
use super::counters::Counter;
use super::item::number;
use super::keys::Key;
use super::pool::{OnJoin, Pool};
use super::retry::{Backoff, random};
use super::transaction::Commit;
use super::write::Write;
use super::{Store, StoreError};
use scim::schema::ResourceKind;
use types::ids::TenantId;

/// The operator's settings for a tenant's seats.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SeatRules {
    /// Size of the pool; `None` is unlimited.
    pub seats: Option<u64>,
    /// A full pool grows by a step instead of refusing.
    pub auto_upgrade: bool,
    /// Whether a user who joins without a stated licence gets a seat. Other processes follow a
    /// change within a minute.
    pub on_join: OnJoin,
}

/// A tenant's seats as they are now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Seats {
    /// The rules, `seats` included as it has grown.
    pub rules: SeatRules,
    /// Active users with a full licence. Above `rules.seats` after the operator made the pool
    /// smaller.
    pub used: u64,
}

/// The result of a search for a free seat.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Vacancy {
    /// A seat in the counter of this digit.
    In(char),
    /// No counter has a free seat.
    None {
        /// Number of seats in use above the size of the pool.
        debt: u64,
    },
}

impl Store {
    /// Reads the tenant's seats: three calls. If the pool grew between the read of the rules and
    /// that of the counters, its new seats would count as given back; so the rules are read again.
    pub async fn seats(&self, tenant: TenantId) -> Result<Seats, StoreError> {
        let mut backoff = Backoff::default();
        loop {
            let pool = self.fresh_pool(tenant).await?;
            let counters = self.counters(tenant, ResourceKind::User).await?;
            let settled = self.fresh_pool(tenant).await? == pool;
            if let Some(used) = used(&pool, &counters).filter(|_| settled) {
                let Pool { seats, auto_upgrade, on_join, .. } = pool;
                return Ok(Seats { rules: SeatRules { seats, auto_upgrade, on_join }, used });
            }
            backoff.pause().await?;
        }
    }

    /// Replaces the rules. A pool made smaller than what is in use takes no user's seat; it hands
    /// out none until enough have been given back.
    pub async fn replace_seats(
        &self,
        tenant: TenantId,
        rules: &SeatRules,
        now: Timestamp,
    ) -> Result<Seats, StoreError> {
        let mut backoff = Backoff::default();
        loop {
            let before = self.fresh_pool(tenant).await?;
            let counters = self.counters(tenant, ResourceKind::User).await?;
            if let Some(used) = used(&before, &counters) {
                let (single, shares) = shares(rules.seats, used)?;
                let SeatRules { seats, auto_upgrade, on_join } = *rules;
                let after = Pool { seats, auto_upgrade, on_join, single, epoch: before.epoch + 1 };
                let mut writes = vec![((), replace_pool(tenant, &before, &after))];
                for (counter, free) in counters.iter().zip(shares) {
                    writes.push(((), replace_share(tenant, counter, free, after.epoch)));
                }
                let detail = json!({
                    "seats": seats,
                    "auto_upgrade": auto_upgrade,
                    "on_join": on_join.as_str(),
                });
                let entry = Activity::new(now, "operator", "seats.set", detail)?;
                writes.push(((), entry.write(tenant)));
                if matches!(self.commit(&writes).await?, Commit::Done) {
                    self.hints.learn_pool(tenant, after);
                    return Ok(Seats { rules: *rules, used });
                }
            }
            backoff.pause().await?;
        }
    }

    /// Reads a counter with a free seat, chosen at random so that concurrent searches spread over
    /// the counters; otherwise the number of seats in use above the size of the pool.
    pub(super) async fn vacancy(&self, tenant: TenantId) -> Result<Vacancy, StoreError> {
        let counters = self.counters(tenant, ResourceKind::User).await?;
        let vacant: Vec<char> = counters
            .iter()
            .filter(|counter| counter.free > 0)
            .map(|counter| counter.shard)
            .collect();
        let Some(last) = vacant.len().checked_sub(1) else {
            let free: i64 = counters.iter().map(|counter| counter.free).sum();
            return Ok(Vacancy::None { debt: free.min(0).unsigned_abs() });
        };
        let random = usize::try_from(random()? >> 32).unwrap_or_default();
        Ok(vacant
            .get(random % (last + 1))
            .map_or(Vacancy::None { debt: 0 }, |shard| Vacancy::In(*shard)))
    }

    /// Adds a step to a full pool that may grow, and pays its debt. Of concurrent calls one
    /// succeeds; the others find its seats.
    pub(super) async fn grow(
        &self,
        tenant: TenantId,
        pool: &Pool,
        debt: u64,
        home: char,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(before) = pool.seats else { return Ok(()) };
        let step = debt.saturating_add(STEP);
        let after = before.saturating_add(step);
        let shard = if pool.single { FIRST } else { home };
        let size = Write::update(Key::seats(tenant), "SET seats = :after")
            .when("seats = :before AND e = :e")
            .bind(":before", number(before))
            .bind(":after", number(after))
            .bind(":e", number(pool.epoch));
        let seats = Write::update(Key::counter(tenant, ResourceKind::User, shard), "ADD f :step")
            .when("e = :e")
            .bind(":step", number(step))
            .bind(":e", number(pool.epoch));
        self.hints.forget_pool(tenant);
        let detail = json!({"from": before, "to": after});
        let entry = Activity::new(now, "gatehouse", "seats.grown", detail)?.write(tenant);
        self.commit(&[((), size), ((), seats), ((), entry)]).await.map(drop)
    }
}

/// Returns the number of seats in use; `None` when pool and counters were read in different epochs.
fn used(pool: &Pool, counters: &[Counter]) -> Option<u64> {
    if counters.iter().any(|counter| counter.epoch != pool.epoch) {
        return None;
    }
    let free: i64 = counters.iter().map(|counter| counter.free).sum();
    let used = i128::from(pool.seats.unwrap_or_default()) - i128::from(free);
    Some(u64::try_from(used).unwrap_or_default())
}

/// Spreads the free seats over the sixteen counters. A debt is in the first counter alone, and the
/// flag says so.
fn shares(seats: Option<u64>, used: u64) -> Result<(bool, Vec<i64>), StoreError> {
    let size = i128::from(seats.unwrap_or_default());
    let free = i64::try_from(size - i128::from(used)).map_err(|_| StoreError::TooLarge)?;
    if seats.is_some() && free >= 0 {
        let spread =
            (0..COUNTERS).map(|index| free / COUNTERS + i64::from(index < free % COUNTERS));
        return Ok((false, spread.collect()));
    }
    let debt = (0..COUNTERS).map(|index| if index == 0 { free } else { 0 });
    Ok((seats.is_some(), debt.collect()))
}

/// Returns the write of the rules, on the condition that both epoch and size are those of `before`.
///
/// Growth changes the size without the epoch. A size from before a growth together with counters
/// from after it would make seats in use look free. Within an epoch the size only grows, so a size
/// that is still the one read first has not moved in between.
fn replace_pool(tenant: TenantId, before: &Pool, after: &Pool) -> Write {
    let row = after.to_row(tenant);
    if before.epoch == 0 {
        return Write::insert(row);
    }
    let write = Write::replace(row, &["seats"]).bind(":before", number(before.epoch));
    match before.seats {
        Some(seats) => write.when("e = :before AND seats = :seats").bind(":seats", number(seats)),
        None => write.when("e = :before AND attribute_not_exists(seats)"),
    }
}

fn replace_share(tenant: TenantId, counter: &Counter, free: i64, epoch: u64) -> Write {
    let key = Key::counter(tenant, ResourceKind::User, counter.shard);
    let found =
        if counter.free == 0 { "(attribute_not_exists(f) OR f = :found)" } else { "f = :found" };
    let write = Write::update(key, "SET f = :free, e = :after")
        .bind(":found", number(counter.free))
        .bind(":free", number(free))
        .bind(":after", number(epoch));
    if counter.epoch == 0 {
        return write.when(format!("{found} AND attribute_not_exists(e)"));
    }
    write.when(format!("{found} AND e = :before")).bind(":before", number(counter.epoch))
}

/// The counter that holds all seats of a pool with a debt.
pub(super) const FIRST: char = '0';

const COUNTERS: i64 = 16;

/// Number of seats that a full pool grows by, in addition to its debt.
const STEP: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_to_the_free_seats() {
        for (seats, used, single) in
            [(Some(50), 0, false), (Some(50), 50, false), (Some(5), 7, true), (None, 3, false)]
        {
            let (is_single, shares) = shares(seats, used).unwrap();
            let free = i64::try_from(seats.unwrap_or(0)).unwrap() - i64::try_from(used).unwrap();
            assert_eq!((is_single, shares.iter().sum::<i64>()), (single, free), "{seats:?} {used}");
            assert_eq!(shares.len(), 16);
        }
    }
}
