//! The connection that a URL names.
//!
//! Invariant: to a stranger, a name that nobody has looks like a connection that is not set up or is
//! disabled (rule 21). Otherwise names could be tried to find out who is a customer.

use super::error::SignInError;
use crate::runtime::request_log::note_tenant;
use crate::runtime::state::AppState;
use saml::connection::Connection;
use saml::error::{ConnectionError, SamlError};
use types::domain::Domain;

/// Reads the connection named `name`, whichever tenant it belongs to.
///
/// # Errors
///
/// [`SamlError::Connection`] if there is none: one answer for a malformed name and an unknown one.
pub(crate) async fn read_connection(app: &AppState, name: &str) -> Result<Connection, SignInError> {
    let unknown = || SamlError::Connection(ConnectionError::Unknown);
    let name: Domain = name.parse().map_err(|_| unknown())?;
    let stored = app.store.connection_named(&name).await?;
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
