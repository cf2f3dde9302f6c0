//! The common crate of the Gatehouse functions: the table, the secrets and the routers.
//!
//! The protocol rules are in the packages `scim`, `saml`, `oidc` and `directory`, and the types that
//! these share in `types`. None of the five does I/O.
//!
//! # Map, from top to bottom
//!
//! A module uses only modules below it, or on the same line; a test reads the imports and this list.
//!
//! - [`deploy_check`]: the check of a new version before it gets traffic.
//! - [`events`]: publishes the events of changes, and delivers them to webhooks.
//! - [`scim_api`], [`saml_api`], [`oidc_api`], [`directory_api`], [`operator_api`]: the routers.
//! - [`sign_in`]: the parts of a sign-in that SAML and OpenID Connect share.
//! - [`built_in_idp`]: a minimal identity provider of our own, for the demo and for [`deploy_check`].
//! - [`webhooks`]: sends the messages of webhooks.
//! - [`event_view`]: an event as apps see it.
//! - [`runtime`]: the process: state, log, warm-up and Lambda adapter.
//! - [`secrets`]: Secrets Manager: SCIM tokens, SAML keys, OpenID Connect keys.
//! - [`store`]: the DynamoDB table.
//! - [`http`]: parts of requests and responses that all routers use.
//! - [`aws`]: SDK clients, HTTPS client, errors and counts of calls.
//! - [`config`], [`clock`], [`error_chain`]: the environment; time and randomness; errors with their
//!   sources.
//!
//! # Architecture invariants
//!
//! - A protocol rule is a pure function of data; time, ids and randomness are arguments of it.
//!   Only [`clock`] reads the clock, only [`config`] the environment.
//! - The tenant of a SCIM or OpenID Connect request comes from its token or code, that of a SAML
//!   request from the connection; only an operator, and an app at the directory, name it in a path.
//!   It is the first argument of every store call, except of those that look it up.
//! - There is one store and no trait in front of it.
//! - A handler that does not take its authenticated caller is public and says so.
//! - The log contains no personal data and no credentials.

pub mod aws;
pub mod built_in_idp;
pub mod clock;
pub mod config;
pub mod deploy_check;
pub mod directory_api;
pub mod error_chain;
pub mod event_view;
pub mod events;
pub mod http;
pub mod oidc_api;
pub mod operator_api;
pub mod runtime;
pub mod saml_api;
pub mod scim_api;
pub mod secrets;
pub mod sign_in;
pub mod store;
pub mod webhooks;
