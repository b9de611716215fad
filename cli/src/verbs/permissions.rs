//! `argentum bus permissions`: the permission matrix, for people and for a real nats-server.

use std::{collections::BTreeSet, ffi::OsString, fmt::Write as _};

use argentum_bus::{
    Credential,
    permissions::{Grants, grants},
};
use argentum_service::{Exit, Failure};

use crate::{arguments::Global, config::File, output};

pub(crate) fn run(global: &Global, arguments: &[OsString]) -> Result<(), Failure> {
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
    let write: fn(Credential, &Grants) -> String = match words.as_slice() {
        [] | ["--format", "text"] => text,
        ["--format", "markdown"] => markdown,
        ["--format", "nats"] => nats,
        _ => return Err(Failure::new(Exit::Usage, "usage: argentum bus permissions [--format text|markdown|nats]")),
    };
    let accounts = File::read(global)?.accounts();
    let parts: Vec<String> = Credential::ALL.into_iter().map(|credential| write(credential, &grants(credential, &accounts))).collect();
    output::print(parts.join("\n").trim_end());
    Ok(())
}

fn text(credential: Credential, grants: &Grants) -> String {
    let lines = |verb: &str, subjects: &BTreeSet<String>| {
        subjects.iter().fold(String::new(), |mut lines, subject| {
            let _ = writeln!(lines, "{credential:<18} {verb:<10} {subject}");
            lines
        })
    };
    lines("publish", &grants.publish) + &lines("subscribe", &grants.subscribe)
}

fn markdown(credential: Credential, grants: &Grants) -> String {
    let cell = |subjects: &BTreeSet<String>| subjects.iter().map(|subject| format!("`{subject}`")).collect::<Vec<_>>().join("<br>");
    let publish = cell(&grants.publish);
    let subscribe = cell(&grants.subscribe);
    format!("## {credential}\n\n| may publish to | may subscribe to |\n|---|---|\n| {publish} | {subscribe} |\n")
}

/// An entry of `authorization.users` in nats-server's configuration; the nkey has to be put in.
fn nats(credential: Credential, grants: &Grants) -> String {
    let list = |subjects: &BTreeSet<String>| subjects.iter().map(|subject| format!("\"{subject}\"")).collect::<Vec<_>>().join(", ");
    format!(
        "# {credential}\n{{ nkey: \"\", permissions: {{ publish: {{ allow: [{}] }}, subscribe: {{ allow: [{}] }} }} }}\n",
        list(&grants.publish),
        list(&grants.subscribe)
    )
}
