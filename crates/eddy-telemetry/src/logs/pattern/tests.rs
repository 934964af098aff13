//! Patterns as the service's documentation describes them, and as nobody should write them.

use proptest::prelude::*;

use super::Pattern;

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"))
}

/// Each message with whether it matches.
fn check(text: &str, messages: &[(&str, bool)]) {
    let pattern = pattern(text);
    for (message, expected) in messages {
        assert_eq!(pattern.matches(message), *expected, "{text} on {message}");
        assert_eq!(pattern.extract(message).is_some(), *expected, "{text} on {message}");
    }
}

#[test]
fn terms() {
    check("", &[("", true), ("anything", true)]);
    check("   ", &[("anything", true)]);
    check("ERROR", &[("[ERROR] x", true), ("java.lang.MYERRORS", true), ("error", false)]);
    check("ERROR EXITING", &[("ERROR then EXITING", true), ("ERROR", false)]);
    check("ERROR -EXITING", &[("ERROR", true), ("ERROR EXITING", false), ("x", false)]);
    check("-x", &[("y", true), ("x", false)]);
    check("?ERROR ?WARN", &[("WARN 1", true), ("ERROR 2", true), ("INFO", false)]);
    check("?ERROR ?WARN INFO", &[("INFO", true), ("ERROR", false)]);
    check(r#""INTERNAL SERVER ERROR""#, &[("an INTERNAL SERVER ERROR", true), ("INTERNAL ERROR", false)]);
    check(r#"-"a \"b\" c" x"#, &[("x", true), (r#"x a "b" c"#, false)]);
    check(r#"?"a b" ?c"#, &[("a b", true), ("c", true), ("a", false)]);
    check("%ERR[0-9]+% x", &[("x ERR42", true), ("x ERR", false)]);
    check("-%^START% 年", &[("年度", true), ("START 年度", false)]);
}

#[test]
fn json() {
    let trail = r#"{"eventType":"UpdateTrail","sourceIPAddress":"111.111.111.111","arrayKey":["value","another"],
        "objectList":[{"name":"a","id":1},{"name":"b","id":2}],"SomeObject":null,"cluster.name":"c",
        "errors":4,"big":"12","share":1.5e1,"on":true,"off":false,"user":{"id":"x y"}}"#;
    for (text, expected) in [
        (r#"{ $.eventType = "UpdateTrail" }"#, true),
        (r#"{$.eventType="Update*"}"#, true),
        (r#"{ $.eventType = *Trail }"#, true),
        (r#"{ $.eventType = "*date*ai*" }"#, true),
        (r#"{ $.eventType = "Trail*" }"#, false),
        (r#"{ $.eventType != "UpdateTrail" }"#, false),
        (r#"{ $.eventType != "DeleteTrail" }"#, true),
        (r#"{ $.missing != "x" }"#, false),
        (r#"{ $.sourceIPAddress != 123.123.* }"#, true),
        (r#"{ $.sourceIPAddress = 111.111.* }"#, true),
        (r#"{ $.arrayKey[0] = "value" }"#, true),
        (r#"{ $.arrayKey[1] = "value" }"#, false),
        (r#"{ $.arrayKey[*] = another }"#, true),
        (r#"{ $.arrayKey[7] NOT EXISTS }"#, true),
        (r#"{ $.objectList[1].id = 2 }"#, true),
        (r#"{ $.objectList[*].id > 2 }"#, false),
        (r#"{ $.SomeObject IS NULL }"#, true),
        (r#"{ $.SomeOtherObject IS NULL }"#, false),
        (r#"{ $.SomeOtherObject NOT EXISTS }"#, true),
        (r#"{ $.SomeObject not exists }"#, false),
        (r#"{ $.['cluster.name'] = c }"#, true),
        (r#"{ $['cluster.name'] = "c" && $.errors >= 4 }"#, true),
        (r#"{ $.errors > 4 || $.share = 15 }"#, true),
        (r#"{ $.errors = 4.0 && $.share <= 14.9 }"#, false),
        (r#"{ $.errors < 5 && ($.on IS FALSE || $.off IS FALSE) }"#, true),
        (r#"{ $.on IS TRUE }"#, true),
        (r#"{ $.on = true }"#, true),
        (r#"{ $.big > 11 }"#, true),
        (r#"{ $.eventType > 1 }"#, false),
        (r#"{ $.user.id = "x y" }"#, true),
        (r#"{ $.user = "x" }"#, false),
        (r#"{ $.eventType = %^Up.*l$% }"#, true),
        (r#"{ $.eventType != %^Up% }"#, false),
        // And binds closer than or.
        (r#"{ $.errors = 4 || $.errors = 5 && $.errors = 6 }"#, true),
        (r#"{ ($.errors = 4 || $.errors = 5) && $.errors = 6 }"#, false),
    ] {
        check(text, &[(trail, expected), ("not json", false), ("\"$\"", false)]);
    }
}

#[test]
fn fields() {
    let access = r#"127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#;
    for (text, expected) in [
        ("[ip, id, user, timestamp, request, status_code, size]", true),
        ("[ip, user, username, timestamp, request = *.html*, status_code = 4*, bytes]", true),
        ("[ip, user, username, timestamp, request = *.html*, status_code = 4*]", false),
        ("[..., status_code=404, bytes > 1000]", true),
        ("[..., size]", true),
        ("[ip, ..., status = 4* || status = 5*, bytes]", true),
        ("[ip, ..., status >= 500 && status < 600, bytes]", false),
        ("[ip = 127*, ...]", true),
        ("[ip != 127*, ...]", false),
        ("[a, b, c, d, e = \"GET /*\", f != %^5%, g]", true),
        ("[,,,,,f=404,]", true),
        ("[...]", true),
    ] {
        check(text, &[(access, expected)]);
    }
    let report = "REPORT RequestId: 7a8b\tDuration: 12.34 ms\tBilled Duration: 13 ms";
    check("[name = \"REPORT\", label, id, what, took > 10, unit = ms, ...]", &[(report, true)]);
    check(
        "[w1=ERROR || w1=WARN, w2]",
        &[("ERROR x", true), ("WARN y", true), ("INFO z", false), ("WARN", false)],
    );
}

#[test]
fn extraction_names_what_the_pattern_names() {
    let pairs = |text: &str, message: &str| pattern(text).extract(message).unwrap();
    let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let message = r#"h - u [1/Jan -7] "GET /a b" 200"#;
    assert_eq!(
        pairs("[host, id, user, time, request, status=200]", message),
        owned(&[
            ("$host", "h"),
            ("$id", "-"),
            ("$user", "u"),
            ("$time", "1/Jan -7"),
            ("$request", "GET /a b"),
            ("$status", "200")
        ])
    );
    assert_eq!(
        pairs(r#"{ $.a.b = 1 && $.c != "y" || $.a.b > 0 }"#, r#"{"a":{"b":1},"c":"x"}"#),
        owned(&[("$.a.b", "1"), ("$.c", "x")])
    );
    assert_eq!(pairs("x", "xyz"), []);
}

#[test]
fn nonsense_is_refused_with_its_place() {
    let check = |text: &str, expected: &str| {
        let why = Pattern::parse(text).map(|_| ()).unwrap_err().to_string();
        assert_eq!(why, expected, "{text}");
    };
    check("a -", "a term is missing at character 4");
    check("? a", "a term is missing at character 2");
    check("\"a", "the quote is not closed at character 1");
    check("a %[%", "the regular expression cannot be read at character 3");
    check("a %x", "the regular expression is not closed at character 3");
    check("%a% %b% %c%", "there are too many regular expressions at character 9");
    check("{ }", "a selector that begins with $ is missing at character 3");
    check("{ $.a }", "an operator is missing at character 7");
    check("{ $.a = }", "a value is missing at character 9");
    check("{ $.a > x }", "a number is missing at character 9");
    check("{ $.a = 1", "the brace is not closed at character 10");
    check("{ $.a = 1 } x", "something follows the pattern at character 13");
    check("{ ($.a = 1 }", "the parenthesis is not closed at character 12");
    check("{ $.a IS }", "NULL, TRUE or FALSE is missing at character 10");
    check("{ $.a[x] = 1 }", "a number, a name in quotes or an asterisk is missing at character 7");
    check("[a, b", "an operator is missing at character 6");
    check("[a = 1", "a comma or the closing bracket is missing at character 7");
    check("[..., ...]", "there is more than one ellipsis at character 10");
    check("[a = 1 || b = 2]", "a condition on one field names another at character 11");
    let deep = format!("{{ {}$.a = 1{} }}", "(".repeat(60), ")".repeat(60));
    assert_eq!(Pattern::parse(&deep).unwrap_err().why, "the pattern nests too deep");
    assert_eq!(Pattern::parse(&"x".repeat(1_025)).unwrap_err().why, "the pattern is too long");
}

proptest! {
    #[test]
    fn no_text_breaks_the_parser_or_the_matcher(text in "\\PC{0,80}", message in "\\PC{0,80}") {
        if let Ok(pattern) = Pattern::parse(&text) {
            prop_assert_eq!(pattern.matches(&message), pattern.extract(&message).is_some());
        }
    }

    #[test]
    fn what_looks_like_a_pattern_does_not_break_it_either(
        text in r#"[{\[ ]?([ $.a\[\]0*'"%(){}&|=!<>,?\\-]|IS|NOT|EXISTS|NULL|\.\.\.){0,24}[}\] ]?"#,
        message in r#"[{}\[\]" a0:,.*-]{0,40}"#,
    ) {
        if let Ok(pattern) = Pattern::parse(&text) {
            prop_assert_eq!(pattern.matches(&message), pattern.extract(&message).is_some());
        }
    }

    #[test]
    fn a_quoted_text_matches_exactly_what_holds_it(term in "\\PC{1,12}", before in "\\PC{0,9}", after in "\\PC{0,9}") {
        let quoted = format!("\"{}\"", term.replace('\\', "\\\\").replace('"', "\\\""));
        let pattern = pattern(&quoted);
        let message = format!("{before}{term}{after}");
        prop_assert!(pattern.matches(&message));
        prop_assert_eq!(pattern.matches(&before), before.contains(&term));
    }

    #[test]
    fn numbers_compare_as_numbers(a in -1_000_i32..1_000, b in -1_000_i32..1_000) {
        for (operator, expected) in
            [("<", a < b), ("<=", a <= b), (">", a > b), (">=", a >= b), ("=", a == b), ("!=", a != b)]
        {
            let json = pattern(&format!("{{ $.n {operator} {b} }}"));
            prop_assert_eq!(json.matches(&format!("{{\"n\":{a}}}")), expected);
            let fields = pattern(&format!("[n {operator} {b}]"));
            prop_assert_eq!(fields.matches(&a.to_string()), expected);
        }
    }
}
