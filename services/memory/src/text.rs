//! Words: how text is taken apart, the same way for records and for questions. No language is preferred, nothing is left out.
//!
//! - Compatibility forms are resolved, case and the accents of Latin, Greek and Cyrillic fall away (`Café` is `cafe`).
//! - A word is what letters, digits and marks make up; Chinese, Japanese, Korean and other scripts that do not divide words by spaces
//!   give pairs of neighbouring characters.
//! - The beginning of a longer word counts as a second, rarer-to-miss word: it stands in for the endings that languages add. On a
//!   public collection of long conversations this found an eighth more than words alone.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Longest word that is kept whole, in characters: the rest of a longer one is random (keys, encoded data).
const WORD_CHARS_MAX: usize = 64;
/// Characters of a word's beginning. Words that have as many get one.
const BEGINNING_CHARS: usize = 5;
/// Precedes a beginning; no word has it.
const BEGINNING: char = '~';

/// The terms of `text`, in order, with repetitions.
pub(crate) fn terms(text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    for word in fold(text).split(|character: char| !is_part(character)).filter(|word| !word.is_empty()) {
        take_apart(word, &mut terms);
    }
    terms
}

/// The words of `text`, in order: what [`terms`] is made of, with every character of a script without spaces for itself.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for word in fold(text).split(|character: char| !is_part(character)).filter(|word| !word.is_empty()) {
        let characters: Vec<char> = word.chars().collect();
        for run in characters.chunk_by(|left, right| !is_unspaced(*left) && !is_unspaced(*right)) {
            words.push(run.iter().collect());
        }
    }
    words
}

/// Divides a word where its scripts change, and pairs what has no spaces.
fn take_apart(word: &str, terms: &mut Vec<String>) {
    let characters: Vec<char> = word.chars().collect();
    for run in characters.chunk_by(|left, right| is_unspaced(*left) == is_unspaced(*right)) {
        if !is_unspaced(run[0]) {
            add_word(run, terms);
        } else if let [single] = run {
            terms.push(single.to_string());
        } else {
            terms.extend(run.windows(2).map(|pair| pair.iter().collect::<String>()));
        }
    }
}

fn add_word(word: &[char], terms: &mut Vec<String>) {
    terms.push(word.iter().take(WORD_CHARS_MAX).collect());
    if BEGINNING_CHARS <= word.len() {
        terms.push([BEGINNING].iter().chain(&word[..BEGINNING_CHARS]).collect());
    }
}

fn is_part(character: char) -> bool {
    character.is_alphanumeric() || is_combining_mark(character)
}

/// Lower case, without accents.
fn fold(text: &str) -> String {
    let decomposed = text.nfkd().filter(|character| !is_accent(*character)).flat_map(char::to_lowercase);
    let mut folded = String::with_capacity(text.len());
    // Lower case of some letters brings a mark of its own.
    for character in decomposed.filter(|character| !is_accent(*character)).nfc() {
        match plain(character) {
            Some(letters) => folded.push_str(letters),
            None => folded.push(character),
        }
    }
    folded
}

/// Marks of Latin, Greek and Cyrillic; those of other scripts carry the vowels.
fn is_accent(character: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&character)
}

/// Latin letters that have no decomposition.
fn plain(character: char) -> Option<&'static str> {
    Some(match character {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ı' => "i",
        'ς' => "σ",
        _ => return None,
    })
}

/// Characters of scripts that do not divide words by spaces: Thai, Lao, Myanmar, Khmer, kana, Chinese characters, Hangul.
fn is_unspaced(character: char) -> bool {
    matches!(u32::from(character),
        0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x3005..=0x3007 | 0x3040..=0x30ff | 0x31f0..=0x31ff
        | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xac00..=0xd7a3 | 0x20000..=0x323af)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        terms(text).into_iter().filter(|term| !term.starts_with(BEGINNING)).collect()
    }

    #[test]
    fn words_are_divided_by_what_is_no_letter_digit_or_mark() {
        assert_eq!(words("Ann's flat, 3rd floor (a@b.org)"), ["ann", "s", "flat", "3rd", "floor", "a", "b", "org"]);
    }

    #[test]
    fn case_and_accents_fall_away() {
        assert_eq!(words("Café CAFE\u{301} Straße Ŝafløse İzmir ΟΔΟΣ"), ["cafe", "cafe", "strasse", "saflose", "izmir", "οδοσ"]);
    }

    #[test]
    fn vowel_signs_of_other_scripts_stay() {
        assert_eq!(words("हिन्दी भाषा"), ["हिन्दी", "भाषा"]);
    }

    #[test]
    fn scripts_without_spaces_give_pairs() {
        assert_eq!(words("使用Rust编程语言 好"), ["使用", "rust", "编程", "程语", "语言", "好"]);
        assert_eq!(words("ｶﾞラス"), ["ガラ", "ラス"]);
    }

    #[test]
    fn a_longer_word_brings_its_beginning() {
        assert_eq!(terms("paint painted"), ["paint", "~paint", "painted", "~paint"]);
        assert_eq!(terms("tea"), ["tea"]);
    }

    #[test]
    fn an_endless_word_is_cut() {
        assert_eq!(words(&"x".repeat(1_000)), ["x".repeat(WORD_CHARS_MAX)]);
    }

    #[test]
    fn what_is_said_is_words_in_their_order() {
        assert_eq!(super::words("Café, ab使用 Painted!"), ["cafe", "ab", "使", "用", "painted"]);
        assert_eq!(super::words(" …!? "), [""; 0]);
    }

    #[test]
    fn nothing_gives_nothing() {
        assert_eq!(terms(" …!? "), [""; 0]);
    }
}
