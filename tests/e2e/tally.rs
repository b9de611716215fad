//! What became of every message, counted at the platform's side. Pure: it is told what was seen. The checker has red tests of its
//! own: one that cannot fail proves nothing.

use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
    ops::AddAssign,
    time::Duration,
};

/// How long something may take from a process that was killed to where it is counted.
const LAST_BREATH: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Channel {
    Web,
    Telegram,
    Irc,
}

/// A conversation, as its platform names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) channel: Channel,
    pub(crate) name: String,
}

/// A message as its sender knows it. No other has its text.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) place: Place,
    pub(crate) text: String,
    pub(crate) at: Duration,
    pub(crate) fate: Fate,
}

/// What the platform knows of a message's way to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The platform has it for us, or we had time to keep it.
    Ours,
    /// Nobody was there to hear it, or died before it could be kept.
    Unheard,
    /// Refused for good, and said so.
    Rejected,
}

/// What stands at the platform.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// The text of the message that it answers; `None` = it does not tell.
    pub(crate) of: Option<String>,
    pub(crate) at: Duration,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Answer,
    /// An answer that is marked as one that may stand already.
    Labelled,
    /// Anything else that we say: that there will be no answer.
    Report,
}

/// A question at the vendor.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) of: String,
    pub(crate) at: Duration,
}

/// What was killed, and when it was dead at the latest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kill {
    pub(crate) at: Duration,
    pub(crate) has_gateway: bool,
    pub(crate) has_router: bool,
}

/// All that was seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// In the order of sending, within each conversation.
    pub(crate) sent: Vec<Sent>,
    /// In the order in which the platform shows it.
    pub(crate) shown: BTreeMap<Place, Vec<Shown>>,
    pub(crate) calls: Vec<Call>,
    pub(crate) kills: Vec<Kill>,
}

/// The columns. Those from `unreceived` to `repeated` sum to `sent`, those from `lost` on must be 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) sent: usize,
    /// Said while we were away, where the platform keeps nothing for us.
    pub(crate) unreceived: usize,
    pub(crate) rejected: usize,
    /// Reported as failed.
    pub(crate) failed: usize,
    /// Once.
    pub(crate) answered: usize,
    /// Answered with a label, since the gateway that sends died after it had taken the answer.
    pub(crate) repeated: usize,
    pub(crate) lost: usize,
    /// Copies without a label, and anything that follows a rejection.
    pub(crate) duplicates: usize,
    /// Labels although no gateway died in between.
    pub(crate) unearned_labels: usize,
    pub(crate) wrong_conversation: usize,
    pub(crate) disordered: usize,
    /// Vendor calls after the answer stood, or although the router that had called lived on.
    pub(crate) second_calls: usize,
}

// === impl Kill ===

impl Kill {
    /// Whether one process did what was counted at `from`, and another what was counted at `until`.
    fn is_between(&self, from: Duration, until: Duration) -> bool {
        from <= self.at + LAST_BREATH && self.at <= until
    }
}

// === impl Seen ===

impl Seen {
    fn has_gateway_died(&self, from: Duration, until: Duration) -> bool {
        self.kills.iter().any(|kill| kill.has_gateway && kill.is_between(from, until))
    }

    fn has_router_died(&self, from: Duration, until: Duration) -> bool {
        self.kills.iter().any(|kill| kill.has_router && kill.is_between(from, until))
    }

    /// What stands in a conversation, each with the message that it answers. A report that does not tell is of the message whose turn
    /// it is: a conversation is answered in order.
    fn shown_in(&self, place: &Place) -> Vec<(&str, &Shown)> {
        let ours = |sent: &&Sent| sent.place == *place && sent.fate == Fate::Ours;
        let texts: Vec<&str> = self.sent.iter().filter(ours).map(|sent| sent.text.as_str()).collect();
        let mut next = 0;
        let mut found = Vec::new();
        for shown in self.shown.get(place).into_iter().flatten() {
            let of = shown.of.as_deref().or_else(|| texts.get(next).copied()).unwrap_or("nothing");
            next = texts.iter().position(|text| *text == of).map_or(next, |place| place + 1);
            found.push((of, shown));
        }
        found
    }
}

// === impl Tally ===

impl Tally {
    /// Counts the messages of one channel.
    pub(crate) fn of(seen: &Seen, channel: Channel) -> Self {
        let mut tally = Self::default();
        let places = seen.shown.keys().chain(seen.sent.iter().map(|sent| &sent.place));
        let shown: BTreeMap<&Place, Vec<(&str, &Shown)>> = places.map(|place| (place, seen.shown_in(place))).collect();
        for message in seen.sent.iter().filter(|sent| sent.place.channel == channel) {
            let (here, elsewhere): (Vec<_>, Vec<_>) = shown
                .iter()
                .flat_map(|(place, shown)| shown.iter().map(move |(of, shown)| (*place, *of, *shown)))
                .filter(|(_, of, _)| *of == message.text)
                .partition(|(place, ..)| **place == message.place);
            tally.wrong_conversation += elsewhere.len();
            let copies: Vec<&Shown> = here.into_iter().map(|(_, _, shown)| shown).collect();
            tally.count(seen, message, &copies);
            tally.second_calls += second_calls(seen, message, copies.first().map(|first| first.at));
        }
        let of_channel = shown.iter().filter(|(place, _)| place.channel == channel);
        tally.disordered = of_channel.map(|(place, shown)| disorder(&seen.sent, place, shown)).sum();
        tally
    }

    fn count(&mut self, seen: &Seen, message: &Sent, copies: &[&Shown]) {
        self.sent += 1;
        let is_labelled = |shown: &&Shown| shown.kind == Kind::Labelled;
        let is_unreceived = message.fate == Fate::Unheard && message.place.channel == Channel::Irc;
        let column = match copies {
            _ if message.fate == Fate::Rejected => &mut self.rejected,
            [] if is_unreceived => &mut self.unreceived,
            [] => &mut self.lost,
            copies if copies.iter().any(|shown| shown.kind == Kind::Report) => &mut self.failed,
            copies if copies.iter().any(&is_labelled) => &mut self.repeated,
            _ => &mut self.answered,
        };
        *column += 1;
        let may_stand = usize::from(message.fate != Fate::Rejected);
        self.duplicates += copies.iter().skip(may_stand).filter(|shown| !is_labelled(shown)).count();
        let before = [message.at].into_iter().chain(copies.iter().map(|shown| shown.at));
        let labelled = before.zip(copies).filter(|(_, shown)| is_labelled(shown));
        self.unearned_labels += labelled.filter(|(before, shown)| !seen.has_gateway_died(*before, shown.at)).count();
    }

    /// Whether every promise was kept.
    pub(crate) fn is_clean(&self) -> bool {
        let bad = self.lost + self.duplicates + self.unearned_labels + self.wrong_conversation + self.disordered + self.second_calls;
        bad == 0 && self.unreceived + self.rejected + self.failed + self.answered + self.repeated == self.sent
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.unreceived += other.unreceived;
        self.rejected += other.rejected;
        self.failed += other.failed;
        self.answered += other.answered;
        self.repeated += other.repeated;
        self.lost += other.lost;
        self.duplicates += other.duplicates;
        self.unearned_labels += other.unearned_labels;
        self.wrong_conversation += other.wrong_conversation;
        self.disordered += other.disordered;
        self.second_calls += other.second_calls;
    }
}

/// Calls for a message that cost money for nothing. Only a router that died may call again: it cannot know what its call came to.
fn second_calls(seen: &Seen, message: &Sent, answered: Option<Duration>) -> usize {
    let calls: Vec<Duration> = seen.calls.iter().filter(|call| call.of == message.text).map(|call| call.at).collect();
    let is_second = |pair: &&[Duration]| answered.is_some_and(|at| at < pair[1]) || !seen.has_router_died(pair[0], pair[1]);
    calls.windows(2).filter(is_second).count()
}

/// Neighbours that stand in another order than they were sent in, and answers to what nobody sent.
fn disorder(sent: &[Sent], place: &Place, shown: &[(&str, &Shown)]) -> usize {
    let order: BTreeMap<&str, usize> = sent.iter().enumerate().map(|(number, sent)| (sent.text.as_str(), number)).collect();
    let strangers = shown.iter().filter(|(of, _)| !order.contains_key(of)).count();
    let is_here = |number: &usize| sent[*number].place == *place;
    let numbers: Vec<usize> = shown.iter().filter_map(|(of, _)| order.get(of).copied()).filter(is_here).collect();
    strangers + numbers.windows(2).filter(|pair| pair[1] < pair[0]).count()
}

// === impl Table ===

/// The tallies of all channels, and their sum, to be read.
pub(crate) struct Table(pub(crate) Vec<(Channel, Tally)>);

impl Display for Table {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "{:9}{:>6}{:>12}{:>10}{:>8}{:>10}{:>10}   must be 0",
            "", "sent", "unreceived", "rejected", "failed", "answered", "repeated"
        )?;
        let mut sum = Tally::default();
        for (channel, tally) in &self.0 {
            row(out, &format!("{channel:?}"), tally)?;
            sum += *tally;
        }
        row(out, "all", &sum)
    }
}

fn row(out: &mut Formatter<'_>, name: &str, tally: &Tally) -> fmt::Result {
    let Tally { sent, unreceived, rejected, failed, answered, repeated, .. } = tally;
    write!(out, "{name:9}{sent:>6}{unreceived:>12}{rejected:>10}{failed:>8}{answered:>10}{repeated:>10}   ")?;
    let Tally { lost, duplicates, unearned_labels, wrong_conversation, disordered, second_calls, .. } = tally;
    write!(out, "lost {lost}, duplicates {duplicates}, labels without a death {unearned_labels}, ")?;
    writeln!(out, "wrong conversation {wrong_conversation}, order broken {disordered}, second calls {second_calls}")
}

#[cfg(test)]
mod tests;
