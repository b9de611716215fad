//! The JSON of CONNECT.
//!
//! Keys are taken in any case, unknown keys are ignored, and a second CONNECT changes only what it names, as in nats-server.

use serde_json::{Map, Value};

use crate::secret::Secret;

/// What a client asks for and shows in CONNECT.
pub(crate) struct ConnectOptions {
    pub(crate) verbose: bool,
    pub(crate) pedantic: bool,
    pub(crate) echo: bool,
    pub(crate) headers: bool,
    pub(crate) no_responders: bool,
    pub(crate) protocol: i64,
    pub(crate) name: String,
    pub(crate) lang: String,
    pub(crate) version: String,
    pub(crate) user: String,
    pub(crate) password: Secret,
    pub(crate) token: Secret,
    pub(crate) nkey: String,
    pub(crate) signature: String,
    /// An account chosen by the client, which is no longer allowed.
    pub(crate) account: String,
}

/// The text is no JSON object, or a key has a value of the wrong type.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

// === impl ConnectOptions ===

impl Default for ConnectOptions {
    /// What a client gets that leaves everything out: verbose, pedantic and echo are on.
    fn default() -> Self {
        Self {
            verbose: true,
            pedantic: true,
            echo: true,
            headers: false,
            no_responders: false,
            protocol: 0,
            name: String::new(),
            lang: String::new(),
            version: String::new(),
            user: String::new(),
            password: "".into(),
            token: "".into(),
            nkey: String::new(),
            signature: String::new(),
            account: String::new(),
        }
    }
}

impl ConnectOptions {
    /// Takes over what the JSON text names.
    pub(crate) fn apply(&mut self, json: &[u8]) -> Result<(), Malformed> {
        let object: Option<Map<String, Value>> = serde_json::from_slice(json).map_err(|_| Malformed)?;
        for (key, value) in object.unwrap_or_default() {
            if !value.is_null() {
                self.set(&key.to_ascii_lowercase(), value)?;
            }
        }
        Ok(())
    }

    fn set(&mut self, key: &str, value: Value) -> Result<(), Malformed> {
        match key {
            "verbose" => self.verbose = flag(&value)?,
            "pedantic" => self.pedantic = flag(&value)?,
            "echo" => self.echo = flag(&value)?,
            "headers" => self.headers = flag(&value)?,
            "no_responders" => self.no_responders = flag(&value)?,
            "protocol" => self.protocol = value.as_i64().ok_or(Malformed)?,
            "name" => self.name = text(value)?,
            "lang" => self.lang = text(value)?,
            "version" => self.version = text(value)?,
            "user" => self.user = text(value)?,
            "pass" => self.password = text(value)?.into(),
            "auth_token" => self.token = text(value)?.into(),
            "nkey" => self.nkey = text(value)?,
            "sig" => self.signature = text(value)?,
            "account" => self.account = text(value)?,
            _ => {}
        }
        Ok(())
    }
}

fn flag(value: &Value) -> Result<bool, Malformed> {
    value.as_bool().ok_or(Malformed)
}

fn text(value: Value) -> Result<String, Malformed> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_on() {
        let mut options = ConnectOptions::default();
        options.apply(b"{}").unwrap();
        assert!(options.verbose && options.pedantic && options.echo && !options.headers);
    }

    #[test]
    fn a_second_connect_changes_only_what_it_names() {
        let mut options = ConnectOptions::default();
        options.apply(br#"{"verbose":false,"headers":true}"#).unwrap();
        options.apply(br#"{"Verbose":true,"name":null,"unknown":[1]}"#).unwrap();
        assert!(options.verbose && options.headers && options.name.is_empty());
    }

    #[test]
    fn wrong_types_and_broken_json_are_malformed() {
        let texts = [&br#"{"verbose":"yes"}"#[..], br#"{"user":1}"#, b"{", b"", b"[]"];
        assert!(texts.iter().all(|text| ConnectOptions::default().apply(text) == Err(Malformed)));
    }
}
