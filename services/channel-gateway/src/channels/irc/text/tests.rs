//! Parts and lines: nothing is lost, nothing is too long, nothing is read as a command.

use proptest::prelude::*;

use super::*;

/// The lines of a text, as the outbox makes them.
fn lines(text: &str) -> Vec<String> {
    let (mut lines, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let end = split(rest, false);
        lines.extend(line(&rest[..end]));
        rest = &rest[end..];
    }
    lines
}

fn without_blanks(text: &str) -> String {
    text.chars().filter(|sign| !sign.is_whitespace()).collect()
}

#[test]
fn a_newline_ends_a_line_and_blank_lines_are_left_out() {
    assert_eq!(lines("one\n\n \ntwo\r\nthree\n"), ["one", "two", "three"]);
}

#[test]
fn an_indentation_stays() {
    assert_eq!(lines("if a:\n    b()\n\tc()"), ["if a:", "    b()", " c()"]);
}

#[test]
fn a_long_line_is_cut_behind_a_word() {
    let text = "word ".repeat(100);
    let lines = lines(&text);
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|line| line.ends_with("word") && line.starts_with("word")), "{lines:?}");
}

#[test]
fn a_sign_of_several_characters_stays_whole() {
    let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
    let text = family.repeat(40);
    let lines = lines(&text);
    assert!(1 < lines.len());
    assert!(lines.iter().all(|line| line.starts_with('\u{1f468}') && line.ends_with('\u{1f467}')), "{lines:?}");
}

#[test]
fn nothing_is_read_as_a_command_or_as_colours() {
    assert_eq!(lines("\u{1}VERSION\u{1}\u{0}"), ["VERSION"]);
    assert_eq!(plain("\u{3}04,12red\u{f} \u{2}bold\u{2} \u{4}ff0000x \u{3},5"), "red bold x ,5");
}

#[test]
fn a_text_of_which_nothing_can_be_seen_is_one_part_without_a_line() {
    assert_eq!((split(" \n\u{1} \n", false), line(" \n\u{1} \n")), (5, None));
}

proptest! {
    #[test]
    fn the_lines_hold_the_cleaned_text(text in "(\\PC|[\u{1}\u{2}\t\r\n ]| {40}){0,600}") {
        prop_assert_eq!(without_blanks(&lines(&text).concat()), without_blanks(&plain(&text)));
    }

    #[test]
    fn every_line_is_one_line_of_bounded_length(text in "(\\PC|[ \n\u{1}]){0,900}") {
        for line in lines(&text) {
            prop_assert!(line.len() <= CONTENT_BYTES_MAX + INDENT_MAX, "{} bytes", line.len());
            prop_assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }

    #[test]
    fn a_part_that_begins_later_never_ends_earlier(text in "([a-z]{0,9}|\\PC| {20}|\n){0,200}", labelled: bool) {
        let starts: Vec<usize> = text.char_indices().map(|(start, _)| start).collect();
        let ends: Vec<usize> = starts.iter().map(|start| start + split(&text[*start..], labelled)).collect();
        prop_assert!(ends.windows(2).all(|pair| pair[0] <= pair[1]));
        prop_assert!(starts.iter().zip(&ends).all(|(start, end)| start < end));
    }

    #[test]
    fn a_labelled_part_is_not_longer(text in "([a-z]{0,9}|\\PC| {20}|\n){1,200}") {
        prop_assert!(split(&text, true) <= split(&text, false));
    }

    #[test]
    fn pieces_hold_the_line_and_fit(line in "(\\PC| ){0,400}", bytes_max in 20..400_usize) {
        let pieces = pieces(&line, bytes_max);
        prop_assert_eq!(without_blanks(&pieces.concat()), without_blanks(&line));
        prop_assert!(pieces.iter().all(|piece| !piece.is_empty() && piece.len() <= bytes_max));
    }
}
