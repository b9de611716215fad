//! What was once written is read for ever: bytes of every message, frozen, against the schemas as they are now.
//!
//! A field that is removed, renumbered, renamed or given another type is red, and so is a value of an enumeration. Additions are fine; they are
//! frozen by `ARGENTUM_FREEZE=1 cargo test -p argentum-proto --test compatibility`, which adds lines and never changes one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod frozen;
mod render;
mod sample;

use std::{
    fs,
    path::{Path, PathBuf},
};

use protox::{Compiler, prost_reflect::DescriptorPool};

use frozen::Frozen;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// All schemas below a folder.
fn pool(root: &Path) -> DescriptorPool {
    let mut folders = vec![root.to_owned()];
    let mut schemas = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { schemas.push(path) }
        }
    }
    // The order of the lines that are added.
    schemas.sort();
    Compiler::new([root]).unwrap().open_files(&schemas).unwrap().descriptor_pool()
}

/// A pool of one file, package `p`.
fn pool_of(text: &str) -> DescriptorPool {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("p.proto"), format!("syntax = \"proto3\"; package p; {text}")).unwrap();
    pool(folder.path())
}

/// What is wrong under `now` with what was frozen under `then`.
fn complaints(then: &str, now: &str) -> Vec<String> {
    let mut frozen = Frozen::default();
    frozen.freeze(&pool_of(then));
    frozen.check(&pool_of(now))
}

#[test]
fn frozen_bytes_are_read_as_they_were_written() {
    let frozen = Frozen::read(&folder("tests/compatibility/frozen"));
    let found = frozen.check(&pool(&folder("schema")));
    assert!(found.is_empty(), "the schemas no longer read what was written:\n{}", found.join("\n"));
}

#[test]
fn every_message_field_and_enumeration_value_is_frozen() {
    let path = folder("tests/compatibility/frozen");
    let pool = pool(&folder("schema"));
    let mut frozen = Frozen::read(&path);
    if std::env::var_os("ARGENTUM_FREEZE").is_some() {
        frozen.freeze(&pool);
        frozen.write(&path);
    }
    let missing = frozen.missing(&pool);
    let remedy = "ARGENTUM_FREEZE=1 cargo test -p argentum-proto --test compatibility";
    assert!(missing.is_empty(), "not frozen yet, add them with `{remedy}`:\n{}", missing.join("\n"));
}

const THEN: &str = "message M { string a = 1; uint64 b = 2; oneof c { N d = 3; bool e = 4; } repeated E f = 5; map<string, N> g = 6; } \
                    message N { sint32 h = 1; } enum E { E_UNSPECIFIED = 0; E_ONE = 1; }";

#[test]
fn the_same_schema_and_one_with_more_are_fine() {
    assert_eq!(complaints(THEN, THEN), Vec::<String>::new());
    let more = THEN.replace("a = 1;", "a = 1; bytes z = 7;").replace("E_ONE = 1;", "E_ONE = 1; E_TWO = 2;") + "message O {}";
    assert_eq!(complaints(THEN, &more), Vec::<String>::new());
}

#[test]
fn every_kind_of_break_is_found() {
    let breaks = [
        ("a field is removed", "string a = 1;", ""),
        ("a field is renumbered", "string a = 1;", "string a = 7;"),
        ("a field is renamed", "string a = 1;", "string x = 1;"),
        ("a text becomes bytes", "string a = 1;", "bytes a = 1;"),
        ("a number becomes narrower", "uint64 b", "uint32 b"),
        ("a number is encoded otherwise", "sint32 h", "int32 h"),
        ("a field becomes a list", "uint64 b", "repeated uint64 b"),
        ("an arm of a choice is removed", "bool e = 4;", ""),
        ("two fields change places", "N d = 3; bool e = 4;", "N d = 4; bool e = 3;"),
        ("a field of a nested message is renumbered", "h = 1", "h = 2"),
        ("a value of an enumeration is renumbered", "E_ONE = 1", "E_ONE = 2"),
        ("a value of an enumeration is renamed", "E_ONE = 1", "E_TWO = 1"),
        ("a message is removed", "message M", "message X"),
    ];
    for (what, from, to) in breaks {
        assert!(THEN.contains(from), "{from}");
        assert!(!complaints(THEN, &THEN.replace(from, to)).is_empty(), "not found: {what}");
    }
}

#[test]
fn what_is_added_is_missing_until_it_is_frozen() {
    let mut frozen = Frozen::default();
    frozen.freeze(&pool_of(THEN));
    let more = pool_of(&THEN.replace("a = 1;", "a = 1; bytes z = 7;"));
    assert_eq!(frozen.missing(&more), ["p.M.z"]);
    frozen.freeze(&more);
    assert_eq!((frozen.missing(&more), frozen.check(&more)), (Vec::new(), Vec::new()));
}
