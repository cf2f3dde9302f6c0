//! The parts of a sign-in that SAML and OpenID Connect share: connection, matching, session, pages.
//!
//! `saml_api` and `oidc_api` use this module and do not know each other. A sign-in passes through
//! it twice:
//!
//! - `start` stores the purpose of the sign-in, binds it to the browser
//!   (`browser`) and sends the browser to the identity provider.
//! - When `saml_api::acs` has verified the response, `matching` finds the user, `destination`
//!   the app, `record` writes the record for the administrator, and [`complete()`]
//!   creates the `session` and sends the browser to the app
//!   (`authorization_response`).
//!
//! Invariants:
//! - Nobody is signed in whose response was not verified, whose assertion and request were not
//!   consumed, or who is not active.
//! - A session, code or token is checked against its user at every use (`active_grant`).

pub(crate) mod active_grant;
mod asserted_user;
pub(crate) mod authorization_response;
pub(crate) mod browser;
pub mod claims;
pub(crate) mod complete;
pub(crate) mod connection;
pub mod decision;
pub(crate) mod destination;
pub mod dns;
pub mod domains;
pub(crate) mod error;
pub(crate) mod matching;
pub mod metadata_fetch;
pub(crate) mod organisation;
pub(crate) mod pages;
pub(crate) mod record;
pub mod refusal;
pub(crate) mod retry;
pub(crate) mod session;
pub mod sessions;
mod sp_urls;
pub(crate) mod start;
pub mod tenant_trust;

use oidc::grant::Authentication;
use types::ids::TenantId;

pub use self::complete::complete;
pub use self::destination::{AppChoice, Destination, is_page_of_an_app};
pub use self::error::SignInError;
pub use self::sp_urls::SpUrls;
pub use self::start::PENDING_UNITS;

/// A person who was authenticated by an identity provider, matched to a user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedIn {
    /// The tenant of the user.
    pub tenant: TenantId,
    /// The sign-in, as sessions and codes remember it.
    pub authentication: Authentication,
}
