use super::*;

const GOOD: &str = "response_type=code&scope=openid&state=s&nonce=n&\
    code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn read(query: &str) -> Result<AuthorizeRequest, OauthError> {
    AuthorizeRequest::read(
        &Parameters::parse(query).unwrap(),
        ClientId::new([1; 16]),
        RedirectUri::parse("https://app.example/cb").unwrap(),
        Pkce::Required,
        at("2026-01-01T12:00:00Z"),
    )
}

#[track_caller]
fn check(more: &str, expect: &str) {
    let outcome = match read(&format!("{GOOD}&{more}")) {
        Ok(request) => {
            format!("{:?} {:?} {:?}", request.prompt, request.max_age_seconds, request.organisation)
        }
        Err(error) => error.code.as_str().to_owned(),
    };
    assert_eq!(outcome, expect, "{more}");
}

#[test]
fn parameters_mean_what_openid_connect_says() {
    check("", "Unset None None");
    check("prompt=login&max_age=60", "Login Some(60) None");
    check("prompt=none", "None None None");
    check("prompt=consent", "Unset None None");
    check("prompt=login+select_account+consent", "Login None None");
    check("prompt=select_account+login", "Login None None");
    check("prompt=select_account", "SelectAccount None None");
    check("prompt=none+login", "invalid_request");
    check("prompt=login+none", "invalid_request");
    check("prompt=create", "invalid_request");
    check("max_age=-1", "invalid_request");
    check("max_age=99999999999", "Unset None None");
    check("domain=ACME.com", "Unset None Some(Domain(Domain(\"acme.com\")))");
    check("domain=acme", "invalid_request");
    check("domain=a%2Fb.com", "invalid_request");
    check("login_hint=Ada%40Acme.com", "Unset None Some(Domain(Domain(\"acme.com\")))");
    check("login_hint=acme.com", "Unset None Some(Domain(Domain(\"acme.com\")))");
    check("login_hint=ada", "Unset None None");
    check("tenant=T1&login_hint=a%40b.com", "Unset None Some(Tenant(\"T1\"))");
    check("response_mode=query", "Unset None None");
    check("response_mode=form_post", "Unset None None");
    check("response_mode=fragment", "invalid_request");
    check("request=e30.e30.", "request_not_supported");
    check("request_uri=https%3A%2F%2Fx", "request_uri_not_supported");
    check("registration=%7B%7D", "registration_not_supported");
    check("nonce=m", "invalid_request");
    check("unknown=1&unknown=2", "Unset None None");
}

#[test]
fn missing_and_malformed_parameters_are_refused() {
    let check = |from: &str, to: &str, expect: &str| {
        assert!(GOOD.contains(from), "{from}");
        let error = read(&GOOD.replace(from, to)).unwrap_err();
        assert_eq!(error.code.as_str(), expect, "{from} -> {to}");
    };
    check("response_type=code&", "", "invalid_request");
    check("response_type=code", "response_type=token", "unsupported_response_type");
    check("response_type=code", "response_type=code+id_token", "unsupported_response_type");
    check("scope=openid", "scope=profile", "invalid_scope");
    check("scope=openid&", "", "invalid_scope");
    check("S256", "plain", "invalid_request");
    check("&code_challenge_method=S256", "", "invalid_request");
    check("state=s", &format!("state={}", "s".repeat(4_097)), "invalid_request");
    check("state=s", "state=%FF", "invalid_request");
    check("state=s", "state=%0D%0A&response_mode=form_post", "invalid_request");
    check("nonce=n", "nonce=%C3%A4", "invalid_request");
}

#[test]
fn a_session_is_enough_unless_the_app_asks_for_a_newer_authentication() {
    let now = at("2026-01-01T12:00:00Z");
    let check = |more: &str, auth_time: &str, expect| {
        let request = read(&format!("{GOOD}&{more}")).unwrap();
        assert_eq!(request.is_met_by_session(at(auth_time), now), expect, "{more} {auth_time}");
    };
    check("", "2026-01-01T02:00:00Z", true);
    check("prompt=none", "2026-01-01T02:00:00Z", true);
    check("prompt=login", "2026-01-01T12:00:00Z", false);
    check("prompt=select_account", "2026-01-01T12:00:00Z", false);
    check("max_age=60", "2026-01-01T11:59:00Z", true);
    check("max_age=60", "2026-01-01T11:58:59Z", false);
    check("max_age=60", "2026-01-01T11:59:00.9Z", true);
    check("max_age=0", "2026-01-01T12:00:00Z", false);
}

#[test]
fn an_old_authentication_is_not_enough_for_prompt_login_or_max_age() {
    // The request is from 12:00:00, and the person is back five minutes later.
    let now = at("2026-01-01T12:05:00Z");
    let check = |more: &str, auth_time: &str, expect| {
        let request = read(&format!("{GOOD}&{more}")).unwrap();
        assert_eq!(request.is_met_by_sign_in(at(auth_time), now), expect, "{more} {auth_time}");
    };
    check("", "2026-01-01T02:00:00Z", true);
    // Without a time that the app could compare, the provider's clock may be three minutes behind.
    for new in ["prompt=login", "max_age=0", "prompt=login&max_age=0"] {
        check(new, "2026-01-01T12:00:30Z", true);
        check(new, "2026-01-01T11:57:00Z", true);
        check(new, "2026-01-01T11:56:59Z", false);
    }
    // With one, the comparison is exact.
    check("max_age=320", "2026-01-01T11:59:40Z", true);
    check("max_age=320", "2026-01-01T11:59:39Z", false);
    check("max_age=60", "2026-01-01T11:59:59Z", false);
    check("max_age=60", "2026-01-01T11:57:00Z", false);
    check("prompt=login&max_age=60", "2026-01-01T11:59:59Z", false);
    check("prompt=login&max_age=60", "2026-01-01T12:00:00Z", true);
    // An authentication after the request is a new one, however long the way back took.
    check("max_age=60", "2026-01-01T12:00:00Z", true);
    check("max_age=60", "2026-01-01T12:01:00Z", true);
    check("max_age=60", "2026-01-01T12:09:00Z", true);
}

#[test]
fn a_hint_names_the_user_and_the_organisation_if_the_app_does_not() {
    let tenant: TenantId = "0199d3a0-0000-7000-8000-000000000001".parse().unwrap();
    let user: ResourceId = "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d1111".parse().unwrap();
    let other: ResourceId = "7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d2222".parse().unwrap();
    let hint = IdTokenHint { tenant, user, token: "t".to_owned() };
    let request = read(GOOD).unwrap();
    assert!(request.expects(tenant, user) && request.expects(tenant, other));
    let request = request.with_hint(Some(hint.clone()));
    assert!(request.expects(tenant, user) && !request.expects(tenant, other));
    assert_eq!(request.organisation, Some(Organisation::Tenant(tenant.to_string())));
    let named = read(&format!("{GOOD}&domain=acme.com")).unwrap();
    assert_eq!(named.clone().with_hint(Some(hint)).organisation, named.organisation);
    assert_eq!(named.clone().with_hint(None), named);
}

#[test]
fn a_request_of_an_earlier_version_is_answered_by_query() {
    let mut stored = serde_json::to_value(read(GOOD).unwrap()).unwrap();
    stored.as_object_mut().unwrap().shift_remove("response_mode").unwrap();
    let request: AuthorizeRequest = serde_json::from_value(stored).unwrap();
    assert_eq!(request, read(GOOD).unwrap());
}

#[test]
fn the_query_of_a_request_reads_back_as_the_same_request() {
    for more in [
        "",
        "prompt=login&max_age=60",
        "prompt=select_account",
        "state=%26%3D%22",
        "state=%C3%A4%0A",
        "response_mode=form_post",
        "acr_values=urn%3Aa+urn%3Ab&login_hint=ada%40acme.com",
    ] {
        let good =
            if more.starts_with("state") { GOOD.replace("state=s&", "") } else { GOOD.to_owned() };
        let request = read(&format!("{good}&tenant=T1&{more}")).unwrap();
        let again = read(&request.query(&"acme.com".parse().unwrap())).unwrap();
        let organisation = Some(Organisation::Connection("acme.com".parse().unwrap()));
        assert_eq!(again, AuthorizeRequest { organisation, ..request }, "{more}");
    }
}

#[test]
fn wishes_that_cannot_be_met_are_left_out() {
    let check = |more: &str, acr_values: &[&str], login_hint: Option<&str>| {
        let request = read(&format!("{GOOD}&{more}")).unwrap();
        assert_eq!(request.acr_values, acr_values, "{more}");
        assert_eq!(request.login_hint.as_deref(), login_hint, "{more}");
    };
    check("", &[], None);
    check("acr_values=urn%3Aa++mfa+%C3%A4", &["urn:a", "mfa"], None);
    check("login_hint=+ada%40acme.com+", &[], Some("ada@acme.com"));
    check("login_hint=acme.com", &[], None);
    check("login_hint=a%40b%40acme.com", &[], None);
    let many = "x+".repeat(40);
    assert_eq!(read(&format!("{GOOD}&acr_values={many}")).unwrap().acr_values.len(), 16);
    let long = "x".repeat(257);
    check(&format!("acr_values={long}+y"), &["y"], None);
}

#[test]
fn the_domain_of_a_hint_follows_the_last_at_sign() {
    let of = |hint| domain_of_hint(hint).map(String::from);
    assert_eq!(of("Ada@Acme.com").as_deref(), Some("acme.com"));
    assert_eq!(of("\"a@evil.example\"@acme.com").as_deref(), Some("acme.com"));
    assert_eq!(of("acme.com").as_deref(), Some("acme.com"));
    assert_eq!(of(" ada@acme.com ").as_deref(), Some("acme.com"));
    assert_eq!(of("ada@bücher.example").as_deref(), Some("xn--bcher-kva.example"));
    assert_eq!(of("ada@ａcme.com"), None);
    assert_eq!(of("ada"), None);
    assert_eq!(of("ada@localhost"), None);
}
