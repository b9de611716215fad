//! The rule that no key of anybody's lies in the tree, nor in a commit that led to it.
//!
//! A key is known by its shape: what its issuer begins it with, and how long it is. What is found is not printed.

use super::Finding;
use super::tree::Tree;

/// How a kind of key looks: a prefix behind no letter or digit, then so many characters of an alphabet.
struct Shape {
    name: &'static str,
    prefixes: &'static [&'static str],
    is_part: fn(char) -> bool,
    length_min: usize,
}

const SHAPES: &[Shape] = &[
    Shape { name: "a key of a model vendor", prefixes: &["sk-"], is_part: is_url_safe, length_min: 16 },
    Shape { name: "a key of our own API", prefixes: &["ark-"], is_part: is_url_safe, length_min: 20 },
    Shape { name: "an access key of AWS", prefixes: &["AKIA", "ASIA"], is_part: is_capital, length_min: 16 },
    Shape { name: "a token of GitHub", prefixes: &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], is_part: is_alphanumeric, length_min: 30 },
    Shape { name: "a token of GitHub", prefixes: &["github_pat_"], is_part: is_url_safe, length_min: 30 },
    Shape { name: "a token of GitLab", prefixes: &["glpat-"], is_part: is_url_safe, length_min: 20 },
    Shape {
        name: "a token of Slack",
        prefixes: &["xoxa-", "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-"],
        is_part: is_url_safe,
        length_min: 10,
    },
    Shape { name: "a key of Google", prefixes: &["AIza"], is_part: is_url_safe, length_min: 35 },
    Shape { name: "a token of Hugging Face", prefixes: &["hf_"], is_part: is_alphanumeric, length_min: 30 },
    Shape { name: "a token of npm", prefixes: &["npm_"], is_part: is_alphanumeric, length_min: 36 },
    Shape { name: "a token of a package index", prefixes: &["pypi-"], is_part: is_url_safe, length_min: 40 },
    Shape { name: "a seed of NATS", prefixes: &["SA", "SC", "SN", "SO", "SU", "SX"], is_part: is_base32, length_min: 56 },
];

/// Of a Telegram bot's token: the bot's number, a colon, and so many characters.
const BOT_NUMBER_LENGTH: std::ops::RangeInclusive<usize> = 8..=10;
const BOT_TOKEN_LENGTH: usize = 35;

/// Made up for tests, now or once: path, and the exact value in two parts, so that this file does not find itself. One that nothing
/// needs any more lets nothing else pass, and its commit stays.
const ALLOWED: &[(&str, [&str; 2])] = &[
    ("crates/service/src/api_key.rs", ["sk-", "0123456789012345678901"]),
    ("crates/service/src/api_key.rs", ["ark-", "01234567890123456789"]),
    ("tests/e2e/provider.rs", ["sk-", "canary-5e3d0f9a7c2b"]),
    ("tests/e2e/secrets.rs", ["sk-", "canary-c1d94e07ab53f268"]),
    ("tests/e2e/secrets.rs", ["sk-", "repeated-8f02bb6417ce9d35"]),
    ("tests/peers/openai_client.py", ["ark-", "0000000000000000000000"]),
    ("tests/peers/openai_client.py", ["ark-", "0123456789012345678901"]),
    ("tests/together/api.rs", ["ark-", "0123456789012345678901"]),
];

pub(super) fn no_key_is_tracked(tree: &Tree) -> Vec<Finding> {
    let lines = tree.files.iter().flat_map(|file| file.text.lines().enumerate().map(move |(index, line)| (file, index + 1, line)));
    lines
        .flat_map(|(file, number, line)| found(&file.path, line).into_iter().map(move |name| (file, number, name)))
        .map(|(file, number, name)| Finding::at(&file.path, number, format!("holds what looks like {name}")))
        .collect()
}

/// What `git log -p -U0 --format='commit %H%n%B'` printed: keys in messages and in added lines, and binary files.
pub(super) fn in_history(log: &str) -> Vec<Finding> {
    let (mut commit, mut path, mut is_patch) = ("", "a message", false);
    let mut findings = Vec::new();
    for line in log.lines() {
        if let Some(hash) = line.strip_prefix("commit ").filter(|hash| hash.len() == 40) {
            (commit, path, is_patch) = (hash, "a message", false);
        } else if line.starts_with("diff --git ") {
            is_patch = true;
        } else if let Some(name) = line.strip_prefix("+++ ") {
            path = name.strip_prefix("b/").unwrap_or(name);
        } else if is_patch && line.starts_with("Binary files ") && line.ends_with(" differ") {
            findings.push(Finding::at(commit, 0, format!("brings a file that is no text: {line}")));
        } else if !is_patch || line.starts_with('+') {
            let text = if is_patch { &line[1..] } else { line };
            findings.extend(found(path, text).into_iter().map(|name| Finding::at(commit, 0, format!("brings {name} in {path}"))));
        }
    }
    findings
}

/// A file whose content a reviewer cannot read: compiled, packed, or a picture.
pub(super) fn everything_is_text(tree: &Tree) -> Vec<Finding> {
    let with_zero = tree.files.iter().filter(|file| file.text.contains('\0')).map(|file| &file.path);
    tree.opaque.iter().chain(with_zero).map(|path| Finding::at(path, 0, "is no text, so nobody can review it")).collect()
}

/// What the line of a file holds, exceptions left out.
fn found(path: &str, line: &str) -> Vec<&'static str> {
    let is_allowed = |value: &str| ALLOWED.iter().any(|(allowed, parts)| *allowed == path && parts.concat() == value);
    let mut names: Vec<&str> = values(line).filter(|(_, value)| !is_allowed(value)).map(|(name, _)| name).collect();
    if is_private_key(line) {
        names.push("a private key");
    }
    if line.match_indices(':').any(|(colon, _)| is_bot_token(line, colon)) {
        names.push("a token of a Telegram bot");
    }
    names
}

/// Kind and text of everything that has one of the shapes.
fn values(text: &str) -> impl Iterator<Item = (&'static str, &str)> {
    let begins = |at: usize| !text[..at].ends_with(|before: char| before.is_ascii_alphanumeric() || before == '_');
    let prefixes = SHAPES.iter().flat_map(|shape| shape.prefixes.iter().map(move |prefix| (shape, *prefix)));
    prefixes.flat_map(move |(shape, prefix)| {
        text.match_indices(prefix).filter(move |(at, _)| begins(*at)).filter_map(move |(at, _)| {
            let behind = &text[at + prefix.len()..];
            let length = behind.find(|character| !(shape.is_part)(character)).unwrap_or(behind.len());
            (shape.length_min <= length).then(|| (shape.name, &text[at..at + prefix.len() + length]))
        })
    })
}

/// The first line of one in PEM, of whatever algorithm.
fn is_private_key(line: &str) -> bool {
    line.split("-----BEGIN ").skip(1).any(|rest| {
        let label = rest.split("-----").next().unwrap_or_default();
        label.ends_with("PRIVATE KEY") && label.chars().all(|character| character.is_ascii_uppercase() || character == ' ')
    })
}

fn is_bot_token(line: &str, colon: usize) -> bool {
    let digits = line[..colon].chars().rev().take_while(char::is_ascii_digit).count();
    let characters = line[colon + 1..].chars().take_while(|character| is_url_safe(*character)).count();
    BOT_NUMBER_LENGTH.contains(&digits) && characters == BOT_TOKEN_LENGTH
}

fn is_alphanumeric(character: char) -> bool {
    character.is_ascii_alphanumeric()
}

fn is_url_safe(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-')
}

fn is_capital(character: char) -> bool {
    character.is_ascii_uppercase() || character.is_ascii_digit()
}

fn is_base32(character: char) -> bool {
    character.is_ascii_uppercase() || ('2'..='7').contains(&character)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each kind, put together here so that nothing finds this file.
    fn keys() -> Vec<String> {
        let of = |prefix: &str, part: &str, count: usize| [prefix, &part.repeat(count)].concat();
        let mut keys: Vec<String> =
            SHAPES.iter().flat_map(|shape| shape.prefixes.iter().map(move |prefix| of(prefix, "A", shape.length_min))).collect();
        keys.push(of("sk-ant-", "aB3-", 20));
        keys.push(["-----BEGIN ", "RSA PRIVATE KEY-----"].concat());
        keys.push(["-----BEGIN ", "PRIVATE KEY-----"].concat());
        keys.push(of("1234567890:", "A", BOT_TOKEN_LENGTH));
        keys
    }

    #[test]
    fn a_key_in_a_file_is_found_with_its_line() {
        for key in keys() {
            let findings = no_key_is_tracked(&Tree::of(&[("a.md", &format!("# A\n\nuse `{key}`, please\n"))]));
            assert_eq!(findings.iter().map(|found| found.line).collect::<Vec<_>>(), [3], "{key}");
            assert!(!findings[0].to_string().contains(&key), "a finding shows the key");
        }
    }

    #[test]
    fn a_key_in_a_commit_is_found_also_where_it_was_removed_again() {
        let hash = "a".repeat(40);
        for key in keys() {
            let patch = "diff --git a/a.toml b/a.toml\n--- a/a.toml\n+++ b/a.toml\n@@ -0,0 +1 @@\n";
            let added = format!("commit {hash}\nconfig: Add\n\n{patch}+key = \"{key}\"\n");
            let told = in_history(&added).iter().map(ToString::to_string).collect::<Vec<_>>();
            assert!(matches!(&told[..], [told] if told.starts_with(&hash) && told.ends_with("a.toml")), "{key}: {told:?}");
            assert_eq!(in_history(&format!("commit {hash}\nsay {key}\n")).len(), 1, "{key}");
            let removed = format!("commit {hash}\nconfig: Remove\n\n{patch}-key = \"{key}\"\n");
            assert!(in_history(&removed).is_empty(), "it was found where it came in");
        }
    }

    #[test]
    fn what_only_resembles_a_key_passes() {
        for text in ["task-and-disk-and-many-more-words", "sk-short", "AKIAshort", "12:30:00 and 1234567890:short", "SAFE", "ark-…"] {
            assert!(no_key_is_tracked(&Tree::of(&[("a.md", text)])).is_empty(), "{text}");
        }
    }

    #[test]
    fn an_exception_holds_for_its_file_and_value_only() {
        let (path, parts) = ALLOWED[2];
        let value = parts.concat();
        assert!(no_key_is_tracked(&Tree::of(&[(path, &value)])).is_empty());
        assert_eq!(no_key_is_tracked(&Tree::of(&[("tests/e2e/other.rs", &value)])).len(), 1);
        assert_eq!(no_key_is_tracked(&Tree::of(&[(path, &format!("{value}0"))])).len(), 1);
    }

    #[test]
    fn a_file_that_is_no_text_is_found_in_tree_and_history() {
        let mut tree = Tree::of(&[("a.wasm", "\0asm"), ("a.md", "text")]);
        tree.opaque.push("tool".into());
        assert_eq!(everything_is_text(&tree).iter().map(|found| found.path.as_str()).collect::<Vec<_>>(), ["tool", "a.wasm"]);
        let log = format!("commit {}\nadd\n\ndiff --git a/tool b/tool\nBinary files /dev/null and b/tool differ\n", "b".repeat(40));
        assert_eq!(in_history(&log).len(), 1);
    }
}
