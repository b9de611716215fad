//! Sizes and durations as nats-server writes them.

use std::time::Duration;

/// An integer with an optional size suffix: `128k` is 128,000, `128KB`, `128ki` and `128KiB` are 131,072.
pub(crate) fn integer(word: &str) -> Option<i64> {
    let digits_end = word
        .char_indices()
        .skip(usize::from(word.starts_with('-')))
        .find(|(_, letter)| !letter.is_ascii_digit())
        .map_or(word.len(), |(at, _)| at);
    let (digits, suffix) = word.split_at(digits_end);
    let number: i64 = digits.parse().ok()?;
    let mut letters = suffix.chars();
    let Some(magnitude) = letters.next() else { return Some(number) };
    let power = match magnitude.to_ascii_lowercase() {
        'k' => 1,
        'm' => 2,
        'g' => 3,
        't' => 4,
        'p' => 5,
        'e' => 6,
        _ => return None,
    };
    let base: i64 = match letters.as_str().to_ascii_lowercase().as_str() {
        "" => 1000,
        "b" | "i" | "ib" => 1024,
        _ => return None,
    };
    number.checked_mul(base.checked_pow(power)?)
}

/// A duration of Go: `1h2m3.5s`, `100ms`, `-1s` is none.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let number_end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let number: f64 = rest[..number_end].parse().ok()?;
        rest = &rest[number_end..];
        let unit_end = rest.find(|letter: char| letter.is_ascii_digit() || letter == '.').unwrap_or(rest.len());
        seconds += number * unit_seconds(&rest[..unit_end])?;
        rest = &rest[unit_end..];
    }
    (!text.is_empty()).then(|| Duration::try_from_secs_f64(seconds).ok()).flatten()
}

fn unit_seconds(unit: &str) -> Option<f64> {
    match unit {
        "ns" => Some(1e-9),
        "us" | "µs" | "μs" => Some(1e-6),
        "ms" => Some(1e-3),
        "s" => Some(1.0),
        "m" => Some(60.0),
        "h" => Some(3600.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_suffixes_are_decimal_or_binary() {
        let values = ["8", "-1", "1k", "1KB", "2Mi", "64MiB", "10GiB", "1tb"].map(integer);
        assert_eq!(values, [8, -1, 1000, 1024, 2 << 20, 64 << 20, 10 << 30, 1 << 40].map(Some));
        assert_eq!(["8x", "MB", "", "1kbb", "9223372036854775807k", "1.5"].map(integer), [None; 6]);
    }

    #[test]
    fn durations_are_those_of_go() {
        let values = ["100ms", "2s", "1m30s", "1.5h", "0"].map(duration);
        assert_eq!(values, [100, 2000, 90_000, 5_400_000, 0].map(|millis| Some(Duration::from_millis(millis))));
        assert_eq!(["", "5", "1x", "s", "-1s"].map(duration), [None; 5]);
    }
}
