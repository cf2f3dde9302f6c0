//! Gatehouse's one shared crate: protocol cores, store, secrets and routers.
//!
//! # Map
//!
//! Pure, no I/O: [`scim`] (resources, schemas, filters, PATCH), [`saml`] (responses, metadata,
//! requests), [`oidc`] (requests, claims), [`connection`], [`domain`], [`token`], [`ids`],
//! [`rate_limit`].
//!
//! At the rim: [`scim_api`], [`saml_api`], [`oidc_api`] and [`operator_api`] (routers), [`store`]
//! (the DynamoDB table), [`secrets`], [`scim_tokens`], [`saml_keys`] and [`oidc_keys`] (Secrets
//! Manager), [`https`] and [`metadata_fetch`] (the Internet), [`request_log`], [`telemetry`].
//!
//! Beside them: [`deploy_check`], which a new version has to pass, and [`idp`], an identity provider
//! for it and for the demo.
//!
//! Wiring: [`config`], [`aws`], [`state`], [`lambda`], [`warm_up`].
//!
//! # Architecture invariants
//!
//! - A protocol rule is a pure function of data; time, ids and randomness are arguments of it.
//!   Only [`clock`] reads the clock, only [`config`] the environment.
//! - A tenant comes from a token, never from a path or a body, and begins every store call.
//! - There is one store and no trait in front of it.
//! - A handler that does not take a caller is public and says so.
//! - Nothing is logged that names a person or lets one in.

pub mod aws;
pub mod base_url;
mod body;
pub mod clock;
pub mod config;
pub mod connection;
pub mod cookie;
pub mod deploy_check;
pub mod domain;
mod html;
pub mod https;
pub mod idp;
pub mod ids;
pub mod lambda;
pub mod metadata_fetch;
pub mod oidc;
pub mod oidc_api;
pub mod oidc_keys;
pub mod operator_api;
pub mod problem;
pub mod rate_limit;
pub mod request_log;
pub mod saml;
pub mod saml_api;
pub mod saml_keys;
pub mod scim;
pub mod scim_api;
pub mod scim_tokens;
pub mod secrets;
mod self_signed;
pub mod sign_in;
pub mod state;
pub mod store;
pub mod telemetry;
pub mod token;
pub mod ttl_cache;
pub mod warm_up;
