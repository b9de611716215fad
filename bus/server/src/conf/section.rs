//! Reading typed values out of a map, gathering what is wrong.

use std::time::Duration;

use super::fault::Fault;
use super::units;
use super::value::{Entry, Located, Map, Value};

/// Where faults are gathered.
pub(crate) type FaultList = Vec<Fault>;

// === impl Located ===

impl Located {
    pub(crate) fn text(&self, faults: &mut FaultList) -> Option<String> {
        match &self.value {
            Value::Text(text) => Some(text.clone()),
            // A name or password of digits needs no quotes in nats-server only where it is a string; a number here is most likely a missing quote.
            other => self.wrong("a string", other, faults),
        }
    }

    pub(crate) fn integer(&self, faults: &mut FaultList) -> Option<i64> {
        match &self.value {
            Value::Integer(number) => Some(*number),
            other => self.wrong("an integer", other, faults),
        }
    }

    pub(crate) fn boolean(&self, faults: &mut FaultList) -> Option<bool> {
        match &self.value {
            Value::Boolean(flag) => Some(*flag),
            other => self.wrong("a boolean", other, faults),
        }
    }

    pub(crate) fn map(&self, faults: &mut FaultList) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            other => self.wrong("a map", other, faults),
        }
    }

    pub(crate) fn array(&self, faults: &mut FaultList) -> Option<&[Located]> {
        match &self.value {
            Value::Array(values) => Some(values),
            other => self.wrong("an array", other, faults),
        }
    }

    /// A whole number above zero.
    pub(crate) fn positive<N: TryFrom<i64>>(&self, faults: &mut FaultList) -> Option<N> {
        let number = self.integer(faults)?;
        let converted = N::try_from(number).ok().filter(|_| 0 < number);
        if converted.is_none() {
            faults.push(Fault::new(&self.position, format!("a number above zero is expected, not {number}")));
        }
        converted
    }

    /// A duration as a string with units, or a number of seconds.
    pub(crate) fn duration(&self, faults: &mut FaultList) -> Option<Duration> {
        let duration = match &self.value {
            Value::Text(text) => units::duration(text),
            Value::Integer(seconds) => u64::try_from(*seconds).ok().map(Duration::from_secs),
            Value::Float(seconds) => Duration::try_from_secs_f64(*seconds).ok(),
            _ => None,
        };
        if duration.is_none() {
            faults.push(Fault::with_remedy(&self.position, "a duration is expected", "write `10s`, `2m` or a number of seconds"));
        }
        duration
    }

    /// A string, or an array of strings.
    pub(crate) fn texts(&self, faults: &mut FaultList) -> Option<Vec<(String, &Self)>> {
        match &self.value {
            Value::Text(text) => Some(vec![(text.clone(), self)]),
            Value::Array(values) => Some(values.iter().filter_map(|value| Some((value.text(faults)?, value))).collect()),
            other => self.wrong("a string or an array of strings", other, faults),
        }
    }

    fn wrong<T>(&self, wanted: &str, other: &Value, faults: &mut FaultList) -> Option<T> {
        faults.push(Fault::new(&self.position, format!("{wanted} is expected, not {}", other.kind())));
        None
    }
}

// === impl Entry ===

impl Entry {
    /// The key as nats-server compares it.
    pub(crate) fn name(&self) -> String {
        self.key.to_lowercase()
    }

    /// Refuses a key that nobody knows.
    pub(crate) fn unknown(&self, place: &str, faults: &mut FaultList) {
        let remedy = "remove it, or check its spelling: nothing here is ignored in silence";
        faults.push(Fault::with_remedy(&self.key_position, format!("unknown field `{}`{place}", self.key), remedy));
    }

    /// Refuses a key of nats-server that this server does not have.
    pub(crate) fn unsupported(&self, remedy: &'static str, faults: &mut FaultList) {
        faults.push(Fault::with_remedy(&self.key_position, format!("`{}` is not supported by this server", self.key), remedy));
    }
}
