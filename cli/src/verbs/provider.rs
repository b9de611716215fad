//! `argentum provider`: who offers models.

use argentum_proto::{
    control::v1::operator_request::Request,
    provider::v1::{TestProviderRequest, TestProviderResponse},
};
use argentum_provider_router::Provider;
use argentum_service::{Exit, Failure};
use serde_json::json;
use toml_edit::{TableLike, value};

use super::{
    control::{self, answer},
    reload, secret,
};
use crate::{
    arguments::{Global, ProviderAdd, ProviderVerb},
    editing::{Editing, set, set_list},
    output, prompt,
};

/// Where the configuration keeps them.
const TABLE: [&str; 2] = ["provider_router", "providers"];

pub(crate) async fn run(global: &Global, verb: ProviderVerb) -> Result<(), Failure> {
    match verb {
        ProviderVerb::Add(add) => self::add(global, add).await,
        ProviderVerb::List => list(global),
        ProviderVerb::Test { name } => test(global, &name).await,
        ProviderVerb::Remove { name } => remove(global, &name).await,
    }
}

async fn add(global: &Global, add: ProviderAdd) -> Result<(), Failure> {
    let secret_name = format!("provider/{}", add.name);
    // A wrong address is told before anybody types a key.
    edited(global, &add, &secret_name)?;
    let data_dir = global.data_dir()?;
    if !add.no_key {
        secret::check_runs(&data_dir).await?;
        let key = prompt::secret(&format!("key of `{}`", add.name))?;
        // A provider that somebody else added while the key was typed keeps its own.
        edited(global, &add, &secret_name)?;
        secret::put(&data_dir, &secret_name, &key).await?;
    }
    // From the file as it is now: what was changed while the key was typed stays.
    edited(global, &add, &secret_name)?.save()?;
    if !reload::apply(global).await? {
        return tell_added(global, &add.name, None);
    }
    let tested = ask_test(global, &add.name).await;
    tell_added(global, &add.name, Some(&tested))
}

/// The configuration with the new provider in it, if that can be.
fn edited(global: &Global, add: &ProviderAdd, secret_name: &str) -> Result<Editing, Failure> {
    let mut editing = Editing::begin(global)?;
    if editing.file()?.provider_router.providers.contains_key(&add.name) {
        let text = format!("there is a provider `{0}` already; `argentum provider remove {0}` makes room", add.name);
        return Err(Failure::new(Exit::Usage, text));
    }
    fill(editing.table(&[TABLE[0], TABLE[1], &add.name])?, add, secret_name);
    editing.file()?;
    Ok(editing)
}

fn fill(table: &mut dyn TableLike, add: &ProviderAdd, secret_name: &str) {
    let kind = add.kind.clone().unwrap_or_else(|| if add.name == "anthropic" { "anthropic".to_owned() } else { "openai".to_owned() });
    table.insert("kind", value(kind));
    set(table, "base_url", add.base_url.clone());
    set(table, "key", (!add.no_key).then(|| format!("vault:{secret_name}")));
    set(table, "extra_ca_file", add.extra_ca_file.as_ref().map(|path| path.display().to_string()));
    set(table, "proxy", add.proxy.clone());
    set_list(table, "models", &add.models);
}

/// Says what became of it. A provider that does not answer is added all the same: it may be down just now.
fn tell_added(global: &Global, name: &str, tested: Option<&Result<TestProviderResponse, Failure>>) -> Result<(), Failure> {
    let (models, fault) = match tested {
        None => (None, None),
        Some(Ok(answer)) => (Some(&answer.models), None),
        Some(Err(failure)) => (None, Some(&failure.text)),
    };
    if global.json {
        output::print_json(&json!({ "added": name, "models": models, "fault": fault }));
        return Ok(());
    }
    output::print(&match (models, fault) {
        (Some(models), _) => {
            let example = models.first().map_or_else(String::new, |model| format!(", for example `argentum model use {name}/{model}`"));
            format!("provider `{name}` is added and offers {} models; choose one{example}", models.len())
        }
        (None, Some(fault)) => format!("provider `{name}` is added, but it does not answer now: {fault}"),
        (None, None) => format!("provider `{name}` is added; it is used from the next start of the bundle on"),
    });
    Ok(())
}

async fn ask_test(global: &Global, name: &str) -> Result<TestProviderResponse, Failure> {
    let request = TestProviderRequest { right: None, provider: name.to_owned() };
    control::ask(&global.data_dir()?, Request::TestProvider(request), answer!(TestProvider)).await
}

async fn test(global: &Global, name: &str) -> Result<(), Failure> {
    let answer = ask_test(global, name).await?;
    if global.json {
        output::print_json(&json!({ "provider": name, "models": answer.models, "took_ms": answer.took_ms }));
        return Ok(());
    }
    output::print(&format!("provider `{name}` answers, after {} ms, with {} models", answer.took_ms, answer.models.len()));
    Ok(())
}

fn list(global: &Global) -> Result<(), Failure> {
    let file = crate::config::File::read(global)?;
    let providers = &file.provider_router.providers;
    if global.json {
        output::print_json(&json!({ "providers": providers }));
        return Ok(());
    }
    if providers.is_empty() {
        output::print("no provider is configured; `argentum provider add openai` or `anthropic` adds one, others take --base-url");
    }
    for (name, provider) in providers {
        output::print(&describe(name, provider));
    }
    Ok(())
}

fn describe(name: &str, provider: &Provider) -> String {
    let key = provider.key.as_deref().map_or("no key".to_owned(), |key| format!("key {key}"));
    format!("{name}  {}  {}  {key}", provider.kind, provider.base_url())
}

async fn remove(global: &Global, name: &str) -> Result<(), Failure> {
    let mut editing = Editing::begin(global)?;
    let file = editing.file()?;
    let Some(provider) = file.provider_router.providers.get(name) else {
        return Err(Failure::new(Exit::Usage, format!("there is no provider `{name}`; `argentum provider list` tells them")));
    };
    let secret_name = format!("provider/{name}");
    let key = Some(format!("vault:{secret_name}"));
    // What another provider shows, too, is not this one's to take away.
    let is_shared = file.provider_router.providers.iter().any(|(other, provider)| other != name && provider.key == key);
    let has_secret = provider.key == key && !is_shared;
    editing.table(&TABLE)?.remove(name);
    let is_its = |model: &String| model.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
    let is_default = is_its(&file.provider_router.default_model);
    if is_default {
        editing.table(&TABLE[..1])?.remove("default_model");
    }
    let (gone, kept): (Vec<String>, Vec<String>) = file.provider_router.fallbacks.iter().cloned().partition(is_its);
    if !gone.is_empty() {
        let router = editing.table(&TABLE[..1])?;
        router.remove("fallbacks");
        set_list(router, "fallbacks", &kept);
    }
    editing.save()?;
    let is_running = reload::apply(global).await?;
    if has_secret && is_running {
        secret::remove_if_there(&global.data_dir()?, &secret_name).await?;
    }
    if global.json {
        output::print_json(
            &json!({ "removed": name, "was_default": is_default, "fallbacks_removed": gone, "secret_removed": has_secret && is_running }),
        );
        return Ok(());
    }
    output::print(&format!("provider `{name}` is removed{}", if is_default { "; no model is the default any more" } else { "" }));
    if !gone.is_empty() {
        output::print(&format!("no longer fallen back on: {}", gone.join(", ")));
    }
    if has_secret && !is_running {
        output::print(&format!("its key stays in the vault until `argentum secret remove {secret_name}` in a running bundle"));
    }
    Ok(())
}
