//! Who may use the API below `/v1`: its keys, as plain values. Times are Unix milliseconds.
//!
//! Only hashes are kept, so that whoever reads the file cannot use the API with it. An expiry is stored as created-at and length: a clock
//! before created-at means expired, so that a clock that jumps back lets nobody in.

use argentum_proto::channel::v1::ApiKey;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::sessions::Admission;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Keys kept, those that no longer work included; of these the oldest make room.
const KEYS_MAX: usize = 256;
/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 64;
/// Digits of a hash that name a key.
const ID_DIGITS: usize = 12;

/// SHA-256 of a key.
pub(crate) type Sha256Hash = [u8; 32];

/// All keys, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiKeys {
    keys: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// In hexadecimal digits.
    sha256: String,
    name: String,
    created_ms: u64,
    /// Missing = until it is revoked.
    valid_for_ms: Option<u64>,
    /// The day of its last use: more would tell too much, and cost a write each time.
    used_day_ms: Option<u64>,
    revoked_ms: Option<u64>,
}

/// Why a key cannot be taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CreateFault {
    /// The name is empty, too long, or cannot be printed.
    Name,
    /// A key that works has the name, or is the same.
    Taken,
    /// There are as many keys that work as can be kept.
    Full,
}

// === impl ApiKeys ===

impl ApiKeys {
    /// Takes up a key by its hash.
    pub(crate) fn create(&mut self, sha256: Sha256Hash, name: &str, valid_for_ms: u64, now_ms: u64) -> Result<ApiKey, CreateFault> {
        let is_name = (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control) && name.trim() == name;
        if !is_name {
            return Err(CreateFault::Name);
        }
        let sha256 = HEXLOWER.encode(&sha256);
        let is_taken = self.keys.iter().any(|key| key.sha256 == sha256 || (key.name == name && key.works(now_ms)));
        if is_taken {
            return Err(CreateFault::Taken);
        }
        self.make_room(now_ms)?;
        let valid_for_ms = (valid_for_ms > 0).then_some(valid_for_ms);
        let key = Entry { sha256, name: name.to_owned(), created_ms: now_ms, valid_for_ms, used_day_ms: None, revoked_ms: None };
        let told = key.tell(now_ms);
        self.keys.push(key);
        Ok(told)
    }

    fn make_room(&mut self, now_ms: u64) -> Result<(), CreateFault> {
        if self.keys.len() < KEYS_MAX {
            return Ok(());
        }
        let spent = self.keys.iter().position(|key| !key.works(now_ms)).ok_or(CreateFault::Full)?;
        self.keys.remove(spent);
        Ok(())
    }

    /// Whether the key with this hash may come in now. Every key is compared, in a time that tells nothing of the hashes.
    pub(crate) fn admit(&mut self, sha256: &Sha256Hash, now_ms: u64) -> Admission {
        let shown = HEXLOWER.encode(sha256);
        let mut known = None;
        for (index, key) in self.keys.iter().enumerate() {
            if bool::from(key.sha256.as_bytes().ct_eq(shown.as_bytes())) {
                known = Some(index);
            }
        }
        match known.map(|index| &mut self.keys[index]) {
            Some(key) if key.works(now_ms) => {
                let day_ms = now_ms - now_ms % DAY_MS;
                if key.used_day_ms.replace(day_ms) == Some(day_ms) { Admission::Admitted } else { Admission::Noted }
            }
            _ => Admission::Refused,
        }
    }

    /// All keys, oldest first.
    pub(crate) fn list(&self, now_ms: u64) -> Vec<ApiKey> {
        self.keys.iter().map(|key| key.tell(now_ms)).collect()
    }

    /// Ends the key with this id, or the one with this name that still works. `None` where there is neither.
    pub(crate) fn revoke(&mut self, key: &str, now_ms: u64) -> Option<ApiKey> {
        let by_id = self.keys.iter().position(|known| known.id() == key);
        let by_name = || self.keys.iter().position(|known| known.name == key && known.works(now_ms));
        let found = by_id.or_else(by_name)?;
        let key = &mut self.keys[found];
        key.revoked_ms.get_or_insert(now_ms);
        Some(key.tell(now_ms))
    }
}

// === impl Entry ===

impl Entry {
    fn id(&self) -> &str {
        self.sha256.get(..ID_DIGITS).unwrap_or(&self.sha256)
    }

    fn works(&self, now_ms: u64) -> bool {
        let is_current = self.created_ms <= now_ms && self.valid_for_ms.is_none_or(|length_ms| now_ms - self.created_ms <= length_ms);
        is_current && self.revoked_ms.is_none()
    }

    fn tell(&self, now_ms: u64) -> ApiKey {
        ApiKey {
            id: self.id().to_owned(),
            name: self.name.clone(),
            created_at_ms: self.created_ms,
            expires_at_ms: self.valid_for_ms.map_or(0, |length_ms| self.created_ms.saturating_add(length_ms)),
            last_used_day_ms: self.used_day_ms.unwrap_or_default(),
            revoked_at_ms: self.revoked_ms.unwrap_or_default(),
            works: self.works(now_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_700_000_000_000;

    fn hash(number: u16) -> Sha256Hash {
        let mut hash = [7; 32];
        hash[..2].copy_from_slice(&number.to_be_bytes());
        hash
    }

    fn keys() -> ApiKeys {
        let mut keys = ApiKeys::default();
        keys.create(hash(0), "laptop", DAY_MS, NOW_MS).unwrap();
        keys
    }

    fn admits(keys: &mut ApiKeys, number: u16, now_ms: u64) -> bool {
        keys.admit(&hash(number), now_ms) != Admission::Refused
    }

    #[test]
    fn a_key_works_from_its_creation_to_its_expiry() {
        let mut keys = keys();
        assert!(admits(&mut keys, 0, NOW_MS) && admits(&mut keys, 0, NOW_MS + DAY_MS));
        assert!(!admits(&mut keys, 0, NOW_MS + DAY_MS + 1), "expired");
        assert!(!admits(&mut keys, 0, NOW_MS - 1), "the clock jumped back");
        assert!(!admits(&mut keys, 1, NOW_MS), "another key");
    }

    #[test]
    fn a_key_without_expiry_works_until_it_is_revoked() {
        let mut keys = ApiKeys::default();
        keys.create(hash(0), "server", 0, NOW_MS).unwrap();
        assert!(admits(&mut keys, 0, NOW_MS + 4_000 * DAY_MS));
        assert!(keys.revoke("server", NOW_MS + 1).is_some_and(|key| !key.works));
        assert!(!admits(&mut keys, 0, NOW_MS + 2));
    }

    #[test]
    fn a_key_is_revoked_by_its_id_too_and_twice_is_no_fault() {
        let mut keys = keys();
        let id = keys.list(NOW_MS)[0].id.clone();
        assert_eq!(keys.revoke(&id, NOW_MS + 1).map(|key| key.revoked_at_ms), Some(NOW_MS + 1));
        assert_eq!(keys.revoke(&id, NOW_MS + 9).map(|key| key.revoked_at_ms), Some(NOW_MS + 1));
        assert_eq!(keys.revoke("nobody", NOW_MS), None);
    }

    #[test]
    fn a_name_is_free_again_once_its_key_no_longer_works() {
        let mut keys = keys();
        assert_eq!(keys.create(hash(1), "laptop", 0, NOW_MS), Err(CreateFault::Taken));
        keys.revoke("laptop", NOW_MS);
        assert!(keys.create(hash(1), "laptop", 0, NOW_MS).is_ok());
    }

    #[test]
    fn a_key_that_is_known_is_not_taken_up_again_also_when_it_was_revoked() {
        let mut keys = keys();
        keys.revoke("laptop", NOW_MS);
        assert_eq!(keys.create(hash(0), "other", 0, NOW_MS), Err(CreateFault::Taken));
    }

    #[test]
    fn a_name_that_would_garble_a_list_is_refused() {
        for name in ["", " ", "a\nb", "a ", &"x".repeat(65)] {
            assert_eq!(ApiKeys::default().create(hash(0), name, 0, NOW_MS), Err(CreateFault::Name), "{name:?}");
        }
    }

    #[test]
    fn the_use_of_a_key_is_noted_once_a_day() {
        let mut keys = keys();
        assert_eq!(keys.admit(&hash(0), NOW_MS), Admission::Noted);
        assert_eq!(keys.admit(&hash(0), NOW_MS + 1), Admission::Admitted);
        assert_eq!(keys.list(NOW_MS)[0].last_used_day_ms, NOW_MS - NOW_MS % DAY_MS);
    }

    #[test]
    fn only_what_no_longer_works_makes_room() {
        let mut keys = ApiKeys::default();
        let max = u16::try_from(KEYS_MAX).unwrap();
        for number in 0..max {
            keys.create(hash(number), &number.to_string(), 0, NOW_MS).unwrap();
        }
        assert_eq!(keys.create(hash(max), "more", 0, NOW_MS), Err(CreateFault::Full));
        keys.revoke("3", NOW_MS);
        assert!(keys.create(hash(max), "more", 0, NOW_MS).is_ok());
        assert!(keys.keys.len() == KEYS_MAX && admits(&mut keys, 0, NOW_MS) && !admits(&mut keys, 3, NOW_MS));
    }

    #[test]
    fn what_is_kept_can_be_read_again() {
        let keys = keys();
        let text = serde_json::to_string(&keys).unwrap();
        assert_eq!(serde_json::from_str::<ApiKeys>(&text).unwrap(), keys);
    }
}
