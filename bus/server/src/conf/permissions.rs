//! `permissions` of a user. What is left out is allowed, as in nats-server.

use super::fault::Fault;
use super::section::FaultList;
use super::value::{Located, Map, Value};
use crate::permissions::{Permissions, Responses, Rules};
use crate::subject;

/// Reads a permissions map.
pub(crate) fn read(value: &Located, faults: &mut FaultList) -> Permissions {
    let Some(map) = value.map(faults) else { return Permissions::default() };
    let (mut publish, mut subscribe, mut allow_responses) = (None, None, None);
    for entry in &map.entries {
        match entry.name().as_str() {
            "pub" | "publish" | "import" => publish = Some(rules(&entry.value, false, faults)),
            "sub" | "subscribe" | "export" => subscribe = Some(rules(&entry.value, true, faults)),
            "allow_responses" | "publish_allow_responses" => allow_responses = responses(&entry.value, faults),
            _ => entry.unknown(" in `permissions`", faults),
        }
    }
    // Whoever may answer what it is asked may publish nothing else, unless that is said.
    let publish_default = if allow_responses.is_some() { Rules::default() } else { Rules::all() };
    Permissions { publish: publish.unwrap_or(publish_default), subscribe: subscribe.unwrap_or_else(Rules::all), allow_responses }
}

/// A subject, several, or a map with `allow` and `deny`.
fn rules(value: &Located, takes_queues: bool, faults: &mut FaultList) -> Rules {
    let Value::Map(map) = &value.value else {
        return Rules { allow: subjects(value, takes_queues, faults), deny: Vec::new() };
    };
    let (mut allow, mut deny) = (None, Vec::new());
    for entry in &map.entries {
        match entry.name().as_str() {
            "allow" => allow = Some(subjects(&entry.value, takes_queues, faults)),
            "deny" => deny = subjects(&entry.value, takes_queues, faults),
            _ => entry.unknown(" beside `allow` and `deny`", faults),
        }
    }
    Rules { allow: allow.unwrap_or_else(|| Rules::all().allow), deny }
}

fn subjects(value: &Located, takes_queues: bool, faults: &mut FaultList) -> Vec<String> {
    let texts = value.texts(faults).unwrap_or_default();
    if texts.is_empty() && matches!(value.value, Value::Array(_)) {
        // nats-server reads an empty `allow` as everything, which nobody means who writes it.
        faults.push(Fault::with_remedy(
            &value.position,
            "the list of subjects is empty",
            "remove it to allow everything, or write `deny: \">\"`",
        ));
    }
    for (text, place) in &texts {
        let mut words = text.split_ascii_whitespace();
        let is_subject = words.next().is_some_and(|subject| subject::is_valid(subject.as_bytes()));
        let has_queue = words.next().is_some();
        if !is_subject || (has_queue && !takes_queues) || words.next().is_some() {
            faults.push(Fault::new(
                &place.position,
                format!("`{text}` is no subject{}", if takes_queues { " with or without a queue" } else { "" }),
            ));
        }
    }
    texts.into_iter().map(|(text, _)| text).collect()
}

fn responses(value: &Located, faults: &mut FaultList) -> Option<Responses> {
    match &value.value {
        Value::Boolean(flag) => flag.then(Responses::default),
        Value::Map(map) => Some(limits(map, faults)),
        _ => {
            faults.push(Fault::new(&value.position, "`allow_responses` is a boolean or a map with `max` and `expires`"));
            None
        }
    }
}

/// 0 keeps the default and a negative number means no limit, as in nats-server.
fn limits(map: &Map, faults: &mut FaultList) -> Responses {
    let mut responses = Responses::default();
    for entry in &map.entries {
        match entry.name().as_str() {
            "max" | "max_msgs" | "max_messages" | "max_responses" => match entry.value.integer(faults) {
                Some(0) | None => {}
                Some(max) => responses.messages_max = u32::try_from(max).ok(),
            },
            "expires" | "expiration" | "ttl" => responses.expires = entry.value.duration(faults).or(responses.expires),
            _ => entry.unknown(" in `allow_responses`", faults),
        }
    }
    responses
}
