//! What a server says of itself (`RPL_ISUPPORT`, modern.ircdocs.horse): how names compare, and how long they may be.

/// Bytes of a line, with its end (RFC 2812, section 2.3).
const LINE_BYTES: usize = 512;
/// Longest line that a server may offer with `LINELEN`.
const LINE_BYTES_MAX: usize = 4_096;
/// What is assumed of a relayed prefix as long as nothing is known of it.
const NICK_BYTES: usize = 30;
pub(super) const USER_BYTES: usize = 12;
pub(super) const HOST_BYTES: usize = 63;

/// Which letters of names are the same letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CaseMapping {
    Ascii,
    /// Also `[]\~` and `{}|^`: Scandinavian keyboards of 1988. The default.
    Rfc1459,
    Rfc1459Strict,
    /// What newer servers offer.
    Unicode,
}

/// The limits of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) case_mapping: CaseMapping,
    pub(super) nick_bytes_max: Option<usize>,
    pub(super) channel_bytes_max: Option<usize>,
    pub(super) line_bytes_max: usize,
    /// What a channel's name begins with.
    channel_signs: String,
    /// `WHO` tells accounts.
    pub(super) has_whox: bool,
    /// The mode by which a bot says that it is one.
    pub(super) bot_mode: Option<char>,
}

// === impl CaseMapping ===

impl CaseMapping {
    /// The name in the form that is the same for all of its spellings.
    pub(super) fn fold(self, name: &str) -> String {
        match self {
            Self::Unicode => name.to_lowercase(),
            _ => name.chars().map(|sign| self.fold_sign(sign)).collect(),
        }
    }

    pub(super) fn is_same(self, left: &str, right: &str) -> bool {
        self.fold(left) == self.fold(right)
    }

    fn fold_sign(self, sign: char) -> char {
        match sign {
            '[' | ']' | '\\' if self != Self::Ascii => char::from_u32(u32::from(sign) + 32).unwrap_or(sign),
            '~' if self == Self::Rfc1459 => '^',
            _ => sign.to_ascii_lowercase(),
        }
    }
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self {
            case_mapping: CaseMapping::Rfc1459,
            nick_bytes_max: None,
            channel_bytes_max: None,
            line_bytes_max: LINE_BYTES,
            channel_signs: "#&".to_owned(),
            has_whox: false,
            bot_mode: None,
        }
    }
}

impl Limits {
    /// Takes one token of `RPL_ISUPPORT`, such as `NICKLEN=16` or `-WHOX`. What is not understood changes nothing.
    pub(super) fn learn(&mut self, token: &str) {
        let standard = Self::default();
        if let Some(name) = token.strip_prefix('-') {
            match name {
                "CASEMAPPING" => self.case_mapping = standard.case_mapping,
                "NICKLEN" => self.nick_bytes_max = None,
                "CHANNELLEN" => self.channel_bytes_max = None,
                "LINELEN" => self.line_bytes_max = standard.line_bytes_max,
                "CHANTYPES" => self.channel_signs = standard.channel_signs,
                "WHOX" => self.has_whox = false,
                "BOT" => self.bot_mode = None,
                _ => {}
            }
            return;
        }
        let (name, value) = token.split_once('=').unwrap_or((token, ""));
        match name {
            "CASEMAPPING" => self.case_mapping = mapping(value),
            "NICKLEN" => self.nick_bytes_max = value.parse().ok(),
            "CHANNELLEN" => self.channel_bytes_max = value.parse().ok(),
            "LINELEN" => self.line_bytes_max = value.parse().map_or(LINE_BYTES, |bytes: usize| bytes.clamp(LINE_BYTES, LINE_BYTES_MAX)),
            "CHANTYPES" => value.clone_into(&mut self.channel_signs),
            "WHOX" => self.has_whox = true,
            "BOT" => self.bot_mode = value.chars().next().filter(char::is_ascii_alphabetic),
            _ => {}
        }
    }

    pub(super) fn is_channel(&self, target: &str) -> bool {
        target.starts_with(|sign| self.channel_signs.contains(sign))
    }

    /// Longest nick that anybody may have here.
    pub(super) fn nick_bytes(&self) -> usize {
        self.nick_bytes_max.unwrap_or(NICK_BYTES)
    }
}

fn mapping(name: &str) -> CaseMapping {
    match name {
        "ascii" => CaseMapping::Ascii,
        "rfc1459-strict" | "strict-rfc1459" => CaseMapping::Rfc1459Strict,
        "" | "rfc1459" => CaseMapping::Rfc1459,
        _ => CaseMapping::Unicode,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(tokens: &[&str]) -> Limits {
        let mut limits = Limits::default();
        tokens.iter().for_each(|token| limits.learn(token));
        limits
    }

    #[test]
    fn brackets_are_letters_where_the_server_says_so() {
        assert!(CaseMapping::Rfc1459.is_same("Ada[\\]~", "aDA{|}^"));
        assert!(!CaseMapping::Rfc1459Strict.is_same("~", "^"));
        assert!(CaseMapping::Rfc1459Strict.is_same("[", "{"));
        assert!(!CaseMapping::Ascii.is_same("[", "{"));
        assert!(CaseMapping::Unicode.is_same("Ä", "ä"));
    }

    #[test]
    fn what_a_server_offers_is_learned_and_unlearned() {
        let limits = learned(&["CASEMAPPING=ascii", "NICKLEN=16", "CHANTYPES=#", "WHOX", "BOT=B", "LINELEN=1024", "SAFELIST"]);
        assert_eq!((limits.nick_bytes(), limits.line_bytes_max, limits.bot_mode), (16, 1_024, Some('B')));
        assert!(limits.has_whox && limits.is_channel("#a") && !limits.is_channel("&a"));
        let tokens = ["NICKLEN=16", "-NICKLEN", "WHOX", "-WHOX", "CHANTYPES=#", "-CHANTYPES"];
        assert_eq!(learned(&tokens), Limits::default());
    }

    #[test]
    fn a_length_that_makes_no_sense_is_not_believed() {
        assert_eq!(learned(&["LINELEN=7"]).line_bytes_max, LINE_BYTES);
        assert_eq!(learned(&["LINELEN=99999999"]).line_bytes_max, LINE_BYTES_MAX);
        assert_eq!(learned(&["NICKLEN=many"]).nick_bytes(), NICK_BYTES);
    }
}
