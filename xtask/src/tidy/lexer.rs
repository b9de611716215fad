//! Just enough of Rust's lexical structure to tell code from comments and strings.

use std::ops::Range;

/// The source with comments and strings blanked; every remaining character keeps its line and column.
pub(super) fn code(source: &str) -> String {
    blank(source, |_| true)
}

/// The source with comments blanked.
pub(super) fn code_and_strings(source: &str) -> String {
    blank(source, |kind| kind == Kind::Comment)
}

/// The source up to its module of unit tests, the rest blanked; by convention that module comes last.
pub(super) fn without_unit_tests(source: &str) -> String {
    let code = code(source);
    let mut offset = 0;
    let mut is_after_attribute = false;
    for line in code.split_inclusive('\n') {
        let text = line.trim();
        if is_after_attribute && text.starts_with("mod ") && text.ends_with('{') {
            return blank_range(source, offset..source.len());
        }
        is_after_attribute = text == "#[cfg(test)]" || (is_after_attribute && (text.is_empty() || text.starts_with("#[")));
        offset += line.len();
    }
    source.into()
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Comment,
    Text,
}

fn blank(source: &str, is_blanked: impl Fn(Kind) -> bool) -> String {
    let mut bytes = source.as_bytes().to_vec();
    for (kind, range) in spans(source) {
        if is_blanked(kind) {
            erase(&mut bytes[range]);
        }
    }
    String::from_utf8(bytes).expect("whole characters were replaced by spaces")
}

fn blank_range(source: &str, range: Range<usize>) -> String {
    let mut bytes = source.as_bytes().to_vec();
    erase(&mut bytes[range]);
    String::from_utf8(bytes).expect("whole characters were replaced by spaces")
}

fn erase(bytes: &mut [u8]) {
    bytes.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
}

/// Where comments, strings and character literals are.
fn spans(source: &str) -> Vec<(Kind, Range<usize>)> {
    let bytes = source.as_bytes();
    let mut spans = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let follows_word = 0 < at && is_word(bytes[at - 1]);
        let found = if let Some(length) = comment_length(rest) {
            Some((Kind::Comment, length))
        } else {
            text_length(rest, follows_word).map(|length| (Kind::Text, length))
        };
        let length = found.map_or(1, |(_, length)| length);
        spans.extend(found.map(|(kind, length)| (kind, at..at + length)));
        at += length;
    }
    spans
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn comment_length(rest: &[u8]) -> Option<usize> {
    if rest.starts_with(b"//") {
        return Some(rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()));
    }
    if !rest.starts_with(b"/*") {
        return None;
    }
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return Some(at);
        }
    }
    Some(rest.len())
}

fn text_length(rest: &[u8], follows_word: bool) -> Option<usize> {
    match rest {
        [b'"', ..] => Some(quoted_length(rest, b'"')),
        [b'\'', b'\\', ..] => Some(quoted_length(rest, b'\'')),
        // Neither a lifetime nor a label has a quote after its first character.
        [b'\'', rest @ ..] => {
            let character = std::str::from_utf8(&rest[..rest.len().min(4)]).map_or_else(|error| error.valid_up_to(), str::len);
            let width = std::str::from_utf8(&rest[..character]).ok()?.chars().next()?.len_utf8();
            (rest.get(width) == Some(&b'\'')).then_some(width + 2)
        }
        _ if follows_word => None,
        _ => raw_length(rest),
    }
}

/// Of a literal that begins and ends with `quote`.
fn quoted_length(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Of `r"…"`, `r#"…"#` and their `br`, `cr` forms.
fn raw_length(rest: &[u8]) -> Option<usize> {
    let prefix = match rest {
        [b'r', ..] => 1,
        [b'b' | b'c', b'r', ..] => 2,
        _ => return None,
    };
    let hashes = rest[prefix..].iter().take_while(|byte| **byte == b'#').count();
    let start = prefix + hashes;
    if rest.get(start) != Some(&b'"') {
        return None;
    }
    let end = [&b"\""[..], &b"#".repeat(hashes)].concat();
    let length = rest[start + 1..].windows(end.len()).position(|window| window == end);
    Some(length.map_or(rest.len(), |length| start + 1 + length + end.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_blanked_in_place() {
        assert_eq!(code("a(\"{\"); // {\nb /* { /* { */ */ c"), "a(   );     \nb                 c");
    }

    #[test]
    fn raw_strings_end_at_their_own_quote() {
        assert_eq!(code("x(r#\"a\"{\"#) y"), "x(        ) y");
        assert_eq!(code("x(br\"{\") r#fn"), "x(     ) r#fn");
    }

    #[test]
    fn lifetimes_are_code_and_characters_are_not() {
        assert_eq!(code("&'a str, '{', '\\'', 'ä', 'x: loop"), "&'a str,    ,     ,     , 'x: loop");
    }

    #[test]
    fn an_escaped_quote_does_not_end_a_string() {
        assert_eq!(code(r#"f("\"{", 1)"#), "f(     , 1)");
    }

    #[test]
    fn strings_stay_where_only_comments_go() {
        assert_eq!(code_and_strings("\"// a\" // b"), "\"// a\"     ");
    }
}
