//! Counts of tests, read from what the runners print.

use std::fmt;
use std::ops::AddAssign;

/// How many tests ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Tally {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
}

// === impl Tally ===

impl Tally {
    /// Reads the last summary line of cargo-nextest: `Summary [ 3.6s] 7 tests run: 5 passed (1 slow), 1 failed, 1 timed out, 2 skipped`.
    ///
    /// `None` where there is no such line, as after a build that failed.
    pub(super) fn of_nextest(output: &str) -> Option<Self> {
        let line = output.lines().rfind(|line| line.trim_start().starts_with("Summary ["))?;
        let (_, counts) = line.split_once(" run: ")?;
        let mut tally = Self::default();
        for count in counts.split(',') {
            tally.add(count);
        }
        Some(tally)
    }

    /// Adds up the lines of the built-in harness: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    pub(super) fn of_harness(output: &str) -> Option<Self> {
        let mut results = output.lines().filter_map(|line| line.trim_start().strip_prefix("test result: ")).peekable();
        results.peek()?;
        let mut tally = Self::default();
        for result in results {
            let (_, counts) = result.split_once(". ")?;
            for count in counts.split(';') {
                tally.add(count);
            }
        }
        Some(tally)
    }

    /// Adds one piece such as `5 passed (1 slow)`; words that are no outcome count nothing.
    fn add(&mut self, count: &str) {
        let mut words = count.split_whitespace();
        let number = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        match words.next() {
            Some("passed") => self.passed += number,
            // "timed out" and "exec failed" are outcomes of their own in nextest, and nobody's success.
            Some("failed" | "timed" | "exec") => self.failed += number,
            Some("skipped" | "ignored") => self.skipped += number,
            _ => {}
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nextest_counts_every_way_to_fail() {
        let output = "     Summary [   3.614s] 9 tests run: 5 passed (1 slow, 2 leaky), 1 failed, 2 timed out, 1 exec failed, 4 skipped\n";
        assert_eq!(Tally::of_nextest(output), Some(Tally { passed: 5, failed: 4, skipped: 4 }));
    }

    #[test]
    fn nextest_that_stopped_early_is_read_too() {
        let output = "  Summary [ 0.1s] 2/7 tests run: 1 passed, 1 failed, 0 skipped\nerror: test run failed\n";
        assert_eq!(Tally::of_nextest(output), Some(Tally { passed: 1, failed: 1, skipped: 0 }));
    }

    #[test]
    fn a_build_that_failed_has_no_count() {
        assert_eq!(Tally::of_nextest("error: could not compile `argentum`\n"), None);
        assert_eq!(Tally::of_harness("error: could not compile `argentum`\n"), None);
    }

    #[test]
    fn harness_results_are_added_up() {
        let output = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s\n\
                      test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s\n";
        assert_eq!(Tally::of_harness(output), Some(Tally { passed: 4, failed: 2, skipped: 1 }));
    }

    #[test]
    fn the_last_line_is_plain() {
        assert_eq!(Tally { passed: 12, failed: 0, skipped: 3 }.to_string(), "12 passed, 0 failed, 3 skipped");
    }
}
