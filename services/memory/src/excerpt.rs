//! Cutting a long text around what was asked for.

use std::collections::BTreeSet;

use crate::text::terms;

/// Steps into which a window is divided: the best window is found to this precision.
const STEPS: usize = 4;
/// How much of a text is looked through: the search for the best window must not take longer than the search for the text.
const LOOKED_BYTES_MAX: usize = 256 * 1024;
/// Stands where text was left out.
const GAP: &str = "…";

/// At most `bytes_max` bytes of `text` (and a mark at each cut), where most of `wanted` is said.
pub(crate) fn excerpt(text: &str, wanted: &BTreeSet<String>, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let step = (bytes_max / STEPS).max(1);
    let last = text.len().min(LOOKED_BYTES_MAX).saturating_sub(bytes_max);
    let (mut best, mut most) = (vec![0], 0);
    for start in (0..=last + step - 1).step_by(step) {
        let count = said(window(text, start, bytes_max), wanted);
        if most < count {
            (best, most) = (vec![start], count);
        } else if most == count && 0 < most && best.last().is_some_and(|before| before + step == start) {
            best.push(start);
        }
    }
    // Of windows in a row the middle one: what stands around the words tells more than what is before them.
    let best = best[best.len() / 2];
    let window = window(text, best, bytes_max);
    let before = if best == 0 { "" } else { GAP };
    let after = if text.len() <= best + bytes_max { "" } else { GAP };
    format!("{before}{window}{after}")
}

/// The text from `start` on, in whole characters.
fn window(text: &str, start: usize, bytes_max: usize) -> &str {
    let start = text.floor_char_boundary(start);
    &text[start..text.floor_char_boundary(start + bytes_max)]
}

/// How many different wanted terms are said.
fn said(window: &str, wanted: &BTreeSet<String>) -> usize {
    terms(window).into_iter().filter(|term| wanted.contains(term)).collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(text: &str) -> BTreeSet<String> {
        terms(text).into_iter().collect()
    }

    #[test]
    fn a_short_text_is_whole() {
        assert_eq!(excerpt("Green tea.", &wanted("tea"), 10), "Green tea.");
    }

    #[test]
    fn a_long_text_is_cut_around_what_was_asked_for() {
        let text = format!("{}the kettle is in the cellar {}", "bla ".repeat(500), "bla ".repeat(500));
        let cut = excerpt(&text, &wanted("where is the kettle?"), 100);
        assert!(cut.contains("kettle is in the cellar") && cut.len() <= 106, "{cut}");
        assert!(cut.starts_with(GAP) && cut.ends_with(GAP));
    }

    #[test]
    fn where_nothing_was_asked_for_it_is_the_beginning() {
        assert_eq!(excerpt("abcdef ghijkl", &wanted("x"), 4), "abcd…");
    }

    #[test]
    fn the_end_can_be_the_best() {
        let cut = excerpt(&format!("{}kettle", "bla ".repeat(50)), &wanted("kettle"), 20);
        assert!(cut.starts_with(GAP) && cut.ends_with("kettle"), "{cut}");
    }

    #[test]
    fn no_character_is_cut() {
        for bytes_max in 1..9 {
            assert!(excerpt("äöü漢字😀", &wanted("x"), bytes_max).len() <= bytes_max + GAP.len());
        }
    }
}
