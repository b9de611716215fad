//! The two records about the store itself: its format and its census.

use crate::{
    batch::Format,
    disk::record::{CENSUS_KEY, FORMAT_KEY, Kind, seal, unseal},
};

/// How records lie in sled; another layout is another number.
pub(crate) const LAYOUT: u32 = 1;

/// Whose store this is and who may read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FormatRecord {
    pub(crate) layout: u32,
    pub(crate) format: Format,
    pub(crate) magic: String,
}

/// What must be there: sled drops what it cannot read at the end of its log, and says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    /// Batches ever applied.
    pub(crate) commits: u64,
    pub(crate) records: u64,
    /// Sum of the records' digests.
    pub(crate) digest: u64,
}

// === impl FormatRecord ===

impl FormatRecord {
    pub(crate) fn seal(&self) -> Vec<u8> {
        let numbers = [self.layout, self.format.version, self.format.lowest_reader];
        let body = [numbers.map(u32::to_le_bytes).as_flattened(), self.magic.as_bytes()].concat();
        seal(FORMAT_KEY, Kind::Format, &body)
    }

    pub(crate) fn unseal(sealed: &[u8]) -> Option<Self> {
        let (kind, body) = unseal(FORMAT_KEY, sealed)?;
        let (numbers, magic) = body.split_first_chunk::<12>()?;
        let number = |place: usize| Some(u32::from_le_bytes(*numbers[place * 4..].first_chunk()?));
        let format = Format { version: number(1)?, lowest_reader: number(2)? };
        let magic = String::from_utf8(magic.to_vec()).ok()?;
        (kind == Kind::Format).then_some(Self { layout: number(0)?, format, magic })
    }
}

// === impl Census ===

impl Census {
    pub(crate) fn add(&mut self, digest: u64) {
        self.records += 1;
        self.digest = self.digest.wrapping_add(digest);
    }

    pub(crate) fn remove(&mut self, digest: u64) {
        self.records = self.records.saturating_sub(1);
        self.digest = self.digest.wrapping_sub(digest);
    }

    pub(crate) fn seal(&self) -> Vec<u8> {
        let body = [self.commits, self.records, self.digest].map(u64::to_le_bytes);
        seal(CENSUS_KEY, Kind::Census, body.as_flattened())
    }

    pub(crate) fn unseal(sealed: &[u8]) -> Option<Self> {
        let (kind, body) = unseal(CENSUS_KEY, sealed)?;
        let body: &[u8; 24] = body.try_into().ok()?;
        let number = |place: usize| Some(u64::from_le_bytes(*body[place * 8..].first_chunk()?));
        (kind == Kind::Census).then_some(Self { commits: number(0)?, records: number(1)?, digest: number(2)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_records_come_back() {
        let format = FormatRecord { layout: 1, format: Format { version: 2, lowest_reader: 3 }, magic: "keys".into() };
        let census = Census { commits: 4, records: 5, digest: 6 };
        assert_eq!(FormatRecord::unseal(&format.seal()), Some(format));
        assert_eq!(Census::unseal(&census.seal()), Some(census));
    }
}
