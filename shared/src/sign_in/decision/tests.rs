use super::*;

fn user(n: u8, user_name: &str) -> Candidate {
    Candidate {
        id: format!("7c0e7a4e-3b1d-4a52-9d0e-3f1a0c9d11{n:02x}").parse().unwrap(),
        user_name: user_name.to_owned(),
        external_id: None,
        primary_address: None,
        active: true,
        has_other_link: false,
    }
}

fn addresses(texts: &[&str]) -> Vec<EmailAddress> {
    texts.iter().map(|text| EmailAddress::parse(text).unwrap()).collect()
}

fn by_address(texts: &[&str]) -> Asserted {
    Asserted { addresses: addresses(texts), ..Asserted::default() }
}

fn stable(id: &str, texts: &[&str]) -> Asserted {
    Asserted {
        is_stable: true,
        external_ids: vec![id.to_owned()],
        name: Some(id.to_owned()),
        addresses: addresses(texts),
    }
}

/// The decision of a connection that speaks for `acme.com` and has JIT off, in short form.
#[track_caller]
fn check(asserted: &Asserted, found: &Candidates, expect: &str) {
    check_for(&["acme.com"], false, asserted, found, expect);
}

#[track_caller]
fn check_for(
    domains: &[&str],
    may_create: bool,
    asserted: &Asserted,
    found: &Candidates,
    expect: &str,
) {
    let domains: Vec<Domain> = domains.iter().map(|domain| domain.parse().unwrap()).collect();
    let authority = Authority { domains: &domains, may_create };
    let shown = match decide(asserted, &authority, found) {
        Ok(Decision::SignIn { user, matched, link }) => {
            format!("user {} by {matched:?}, {link:?}", &user.to_string()[34..])
        }
        Ok(Decision::Create { address }) => format!("create {address}"),
        Ok(Decision::Refuse(refusal)) => format!("{refusal:?}"),
        Err(lookup) => format!("look up {lookup:?}"),
    };
    assert_eq!(shown, expect);
}

fn named(users: Vec<Candidate>) -> Candidates {
    Candidates { by_user_name: users, ..Candidates::default() }
}

#[test]
fn an_address_of_the_connection_finds_the_user_by_name_then_by_primary_address() {
    let asserted = by_address(&["ada@acme.com"]);
    check(&asserted, &named(vec![user(1, "Ada@acme.com")]), "user 01 by UserName, Note");
    let primary = Candidate { primary_address: Some("ada@ACME.com".into()), ..user(2, "al") };
    let found = Candidates { by_address: vec![primary.clone()], ..Candidates::default() };
    check(&asserted, &found, "user 02 by Address, Note");
    let other = Candidate { id: user(3, "x").id, ..primary.clone() };
    let found = Candidates { by_address: vec![primary, other], ..Candidates::default() };
    check(&asserted, &found, "Ambiguous");
}

#[test]
fn a_connection_does_not_speak_for_a_user_of_another_domain() {
    let ceo = Candidate { external_id: Some("00u1".into()), ..user(1, "ceo@acme.com") };
    let contractor = |asserted: &Asserted, found: &Candidates, expect| {
        check_for(&["contractors.com"], true, asserted, found, expect);
    };
    contractor(&by_address(&["ceo@acme.com"]), &named(vec![ceo.clone()]), "AssertedDomain");
    let found = Candidates { by_external_id: vec![ceo.clone()], ..Candidates::default() };
    contractor(&stable("00u1", &["x@contractors.com"]), &found, "UserDomain");
    let found = Candidates { linked: Some(ceo), ..Candidates::default() };
    contractor(&stable("00u1", &["x@contractors.com"]), &found, "UserDomain");
    // A userName without a domain belongs to nobody's connection.
    contractor(&stable("ceo", &["x@contractors.com"]), &named(vec![user(2, "ceo")]), "UserDomain");
}

#[test]
fn letters_that_only_fold_onto_a_name_do_not_match_it() {
    let kim = named(vec![user(1, "kim@acme.com")]);
    check(&by_address(&["\u{212a}im@acme.com"]), &kim, "Unknown");
    check(&by_address(&["ｋim@acme.com"]), &kim, "Unknown");
    check(&by_address(&["KIM@acme.com"]), &kim, "user 01 by UserName, Note");
    check_for(&["acme.com"], true, &by_address(&["ｋim@acme.com"]), &kim, "NameTaken");
}

#[test]
fn of_several_addresses_the_one_of_the_connection_decides() {
    let entra = by_address(&["ada@acme.onmicrosoft.com", "ada@acme.com"]);
    check(&entra, &named(vec![user(1, "ada@acme.com")]), "user 01 by UserName, Note");
    check_for(&["acme.com"], true, &entra, &Candidates::default(), "create ada@acme.com");
    check(&by_address(&["a@x.org", "a@y.org"]), &Candidates::default(), "AssertedDomain");
    let both = by_address(&["al@acme.com", "ada@acme.com"]);
    let users = vec![user(1, "ada@acme.com"), user(2, "al@acme.com")];
    check(&both, &named(users), "user 02 by UserName, Note");
}

#[test]
fn a_stable_identity_is_linked_and_then_leads_to_its_user_alone() {
    let ada = user(1, "ada@acme.com");
    let asserted = stable("s1", &["ada@acme.com"]);
    check(&asserted, &named(vec![ada.clone()]), "user 01 by UserName, Add");
    let renamed = user(1, "ada.lovelace@acme.com");
    let found = Candidates {
        linked: Some(renamed),
        by_user_name: vec![user(2, "ada@acme.com")],
        ..Candidates::default()
    };
    check(&asserted, &found, "user 01 by Link, Note");
}

#[test]
fn another_stable_identity_takes_over_only_if_the_directory_names_it() {
    let linked = Candidate { has_other_link: true, ..user(1, "ada@acme.com") };
    let found = named(vec![linked.clone()]);
    check(&stable("s2", &["ada@acme.com"]), &found, "Linked");
    let named = Candidate { external_id: Some("s2".into()), ..linked };
    let found = Candidates { by_external_id: vec![named], ..Candidates::default() };
    check(&stable("s2", &["ada@acme.com"]), &found, "user 01 by ExternalId, Move");
    check(&by_address(&["ada@acme.com"]), &found, "Unknown");
}

#[test]
fn a_better_identity_replaces_the_one_that_the_same_assertion_proves() {
    let found = Candidates {
        linked: Some(user(1, "ada@acme.com")),
        is_linked_by_lesser: true,
        ..Candidates::default()
    };
    check(&stable("s2", &[]), &found, "user 01 by Link, Move");
}

#[test]
fn an_address_ignores_links() {
    let ada = Candidate { has_other_link: true, ..user(1, "ada@acme.com") };
    let found = Candidates {
        linked: Some(user(2, "former@acme.com")),
        by_user_name: vec![ada],
        ..Candidates::default()
    };
    check(&by_address(&["ada@acme.com"]), &found, "user 01 by UserName, Note");
}

#[test]
fn several_users_with_one_external_id_identify_nobody() {
    let twin = |n| Candidate { external_id: Some("s1".into()), ..user(n, "x@acme.com") };
    let found = Candidates {
        by_external_id: vec![twin(1), twin(2)],
        by_user_name: vec![user(3, "ada@acme.com")],
        ..Candidates::default()
    };
    check(&stable("s1", &["ada@acme.com"]), &found, "user 03 by UserName, Add");
    // One of them may be the person, who has an account then.
    let found = Candidates { by_user_name: Vec::new(), ..found };
    check(&stable("s1", &["ada@acme.com"]), &found, "Ambiguous");
}

#[test]
fn a_deactivated_or_unknown_person_is_refused() {
    let gone = Candidate { active: false, ..user(1, "ada@acme.com") };
    check(&by_address(&["ada@acme.com"]), &named(vec![gone]), "Deactivated");
    check(&by_address(&["ada@acme.com"]), &Candidates::default(), "Unknown");
}

#[test]
fn a_connection_without_domains_signs_in_nobody() {
    let found = Candidates {
        linked: Some(user(1, "ada@acme.com")),
        by_user_name: vec![user(1, "ada@acme.com")],
        ..Candidates::default()
    };
    check_for(&[], true, &stable("s1", &["ada@acme.com"]), &found, "UserDomain");
    check_for(&[], true, &by_address(&["ada@acme.com"]), &found, "AssertedDomain");
}

#[test]
fn only_a_lookup_that_can_change_the_outcome_is_asked_for() {
    let after = |made: &[Lookup], found: Candidates| {
        let all = [Lookup::Links, Lookup::Names, Lookup::Addresses];
        let not_looked_up = all.into_iter().filter(|lookup| !made.contains(lookup)).collect();
        Candidates { not_looked_up, ..found }
    };
    let ada = || vec![user(1, "ada@acme.com")];
    let linked = Candidates { linked: Some(user(1, "ada@acme.com")), ..Candidates::default() };
    let asserted = stable("s1", &["ada@acme.com"]);
    check(&asserted, &after(&[], Candidates::default()), "look up Links");
    check(&asserted, &after(&[Lookup::Links], linked), "user 01 by Link, Note");
    check(&asserted, &after(&[Lookup::Links], Candidates::default()), "look up Names");
    let made = [Lookup::Links, Lookup::Names];
    check(&asserted, &after(&made, named(ada())), "user 01 by UserName, Add");
    check(&asserted, &after(&made, Candidates::default()), "look up Addresses");
    // An address has no link that counts.
    let asserted = by_address(&["ada@acme.com"]);
    check(&asserted, &after(&[], Candidates::default()), "look up Names");
    check(&asserted, &after(&[Lookup::Names], named(ada())), "user 01 by UserName, Note");
    // The first address wins by any lookup over the second one by name.
    let both = by_address(&["al@acme.com", "ada@acme.com"]);
    check(&both, &after(&[Lookup::Names], named(ada())), "look up Addresses");
    // Nothing is looked up for an address of another domain.
    check(&by_address(&["a@x.org"]), &after(&[], Candidates::default()), "AssertedDomain");
    let only_id = stable("s1", &["a@x.org"]);
    check(&only_id, &after(&made, Candidates::default()), "AssertedDomain");
}
