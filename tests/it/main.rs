//! Integration tests. They use the public interfaces, with embedded AWS services.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod adversaries;
mod authority_defects;
mod authority_model;
mod bad_authority_input;
mod bad_input;
mod bodies;
mod concurrency;
mod cost;
mod cross_origin;
mod deactivation;
mod deploy_check;
mod directory;
mod directory_capacity;
mod directory_tokens;
mod documents;
mod domains;
mod events;
mod fuzz;
mod lambda_events;
mod memberships;
mod module_circles;
mod oidc_acr;
mod oidc_authorize;
mod oidc_clients;
mod oidc_form_post;
mod oidc_hint;
mod oidc_keys;
mod oidc_logout;
mod oidc_native;
mod oidc_oracle;
mod oidc_sessions;
mod oidc_sign_in;
mod oidc_tokens;
mod openapi;
mod operations;
mod operator_lists;
mod saml_answer_forms;
mod saml_answers;
mod saml_attacks;
mod saml_invariants;
mod saml_metadata;
mod saml_metadata_forms;
mod saml_mutations;
mod saml_oracle;
mod saml_policy;
mod saml_shapes;
mod scim_bodies;
mod scim_tolerances;
mod scim_urns;
mod sign_in;
mod sign_in_apps;
mod sign_in_browser;
mod sign_in_enumeration;
mod sign_in_errors;
mod sign_in_explain;
mod sign_in_keys;
mod sign_in_metadata_url;
mod sign_in_profile;
mod sign_in_provider_initiated;
mod sign_in_recognition;
mod sign_in_refused;
mod sign_in_sentences;
mod sign_in_setup;
mod sign_in_twice;
mod sign_in_users;
mod speculation;
mod store_capacity;
mod store_faults;
mod store_feed;
mod store_groups;
mod store_pages;
mod store_restore;
mod store_seats;
mod store_table;
mod store_tenants;
mod store_users;
mod template;
mod template_events;
mod tenant_isolation;
mod tidy;
mod tokens;
mod traces;
mod transport_security;
mod versions;
mod warm_up;
mod webhooks;
mod work;
mod workflows;
