//! `argentum config`: the configuration checked, shown and explained.

mod reference;

use argentum_service::{
    Exit, Failure,
    config::{self, list},
};
use serde_json::json;

use crate::{
    arguments::{ConfigVerb, Global},
    config::File,
    output,
};

pub(crate) fn run(global: &Global, verb: ConfigVerb) -> Result<(), Failure> {
    match verb {
        ConfigVerb::Check => check(global),
        ConfigVerb::Show => show(global),
        ConfigVerb::Schema => {
            output::print(&serde_json::to_string_pretty(&schemars::schema_for!(File)).expect("a schema is plain JSON"));
            Ok(())
        }
        ConfigVerb::Reference => {
            output::print(&reference::markdown(schemars::schema_for!(File).as_value()));
            Ok(())
        }
    }
}

fn check(global: &Global) -> Result<(), Failure> {
    let (text, path) = File::text(global)?;
    let faults = config::parse::<File>(&text).err().unwrap_or_default();
    if global.json {
        output::print_json(&json!({ "file": path, "faults": faults }));
        return if faults.is_empty() { Ok(()) } else { Err(Failure::new(Exit::Config, "")) };
    }
    if !faults.is_empty() {
        return Err(Failure::new(Exit::Config, format!("configuration `{}` is not usable:\n{}", path.display(), list(&faults))));
    }
    output::print(&format!(
        "configuration `{}` is in order{}",
        path.display(),
        if path.exists() { "" } else { " (there is none: the defaults hold)" }
    ));
    Ok(())
}

fn show(global: &Global) -> Result<(), Failure> {
    let file = File::read(global)?;
    if global.json {
        output::print_json(&file);
    } else {
        output::print(toml::to_string_pretty(&file).expect("a file that was read can be written").trim_end());
    }
    Ok(())
}
