//! Just enough of PromQL to tell which metrics and which labels an expression asks for.

use std::collections::BTreeSet;

/// What an expression names.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Expression {
    metrics: BTreeSet<String>,
    labels: BTreeSet<String>,
}

/// What a bracket holds.
#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Values,
    Labels,
}

/// Words behind which a list of labels follows.
const LISTS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
/// Words that are neither metrics nor, unless a bracket follows, functions.
const WORDS: [&str; 15] =
    ["and", "or", "unless", "offset", "bool", "sum", "min", "max", "avg", "count", "topk", "bottomk", "quantile", "inf", "nan"];
/// Labels that exist in expressions only.
const LABELS_OF_RULES: [&str; 2] = ["alertname", "alertstate"];

// === impl Expression ===

impl Expression {
    pub(super) fn read(text: &str) -> Self {
        let (mut found, mut inside, mut word_before) = (Self::default(), vec![Inside::Values], "");
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let length = token_length(rest, first);
            let (token, after) = rest.split_at(length);
            rest = after;
            match first {
                '(' => inside.push(if LISTS.contains(&word_before) { Inside::Labels } else { Inside::Values }),
                '{' => inside.push(Inside::Labels),
                ')' | '}' => drop(inside.pop()),
                _ if is_word(first) && !first.is_ascii_digit() => {
                    let is_called = rest.trim_start().starts_with('(');
                    let is_plain = LISTS.contains(&token) || WORDS.contains(&token) || is_called;
                    match inside.last() {
                        Some(Inside::Labels) => drop(found.labels.insert(token.to_owned())),
                        _ if is_plain => {}
                        _ => drop(found.metrics.insert(token.to_owned())),
                    }
                }
                _ => {}
            }
            if !first.is_whitespace() {
                word_before = token;
            }
        }
        found
    }

    /// What is asked for and does not exist, in words.
    pub(super) fn unknown(&self, who: &str, metrics: &BTreeSet<String>, labels: &BTreeSet<String>) -> Vec<String> {
        let is_label = |label: &String| labels.contains(label) || LABELS_OF_RULES.contains(&label.as_str());
        let metrics = self.metrics.difference(metrics).map(|name| format!("{who}: there is no metric `{name}`"));
        let labels = self.labels.iter().filter(|label| !is_label(label)).map(|label| format!("{who}: there is no label `{label}`"));
        metrics.chain(labels).collect()
    }
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | ':')
}

/// Bytes of what stands at the beginning: a text, a range, a word or number, or one character.
fn token_length(rest: &str, first: char) -> usize {
    match first {
        '"' | '\'' => {
            let mut is_escaped = false;
            let end = rest[1..].find(|character| {
                let is_end = character == first && !is_escaped;
                is_escaped = character == '\\' && !is_escaped;
                is_end
            });
            end.map_or(rest.len(), |end| end + 2)
        }
        '[' => rest.find(']').map_or(rest.len(), |end| end + 1),
        _ if is_word(first) => rest.find(|character| !is_word(character)).unwrap_or(rest.len()),
        _ => first.len_utf8(),
    }
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn metrics_and_labels_are_told_from_everything_else() {
    let text = "histogram_quantile(0.99, sum by (le, kind) (rate(a_bucket{error!=\"b{c}\", x=~'d\\'e'}[5m] offset 15m)))
        / on () level:b:rate5m > bool 2e3 unless on (gateway) max(c) or absent(up{job=\"d\"})";
    let wanted = Expression {
        metrics: set(&["a_bucket", "level:b:rate5m", "c", "up"]),
        labels: set(&["le", "kind", "error", "x", "gateway", "job"]),
    };
    assert_eq!(Expression::read(text), wanted);
}

#[test]
fn a_slip_of_the_pen_is_found() {
    let (metrics, labels) = (set(&["argentum_sends_total"]), set(&["gateway"]));
    let unknown = |text: &str| Expression::read(text).unknown("p", &metrics, &labels);
    assert!(unknown("sum by (gateway) (rate(argentum_sends_total[5m]))").is_empty());
    assert_eq!(unknown("rate(argentum_send_total[5m])"), ["p: there is no metric `argentum_send_total`"]);
    assert_eq!(unknown("sum by (gatewy) (argentum_sends_total)"), ["p: there is no label `gatewy`"]);
    assert_eq!(unknown("argentum_sends_total{gatway=\"a\"}"), ["p: there is no label `gatway`"]);
}
