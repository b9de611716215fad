//! What a user may publish and subscribe.
//!
//! Deny by default: a rule set with nothing in `allow` allows nothing. A deny rule wins over every allow rule.

use std::time::Duration;

use crate::subject;

/// What one user may do.
#[derive(Clone, Debug, Default)]
pub struct Permissions {
    pub publish: Rules,
    /// Patterns here may carry a queue name after a space: `"jobs.> workers"` allows only that queue.
    pub subscribe: Rules,
    /// Lets the user answer the reply subjects it receives, whatever `publish` says.
    pub allow_responses: Option<Responses>,
}

/// Patterns of one verb. A malformed pattern allows nothing in `allow` and denies everything in `deny`.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub allow: Vec<String>,
    pub deny: Vec<String>,
}

/// How often and how long a received reply subject may be answered.
#[derive(Clone, Copy, Debug)]
pub struct Responses {
    /// Answers per reply subject; none means no limit. Default: 1.
    pub messages_max: Option<u32>,
    /// How long after the request; none means no limit. Default: 2 min.
    pub expires: Option<Duration>,
}

/// Permissions in the form that the server asks.
#[derive(Debug)]
pub(crate) struct Access {
    publish: Patterns,
    subscribe: Patterns,
    pub(crate) responses: Option<Responses>,
}

#[derive(Debug)]
struct Patterns {
    allow: Vec<Pattern>,
    deny: Vec<Pattern>,
    /// Everything is allowed, malformed subjects too: those get their own answer, not a violation.
    is_unrestricted: bool,
}

#[derive(Debug)]
struct Pattern {
    subject: Box<[u8]>,
    queue: Option<Box<[u8]>>,
}

// === impl Permissions ===

impl Permissions {
    /// Everything is allowed.
    pub fn all() -> Self {
        Self { publish: Rules::all(), subscribe: Rules::all(), allow_responses: None }
    }
}

// === impl Rules ===

impl Rules {
    /// Every subject is allowed.
    pub fn all() -> Self {
        Self { allow: vec![">".to_owned()], deny: Vec::new() }
    }

    /// Allows the given patterns and nothing else.
    pub fn only<P: Into<String>>(patterns: impl IntoIterator<Item = P>) -> Self {
        Self { allow: patterns.into_iter().map(Into::into).collect(), deny: Vec::new() }
    }
}

// === impl Responses ===

impl Default for Responses {
    fn default() -> Self {
        Self { messages_max: Some(1), expires: Some(Duration::from_secs(120)) }
    }
}

// === impl Access ===

impl Access {
    pub(crate) fn new(permissions: &Permissions) -> Self {
        let Permissions { publish, subscribe, allow_responses } = permissions;
        Self { publish: Patterns::new(publish), subscribe: Patterns::new(subscribe), responses: *allow_responses }
    }

    /// Whether a message may be published; answers to received reply subjects are asked for elsewhere.
    pub(crate) fn may_publish(&self, subject: &[u8]) -> bool {
        let hits =
            |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.queue.is_none() && subject::matches(&pattern.subject, subject));
        self.publish.is_unrestricted || (hits(&self.publish.allow) && !hits(&self.publish.deny))
    }

    /// Whether a subscription is accepted. Whole patterns must be allowed; a deny rule *within* a wildcard is applied at delivery.
    pub(crate) fn may_subscribe(&self, subject: &[u8], queue: Option<&[u8]>) -> bool {
        if self.subscribe.is_unrestricted {
            return true;
        }
        let covers = |pattern: &&Pattern| subject::covers(&pattern.subject, subject);
        let allowing: Vec<&Pattern> = self.subscribe.allow.iter().filter(covers).collect();
        let names_queues = queue.is_some() && allowing.iter().any(|pattern| pattern.queue.is_some());
        let is_allowed = if names_queues {
            allowing.iter().any(|pattern| pattern.takes_queue(queue))
        } else {
            allowing.iter().any(|pattern| pattern.queue.is_none())
        };
        // nats-server takes a wildcard for any token here, so denying `*` refuses `>` as a whole: stricter than asking what is covered.
        let denies =
            |pattern: &Pattern| subject::matches(&pattern.subject, subject) && (pattern.queue.is_none() || pattern.takes_queue(queue));
        is_allowed && !self.subscribe.deny.iter().any(denies)
    }

    /// Whether deliveries to a subscription must be asked for one by one.
    pub(crate) fn filters_delivery(&self, subject: &[u8], queue: Option<&[u8]>) -> bool {
        !self.subscribe.deny.is_empty() && (queue.is_some() || subject::has_wildcard(subject))
    }

    /// Whether a message of that subject may be delivered to an accepted subscription.
    pub(crate) fn may_deliver(&self, subject: &[u8], queue: Option<&[u8]>) -> bool {
        let denies =
            |pattern: &Pattern| subject::matches(&pattern.subject, subject) && (pattern.queue.is_none() || pattern.takes_queue(queue));
        !self.subscribe.deny.iter().any(denies)
    }
}

// === impl Patterns ===

impl Patterns {
    fn new(rules: &Rules) -> Self {
        let allow: Vec<Pattern> = rules.allow.iter().filter_map(|text| Pattern::new(text)).collect();
        // A deny rule that cannot be read denies everything: the mistake shows at once and opens nothing.
        let deny: Vec<Pattern> = rules.deny.iter().map(|text| Pattern::new(text).unwrap_or_else(Pattern::everything)).collect();
        let takes_everything = |pattern: &Pattern| *pattern.subject == *b">" && pattern.queue.is_none();
        let is_unrestricted = deny.is_empty() && allow.iter().any(takes_everything) && allow.iter().all(|pattern| pattern.queue.is_none());
        Self { allow, deny, is_unrestricted }
    }
}

// === impl Pattern ===

impl Pattern {
    /// Reads `subject` or `subject queue`; none where that is malformed.
    fn new(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace().map(str::as_bytes);
        let subject = words.next().filter(|subject| subject::is_valid(subject))?;
        let queue = words.next();
        words.next().is_none().then(|| Self { subject: subject.into(), queue: queue.map(Into::into) })
    }

    fn everything() -> Self {
        Self { subject: b">".as_slice().into(), queue: None }
    }

    /// Whether this pattern names that queue, literally or by wildcard.
    fn takes_queue(&self, queue: Option<&[u8]>) -> bool {
        let (Some(ours), Some(theirs)) = (&self.queue, queue) else { return false };
        **ours == *theirs || (subject::has_wildcard(ours) && subject::covers(ours, theirs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(allow: &[&str], deny: &[&str]) -> Access {
        let rules = Rules { allow: allow.iter().map(ToString::to_string).collect(), deny: deny.iter().map(ToString::to_string).collect() };
        Access::new(&Permissions { publish: rules.clone(), subscribe: rules, allow_responses: None })
    }

    #[test]
    fn nothing_is_allowed_by_default() {
        let access = Access::new(&Permissions::default());
        assert!(!access.may_publish(b"a") && !access.may_subscribe(b"a", None) && !access.may_subscribe(b"a", Some(b"q")));
    }

    #[test]
    fn deny_wins_over_allow() {
        let access = access(&["in.>"], &["in.secret"]);
        assert!(access.may_publish(b"in.a") && !access.may_publish(b"in.secret") && !access.may_publish(b"out"));
        assert!(access.may_subscribe(b"in.a", None) && !access.may_subscribe(b"in.secret", None));
    }

    #[test]
    fn a_wider_subscription_than_the_rule_is_refused() {
        let access = access(&["in.*"], &[]);
        assert!(access.may_subscribe(b"in.*", None) && !access.may_subscribe(b"in.>", None) && !access.may_subscribe(b">", None));
    }

    #[test]
    fn a_denied_part_of_a_wildcard_is_filtered_at_delivery() {
        let access = access(&[">"], &["in.secret"]);
        assert!(access.may_subscribe(b"in.>", None) && access.filters_delivery(b"in.>", None));
        assert!(access.may_deliver(b"in.a", None) && !access.may_deliver(b"in.secret", None));
    }

    #[test]
    fn a_malformed_rule_opens_nothing() {
        assert!(!access(&["a..b"], &[]).may_publish(b"a..b"));
        assert!(!access(&["a"], &["b..c"]).may_publish(b"a"));
    }

    #[test]
    fn queue_pairs_allow_only_their_queues() {
        let access = access(&["jobs workers", "open", "v v1.*"], &["open closed"]);
        assert!(
            access.may_subscribe(b"jobs", Some(b"workers"))
                && !access.may_subscribe(b"jobs", Some(b"x"))
                && !access.may_subscribe(b"jobs", None)
        );
        assert!(
            access.may_subscribe(b"open", None)
                && access.may_subscribe(b"open", Some(b"x"))
                && !access.may_subscribe(b"open", Some(b"closed"))
        );
        assert!(
            access.may_subscribe(b"v", Some(b"v1.a"))
                && access.may_subscribe(b"v", Some(b"v1.*"))
                && !access.may_subscribe(b"v", Some(b"v2.a"))
        );
    }
}
