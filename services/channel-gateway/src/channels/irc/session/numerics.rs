//! The server's numbered replies.

use super::{Closing, Event, Output, Phase, Session};

/// Marks our own questions of `WHO`.
pub(super) const WHO_TOKEN: &str = "152";

// === impl Session ===

impl Session {
    pub(super) fn numeric(&mut self, code: u16, parameters: &[String], now_ms: u64, out: &mut Vec<Output>) {
        let at = |place: usize| parameters.get(place).map_or("", String::as_str);
        let last = parameters.last().map_or("", String::as_str);
        match code {
            1 => self.welcomed(at(0), out),
            // The first parameter is our nick, the last one says "are supported".
            5 => parameters.iter().skip(1).rev().skip(1).for_each(|token| self.limits.learn(token)),
            376 | 422 => self.settled(now_ms, out),
            311 if self.is_me(at(1)) => self.own = Some((at(2).to_owned(), at(3).to_owned())),
            396 if self.is_me(at(0)) => self.hide_behind(at(1)),
            354 if at(1) == WHO_TOKEN => {
                let mapping = self.limits.case_mapping;
                let account = Some(at(4)).filter(|account| *account != "0");
                self.people.came(mapping.fold(at(3)), &mapping.fold(at(2)), account);
            }
            431..=437 if matches!(self.phase, Phase::Registering(_)) => self.nick_refused(last, out),
            903 | 907 => self.logged_in(out),
            902 | 904 | 905 | 906 if matches!(self.phase, Phase::Registering(_)) => {
                out.push(Output::Close(Closing::Login { text: super::super::text::plain(last) }));
            }
            464 | 465 if matches!(self.phase, Phase::Registering(_)) => {
                out.push(Output::Close(Closing::Refused { text: super::super::text::plain(last) }));
            }
            // About a nick of ours, not about whoever has it.
            431..=437 => {}
            263 | 400..=599 | 707 | 716 => self.refused(code, at(1), last, out),
            _ => {}
        }
    }

    /// A refusal of what was said, or of a channel that we asked for.
    fn refused(&mut self, code: u16, about: &str, text: &str, out: &mut Vec<Output>) {
        let (mapping, text) = (self.limits.case_mapping, super::super::text::plain(text));
        // Some name the command in place of the target, or nothing: the line as a whole is wrong.
        let is_any = matches!(code, 411 | 412 | 417) || ["PRIVMSG", "NOTICE"].contains(&about);
        self.outgoing.refused(|target| is_any || mapping.is_same(target, about), code, &text);
        let is_of_join = matches!(code, 403 | 405 | 470..=477 | 479 | 480 | 489 | 520);
        let is_wanted = self.settings.channels.iter().any(|channel| mapping.is_same(channel, about));
        let channel = mapping.fold(about);
        if is_of_join && is_wanted && !self.joined.contains_key(&channel) {
            out.push(Output::Event(Event::Outside { channel, reason: format!("{code:03} {text}") }));
        }
    }

    fn is_me(&self, nick: &str) -> bool {
        self.limits.case_mapping.is_same(nick, &self.nick)
    }

    /// Others see another host from now on, sometimes with another user.
    fn hide_behind(&mut self, shown: &str) {
        let user = self.own.take().map_or_else(|| "~".repeat(super::USER_BYTES), |(user, _)| user);
        self.own = Some(match shown.split_once('@') {
            Some((user, host)) => (user.to_owned(), host.to_owned()),
            None => (user, shown.to_owned()),
        });
    }
}
