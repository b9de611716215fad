//! Logical trees: key prefixes of the one physical tree, so that a batch may change several of them at once.

/// Most bytes of a key. sled keeps keys in index pages; longer ones would grow those beyond what it syncs.
pub const KEY_BYTES_MAX: usize = 200;
/// Most bytes of a value.
pub const VALUE_BYTES_MAX: usize = 64 << 20;
const NAME_BYTES_MAX: usize = 32;

/// The name of a logical tree, part of the format of its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tree(&'static str);

// === impl Tree ===

impl Tree {
    /// A tree of this name: 1 to 32 of `a-z`, `0-9` and `-`.
    ///
    /// # Panics
    /// On any other name; make it a `const` and the compiler says so.
    pub const fn new(name: &'static str) -> Self {
        let bytes = name.as_bytes();
        assert!(!bytes.is_empty() && bytes.len() <= NAME_BYTES_MAX, "a tree's name has 1 to 32 characters");
        let mut place = 0;
        while place < bytes.len() {
            let is_plain = matches!(bytes[place], b'a'..=b'z' | b'0'..=b'9' | b'-');
            assert!(is_plain, "a tree's name is made of a-z, 0-9 and -");
            place += 1;
        }
        Self(name)
    }

    pub const fn name(self) -> &'static str {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "a-z")]
    fn name_with_a_separator_is_refused() {
        Tree::new("a\0b");
    }
}
