//! The operator's right: made by the orchestrator for whoever may use its control socket, checked by the service that is asked.

use argentum_bus::{Credential, ErrorCode, Fault};
use argentum_proto::control::v1::{OperatorRight, SignedRight};
use nkeys::KeyPair;
use prost::Message;

/// How long a right is good for: the way from the control socket to the service.
const LENGTH_MS: u32 = 10_000;

/// Makes rights. One per run of a bundle; its public half goes to every child.
pub struct OperatorKey(KeyPair);

// === impl OperatorKey ===

impl OperatorKey {
    pub fn new() -> Self {
        Self(KeyPair::new_operator())
    }

    /// What the services check with.
    pub fn public(&self) -> String {
        self.0.public_key()
    }

    /// The right to have `verb` carried out by `service`, from `now_ms` (Unix) on.
    pub fn sign(&self, verb: &str, service: Credential, now_ms: u64) -> Result<SignedRight, Fault> {
        let right =
            OperatorRight { verb: verb.to_owned(), service: service.token().to_owned(), issued_at_ms: now_ms, length_ms: LENGTH_MS };
        let right = right.encode_to_vec();
        let signature = self.0.sign(&right).map_err(|error| Fault::internal(format!("the right cannot be signed: {error}")))?;
        Ok(SignedRight { right: right.into(), signature: signature.into() })
    }
}

impl Default for OperatorKey {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether `signed` gives the right to `verb` at `service`. A clock before the issue means that it has expired.
pub fn check(public_key: &str, verb: &str, service: Credential, signed: Option<&SignedRight>, now_ms: u64) -> Result<(), Fault> {
    let refuse = |text: &str| Fault::new(ErrorCode::Forbidden, format!("`{verb}` is for the operator: {text}"));
    let signed = signed.ok_or_else(|| refuse("no right was shown"))?;
    let key = KeyPair::from_public_key(public_key).map_err(|_| Fault::internal("the operator key is not known"))?;
    key.verify(&signed.right, &signed.signature).map_err(|_| refuse("the right is not signed by this bundle"))?;
    let right = OperatorRight::decode(signed.right.clone()).map_err(|_| refuse("the right is not readable"))?;
    if right.verb != verb || right.service != service.token() {
        return Err(refuse("the right is for something else"));
    }
    let is_current = right.issued_at_ms <= now_ms && now_ms - right.issued_at_ms <= u64::from(right.length_ms);
    if is_current { Ok(()) } else { Err(refuse("the right has expired")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: Credential = Credential::ChannelGateway;

    fn checked(key: &OperatorKey, verb: &str, service: Credential, now_ms: u64) -> bool {
        let signed = key.sign("login", SERVICE, 1_000).unwrap();
        check(&key.public(), verb, service, Some(&signed), now_ms).is_ok()
    }

    #[test]
    fn a_right_is_good_for_its_verb_its_service_and_its_time() {
        let key = OperatorKey::new();
        assert!(checked(&key, "login", SERVICE, 1_000));
        assert!(checked(&key, "login", SERVICE, 11_000));
        assert!(!checked(&key, "login", SERVICE, 11_001), "too late");
        assert!(!checked(&key, "login", SERVICE, 999), "before its issue");
        assert!(!checked(&key, "key", SERVICE, 1_000), "another verb");
        assert!(!checked(&key, "login", Credential::ProviderRouter, 1_000), "another service");
    }

    #[test]
    fn a_right_of_another_bundle_is_none() {
        let signed = OperatorKey::new().sign("login", SERVICE, 1_000).unwrap();
        assert!(check(&OperatorKey::new().public(), "login", SERVICE, Some(&signed), 1_000).is_err());
    }

    #[test]
    fn no_right_is_none() {
        assert!(check(&OperatorKey::new().public(), "login", SERVICE, None, 1_000).is_err());
    }
}
