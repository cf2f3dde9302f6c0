//! Replays connector traces: requests as Entra ID, Okta, OneLogin and others send them. Each trace
//! gets a tenant of its own.
//!
//! With `GATEHOUSE_TRACES_BASE_URL` and `GATEHOUSE_TRACES_TOKEN` set, the traces are replayed
//! against a running server instead. The traces are in `tests/fixtures/scim/traces`; `format` is
//! their format, `runner` sends the requests and `check` judges the answers.

mod check;
mod format;
mod path;
mod runner;
mod target;
mod values;

use std::path::PathBuf;

use harness::TestApp;

use self::format::Trace;
use self::target::Target;

/// Defines a test for each trace, and the list of their names.
macro_rules! replay_traces {
    ($($name:ident),+ $(,)?) => {
        const NAMES: &[&str] = &[$(stringify!($name)),+];

        $(
            #[tokio::test]
            async fn $name() {
                if let Err(problem) = replay(stringify!($name)).await {
                    panic!("{problem}");
                }
            }
        )+
    };
}

replay_traces![
    authentik_filter_without_quotes,
    authentik_provider_config,
    bitwarden_blank_primary_address,
    entra_custom_attribute_under_core_urn,
    entra_department_at_the_root,
    entra_filter_by_full_urn,
    entra_gallery_null_update,
    entra_gallery_user_pagination,
    entra_legacy_create_user_full,
    entra_legacy_disable_enable_string,
    entra_legacy_duplicate,
    entra_legacy_group_delete,
    entra_legacy_group_duplicate,
    entra_legacy_group_rename,
    entra_legacy_hard_delete,
    entra_legacy_manager_string,
    entra_legacy_primary_filters,
    entra_legacy_reference_query,
    entra_legacy_remove_attributes,
    entra_legacy_roles,
    entra_legacy_unquoted_filter_value,
    entra_legacy_update_multi,
    entra_member_display_name,
    entra_optscim_disable_enable,
    entra_optscim_flag_in_query,
    entra_optscim_group_members,
    entra_validator_empty_operations,
    entra_validator_preview,
    generic_backslash_in_user_name,
    generic_clear_parts,
    generic_discovery,
    generic_errors,
    generic_extension_list_values,
    generic_extension_urn_ends_in_version,
    generic_group_clear,
    generic_group_patch_keeps_members,
    generic_groups_of_a_user_have_names,
    generic_international_names,
    generic_media_types,
    generic_pagination_edges,
    generic_percent_encoding,
    generic_plus_as_it_is,
    generic_raw_quotes,
    generic_rename_conflict,
    generic_replace_members_without_value,
    gluu_filters_with_null_and_false,
    google_username_only,
    jumpcloud_activate,
    jumpcloud_user_patch,
    keycloak_default_schemas,
    keycloak_schemas_of_schemas,
    lucid_admin_roles,
    lucid_gallery_2022_product_licenses,
    okta_custom_namespace,
    okta_deactivate_reactivate,
    okta_group_push,
    okta_group_put,
    okta_group_put_empty,
    okta_group_replace_members,
    okta_items_per_page,
    okta_put_deactivate,
    okta_put_readonly_groups,
    okta_rename_by_new_user,
    onelogin_active_as_string,
    onelogin_create_template,
    onelogin_draft_schema_urns,
    onelogin_test_connection,
    oracle_primary_work_email,
    pingfederate_email_filter,
    pingfederate_groups_by_listing,
    rancher_urn_of_another_type,
    rippling_basic,
    syncope_dot_after_core_urn,
    wso2_emails_of_mixed_form,
    wso2_remove_by_two_terms,
    wso2_search_without_count,
];

#[test]
fn every_trace_file_is_replayed() {
    let mut files: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().replace('-', "_"))
        .collect();
    files.sort();
    assert_eq!(files, NAMES);
}

async fn replay(name: &str) -> Result<(), String> {
    let file = folder().join(format!("{}.json", name.replace('_', "-")));
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let trace: Trace = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if format!("{}-{}", trace.connector, trace.scenario).replace('-', "_") != name {
        return Err(format!("the file is called {}-{} in itself", trace.connector, trace.scenario));
    }
    let shortfalls = runner::run(&trace, &target().await?).await?;
    match SHORTFALLS.iter().find(|(known, _)| *known == name) {
        Some((_, reason)) if shortfalls.is_empty() => {
            Err(format!("has no shortfall any more ({reason}): remove it from the list"))
        }
        None if !shortfalls.is_empty() => Err(shortfalls.join("\n")),
        Some(_) | None => Ok(()),
    }
}

/// Traces with an answer that differs from the connector's documentation, and the reason. The
/// connector works nevertheless.
const SHORTFALLS: &[(&str, &str)] = &[(
    "okta_put_readonly_groups",
    "`groups` costs a query, so it is returned only on request (RFC 7643 §7, `request`)",
)];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/scim/traces")
}

/// Returns the server that the environment names, or a new tenant in this process.
#[expect(clippy::disallowed_methods, reason = "a test has no configuration to read it from")]
async fn target() -> Result<Target, String> {
    let base_url = std::env::var("GATEHOUSE_TRACES_BASE_URL").ok();
    let token = std::env::var("GATEHOUSE_TRACES_TOKEN").ok();
    if let Some((base_url, token)) = base_url.zip(token) {
        return Target::remote(&base_url, token);
    }
    let test = TestApp::new().await;
    let router = shared::scim_api::router(test.app.clone());
    Ok(Target::router(router, "/scim/v2", test.acme.token))
}
