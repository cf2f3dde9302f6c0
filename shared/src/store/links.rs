//! Links between an identity of a connection and the user that it signs in as.
//!
//! A link is two rows, written together: one found by the identity, one by the user. Because of the
//! second, an e-mail address that was given to another person does not lead to the account of its
//! former holder.

use super::item::{parsed, text};
use super::keys::Key;
use super::transaction::Commit;
use super::write::Write;
use super::{Store, StoreError};
use types::domain::Domain;
use types::ids::{ResourceId, TenantId};

/// The result of linking.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Linked {
    /// The identity is linked to the user.
    Done,
    /// The user is linked to another identity of the same connection.
    UserTaken,
    /// The identity has been linked to another user meanwhile: look it up again.
    IdentityTaken,
}

/// The row that a write of the transaction is about.
#[derive(Clone, Copy, Debug)]
enum LinkRow {
    Identity,
    User,
}

impl Store {
    /// Reads the user that this identity is linked to. The user may have been deleted.
    pub async fn linked_user(
        &self,
        tenant: TenantId,
        identity: &str,
    ) -> Result<Option<ResourceId>, StoreError> {
        self.get(&Key::link(tenant, identity)).await?.map(|row| parsed(&row, "id")).transpose()
    }

    /// Links an identity to a user. `gone` is the deleted user that it was linked to before.
    pub async fn link_user(
        &self,
        tenant: TenantId,
        domain: &Domain,
        identity: &str,
        user: ResourceId,
        gone: Option<ResourceId>,
    ) -> Result<Linked, StoreError> {
        let mut by_identity = Key::link(tenant, identity).item();
        by_identity.insert("id".to_owned(), text(user.to_string()));
        let mut by_user = Key::linked_user(tenant, user, domain).item();
        by_user.insert("x".to_owned(), text(identity));
        let known = gone.unwrap_or(user);
        let writes = [
            (
                LinkRow::Identity,
                Write::replace(by_identity, &[])
                    .when("attribute_not_exists(pk) OR id = :known")
                    .bind(":known", text(known.to_string())),
            ),
            (
                LinkRow::User,
                Write::replace(by_user, &[])
                    .when("attribute_not_exists(pk) OR x = :x")
                    .bind(":x", text(identity)),
            ),
        ];
        match self.commit(&writes).await? {
            Commit::Done => Ok(Linked::Done),
            Commit::Refused(refusals) => {
                let user_taken = refusals.iter().any(|refusal| match refusal.label {
                    LinkRow::User => true,
                    LinkRow::Identity => false,
                });
                Ok(if user_taken { Linked::UserTaken } else { Linked::IdentityTaken })
            }
        }
    }
}
