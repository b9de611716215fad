//! Reading `argentum.toml`: all faults at once, each with its key, its line and what to do.
//!
//! The deserializer stops at its first complaint, so the offending key is taken out and the rest is read again, until nothing is
//! left to complain about. `deny_unknown_fields` on every struct then suffices.

mod value;

use std::{fmt, ops::Range};

use serde::de::DeserializeOwned;
use toml::{
    Spanned,
    de::{DeTable, DeValue, Deserializer},
};

pub use value::{NOT_AN_ADDRESS, VAULT, is_plain_url, secret_name};

/// Faults told at once. A file with more has a deeper problem.
const FAULTS_MAX: usize = 50;

/// A struct that stands for a table of `argentum.toml`.
pub trait Section: DeserializeOwned + Default {
    /// Rules that the types alone do not hold, as key (relative to this table) and text.
    fn rules(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}

/// One thing that is wrong in a configuration.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// Dotted key; empty where the text is not TOML at all.
    pub key: String,
    /// From 1; absent where the key does not stand in the text.
    pub line: Option<usize>,
    pub text: String,
}

/// `text` as `T`, or everything that is wrong with it.
pub fn parse<T: Section>(text: &str) -> Result<T, Vec<Fault>> {
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => return Err(vec![fault(text, String::new(), error.span(), error.message())]),
    };
    let mut rest = table.clone();
    let mut faults = Vec::new();
    let parsed = loop {
        let error = match T::deserialize(Deserializer::from(rest.clone())) {
            Ok(parsed) => break Some(parsed),
            Err(error) => error,
        };
        let taken = error.span().and_then(|span| take_out(rest.get_mut(), span.start, ""));
        if !taken.as_ref().is_some_and(|taken| is_consequence(taken, error.message(), &faults)) {
            faults.push(fault(text, taken.clone().unwrap_or_default(), error.span(), error.message()));
        }
        if taken.is_none() || faults.len() == FAULTS_MAX {
            break None;
        }
    };
    // A key that was taken out stands at its default: no rule can be held against it.
    let rules = parsed.iter().flat_map(Section::rules).filter(|(key, _)| !faults.iter().any(|fault| fault.key == *key));
    let broken: Vec<Fault> = rules.map(|(key, rule)| fault(text, key.clone(), find(table.get_ref(), &key), &rule)).collect();
    faults.extend(broken);
    match parsed {
        Some(parsed) if faults.is_empty() => Ok(parsed),
        _ => {
            faults.sort_by_key(|fault| fault.line);
            Err(faults)
        }
    }
}

/// The faults, one per line.
pub fn list(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn fault(text: &str, key: String, span: Option<Range<usize>>, message: &str) -> Fault {
    let line = span.and_then(|span| text.get(..span.start)).map(|before| before.matches('\n').count() + 1);
    Fault { key, line, text: message.trim().replace('\n', "; ") }
}

/// Whether a table lacks only what was taken out of it: that was told already.
fn is_consequence(table: &str, message: &str, told: &[Fault]) -> bool {
    let missing = message.trim().strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    missing.is_some_and(|field| told.iter().any(|fault| fault.key == format!("{table}.{field}")))
}

/// Removes the entry that covers `offset`, and tells its dotted key.
fn take_out(table: &mut DeTable<'_>, offset: usize, path: &str) -> Option<String> {
    let found = table.iter_mut().find_map(|(key, value)| {
        let name = if path.is_empty() { key.get_ref().to_string() } else { format!("{path}.{}", key.get_ref()) };
        if key.span().contains(&offset) {
            return Some((key.clone(), name, true));
        }
        let is_within = value.span().contains(&offset);
        if let DeValue::Table(inner) = value.get_mut()
            && let Some(inner) = take_out(inner, offset, &name)
        {
            return Some((key.clone(), inner, false));
        }
        is_within.then(|| (key.clone(), name, true))
    });
    let (key, name, is_leaf) = found?;
    if is_leaf {
        table.remove(&key);
    }
    Some(name)
}

/// Where the value of a dotted key stands; the nearest table around it where it is left to its default.
fn find(table: &DeTable<'_>, key: &str) -> Option<Range<usize>> {
    let (head, rest) = key.split_once('.').map_or((key, None), |(head, rest)| (head, Some(rest)));
    let (name, value): (_, &Spanned<DeValue<'_>>) = table.iter().find(|(name, _)| name.get_ref() == head)?;
    match (rest, value.get_ref()) {
        (Some(rest), DeValue::Table(inner)) => find(inner, rest).or_else(|| Some(name.span())),
        _ => Some(name.span()),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(formatter, "line {line}: ")?;
        }
        if !self.key.is_empty() {
            write!(formatter, "`{}`: ", self.key)?;
        }
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields, default)]
    struct File {
        outbox: Outbox,
        name: String,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields, default)]
    struct Outbox {
        attempts_max: u32,
        attempts_min: u32,
    }

    impl Section for File {
        fn rules(&self) -> Vec<(String, String)> {
            let is_crossed = self.outbox.attempts_max < self.outbox.attempts_min;
            is_crossed.then(|| ("outbox.attempts_max".into(), "must not be below outbox.attempts_min".into())).into_iter().collect()
        }
    }

    fn told(text: &str) -> Vec<String> {
        parse::<File>(text).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_empty_text_is_the_defaults() {
        assert_eq!(parse::<File>("").unwrap(), File::default());
    }

    #[test]
    fn all_faults_are_told_at_once_with_key_and_line() {
        let faults = told("nane = 'x'\n[outbox]\nattempts_max = 'five'\natempts = 3\nattempts_min = 2\n[vualt]\n");
        let places: Vec<_> = faults.iter().map(|fault| fault.split(": ").take(2).collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(places, ["line 1 `nane`", "line 3 `outbox.attempts_max`", "line 4 `outbox.atempts`", "line 6 `vualt`"]);
    }

    #[test]
    fn a_broken_rule_names_the_line_of_its_key() {
        assert_eq!(
            told("[outbox]\nattempts_min = 2\nattempts_max = 1\n"),
            ["line 3: `outbox.attempts_max`: must not be below outbox.attempts_min"]
        );
    }

    #[test]
    fn what_is_not_toml_is_told_with_its_line() {
        let faults = told("name = 'x'\n= 3\n");
        assert!(faults[0].starts_with("line 2: "), "{faults:?}");
    }
}
