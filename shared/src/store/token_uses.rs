//! When and by which product each SCIM token of a tenant was last used.
//!
//! The tokens themselves are in Secrets Manager, which the function that sees their use cannot
//! write. A row expires with its token.

use jiff::Timestamp;

use super::item::{corrupt, number, required_number, take_text, text};
use super::keys::{Key, SK, TTL, token_uses};
use super::read::{Consistency, Range};
use super::write::Write;
use super::{Store, StoreError};
use crate::http::user_agent::Product;
use types::ids::TenantId;

/// The last use of a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct TokenUse {
    /// Id of the token.
    pub(crate) token: String,
    /// Time of the use, in whole seconds. Uses within the minute after it are not written.
    pub(crate) at: Timestamp,
    /// The product that used it.
    pub(crate) product: Product,
}

impl Store {
    /// Notes a use of a token, unless a later one is known. `expires_at` is the end of the token.
    pub(crate) async fn note_token_use(
        &self,
        tenant: TenantId,
        token_use: &TokenUse,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut row = Key::token_use(tenant, &token_use.token).item();
        let at = number(token_use.at.as_second());
        row.extend([
            (LAST_USED.to_owned(), at.clone()),
            (PRODUCT.to_owned(), text(token_use.product.code())),
            (TTL.to_owned(), number(expires_at.as_second())),
        ]);
        let write = Write::replace(row, &[])
            .when(format!("attribute_not_exists({LAST_USED}) OR {LAST_USED} < :at"))
            .bind(":at", at);
        self.commit(&[((), write)]).await.map(drop)
    }

    /// Reads the last use of each token of a tenant, also of tokens that have been revoked.
    pub(crate) async fn token_uses(&self, tenant: TenantId) -> Result<Vec<TokenUse>, StoreError> {
        let range = Range::all(token_uses(tenant), Consistency::Strong);
        let mut uses = Vec::new();
        for mut row in self.query(&range, MOST_TOKENS).await? {
            let at = Timestamp::from_second(required_number(&row, LAST_USED)?);
            let at = at.map_err(|_| corrupt(&row, LAST_USED))?;
            let product = Product::from_code(&take_text(&mut row, PRODUCT)?);
            uses.push(TokenUse { token: take_text(&mut row, SK)?, at, product });
        }
        Ok(uses)
    }
}

const LAST_USED: &str = "lu";
const PRODUCT: &str = "p";

/// More than a tenant has: two are live, and the rows of the others expire.
const MOST_TOKENS: usize = 1_000;
