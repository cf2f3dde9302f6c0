//! Names of the kinds of rows, for messages.

use types::ids::TenantId;

/// Name of a kind of row, for messages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::store) struct RowKind {
    pub(in crate::store) one: &'static str,
    pub(in crate::store) many: &'static str,
}

/// The kind of the row with this key. Called only for a message, so that no key carries it.
pub(in crate::store) fn row_kind(pk: &str, sk: &str) -> RowKind {
    let kind = |one, many| RowKind { one, many };
    let of_tenant = pk.split_once('#').filter(|(id, _)| id.parse::<TenantId>().is_ok());
    let Some((_, partition)) = of_tenant else {
        return match pk.split('#').next().unwrap_or_default() {
            "DOM" => kind("holder of a domain or name", "holders of domains and names"),
            "Q" => kind("pending sign-in", "pending sign-ins"),
            "TENANTS" => kind("entry in the list of tenants", "list of tenants"),
            "CLIENTS" => kind("app", "apps"),
            "LAYOUT" => kind("layout of the table", "layouts of the table"),
            "REFRESH" => kind("position of the refresh", "positions of the refresh"),
            "LOCK" if pk.starts_with("LOCK#webhooks") => {
                kind("lease for webhooks", "leases for webhooks")
            }
            "LOCK" => kind("lease for SCIM tokens", "leases for SCIM tokens"),
            "WEBHOOKS" if pk.contains('#') => kind("attempt of a webhook", "attempts of a webhook"),
            "WEBHOOKS" => kind("webhook", "webhooks"),
            "OUT" => kind("event to publish", "events to publish"),
            "EV" => kind("event", "events"),
            "FEED" => kind("head of the feed", "heads of the feed"),
            "NOTHING" => kind("row of the connection test", "rows of the connection test"),
            _ => kind("row", "rows"),
        };
    };
    match (partition.split('#').next().unwrap_or_default(), sk.split('#').next()) {
        ("U", _) => kind("user", "users"),
        ("N", _) => kind("userName of a user", "userNames of users"),
        ("X", _) => kind("externalId of a user", "externalIds of users"),
        ("E", _) => kind("e-mail address of a user", "e-mail addresses of users"),
        ("G", _) => kind("group", "groups"),
        ("GN", _) => kind("displayName of a group", "displayNames of groups"),
        ("GX", _) => kind("externalId of a group", "externalIds of groups"),
        ("GM", _) => kind("membership of a group", "memberships of a group"),
        ("C" | "GC", _) => kind("counter", "counters"),
        ("R" | "GR", _) => kind("leaves of a counter", "leaves of counters"),
        ("T", Some("T")) => kind("tenant", "tenants"),
        ("T", Some("SEATS")) => kind("seat rules", "seat rules"),
        ("T", Some("DOMAIN")) => kind("claim on a domain", "claims on domains"),
        ("T", Some("AUTH")) => kind("authority of a connection", "authorities of connections"),
        ("T", _) => kind("connection", "connections"),
        ("L", _) => kind("link of an identity", "links of identities"),
        ("S", _) => kind("record of a sign-in", "records of sign-ins"),
        ("RA", _) => kind("consumed assertion", "consumed assertions"),
        ("TU", _) => kind("last use of a SCIM token", "last uses of SCIM tokens"),
        ("O", Some("C")) => kind("authorization code", "authorization codes"),
        ("O", Some("G")) => kind("grant", "grants"),
        ("O", Some("F")) => kind("refresh token", "refresh tokens"),
        ("O", Some("U")) => kind("grant of a user", "grants of a user"),
        ("O", _) => kind("session", "sessions"),
        ("A", _) => kind("activity entry", "activity"),
        ("EV", _) => kind("positions of a tenant's events", "positions of a tenant's events"),
        _ => kind("row", "rows"),
    }
}
