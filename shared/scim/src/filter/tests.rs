use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(text: &str, printed: &str) {
    let filter = Filter::parse(text).unwrap();
    assert_eq!(filter.to_string(), printed);
    assert_eq!(Filter::parse(printed), Ok(filter));
}

#[test]
fn the_examples_of_the_rfc_print_as_written() {
    for text in [
        r#"userName eq "bjensen""#,
        r#"name.familyName co "O'Malley""#,
        r#"userName sw "J""#,
        r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
        "title pr",
        r#"meta.lastModified gt "2011-05-13T04:42:34Z""#,
        r#"title pr and userType eq "Employee""#,
        r#"title pr or userType eq "Intern""#,
        r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#,
        r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#,
        r#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#,
        r#"emails[type eq "work" and value co "@example.com"]"#,
        r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]"#,
    ] {
        check(text, text);
    }
}

#[test]
fn and_binds_before_or_and_parentheses_before_both() {
    check("a pr or b pr and c pr", "a pr or b pr and c pr");
    check("a pr or (b pr and c pr)", "a pr or b pr and c pr");
    check("(a pr or b pr) and c pr", "(a pr or b pr) and c pr");
    check("((a pr))", "a pr");
    check("(a pr and b pr) and c pr", "(a pr and b pr) and c pr");
    assert_eq!(
        Filter::parse("not(a pr) and b pr or c pr"),
        Ok(Filter::Or(vec![
            Filter::And(vec![
                Filter::Not(Box::new(Filter::Present(AttrPath::core("a")))),
                Filter::Present(AttrPath::core("b")),
            ]),
            Filter::Present(AttrPath::core("c")),
        ]))
    );
}

#[test]
fn letter_case_and_blanks_do_not_matter() {
    check(r#"  USERNAME  EQ	"a"  AND  Active Eq True "#, r#"USERNAME eq "a" and Active eq true"#);
    check("not(title PR)", "not (title pr)");
    check("NOT ( title pr )", "not (title pr)");
    check(r#"emails [ type eq "work" ]"#, r#"emails[type eq "work"]"#);
    check("notes pr and nothing pr", "notes pr and nothing pr");
    check("and eq 1 or or pr", "and eq 1 or or pr");
}

#[test]
fn values_are_json() {
    check(r#"a eq "\"\\\/\u00e9\ud83d\ude00""#, r#"a eq "\"\\/é😀""#);
    check("a eq -12 or a eq 0", "a eq -12 or a eq 0");
    check("a eq 1.5 or a eq 1e+21", "a eq 1.5 or a eq 1e+21");
    check("a eq 1.50 or a eq 2E-2", r#"a eq "1.50" or a eq "2E-2""#);
    check("a eq 18446744073709551615", "a eq 18446744073709551615");
    check("a eq null and b eq false", "a eq null and b eq false");
    check(r#"manager.$ref eq "x""#, r#"manager.$ref eq "x""#);
    check(r#"a eq "" "#, r#"a eq """#);
}

#[test]
fn filters_outside_the_grammar_from_entra_and_others_parse() {
    check(r#"emails[type eq "work"].value eq "x""#, r#"emails[type eq "work" and value eq "x"]"#);
    check(
        r#"emails[type eq "work" and primary eq true].value eq "x" and active eq true"#,
        r#"emails[type eq "work" and primary eq true and value eq "x"] and active eq true"#,
    );
    check(
        r#"emails[type eq "a" or type eq "b"].value pr"#,
        r#"emails[(type eq "a" or type eq "b") and value pr]"#,
    );
    check("externalId eq jyoung", r#"externalId eq "jyoung""#);
    check("emails eq a.b+c@example.com", r#"emails eq "a.b+c@example.com""#);
    check("externalId eq 007", r#"externalId eq "007""#);
    check("externalId eq 12345678901234567890123", r#"externalId eq "12345678901234567890123""#);
    check("n eq 1e999", r#"n eq "1e999""#);
    check(
        "name.FamilyName eq Employee and (emails.Value co example.com or emails.Value co example.org)",
        r#"name.FamilyName eq "Employee" and (emails.Value co "example.com" or emails.Value co "example.org")"#,
    );
    check(
        "meta.Created gt 2015-10-10T14:38:21.8617979-07:00",
        r#"meta.Created gt "2015-10-10T14:38:21.8617979-07:00""#,
    );
    check(r"emails[type eq work].value eq x", r#"emails[type eq "work" and value eq "x"]"#);
}

#[test]
fn a_backslash_that_begins_no_escape_is_itself() {
    let value = |text: &str| {
        let filter = Filter::parse(&format!("userName eq {text}")).unwrap();
        let Filter::Compare(_, _, CompareValue::String(value)) = filter else { panic!("{text}") };
        value
    };
    assert_eq!(value(r#""CORP\\bsmith""#), r"CORP\bsmith");
    assert_eq!(value(r#""CORP\bsmith""#), r"CORP\bsmith");
    assert_eq!(value(r#""CORP\jdoe\n\u0007\ud800\uXYZW""#), r"CORP\jdoe\n\u0007\ud800\uXYZW");
    check(r#"a eq "\q\"" "#, r#"a eq "\\q\"""#);
    let unclosed = Filter::parse(r#"userName eq "CORP\""#).unwrap_err().to_string();
    insta::assert_snapshot!(unclosed, @"filter: at byte 12, expected a JSON string with its closing quote");
}

#[test]
fn an_error_names_the_position_and_the_expected_token() {
    let error = |text: &str| Filter::parse(text).unwrap_err().to_string();
    insta::assert_snapshot!(error(""), @"filter: ends after 0 bytes, expected an attribute name");
    insta::assert_snapshot!(error("userName"), @"filter: ends after 8 bytes, expected a blank and one of eq, ne, co, sw, ew, gt, ge, lt, le, pr");
    insta::assert_snapshot!(error("userName eq"), @r#"filter: ends after 11 bytes, expected a blank and a value, as "text", 1, true, false or null"#);
    insta::assert_snapshot!(error("userName eq "), @r#"filter: ends after 12 bytes, expected a blank and a value, as "text", 1, true, false or null"#);
    insta::assert_snapshot!(error("userName zz \"a\""), @"filter: at byte 8, expected a blank and one of eq, ne, co, sw, ew, gt, ge, lt, le, pr");
    insta::assert_snapshot!(error("userName eq 'a'"), @r#"filter: at byte 12, expected a blank and a value, as "text", 1, true, false or null"#);
    insta::assert_snapshot!(error("userName eq \"a"), @"filter: at byte 12, expected a JSON string with its closing quote");
    insta::assert_snapshot!(error("userName eq \"a\" or"), @"filter: ends after 18 bytes, expected an attribute name");
    insta::assert_snapshot!(error("userName eq and title pr"), @r#"filter: at byte 12, expected a blank and a value, as "text", 1, true, false or null"#);
    insta::assert_snapshot!(error("displayName eq Ada Lovelace"), @"filter: at byte 19, expected `and`, `or` or the end");
    insta::assert_snapshot!(error("(a pr"), @"filter: ends after 5 bytes, expected `and`, `or` or `)`");
    insta::assert_snapshot!(error("a[b pr"), @"filter: ends after 6 bytes, expected `and`, `or` or `]`");
    insta::assert_snapshot!(error("a pr)"), @"filter: at byte 4, expected `and`, `or` or the end");
    insta::assert_snapshot!(error("a[b[c pr]]"), @"filter: at byte 4, expected no `[` within another one");
    insta::assert_snapshot!(error("a prx"), @"filter: at byte 1, expected a blank and one of eq, ne, co, sw, ew, gt, ge, lt, le, pr");
    insta::assert_snapshot!(error("1a pr"), @"filter: at byte 0, expected an attribute name");
    insta::assert_snapshot!(error("a.b.c pr"), @"filter: at byte 0, expected an attribute name");
}

#[test]
fn a_control_character_is_rejected() {
    for text in [
        "a eq \"\u{1}\"",
        "a eq \"x\ny\"",
        "a[b eq \"\0\"] pr",
        "a eq \u{16}x",
        "a eq x\0",
        "a[b eq x\0y] pr",
    ] {
        assert!(Filter::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn limits_are_enforced_while_parsing() {
    let error = |text: &str| Filter::parse(text).unwrap_err().to_string();
    let deep = |depth: usize| format!("{}a pr{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(&deep(MAX_DEPTH)).is_ok());
    insta::assert_snapshot!(error(&deep(MAX_DEPTH + 1)), @"filter: at byte 33, expected at most 32 levels of parentheses and brackets");
    insta::assert_snapshot!(error(&deep(2000)), @"filter: at byte 33, expected at most 32 levels of parentheses and brackets");
    let wide = |terms: usize| vec!["a pr"; terms].join(" or ");
    assert!(Filter::parse(&wide(MAX_TERMS)).is_ok());
    insta::assert_snapshot!(error(&wide(MAX_TERMS + 1)), @"filter: at byte 801, expected at most 100 comparisons in one filter");
    insta::assert_snapshot!(error(&format!("a eq \"{}\"", "x".repeat(7000))), @"filter: is longer than 4096 bytes");
}

#[test]
fn hostile_text_is_rejected_quickly() {
    let start = std::time::Instant::now();
    for text in [
        "not (".repeat(800),
        "a[".repeat(2000),
        "a pr and ".repeat(450),
        " ".repeat(4096),
        format!("a eq {}", "\"\\".repeat(2000)),
        format!("{}a pr{}", "(  ".repeat(32), "  ".repeat(1900)),
        "a pr or not ".repeat(340),
        ":".repeat(4096),
        "a.".repeat(2048),
    ] {
        assert!(Filter::parse(&text).is_err(), "{text}");
    }
    // Each takes well under a millisecond; the bound allows for a busy machine.
    assert!(start.elapsed().as_secs() < 1, "{:?}", start.elapsed());
}

/// Filters from the test suite of `scim_v2`, an independent parser, and forms of the RFC.
#[test]
fn filters_that_scim_v2_accepts_are_accepted() {
    for text in [
        r#"x509Certificates.value eq "abc""#,
        r#"my-attr eq "x""#,
        r#"my_attr eq "x""#,
        "title PR",
        "emails[primary pr]",
        r#"not (emails[type eq "work"])"#,
        "userName\teq\t\"x\"",
        "not (not (title pr))",
        r#"emails[not (type eq "work")]"#,
        "n eq 1.5e-3",
        r#"( a eq "x" )"#,
    ] {
        assert!(text.parse::<scim_v2::filter::Filter>().is_ok(), "{text}");
        assert!(Filter::parse(text).is_ok(), "{text}");
    }
}

prop_compose! {
    fn name()(name in "[a-zA-Z][a-zA-Z0-9_-]{0,8}") -> String {
        name
    }
}

fn path() -> impl Strategy<Value = AttrPath> {
    let schema = prop::option::of("urn:[a-z]{1,4}(:[0-9]\\.[0-9])?:[A-Z][a-z]{1,4}");
    let sub = prop::option::of(prop_oneof![name(), Just("$ref".to_owned())]);
    (schema, name(), sub)
        // `not (` begins a negation, so an attribute named "not" prints but does not parse.
        .prop_filter("not a keyword", |(_, name, _)| !name.eq_ignore_ascii_case("not"))
        .prop_map(|(schema, name, sub)| {
            let schema = schema.map(|schema| format!("{schema}:")).unwrap_or_default();
            let sub = sub.map(|sub| format!(".{sub}")).unwrap_or_default();
            AttrPath::parse(&format!("{schema}{name}{sub}")).unwrap()
        })
}

fn value() -> impl Strategy<Value = CompareValue> {
    prop_oneof![
        any::<bool>().prop_map(CompareValue::Bool),
        Just(CompareValue::Null),
        any::<i64>().prop_map(|n| CompareValue::Number(n.into())),
        any::<u64>().prop_map(|n| CompareValue::Number(n.into())),
        any::<f64>().prop_filter_map("finite", Number::from_f64).prop_map(CompareValue::Number),
        "[^\\x00-\\x1f]{0,20}".prop_map(CompareValue::String),
    ]
}

fn op() -> impl Strategy<Value = CompareOp> {
    use CompareOp::{Co, Eq, Ew, Ge, Gt, Le, Lt, Ne, Sw};
    prop::sample::select(vec![Eq, Ne, Co, Sw, Ew, Gt, Lt, Ge, Le])
}

fn leaf() -> impl Strategy<Value = Filter> {
    prop_oneof![
        path().prop_map(Filter::Present),
        (path(), op(), value()).prop_map(|(path, op, value)| Filter::Compare(path, op, value)),
    ]
}

fn tree(leaf: impl Strategy<Value = Filter> + 'static) -> impl Strategy<Value = Filter> {
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|filter| Filter::Not(Box::new(filter))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            prop::collection::vec(inner, 2..4).prop_map(Filter::Or),
        ]
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    let value_path =
        (path(), tree(leaf())).prop_map(|(path, inner)| Filter::ValuePath(path, Box::new(inner)));
    tree(prop_oneof![3 => leaf(), 1 => value_path])
}

proptest! {
    #[test]
    fn a_printed_filter_parses_to_itself(filter in filter()) {
        let printed = filter.to_string();
        if printed.len() <= crate::attr_path::MAX_LENGTH {
            prop_assert_eq!(Filter::parse(&printed), Ok(filter), "{}", printed);
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = Filter::parse(&text);
        let _ = AttrPath::parse(&text);
        let _ = crate::path::PatchPath::parse(&text);
    }

    #[test]
    fn no_text_of_the_filter_alphabet_panics(
        text in r#"((not|and|or|eq|pr|a|b\.c|urn:x:2\.0:U|"x"|"|\\|1|-|e5|true|[ ()\[\].:$é]){1}[ ]?){0,40}"#
    ) {
        if let Ok(filter) = Filter::parse(&text) {
            prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter), "{}", text);
        }
    }

    #[test]
    fn filters_that_scim_v2_parses_are_parsed(
        text in r#"(not ?\( ?)?(urn:x:[0-9]\.[0-9]:)?[a-z]{1,4}(\.[a-z]{1,3})?( ?\[[a-z]{1,3} (pr|eq "w")( or [a-z] pr)?\]| [Pp][rR]| {1,2}(eq|Ne|co|GE) {1,2}("[a-z]{0,3}"|"\\u00e9"|true|null|-?[0-9]{1,3}(\.[0-9])?([eE][+-]?[0-9])?))( (and|OR) \(?[a-z]{1,3} pr\)?){0,3} ?\)?"#
    ) {
        if text.parse::<scim_v2::filter::Filter>().is_ok() {
            prop_assert!(Filter::parse(&text).is_ok(), "{}", text);
        }
        if text.parse::<scim_v2::filter::PatchPath>().is_ok() {
            prop_assert!(crate::path::PatchPath::parse(&text).is_ok(), "{}", text);
        }
    }

    #[test]
    fn paths_that_scim_v2_parses_are_parsed(
        text in r#"(urn:x:[0-9]\.[0-9]:(User:)?)?[a-zA-Z]{1,4}(\.[a-z]{1,3})? ?(\[ ?(not \()?[a-z]{1,3} (pr|sw "w")( and [a-z] pr)?\)? ?\])?(\.[a-z]{1,3})?"#
    ) {
        if text.parse::<scim_v2::filter::PatchPath>().is_ok() {
            prop_assert!(crate::path::PatchPath::parse(&text).is_ok(), "{}", text);
        }
    }
}
