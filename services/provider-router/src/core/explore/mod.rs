//! Every interleaving of the real core with small models of its neighbours: disk, network, gateway, vendor, clock.
//!
//! Breadth-first over hashed states, so that a path to damage is the shortest. *Safe*: no reachable state is damaged. *Live*:
//! every reachable state can still finish without further faults. *Sharp*: leaving out any one rule is found.
//!
//! [`World`], [`explore`] and [`Router`] also serve the exploration of this core together with the real outbox of a gateway.

#[cfg(test)]
mod accepting;
#[cfg(test)]
mod delivering;
mod disk;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod promises;
mod router;

use std::collections::{HashMap, VecDeque};

pub use self::{
    disk::Disk,
    router::{DriverRule, Router, START},
};

/// A world whose steps can be enumerated.
pub trait World: Clone {
    /// Every step that may come next, with its name; those of faults begin with `fault`.
    fn steps(&self) -> Vec<(&'static str, Self)>;

    /// Equal for worlds that go on alike.
    fn fingerprint(&self) -> u64;

    /// What is damaged, if anything.
    fn damage(&self) -> Option<String>;

    /// Everything that was to be done is done and will stay so.
    fn is_finished(&self) -> bool;

    /// The model itself ends here, so that nothing can be said of what follows.
    fn is_cut_off(&self) -> bool;
}

/// What an exploration found.
#[derive(Debug)]
pub struct Found {
    pub states: usize,
    /// The shortest way to damage: its steps, and what is damaged.
    pub damage: Option<(Vec<&'static str>, String)>,
    /// A way to a state that cannot finish any more.
    pub stuck: Option<Vec<&'static str>>,
}

#[derive(Default)]
struct Graph {
    seen: HashMap<u64, usize>,
    came_from: Vec<(usize, &'static str)>,
    /// States that lead, without a fault, to the one of this index.
    before: Vec<Vec<usize>>,
    good: Vec<usize>,
}

/// Explores every state that can be reached.
pub fn explore<W: World>(first: W) -> Found {
    let mut graph = Graph::default();
    graph.see(&first, (0, ""));
    let mut queue = VecDeque::from([first]);
    let mut current = 0;
    while let Some(world) = queue.pop_front() {
        for (name, next) in world.steps() {
            let (index, is_new) = graph.see(&next, (current, name));
            if !name.starts_with("fault") {
                graph.before[index].push(current);
            }
            if let Some(damage) = is_new.then(|| next.damage()).flatten() {
                return Found { states: graph.came_from.len(), damage: Some((graph.path(index), damage)), stuck: None };
            }
            if is_new {
                queue.push_back(next);
            }
        }
        current += 1;
    }
    Found { states: graph.came_from.len(), damage: None, stuck: graph.stuck() }
}

// === impl Graph ===

impl Graph {
    fn see<W: World>(&mut self, world: &W, came_from: (usize, &'static str)) -> (usize, bool) {
        let next = self.came_from.len();
        let index = *self.seen.entry(world.fingerprint()).or_insert(next);
        if index == next {
            self.came_from.push(came_from);
            self.before.push(Vec::new());
            if world.is_finished() || world.is_cut_off() {
                self.good.push(index);
            }
        }
        (index, index == next)
    }

    fn path(&self, mut index: usize) -> Vec<&'static str> {
        let mut path = Vec::new();
        while index != 0 {
            let (from, name) = self.came_from[index];
            path.push(name);
            index = from;
        }
        path.reverse();
        path
    }

    /// A way to a state from which no way without faults leads to a good one.
    fn stuck(&self) -> Option<Vec<&'static str>> {
        let mut is_good = vec![false; self.came_from.len()];
        let mut reached = self.good.clone();
        while let Some(index) = reached.pop() {
            if !is_good[index] {
                is_good[index] = true;
                reached.extend(&self.before[index]);
            }
        }
        is_good.iter().position(|good| !good).map(|index| self.path(index))
    }
}

/// Asserts that every state is safe and live.
pub fn assert_sound<W: World>(first: W) {
    let found = explore(first);
    println!("{} states", found.states);
    assert!(found.damage.is_none() && found.stuck.is_none(), "{found:#?}");
}

/// Asserts that leaving a rule out is found.
pub fn assert_found<W: World>(first: W) {
    let found = explore(first);
    println!("{found:#?}");
    assert!(found.damage.is_some(), "every one of {} states is safe", found.states);
}

/// Asserts that leaving a rule out leaves something undone for ever.
pub fn assert_stuck<W: World>(first: W) {
    let found = explore(first);
    println!("{found:#?}");
    assert!(found.damage.is_none() && found.stuck.is_some(), "every one of {} states can finish", found.states);
}
