//! Telegram counts texts in UTF-16 code units: cutting them so that no character breaks.

use std::ops::Range;

use unicode_segmentation::GraphemeCursor;

/// Longest text of a message (<https://core.telegram.org/bots/api#sendmessage>).
pub(super) const TEXT_UNITS_MAX: usize = 4_096;
/// How a part begins that may stand already.
pub(super) const LABEL: &str = "(repeated, as this may stand above already)\n";

/// How many code units a text has.
pub(super) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// How much of `rest` goes into one message, in bytes.
pub(super) fn split(rest: &str, is_labelled: bool) -> usize {
    let units_max = if is_labelled { TEXT_UNITS_MAX - units(LABEL) } else { TEXT_UNITS_MAX };
    let limit = prefix(rest, units_max);
    if limit == rest.len() {
        return limit;
    }
    // Good places count in the second half only. Each kind of place then wins or loses alike wherever a part begins, so that one that
    // begins later never ends earlier.
    let half = prefix(rest, units_max / 2);
    let end_of = |mark: &str| rest[half..limit].rfind(mark).map(|place| half + place + mark.len());
    end_of("\n\n").or_else(|| end_of("\n")).or_else(|| end_of(" ")).unwrap_or_else(|| whole_characters(rest, limit))
}

/// The byte range of a marked piece; `None` where it does not lie on characters of the text.
pub(super) fn range(text: &str, offset: usize, length: usize) -> Option<Range<usize>> {
    let end = offset.checked_add(length)?;
    Some(at_unit(text, offset)?..at_unit(text, end)?)
}

/// Bytes of the longest beginning with at most so many code units.
fn prefix(text: &str, units_max: usize) -> usize {
    let mut left = units_max;
    for (place, sign) in text.char_indices() {
        match left.checked_sub(sign.len_utf16()) {
            Some(rest) => left = rest,
            None => return place,
        }
    }
    text.len()
}

fn at_unit(text: &str, unit: usize) -> Option<usize> {
    let place = prefix(text, unit);
    (units(&text[..place]) == unit).then_some(place)
}

/// The last place at or before `limit` that is not inside of what a reader sees as one character.
fn whole_characters(text: &str, limit: usize) -> usize {
    let mut cursor = GraphemeCursor::new(limit, text.len(), true);
    let is_whole = cursor.is_boundary(text, 0).unwrap_or(true);
    let before = if is_whole { Some(limit) } else { cursor.prev_boundary(text, 0).ok().flatten() };
    // A single one that is longer than a message is cut all the same.
    before.filter(|place| 0 < *place).unwrap_or(limit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(text: &str, is_labelled: bool) -> Vec<&str> {
        let (mut rest, mut parts) = (text, Vec::new());
        while !rest.is_empty() {
            let (part, left) = rest.split_at(split(rest, is_labelled));
            parts.push(part);
            rest = left;
        }
        parts
    }

    #[test]
    fn a_text_that_fits_is_one_part() {
        assert_eq!(parts(&"\u{1f600}".repeat(2_048), false).len(), 1);
        assert_eq!(parts(&"\u{1f600}".repeat(2_049), false).len(), 2);
    }

    #[test]
    fn a_part_ends_at_a_paragraph_else_a_line_else_a_word() {
        let word = "x".repeat(3_000);
        for (mark, expected) in [("\n\n", 3_002), ("\n", 3_001), (" ", 3_001)] {
            assert_eq!(split(&format!("{word}{mark}{word}"), false), expected, "{mark:?}");
        }
    }

    #[test]
    fn what_a_reader_sees_as_one_character_is_not_cut() {
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        let text = format!("{}{family}", "x".repeat(TEXT_UNITS_MAX - 2));
        assert_eq!(parts(&text, false)[1], family);
    }

    #[test]
    fn a_character_longer_than_a_message_is_cut() {
        let text = format!("e{}", "\u{301}".repeat(5_000));
        assert_eq!(parts(&text, false).concat(), text);
    }

    #[test]
    fn marked_pieces_are_found_by_code_units() {
        let text = "\u{1f600} @bot";
        assert_eq!(range(text, 3, 4).map(|range| &text[range]), Some("@bot"));
        assert_eq!([range(text, 1, 2), range(text, 3, 5), range(text, usize::MAX, 2)], [None, None, None]);
    }

    proptest! {
        // Texts of regular expressions are slow to make.
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn parts_are_the_text_and_fit(text in "([a-z]{0,40}[ \n\u{e9}\u{1f600}\u{1f1e9}\u{200d}]{1,3}){0,400}", is_labelled: bool) {
            let parts = parts(&text, is_labelled);
            let label = if is_labelled { units(LABEL) } else { 0 };
            prop_assert!(parts.iter().all(|part| units(part) + label <= TEXT_UNITS_MAX));
            prop_assert_eq!(parts.concat(), text);
        }

        #[test]
        fn a_part_that_begins_later_never_ends_earlier(
            text in "([a-z]{0,900}[ \n\u{1f600}\u{1f1e9}]{1,3}){5,40}",
            starts in prop::collection::vec(any::<prop::sample::Index>(), 2),
        ) {
            let places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
            let mut starts: Vec<usize> = starts.iter().map(|start| *start.get(&places)).collect();
            starts.sort_unstable();
            let ends = [starts[0], starts[1]].map(|start| start + split(&text[start..], false));
            prop_assert!(ends[0] <= ends[1], "{starts:?} end at {ends:?}");
        }
    }
}
