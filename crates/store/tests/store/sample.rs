//! Values whose content is known from a number.

use argentum_store::Tree;

pub(crate) const TREE: Tree = Tree::new("things");
pub(crate) const OTHER: Tree = Tree::new("others");
/// Around every bound: inline, chunked, a file.
pub(crate) const SIZES: [usize; 9] = [0, 1, 4090, 4091, 4092, 9000, 1 << 20, (1 << 20) + 1, 3 << 20];

/// Bytes that no other number has.
pub(crate) fn value(number: u64, bytes: usize) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..bytes).map(|_| next()).collect()
}
