//! Restores one tenant from another table, which is this one as it was at an earlier time.

use jiff::Timestamp;
use serde_json::json;

use super::activity::{Activity, months_before};
use super::batch::RowChange;
use super::domains::{DomainHolder, NAME_ONLY, StoredClaim, holder_row};
use super::item::{Item, corrupt, text};
use super::keys::{Key, activity, members, restorable};
use super::read::{Consistency, Range, SortKeys, sort_key};
use super::transaction::Commit;
use super::write::Write;
use super::{Store, StoreError, UniqueAttribute};
use types::domain::Domain;
use types::ids::{ResourceId, TenantId};

/// The result of a restore.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Restored {
    /// The tenant exists again.
    Done {
        /// Number of rows that were copied, without those of the last transaction.
        rows: usize,
    },
    /// The source does not have the tenant. Nothing was written.
    Absent,
    /// The target still has the tenant, which must be deleted first: otherwise newer rows would mix
    /// with older ones. Nothing was written.
    Exists,
}

/// The row that a write of the last transaction is about, which tells what its refusal means.
#[derive(Clone, Copy, Debug)]
enum RestoredRow {
    Tenant,
    ListedTenant,
    ExternalId,
    Domain,
}

impl Store {
    /// Copies a tenant from the table `source` into this one.
    ///
    /// Codes, grants, refresh tokens and sessions are left out: one that was revoked since must not
    /// come back. SCIM tokens are not in the table.
    ///
    /// The tenant's own row comes last, so that no request sees an incomplete tenant, and an
    /// interrupted copy can be started again.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when another tenant has taken one of its domains, or its
    /// `external_id`, since.
    pub async fn restore_tenant(
        &self,
        source: &Self,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Restored, StoreError> {
        let Some(found) = source.get(&Key::tenant(tenant)).await? else {
            return Ok(Restored::Absent);
        };
        if self.tenant(tenant).await?.is_some() {
            return Ok(Restored::Exists);
        }
        let rows = self.copy_tenant(source, tenant, now).await?;
        self.restore_holders(source, tenant).await?;
        let mut writes = vec![
            (RestoredRow::Tenant, Write::insert(found)),
            (RestoredRow::ListedTenant, Write::put(Key::listed_tenant(tenant).item())),
        ];
        let named = source.tenant(tenant).await?.and_then(|tenant| tenant.external_id);
        if let Some(name) = named.filter(|name| !name.is_empty()) {
            let mut row = Key::tenant_external_id(&name).item();
            row.insert("id".to_owned(), text(tenant.to_string()));
            writes.push((RestoredRow::ExternalId, Write::insert(row)));
        }
        for stored in source.connections(tenant).await? {
            let key = Key::domain(&stored.connection.domain);
            let row = source.get(&key).await?;
            let row = row.ok_or_else(|| corrupt(&key.item(), "t"))?;
            if !row.contains_key(NAME_ONLY) {
                // A row of version 0.1.0 makes the name a domain of the tenant.
                self.require_free(tenant, &stored.connection.domain).await?;
            }
            writes.push((RestoredRow::Domain, Write::insert(row)));
        }
        if let Commit::Refused(refusals) = self.commit(&writes).await? {
            return match refusals.first().map(|refusal| refusal.label) {
                Some(RestoredRow::Domain) => Err(StoreError::Conflict(UniqueAttribute::Domain)),
                Some(RestoredRow::ExternalId) => {
                    Err(StoreError::Conflict(UniqueAttribute::TenantExternalId))
                }
                Some(RestoredRow::Tenant | RestoredRow::ListedTenant) | None => {
                    Ok(Restored::Exists)
                }
            };
        }
        let entry = Activity::new(now, "operator", "tenant.restored", json!({ "rows": rows }))?;
        self.commit(&[((), entry.write(tenant))]).await?;
        Ok(Restored::Done { rows })
    }

    /// Copies all rows of a tenant except those of the last transaction, and returns their number.
    async fn copy_tenant(
        &self,
        source: &Self,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let mut rows = 0;
        let mut last: Option<ResourceId> = None;
        loop {
            let groups = source.groups_after(tenant, last, GROUPS_AT_A_TIME).await?;
            for group in &groups {
                rows += self.copy(source, tenant, members(tenant, group.resource.id)).await?;
            }
            match groups.last() {
                Some(group) => last = Some(group.resource.id),
                None => break,
            }
        }
        for month in months_before(now, now) {
            rows += self.copy(source, tenant, activity(tenant, &month)).await?;
        }
        for partition in restorable(tenant) {
            rows += self.copy(source, tenant, partition).await?;
        }
        Ok(rows)
    }

    /// Makes the tenant the holder of its verified domains again. If the copy ends after this, the
    /// next one finds the rows as its own.
    async fn restore_holders(&self, source: &Self, tenant: TenantId) -> Result<(), StoreError> {
        for StoredClaim { claim, .. } in source.claims(tenant).await? {
            let Some(verified_by) = claim.verified_by else { continue };
            let holder = DomainHolder { tenant, verified_by, is_implied: false };
            self.require_free(tenant, &claim.domain).await?;
            let write = Write::put(holder_row(&claim.domain, holder))
                .when("attribute_not_exists(pk) OR t = :t")
                .bind(":t", text(tenant.to_string()));
            if matches!(self.commit(&[((), write)]).await?, Commit::Refused(_)) {
                return Err(StoreError::Conflict(UniqueAttribute::Domain));
            }
        }
        Ok(())
    }

    /// Fails if another tenant holds the domain.
    async fn require_free(&self, tenant: TenantId, domain: &Domain) -> Result<(), StoreError> {
        match self.domain_holder(domain).await? {
            Some(holder) if holder.tenant != tenant => {
                Err(StoreError::Conflict(UniqueAttribute::Domain))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Copies a partition except the tenant's own row, and returns the number of copied rows.
    async fn copy(&self, source: &Self, tenant: TenantId, pk: String) -> Result<usize, StoreError> {
        let own = Key::tenant(tenant).item();
        let is_own = |row: &Item| own.iter().all(|(name, value)| row.get(name) == Some(value));
        let mut range = Range::all(pk, Consistency::Strong);
        let mut copied = 0;
        loop {
            let rows = source.query(&range, ROWS_AT_A_TIME).await?;
            let Some(last) = rows.last() else { return Ok(copied) };
            range.sort_keys = Some(SortKeys::After(sort_key(last)?.to_owned()));
            let others = rows.into_iter().filter(|row| !is_own(row));
            let changes: Vec<_> = others.map(RowChange::Put).collect();
            copied += changes.len();
            self.write_rows(changes).await?;
        }
    }
}

const GROUPS_AT_A_TIME: usize = 100;
const ROWS_AT_A_TIME: usize = 1_000;
