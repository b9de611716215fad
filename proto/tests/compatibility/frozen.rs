//! The frozen lines: one file for each package, one line for each sample of a message and each value of an enumeration.
//!
//! `message NAME HEX TEXT` and `enum NAME NUMBER VALUE`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::Path,
};

use protox::{
    prost::Message,
    prost_reflect::{DescriptorPool, DynamicMessage, EnumDescriptor, MessageDescriptor},
};

use crate::{render, sample};

/// Lines by package.
#[derive(Default)]
pub(crate) struct Frozen(BTreeMap<String, Vec<String>>);

// === impl Frozen ===

impl Frozen {
    pub(crate) fn read(folder: &Path) -> Self {
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let lines = |path: &Path| fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect();
        Self(files.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), lines(&path))).collect())
    }

    pub(crate) fn write(&self, folder: &Path) {
        for (package, lines) in &self.0 {
            fs::write(folder.join(format!("{package}.txt")), lines.join("\n") + "\n").unwrap();
        }
    }

    /// What is no longer read as it was written.
    pub(crate) fn check(&self, pool: &DescriptorPool) -> Vec<String> {
        self.0.values().flatten().filter_map(|line| check_line(line, pool).err()).collect()
    }

    /// What no line holds yet, by its full name.
    pub(crate) fn missing(&self, pool: &DescriptorPool) -> Vec<String> {
        let known = self.known(pool);
        let mut all = BTreeSet::new();
        for message in messages(pool) {
            all.insert(message.full_name().to_owned());
            all.extend(message.fields().map(|field| field.full_name().to_owned()));
        }
        for (descriptor, value) in values(pool) {
            all.insert(format!("{}={value}", descriptor.full_name()));
        }
        all.difference(&known).cloned().collect()
    }

    /// Adds a line for whatever is missing.
    pub(crate) fn freeze(&mut self, pool: &DescriptorPool) {
        let known = self.known(pool);
        for message in messages(pool) {
            let is_known = known.contains(message.full_name()) && message.fields().all(|field| known.contains(field.full_name()));
            if !is_known {
                let lines = sample::all(&message).into_iter().map(|sample| message_line(&message, &sample));
                self.0.entry(message.package_name().to_owned()).or_default().extend(lines);
            }
        }
        for (descriptor, value) in values(pool) {
            if !known.contains(&format!("{}={value}", descriptor.full_name())) {
                let name = descriptor.get_value(value).unwrap().name().to_owned();
                let line = format!("enum {} {value} {name}", descriptor.full_name());
                self.0.entry(descriptor.package_name().to_owned()).or_default().push(line);
            }
        }
    }

    /// Names of the messages, fields and values that some line holds.
    fn known(&self, pool: &DescriptorPool) -> BTreeSet<String> {
        let mut known = BTreeSet::new();
        for line in self.0.values().flatten() {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["message", name, bytes, ..] => {
                    known.insert(name.to_owned());
                    let sample = pool.get_message_by_name(name).and_then(|message| decode(&message, bytes).ok());
                    let fields = sample.iter().flat_map(|sample| sample.fields().map(|(field, _)| field.full_name().to_owned()));
                    known.extend(fields.collect::<Vec<_>>());
                }
                ["enum", name, number, ..] => drop(known.insert(format!("{name}={number}"))),
                _ => {}
            }
        }
        known
    }
}

/// Messages that somebody wrote down; the entry of a map is none.
fn messages(pool: &DescriptorPool) -> impl Iterator<Item = MessageDescriptor> + '_ {
    pool.all_messages().filter(|message| !message.is_map_entry() && !message.package_name().starts_with("google."))
}

fn values(pool: &DescriptorPool) -> impl Iterator<Item = (EnumDescriptor, i32)> + '_ {
    let enums = pool.all_enums().filter(|descriptor| !descriptor.package_name().starts_with("google."));
    enums.flat_map(|descriptor| descriptor.values().map(|value| (descriptor.clone(), value.number())).collect::<Vec<_>>())
}

fn message_line(message: &MessageDescriptor, sample: &DynamicMessage) -> String {
    // A message without fields has no bytes.
    let bytes = sample.encode_to_vec().iter().fold("0x".to_owned(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    format!("message {} {bytes} {}", message.full_name(), render::message(sample).unwrap())
}

fn check_line(line: &str, pool: &DescriptorPool) -> Result<(), String> {
    let parts: Vec<&str> = line.splitn(4, ' ').collect();
    match parts[..] {
        ["message", name, bytes, text] => {
            let message = pool.get_message_by_name(name).ok_or_else(|| format!("{name}: the message is gone"))?;
            let read = decode(&message, bytes).and_then(|sample| render::message(&sample)).map_err(|error| format!("{name}: {error}"))?;
            if read == text { Ok(()) } else { Err(format!("{name}: was written as {text}\n    and is read as {read}")) }
        }
        ["enum", name, number, value] => {
            let found = pool.get_enum_by_name(name).and_then(|descriptor| descriptor.get_value_by_name(value));
            let is_same = found.is_some_and(|found| found.number().to_string() == number);
            if is_same { Ok(()) } else { Err(format!("{name}: {value} is no longer {number}")) }
        }
        _ => Err(format!("not understood: {line}")),
    }
}

fn decode(message: &MessageDescriptor, hex: &str) -> Result<DynamicMessage, String> {
    let digits = hex.strip_prefix("0x").ok_or("no hexadecimal digits")?;
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).map_err(|error| error.to_string());
    let bytes = (0..digits.len()).step_by(2).map(byte).collect::<Result<Vec<u8>, _>>()?;
    DynamicMessage::decode(message.clone(), bytes.as_slice()).map_err(|error| error.to_string())
}
