use super::*;

fn tenant() -> TenantId {
    "01890000-0000-7000-8000-000000000001".parse().unwrap()
}

fn id() -> ResourceId {
    "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111".parse().unwrap()
}

#[test]
fn a_key_fits_whatever_the_length_of_its_value() {
    let mut seen = std::collections::HashSet::new();
    for length in [1, 899, 900, 901, 902, 5_000, 300_000] {
        for value in ["a".repeat(length), "é".repeat(length), format!("{}b", "a".repeat(length))] {
            let key = Key::email(tenant(), &value, id());
            assert!(key.sk.len() <= 1_024, "{length}");
            assert!(seen.insert((key.sk, value)), "{length}");
        }
    }
}

#[test]
fn every_kind_of_row_has_a_name_for_messages() {
    let t = tenant();
    let domain = "acme.com".parse().unwrap();
    let grant = "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111".parse().unwrap();
    let webhook = "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111".parse().unwrap();
    let client = "app_00000000000000000000000000000000".parse().unwrap();
    for (key, name) in [
        (Key::user(t, id()), "user"),
        (Key::user_name(t, "ada"), "userName of a user"),
        (Key::email(t, "ada@acme.com", id()), "e-mail address of a user"),
        (Key::external_id(t, ResourceKind::User, "1", id()), "externalId of a user"),
        (Key::group(t, id()), "group"),
        (Key::display_name(t, "staff"), "displayName of a group"),
        (Key::external_id(t, ResourceKind::Group, "1", id()), "externalId of a group"),
        (Key::member(t, id(), id()), "membership of a group"),
        (Key::counter(t, ResourceKind::User, '0'), "counter"),
        (Key::counter(t, ResourceKind::Group, '0'), "counter"),
        (Key::leaves(t, ResourceKind::User, "00"), "leaves of a counter"),
        (Key::leaves(t, ResourceKind::Group, "00"), "leaves of a counter"),
        (Key::tenant(t), "tenant"),
        (Key::listed_tenant(t), "entry in the list of tenants"),
        (Key::tenant_external_id("org"), "entry in the list of tenants"),
        (Key::seats(t), "seat rules"),
        (Key::connection(t, &domain), "connection"),
        (Key::domain(&domain), "holder of a domain or name"),
        (Key::pending_sign_in("_1"), "pending sign-in"),
        (Key::consumed_assertion(t, "1"), "consumed assertion"),
        (Key::token_use(t, "1"), "last use of a SCIM token"),
        (Key::sign_in_record(t, "1"), "record of a sign-in"),
        (Key::link(t, "1"), "link of an identity"),
        (Key::claim(t, &domain), "claim on a domain"),
        (Key::authority(t, &domain), "authority of a connection"),
        (Key::scim_tokens_lease(t), "lease for SCIM tokens"),
        (Key::webhooks_lease(), "lease for webhooks"),
        (Key::webhook_secrets_lease(webhook), "lease for webhooks"),
        (Key::webhook(webhook), "webhook"),
        (Key::webhook_attempt(webhook, 1), "attempt of a webhook"),
        (Key::refresh_position(), "position of the refresh"),
        (Key::layout(), "layout of the table"),
        (Key::activity(t, "202611", "1"), "activity entry"),
        (Key::client(&client), "app"),
        (Key::code(t, "1"), "authorization code"),
        (Key::grant(t, grant), "grant"),
        (Key::refresh_token(t, "1"), "refresh token"),
        (Key::session(t, "1"), "session"),
    ] {
        assert_eq!(row_kind(&key.pk, &key.sk).one, name, "{key:?}");
        assert_eq!(Key::of(&key.item()), key);
    }
}
