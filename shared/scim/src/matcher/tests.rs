use serde_json::json;

use super::*;

fn ada() -> Map<String, Value> {
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "2819c223-7f76-453a-919d-413861904646",
        "externalId": "AbC",
        "userName": "Ada@Example.com",
        "name": {"familyName": "O'Malley", "givenName": "Zoë"},
        "displayName": "ＡＤＡ",
        "nickName": "",
        "active": true,
        "emails": [
            {"type": "work", "value": "ada@example.com", "primary": true},
            {"type": "home", "value": "ada@home.example"},
        ],
        "photos": [],
        "meta": {"created": "2011-05-13T04:42:34Z", "lastModified": "2015-10-10T14:38:21.861Z"},
        "shoeSize": 42,
        "tags": ["red", "green"],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "department": "R&D",
            "manager": {"value": "26118915"},
        },
        "urn:example:custom:1.0:User": {"badge": "B-7"},
    });
    let Value::Object(user) = user else { panic!("not an object") };
    user
}

fn matches(filter: &Filter, resource_type: &ResourceType, resource: &Map<String, Value>) -> bool {
    Matcher::new(filter).matches(resource_type, resource, &Meter::default())
}

#[track_caller]
fn check_match(text: &str, expected: bool) {
    let filter = Filter::parse(text).unwrap();
    assert_eq!(check(&filter, &[ResourceType::user()]), Ok(()), "{text}");
    assert_eq!(matches(&filter, ResourceType::user(), &ada()), expected, "{text}");
}

#[track_caller]
fn yes(text: &str) {
    check_match(text, true);
}

#[track_caller]
fn no(text: &str) {
    check_match(text, false);
}

#[test]
fn strings_compare_as_caseexact_of_their_schema_says() {
    yes(r#"userName eq "ada@example.com""#);
    yes(r#"USERNAME Eq "ADA@EXAMPLE.COM""#);
    no(r#"userName ne "ada@example.com""#);
    yes(r#"externalId eq "AbC""#);
    no(r#"externalId eq "abc""#);
    yes(r#"displayName eq "ada""#);
    yes(r#"name.givenName eq "ZOE\u0308""#);
    yes(r#"name.givenName co "OË""#);
    yes(r#"userName sw "ADA@" and userName ew ".COM" and userName co """#);
    no(r#"userName sw "b""#);
    yes(r#"name.familyName gt "n" and name.familyName le "o'malley""#);
    no(r#"name.familyName lt "O""#);
}

#[test]
fn a_multi_valued_attribute_matches_by_any_value() {
    yes(r#"emails.value eq "ada@home.example""#);
    yes(r#"emails.type eq "work" and emails.type ne "work""#);
    yes(r#"emails eq "ada@home.example""#);
    yes(r#"emails co "@home""#);
    no(r#"emails.value eq "x""#);
    yes(r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:User""#);
    yes(r#"tags eq "GREEN" and tags[value eq "red"]"#);
}

#[test]
fn a_value_path_matches_within_one_element() {
    yes(r#"emails[type eq "work" and value eq "ada@example.com"]"#);
    no(r#"emails[type eq "home" and value eq "ada@example.com"]"#);
    yes(r#"emails[type eq "work"].value eq "ada@example.com""#);
    yes(r#"emails[not (type eq "work")]"#);
    yes("emails[primary eq true]");
    yes(r#"emails[primary eq "True"].value co "@example.com""#);
    yes(r#"name[familyName eq "O'Malley"]"#);
    no(r#"ims[type eq "xmpp"]"#);
    no(r#"emails[nope eq "x"]"#);
}

#[test]
fn a_complex_attribute_compares_by_its_value() {
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    yes(&format!(r#"{enterprise}:manager eq "26118915""#));
    yes(&format!(r#"{enterprise}:manager.value eq "26118915" and {enterprise}:department sw "r""#));
    yes(&format!("{enterprise} pr"));
    no(&format!("{enterprise}:costCenter pr"));
}

#[test]
fn booleans_compare_with_the_strings_that_entra_sends() {
    yes("active eq true");
    yes(r#"active eq "True""#);
    yes("active eq TRUE and active ne False");
    no(r#"active eq "false""#);
}

#[test]
fn times_compare_as_instants() {
    yes(r#"meta.created eq "2011-05-12T21:42:34-07:00""#);
    yes(r#"meta.lastModified gt "2011-05-13T04:42:34Z""#);
    no(r#"meta.lastModified lt "2015-10-10T14:38:21.8600000Z""#);
    yes("meta.Created lt 2015-10-10T14:38:21.8617979-07:00");
    yes(r#"meta.created ge "2011-05-13" and meta.created lt "2011-05-13T04:42:35""#);
    yes(r#"meta.created sw "2011-""#);
}

#[test]
fn an_attribute_without_a_value_counts_as_absent() {
    for absent in ["title", "nickName", "photos", "photos.value", "nope", "ims", "name.formatted"] {
        no(&format!("{absent} pr"));
        yes(&format!("{absent} eq null"));
        no(&format!("{absent} ne null"));
        no(&format!(r#"{absent} eq "x""#));
        yes(&format!(r#"{absent} ne "x""#));
        yes(&format!("not ({absent} pr)"));
    }
    yes("userName pr and emails pr and name pr and active pr and emails.primary pr");
    no("userName eq null");
    yes("userName ne null");
}

#[test]
fn undeclared_attributes_compare_by_their_json_type() {
    yes("shoeSize eq 42 and shoeSize gt 41.5 and shoeSize lt 1e2 and shoeSize ne 43");
    yes(r#"shoeSize eq "42""#);
    yes(r#"urn:example:custom:1.0:User:badge eq "b-7" and urn:example:custom:1.0:User pr"#);
    no(r#"urn:example:custom:1.0:User:nope eq "b-7""#);
    no("shoeSize co 4");
}

#[test]
fn numbers_without_quotes_compare_with_strings_as_text() {
    no("userName eq 12");
    yes("userName ne 12");
    let filter = Filter::parse("externalId eq 123").unwrap();
    let user = Map::from_iter([("externalId".to_owned(), json!("123"))]);
    assert!(matches(&filter, ResourceType::user(), &user));
}

#[test]
fn members_match_by_id() {
    let group = json!({"id": "g", "members": [{"value": "u1"}, {"value": "u2"}]});
    let matched = |text: &str| {
        let filter = Filter::parse(text).unwrap();
        assert_eq!(check(&filter, &[ResourceType::group()]), Ok(()), "{text}");
        matches(&filter, ResourceType::group(), group.as_object().unwrap())
    };
    assert!(matched(r#"id eq "g" and members eq "u2""#));
    assert!(matched(r#"members.value eq "u1""#));
    assert!(matched(r#"members[value eq "u1"]"#));
    assert!(!matched(r#"id eq "g" and members eq "U2""#));
}

/// Returns the units that a filter takes on a resource.
fn units(filter: &str, resource: &Value) -> u64 {
    let filter = Filter::parse(filter).unwrap();
    let (mut low, mut high) = (0, 1 << 40);
    while low < high {
        let middle = low + (high - low) / 2;
        let meter = Meter::new(middle);
        let resource = resource.as_object().unwrap();
        let _ = Matcher::new(&filter).matches(ResourceType::user(), resource, &meter);
        if meter.is_used_up() { low = middle + 1 } else { high = middle }
    }
    low
}

#[test]
fn a_text_is_folded_once_for_all_terms() {
    let text = "É".repeat(10_000);
    let user = json!({"title": text});
    let one = units(r#"title co "x""#, &user);
    let hundred = units(&vec![r#"title co "x""#; 100].join(" or "), &user);
    // Folding costs far more than comparing.
    assert!(one > 50 * text.len() as u64, "{one}");
    assert!(hundred < 4 * one, "{hundred} for a hundred terms, {one} for one");
}

#[test]
fn every_look_at_a_value_is_charged() {
    let values = |count: usize, value: Value| json!({"x": vec![value; count]});
    let empty = json!([[], {}, [[]], {"a": ""}]);
    for filter in ["x pr", "x.y pr", r#"x eq "a""#, "x[y pr]", r#"x[not (y ne "a")]"#, "x ne 1"] {
        let [few, many] = [10, 1_000].map(|count| units(filter, &values(count, empty.clone())));
        assert!(many > 50 * few, "{filter}: {few} for 10 values, {many} for 1,000");
    }
    let names = |count: usize| -> Value {
        (0..count).map(|n| (format!("n{n}"), json!(1))).collect::<Map<_, _>>().into()
    };
    let [few, many] = [10, 10_000].map(|count| units("y pr", &names(count)));
    assert!(many > 50 * few, "{few} for 10 names, {many} for 10,000");
}

#[test]
fn comparisons_that_a_type_does_not_define_are_rejected() {
    let error = |text: &str| {
        check(&Filter::parse(text).unwrap(), &[ResourceType::user()]).unwrap_err().to_string()
    };
    insta::assert_snapshot!(error("active gt true"), @"filter: active gt: a boolean can be compared with eq and ne only");
    insta::assert_snapshot!(error("title pr or not (active co true)"), @"filter: active co: a boolean can be compared with eq and ne only");
    insta::assert_snapshot!(error(r#"active eq "maybe""#), @"filter: active eq: the value must be true or false");
    insta::assert_snapshot!(error("emails[primary lt true]"), @"filter: primary lt: a boolean can be compared with eq and ne only");
    insta::assert_snapshot!(error("userName gt null"), @"filter: userName gt: null can be compared with eq and ne only");
    insta::assert_snapshot!(error("nope co null"), @"filter: nope co: null can be compared with eq and ne only");
    insta::assert_snapshot!(error(r#"meta.created gt "soon""#), @r#"filter: meta.created gt: the value must be a date and time, as "2011-05-13T04:42:34Z""#);
    insta::assert_snapshot!(error(r#"name eq "Ada""#), @"filter: name eq: a complex attribute has no value; name one of its sub-attributes");
    insta::assert_snapshot!(error(r#"userName[value eq "x"]"#), @"filter: userName has no sub-attributes to filter by");
}
