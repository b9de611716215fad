//! Subjects as bytes: what is valid, what is a wildcard, what matches what.
//!
//! A subject is a list of tokens between dots. `*` stands for one token and `>` for one or more at the end, but only where the wildcard is the whole
//! token: `foo*` is a literal. Everything here compares bytes, so case matters.

/// Splits a subject into its tokens; an empty token means that the subject is malformed.
pub(crate) fn tokens(subject: &[u8]) -> impl Iterator<Item = &[u8]> {
    subject.split(|byte| *byte == b'.')
}

/// Whether the subject can be subscribed to: no empty token, and `>` only as the last one.
pub(crate) fn is_valid(subject: &[u8]) -> bool {
    let mut ended = false;
    for token in tokens(subject) {
        if token.is_empty() || ended {
            return false;
        }
        ended = token == b">";
    }
    true
}

/// Whether the subject is well formed and has no wildcard token.
pub(crate) fn is_literal(subject: &[u8]) -> bool {
    tokens(subject).all(|token| !token.is_empty() && token != b"*" && token != b">")
}

pub(crate) fn has_wildcard(subject: &[u8]) -> bool {
    tokens(subject).any(|token| token == b"*" || token == b">")
}

/// Whether a message published to `subject` belongs to `pattern`. Wildcards in `subject` are plain tokens, as a publisher may write them.
pub(crate) fn matches(pattern: &[u8], subject: &[u8]) -> bool {
    compare(pattern, subject, |_| true)
}

/// Whether everything that `subject` can stand for also belongs to `pattern`: `a.>` covers `a.*`, and `*` does not cover `>`.
pub(crate) fn covers(pattern: &[u8], subject: &[u8]) -> bool {
    compare(pattern, subject, |token| token != b">")
}

fn compare(pattern: &[u8], subject: &[u8], star_takes: impl Fn(&[u8]) -> bool) -> bool {
    let mut theirs = tokens(subject);
    for token in tokens(pattern) {
        let Some(other) = theirs.next() else { return false };
        if other.is_empty() {
            return false;
        }
        match token {
            b">" => return theirs.all(|rest| !rest.is_empty()),
            b"*" if star_takes(other) => {}
            literal if literal == other => {}
            _ => return false,
        }
    }
    theirs.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_wildcards_only_as_whole_tokens_and_rest_only_last() {
        let valid = ["a", "a.b", "*", ">", "a.*.b", "a.>", "foo*", ">a.b"].map(|subject| is_valid(subject.as_bytes()));
        let invalid = ["", ".", "a.", ".a", "a..b", "a.>.b", ">.>"].map(|subject| is_valid(subject.as_bytes()));
        assert_eq!((valid, invalid), ([true; 8], [false; 7]));
    }

    #[test]
    fn matches_as_the_protocol_says() {
        let hits = [("a", "a"), ("*", "a"), (">", "a.b"), ("a.*.c", "a.b.c"), ("a.>", "a.b.c"), ("foo*", "foo*"), ("*", ">")];
        let misses = [("a", "A"), ("a.>", "a"), ("*", "a.b"), ("a.*", "a"), ("foo*", "foox"), (">", "a..b"), ("*", "")];
        assert!(hits.iter().all(|(pattern, subject)| matches(pattern.as_bytes(), subject.as_bytes())));
        assert!(misses.iter().all(|(pattern, subject)| !matches(pattern.as_bytes(), subject.as_bytes())));
    }

    #[test]
    fn one_token_does_not_cover_the_rest() {
        assert!(covers(b"a.>", b"a.*") && covers(b">", b">") && covers(b"a.*", b"a.*"));
        assert!(!covers(b"*", b">") && !covers(b"a.*", b"a.>") && !covers(b"a.b", b"a.*"));
    }

    #[test]
    fn literals_have_no_wildcard_token() {
        assert!(is_literal(b"a.foo*") && !is_literal(b"a.*") && !is_literal(b"a..b") && !has_wildcard(b"a.>b") && has_wildcard(b"a.>"));
    }
}
