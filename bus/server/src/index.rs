//! The subscription index: which subscriptions a published subject reaches.
//!
//! A tree with one level per token. Queue members are kept by queue *name*, and a look-up merges the members of one name across all matching
//! subjects, because a message goes to one member per name, however many patterns of that group it matches.

use std::collections::HashMap;

use crate::subject;

/// What one subject reaches.
#[derive(Debug)]
pub(crate) struct Matches<S> {
    pub(crate) plain: Vec<S>,
    pub(crate) groups: Vec<Group<S>>,
}

/// The members of one queue name that match.
#[derive(Debug)]
pub(crate) struct Group<S> {
    pub(crate) name: Box<[u8]>,
    pub(crate) members: Vec<S>,
}

/// A tree of subscriptions `S`.
#[derive(Debug)]
pub(crate) struct Index<S> {
    root: Node<S>,
    count: usize,
}

#[derive(Debug)]
struct Node<S> {
    literals: HashMap<Box<[u8]>, Node<S>>,
    one: Option<Box<Node<S>>>,
    rest: Option<Box<Node<S>>>,
    plain: Vec<S>,
    groups: Vec<Group<S>>,
}

// === impl Index ===

impl<S: Clone + PartialEq> Index<S> {
    pub(crate) fn new() -> Self {
        Self { root: Node::default(), count: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Adds a subscription. The subject must be valid.
    pub(crate) fn insert(&mut self, subject: &[u8], queue: Option<&[u8]>, subscription: S) {
        let mut node = &mut self.root;
        for token in subject::tokens(subject) {
            node = node.child_or_insert(token);
        }
        match queue {
            None => node.plain.push(subscription),
            Some(name) => join_group(&mut node.groups, name, std::iter::once(subscription)),
        }
        self.count += 1;
    }

    /// Removes a subscription and prunes what it leaves empty; false where it was not there.
    pub(crate) fn remove(&mut self, subject: &[u8], queue: Option<&[u8]>, subscription: &S) -> bool {
        let path: Vec<&[u8]> = subject::tokens(subject).collect();
        let removed = self.root.remove(&path, queue, subscription);
        self.count -= usize::from(removed);
        removed
    }

    /// Everything that a message to `subject` reaches, without the subscriptions that `keep` refuses.
    pub(crate) fn find(&self, subject: &[u8], keep: impl Fn(&S) -> bool) -> Matches<S> {
        let path: Vec<&[u8]> = subject::tokens(subject).collect();
        let mut matches = Matches { plain: Vec::new(), groups: Vec::new() };
        let is_malformed = path.iter().any(|token| token.is_empty());
        if !is_malformed {
            self.root.find(&path, &keep, &mut matches);
        }
        matches
    }
}

// === impl Matches ===

impl<S> Matches<S> {
    pub(crate) fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.groups.is_empty()
    }
}

// === impl Node ===

impl<S> Default for Node<S> {
    fn default() -> Self {
        Self { literals: HashMap::new(), one: None, rest: None, plain: Vec::new(), groups: Vec::new() }
    }
}

impl<S: Clone + PartialEq> Node<S> {
    fn child_or_insert(&mut self, token: &[u8]) -> &mut Self {
        match token {
            b"*" => self.one.get_or_insert_default(),
            b">" => self.rest.get_or_insert_default(),
            literal => {
                if !self.literals.contains_key(literal) {
                    self.literals.insert(literal.into(), Self::default());
                }
                self.literals.get_mut(literal).expect("it was inserted above")
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.literals.is_empty() && self.one.is_none() && self.rest.is_none() && self.plain.is_empty() && self.groups.is_empty()
    }

    fn remove(&mut self, path: &[&[u8]], queue: Option<&[u8]>, subscription: &S) -> bool {
        let Some((token, path)) = path.split_first() else { return self.remove_here(queue, subscription) };
        match *token {
            b"*" => remove_below(&mut self.one, path, queue, subscription),
            b">" => remove_below(&mut self.rest, path, queue, subscription),
            literal => {
                let Some(child) = self.literals.get_mut(literal) else { return false };
                let removed = child.remove(path, queue, subscription);
                if child.is_empty() {
                    self.literals.remove(literal);
                }
                removed
            }
        }
    }

    fn remove_here(&mut self, queue: Option<&[u8]>, subscription: &S) -> bool {
        let Some(name) = queue else { return take(&mut self.plain, subscription) };
        let Some(at) = self.groups.iter().position(|group| *group.name == *name) else { return false };
        let removed = take(&mut self.groups[at].members, subscription);
        if self.groups[at].members.is_empty() {
            self.groups.swap_remove(at);
        }
        removed
    }

    fn find(&self, path: &[&[u8]], keep: &impl Fn(&S) -> bool, matches: &mut Matches<S>) {
        let Some((token, path)) = path.split_first() else { return self.collect(keep, matches) };
        if let Some(rest) = &self.rest {
            rest.collect(keep, matches);
        }
        if let Some(one) = &self.one {
            one.find(path, keep, matches);
        }
        if let Some(child) = self.literals.get(*token) {
            child.find(path, keep, matches);
        }
    }

    fn collect(&self, keep: &impl Fn(&S) -> bool, matches: &mut Matches<S>) {
        matches.plain.extend(self.plain.iter().filter(|subscription| keep(subscription)).cloned());
        for group in &self.groups {
            join_group(&mut matches.groups, &group.name, group.members.iter().filter(|subscription| keep(subscription)).cloned());
        }
    }
}

fn remove_below<S: Clone + PartialEq>(child: &mut Option<Box<Node<S>>>, path: &[&[u8]], queue: Option<&[u8]>, subscription: &S) -> bool {
    let Some(node) = child else { return false };
    let removed = node.remove(path, queue, subscription);
    if node.is_empty() {
        *child = None;
    }
    removed
}

fn take<S: PartialEq>(list: &mut Vec<S>, subscription: &S) -> bool {
    let Some(at) = list.iter().position(|other| other == subscription) else { return false };
    list.remove(at);
    true
}

/// Adds members to the group of that name; a name without members is not kept.
fn join_group<S>(groups: &mut Vec<Group<S>>, name: &[u8], members: impl Iterator<Item = S>) {
    let mut members = members.peekable();
    if members.peek().is_none() {
        return;
    }
    match groups.iter_mut().find(|group| *group.name == *name) {
        Some(group) => group.members.extend(members),
        None => groups.push(Group { name: name.into(), members: members.collect() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(entries: &[(&str, Option<&str>, u32)]) -> Index<u32> {
        let mut index = Index::new();
        for (subject, queue, id) in entries {
            index.insert(subject.as_bytes(), queue.map(str::as_bytes), *id);
        }
        index
    }

    fn plain(index: &Index<u32>, subject: &str) -> Vec<u32> {
        let mut found = index.find(subject.as_bytes(), |_| true).plain;
        found.sort_unstable();
        found
    }

    #[test]
    fn finds_literals_and_wildcards_on_every_level() {
        let index = index(&[
            ("a.b", None, 1),
            ("a.*", None, 2),
            ("a.>", None, 3),
            (">", None, 4),
            ("*.b", None, 5),
            ("a.b.c", None, 6),
            ("*", None, 7),
        ]);
        assert_eq!(plain(&index, "a.b"), [1, 2, 3, 4, 5]);
        assert_eq!(plain(&index, "a"), [4, 7]);
        assert_eq!(plain(&index, "a.b.c"), [3, 4, 6]);
        assert_eq!(plain(&index, "a..b"), [] as [u32; 0]);
    }

    #[test]
    fn merges_a_queue_name_across_subjects_and_keeps_names_apart() {
        let index = index(&[("foo", Some("q"), 1), ("fo*", Some("q"), 2), ("*", Some("q"), 3), ("foo", Some("r"), 4)]);
        let groups = index.find(b"foo", |_| true).groups;
        let sizes: HashMap<&[u8], usize> = groups.iter().map(|group| (&*group.name, group.members.len())).collect();
        assert_eq!(sizes, HashMap::from([(&b"q"[..], 2), (&b"r"[..], 1)]));
    }

    #[test]
    fn removal_prunes_the_tree() {
        let mut index = index(&[("a.*.c", None, 1), ("a.*.c", Some("q"), 2), ("a.>", None, 3)]);
        assert!(index.remove(b"a.*.c", None, &1) && index.remove(b"a.*.c", Some(b"q"), &2) && index.remove(b"a.>", None, &3));
        assert!(!index.remove(b"a.>", None, &3));
        assert!(index.root.is_empty() && index.len() == 0);
    }

    #[test]
    fn leaves_out_what_is_refused() {
        let index = index(&[("a", None, 1), (">", None, 2), (">", Some("q"), 2)]);
        let matches = index.find(b"a", |id| *id != 2);
        assert!(matches.plain == [1] && matches.groups.is_empty());
    }
}
