//! The language, value by value.

use super::*;

fn parse(text: &str) -> Result<Map, String> {
    let environment = |name: &str| (name == "BUS_PORT").then(|| "4747".to_owned());
    parse_text(text, Path::new("dir/test.conf"), &environment).map_err(|fault| fault.to_string())
}

/// A map as one line, so that tests compare at a glance.
fn show(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("{text:?}"),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => format!("{number}f"),
        Value::Boolean(flag) => flag.to_string(),
        Value::Array(values) => format!("[{}]", values.iter().map(|value| show(&value.value)).collect::<Vec<_>>().join(" ")),
        Value::Map(map) => show_map(map),
    }
}

fn show_map(map: &Map) -> String {
    format!("{{{}}}", map.entries.iter().map(|entry| format!("{} {}", entry.key, show(&entry.value.value))).collect::<Vec<_>>().join(", "))
}

fn shown(text: &str) -> String {
    parse(text).map_or_else(|fault| fault, |map| show_map(&map))
}

#[test]
fn keys_and_values_are_separated_in_three_ways() {
    assert_eq!(shown("a: 1\nb = 2\nc 3\nd{e:4}\nf[5]\n'g h': 6; \"i\"=7"), "{a 1, b 2, c 3, d {e 4}, f [5], g h 6, i 7}");
}

#[test]
fn words_are_numbers_booleans_or_strings() {
    assert_eq!(
        shown("a: 8MB\nb: 1.5\nc: yes\nd: OFF\ne: foo.>\nf: 127.0.0.1:4222\ng: -1\nh: 2s"),
        "{a 8388608, b 1.5f, c true, d false, e \"foo.>\", f \"127.0.0.1:4222\", g -1, h \"2s\"}"
    );
}

#[test]
fn strings_are_quoted_in_two_ways_and_blocks_over_lines() {
    assert_eq!(shown(r#"a: "x\t\"\x41", b: 'y\t'"#), r#"{a "x\t\"A", b "y\\t"}"#);
    assert_eq!(shown("a (\n one\n two\n)\nb 1"), "{a \"\\n one\\n two\\n\", b 1}");
}

#[test]
fn comments_and_separators_may_stand_anywhere() {
    assert_eq!(shown("# x\na: [1, # y\n 2 3\n // z\n]\n{").split(':').next(), Some("dir/test.conf"));
    assert_eq!(shown("# x\na: [1, # y\n 2\n // z\n 3]; b { c: 1, d: 2; }\n"), "{a [1 2 3], b {c 1, d 2}}");
    assert_eq!(shown("{\"a\": {\"b\": [\"c\"]}}"), "{a {b [\"c\"]}}");
}

#[test]
fn variables_come_from_the_scopes_around_then_from_the_environment() {
    assert_eq!(shown("x: 1\na { x: 2, b: $x }\nc: $x\nd: $BUS_PORT"), "{x 1, a {x 2, b 2}, c 1, d 4747}");
    assert_eq!(
        shown("a: 1\nb: $nowhere"),
        "dir/test.conf:2:4: variable `$nowhere` is not defined; define it above, or as an environment variable"
    );
    assert_eq!(shown("p: $2a$11$abc"), "{p \"$2a$11$abc\"}");
}

#[test]
fn faults_name_their_place() {
    let cases = [
        ("a", "1:1: `a` has no value"),
        ("a: {b: 1", "1:9: unexpected end: a closing brace is missing"),
        ("a: [1", "1:6: unexpected end: a closing bracket is missing"),
        ("a: 'x", "1:4: the string has no end"),
        ("a: 1 b: 2", "1:6: a new line, comma or semicolon is expected after the value, not `b`"),
        ("\n = 1", "2:2: a key is expected, not `=`"),
        ("a: \"\\q\"", "1:7: unknown escape; `\\n`, `\\r`, `\\t`, `\\\"`, `\\\\` and `\\xHH` are known"),
    ];
    for (text, fault) in cases {
        assert_eq!(shown(text), format!("dir/test.conf:{fault}"), "{text:?}");
    }
}

#[test]
fn depth_is_bounded() {
    assert!(shown(&"a{".repeat(100)).contains("nested too deep"));
    assert!(shown(&format!("a: {}", "[".repeat(100))).contains("nested too deep"));
}

#[test]
fn includes_stand_in_their_own_scope_and_may_not_recurse() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    file("main.conf", "name: me\nusers { include 'users.conf' }\n");
    file("users.conf", "user: $name");
    file("loop.conf", "include loop.conf");
    file("lost.conf", "a: 1\ninclude ./nowhere.conf");
    let shown = |name: &str| parse_file(&folder.path().join(name), &|_| None).map_or_else(|fault| fault.to_string(), |map| show_map(&map));
    assert_eq!(shown("main.conf"), "{name \"me\", users {user \"me\"}}");
    assert!(shown("loop.conf").contains("nested too deep"));
    assert!(shown("lost.conf").contains("lost.conf:2:1: failed to read"));
}
