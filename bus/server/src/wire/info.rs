//! The INFO that the server sends first and again when something changes.

use std::net::{IpAddr, SocketAddr};

use serde_json::{Map, Value, json};

/// The version that clients compare features against: core NATS as nats-server 2.15 speaks it.
pub(crate) const COMPATIBLE_VERSION: &str = "2.15.1";

/// What INFO tells one client.
pub(crate) struct Info<'a> {
    pub(crate) server_id: &'a str,
    pub(crate) server_name: &'a str,
    pub(crate) address: SocketAddr,
    pub(crate) payload_bytes_max: usize,
    pub(crate) client_id: u64,
    pub(crate) client_ip: IpAddr,
    pub(crate) auth_required: bool,
    pub(crate) nonce: Option<&'a str>,
    pub(crate) tls_required: bool,
    /// Whether clients must show a certificate.
    pub(crate) tls_verify: bool,
    pub(crate) is_lame_duck: bool,
    /// Set in the INFO after the first PONG.
    pub(crate) is_after_connect: bool,
}

// === impl Info ===

impl Info<'_> {
    /// The whole line, CRLF included.
    pub(crate) fn line(&self) -> String {
        let mut object = Map::new();
        object.insert("server_id".into(), json!(self.server_id));
        object.insert("server_name".into(), json!(self.server_name));
        object.insert("version".into(), json!(COMPATIBLE_VERSION));
        // Clients in Python read this key unasked; nats-server tells its compiler here.
        object.insert("go".into(), json!("rust"));
        object.insert("proto".into(), json!(1));
        object.insert("host".into(), json!(self.address.ip()));
        object.insert("port".into(), json!(self.address.port()));
        object.insert("headers".into(), json!(true));
        object.insert("jetstream".into(), json!(false));
        object.insert("max_payload".into(), json!(self.payload_bytes_max));
        object.insert("client_id".into(), json!(self.client_id));
        object.insert("client_ip".into(), json!(self.client_ip));
        let flags = [
            ("auth_required", self.auth_required),
            ("tls_required", self.tls_required),
            ("tls_verify", self.tls_verify),
            ("ldm", self.is_lame_duck),
            ("connect_info", self.is_after_connect),
        ];
        for (key, _) in flags.into_iter().filter(|(_, is_set)| *is_set) {
            object.insert(key.into(), json!(true));
        }
        if let Some(nonce) = self.nonce {
            object.insert("nonce".into(), json!(nonce));
        }
        format!("INFO {} \r\n", Value::Object(object))
    }
}
