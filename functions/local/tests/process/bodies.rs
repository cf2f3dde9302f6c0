//! Bodies over the limit, over a real connection: the sender receives the 413.

use crate::instance::{Instance, http};

#[test]
fn a_body_over_the_limit_gets_a_413() {
    let instance = Instance::ephemeral();
    let base_url = instance.fact("/base_url").to_owned();
    let scim = format!("Bearer {}", instance.fact("/scim/token"));
    let operator = format!("Bearer {}", instance.fact("/operator_key"));
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let json = ("Content-Type", "application/json");
    for (path, headers, length) in [
        ("/scim/v2/Users", [json, ("Authorization", scim.as_str())], 8 << 20),
        ("/v1/tenants", [json, ("Authorization", &operator)], 8 << 20),
        ("/oauth2/token", [form, ("Accept", "*/*")], 1 << 17),
        ("/oauth2/authorize", [form, ("Accept", "*/*")], 1 << 17),
        ("/saml/sso/acme.com", [form, ("Accept", "*/*")], 8 << 20),
    ] {
        let body = "a".repeat(length);
        let (status, _) = http("POST", &format!("{base_url}{path}"), &headers, &body);
        assert_eq!(status, 413, "{path}");
    }
}
