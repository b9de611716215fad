//! Metrics of several processes as one text (Prometheus' exposition format 0.0.4): a family of samples is told once.

use std::{collections::BTreeMap, fmt::Write as _};

#[derive(Default)]
struct Family<'t> {
    /// Lines `# HELP` and `# TYPE`, of the process that came first.
    about: Vec<&'t str>,
    samples: Vec<&'t str>,
}

/// The families of all `texts`, each with all its samples.
pub(crate) fn merge<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let mut families: BTreeMap<&str, Family<'_>> = BTreeMap::new();
    for text in texts {
        let (mut current, mut is_new) = ("", false);
        for line in text.lines() {
            if let Some(about) = line.strip_prefix("# HELP ").or_else(|| line.strip_prefix("# TYPE ")) {
                let name = about.split(' ').next().unwrap_or_default();
                if name != current {
                    (current, is_new) = (name, !families.contains_key(name));
                }
                if is_new {
                    families.entry(name).or_default().about.push(line);
                }
            } else if !line.is_empty() {
                families.entry(current).or_default().samples.push(line);
            }
        }
    }
    let mut merged = String::new();
    for line in families.values().flat_map(|family| family.about.iter().chain(&family.samples)) {
        // Writing to a string cannot fail.
        let _ = writeln!(merged, "{line}");
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_of_two_processes_is_told_once() {
        let one = "# HELP a_total As.\n# TYPE a_total counter\na_total{s=\"1\"} 1\n# TYPE b gauge\nb{s=\"1\"} 2\n";
        let other = "# HELP a_total Other words.\n# TYPE a_total counter\na_total{s=\"2\"} 3\n";
        let merged = merge([one, other]);
        let expected = "# HELP a_total As.\n# TYPE a_total counter\na_total{s=\"1\"} 1\na_total{s=\"2\"} 3\n# TYPE b gauge\nb{s=\"1\"} 2\n";
        assert_eq!(merged, expected);
        assert_eq!(merge([]), "");
    }
}
