//! How a text becomes lines of IRC, and how a line becomes text.
//!
//! A part of an outbound is **one line**: the smallest thing that can be known to stand, so that whatever breaks, no more than one line
//! is repeated. Line ends of the text and blank lines belong to the part before them; they are sent as nothing. A part is short enough
//! for a relayed prefix as long as servers have them, so that it depends on no connection; where names are longer still, it goes out as
//! several lines ([`pieces`]).

/// What a repeated part begins with.
pub(super) const LABEL: &str = "(repeated) ";
/// Bytes of a part from its first visible sign on. 512 without the line's end, `:nick!user@host PRIVMSG #channel :` of 30, 12, 63 and 50
/// bytes in names, an indentation and the name of whoever is answered.
pub(super) const CONTENT_BYTES_MAX: usize = 280;
/// Blanks that a line may begin with; more are left out.
const INDENT_MAX: usize = 16;

/// Where a text ends that goes into one part; see [`crate::outbox::Split`].
pub(super) fn split(rest: &str, is_labelled: bool) -> usize {
    let bytes_max = if is_labelled { CONTENT_BYTES_MAX - LABEL.len() } else { CONTENT_BYTES_MAX };
    let Some(begin) = rest.find(is_visible) else { return rest.len() };
    let line_bytes = rest[begin..].find(is_break).unwrap_or(rest.len() - begin);
    let content = rest[begin..begin + line_bytes].trim_end_matches(|sign| !is_visible(sign));
    let end = begin + if content.len() <= bytes_max { content.len() } else { cut(content, bytes_max) };
    end + blank_bytes(&rest[end..])
}

/// The one line of a part, cleaned; `None` where nothing of it can be seen.
pub(super) fn line(part: &str) -> Option<String> {
    let begin = part.find(is_visible)?;
    let indent = part[..begin].chars().rev().take_while(|sign| !is_break(*sign)).filter(|sign| sign.is_whitespace()).count();
    let content = plain(part[begin..].split(is_break).next().unwrap_or_default());
    let content = content.trim_end();
    (!content.is_empty()).then(|| format!("{}{content}", " ".repeat(indent.min(INDENT_MAX))))
}

/// A line in pieces of at most `bytes_max`; one where it fits.
pub(super) fn pieces(line: &str, bytes_max: usize) -> Vec<String> {
    let (mut pieces, mut rest) = (Vec::new(), line.trim_end());
    while !rest.is_empty() {
        let end = if rest.len() <= bytes_max { rest.len() } else { cut(rest, bytes_max.max(4)) };
        pieces.push(rest[..end].trim_end().to_owned());
        rest = rest[end..].trim_start();
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// A text without formatting codes and control characters (modern.ircdocs.horse/formatting): none of them can become CTCP or a line.
pub(super) fn plain(text: &str) -> String {
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(sign) = rest.chars().next() {
        rest = &rest[sign.len_utf8()..];
        match sign {
            '\t' | '\u{2028}' | '\u{2029}' => plain.push(' '),
            '\u{3}' => rest = without_color(rest, 2, |sign| sign.is_ascii_digit()),
            '\u{4}' => rest = without_color(rest, 6, |sign| sign.is_ascii_hexdigit()),
            sign if sign.is_control() => {}
            sign => plain.push(sign),
        }
    }
    plain
}

/// What follows a colour code: foreground and background.
fn without_color(rest: &str, digits_max: usize, is_digit: fn(char) -> bool) -> &str {
    let skip = |rest: &str| rest.chars().take(digits_max).take_while(|sign| is_digit(*sign)).count();
    let foreground = skip(rest);
    let rest = &rest[foreground..];
    match rest.strip_prefix(',').map(|behind| (behind, skip(behind))) {
        Some((behind, background)) if 0 < foreground && 0 < background => &behind[background..],
        _ => rest,
    }
}

fn is_break(sign: char) -> bool {
    sign == '\n' || sign == '\r'
}

fn is_visible(sign: char) -> bool {
    !sign.is_whitespace() && !sign.is_control()
}

/// Blanks that go with the part before them: up to the last end of a line, so that the next line keeps its indentation.
fn blank_bytes(rest: &str) -> usize {
    let Some(blank) = rest.find(is_visible) else { return rest.len() };
    rest[..blank].rfind(is_break).map_or(blank, |last| last + 1)
}

/// Where a text that is too long is cut: behind a word, else between signs, else between characters. The later the text begins, the
/// later it is cut.
fn cut(text: &str, bytes_max: usize) -> usize {
    let ends = || (bytes_max / 2..=bytes_max).rev().filter(|end| text.is_char_boundary(*end));
    let sign_at = |end: usize| text[end..].chars().next();
    let behind_word = ends().find(|end| sign_at(*end).is_none_or(char::is_whitespace) && !text[..*end].ends_with(char::is_whitespace));
    let between_signs = || ends().find(|end| !text[..*end].ends_with('\u{200d}') && !sign_at(*end).is_some_and(is_extending));
    let between_characters = || ends().next();
    behind_word.or_else(between_signs).or_else(between_characters).unwrap_or(text.len())
}

/// Whether a character belongs to the one before it: marks, joiners, variants, skin tones.
fn is_extending(sign: char) -> bool {
    matches!(sign, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{20d0}'..='\u{20ff}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

#[cfg(test)]
mod tests;
