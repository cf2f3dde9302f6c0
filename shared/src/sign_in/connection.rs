//! The connection that a URL names.
//!
//! Invariant: to a stranger, a name that nobody has looks like a connection that is not set up or is
//! disabled (rule 21). Otherwise names could be tried to find out who is a customer.

use super::error::SignInError;
use crate::runtime::request_log::note_tenant;
use crate::runtime::state::AppState;
use crate::store::{Standing, StoredConnection};
use saml::connection::Connection;
use saml::error::{ConnectionError, SamlError};
use types::domain::Domain;

/// Reads the connection named `name`, whichever tenant it belongs to.
///
/// # Errors
///
/// [`SamlError::Connection`] if there is none: one answer for a malformed name and an unknown one.
pub(crate) async fn read_connection(app: &AppState, name: &str) -> Result<Connection, SignInError> {
    let stored = app.store.connection_named(&parse(name)?).await?;
    noted(stored)
}

/// Reads the connection named `name` with the generations and the authority that a sign-in through
/// it rests on. Errors as [`read_connection`].
pub(crate) async fn read_with_standing(
    app: &AppState,
    name: &str,
) -> Result<(Connection, Standing), SignInError> {
    let found = app.store.connection_with_standing(&parse(name)?).await?;
    let (stored, standing) = found.ok_or_else(unknown)?;
    Ok((noted(Some(stored))?, standing))
}

fn parse(name: &str) -> Result<Domain, SignInError> {
    name.parse().map_err(|_| unknown())
}

fn noted(stored: Option<StoredConnection>) -> Result<Connection, SignInError> {
    let connection = stored.ok_or_else(unknown)?.connection;
    note_tenant(connection.tenant);
    Ok(connection)
}

/// Reads the connection named `name` if people can sign in at it.
///
/// # Errors
///
/// [`SamlError::Connection`] if there is none, or if it is not set up or disabled: one answer for
/// all of them. So nothing else of a request may be judged before.
pub(crate) async fn read_ready_connection(
    app: &AppState,
    name: &str,
) -> Result<Connection, SignInError> {
    let connection = read_connection(app, name).await?;
    connection.active_trust().map_err(SamlError::Connection)?;
    Ok(connection)
}

fn unknown() -> SignInError {
    SamlError::Connection(ConnectionError::Unknown).into()
}
