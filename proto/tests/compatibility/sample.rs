//! Filled samples of a message. Their values tell fields apart and show when a number becomes narrower or is encoded otherwise.

use std::collections::HashMap;

use protox::prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

/// How deep messages within messages are filled; each is frozen by itself, too.
const DEPTH_MAX: usize = 2;

/// As many as its largest choice (`oneof`) has arms, so that each arm is set in one of them.
pub(crate) fn all(message: &MessageDescriptor) -> Vec<DynamicMessage> {
    let arms = message.oneofs().map(|choice| choice.fields().len()).max().unwrap_or(1);
    (0..arms).map(|arm| filled(message, arm, 0)).collect()
}

fn filled(message: &MessageDescriptor, arm: usize, depth: usize) -> DynamicMessage {
    let mut sample = DynamicMessage::new(message.clone());
    if depth > DEPTH_MAX {
        return sample;
    }
    for field in message.fields() {
        let arms: Vec<_> = field.containing_oneof().iter().flat_map(|choice| choice.fields().collect::<Vec<_>>()).collect();
        let is_chosen = arms.is_empty() || arms[arm % arms.len()] == field;
        if is_chosen {
            sample.set_field(&field, value(&field, arm, depth));
        }
    }
    sample
}

fn value(field: &FieldDescriptor, arm: usize, depth: usize) -> Value {
    let kind = field.kind();
    if let (true, Kind::Message(entry)) = (field.is_map(), &kind) {
        let key = single(&entry.map_entry_key_field(), arm, depth);
        let value = single(&entry.map_entry_value_field(), arm, depth);
        return Value::Map(HashMap::from([(map_key(key), value)]));
    }
    if field.is_list() {
        return Value::List(vec![single(field, arm, depth), single(field, arm + 1, depth)]);
    }
    single(field, arm, depth)
}

fn single(field: &FieldDescriptor, arm: usize, depth: usize) -> Value {
    let number = field.number();
    let signed = -1000 - i32::try_from(number).unwrap();
    match field.kind() {
        Kind::Double => Value::F64(f64::from(number) + 0.5),
        Kind::Float => Value::F32(f32::from(u16::try_from(number).unwrap()) + 0.5),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(signed),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64((i64::from(signed)) << 32),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(u32::MAX - number),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(u64::MAX - u64::from(number)),
        Kind::Bool => Value::Bool(true),
        Kind::String => Value::String(format!("{}-{number}", field.name())),
        Kind::Bytes => Value::Bytes(vec![u8::try_from(number % 256).unwrap(), 0xff].into()),
        Kind::Message(message) => Value::Message(filled(&message, arm, depth + 1)),
        Kind::Enum(descriptor) => Value::EnumNumber(descriptor.values().map(|value| value.number()).max().unwrap_or(0)),
    }
}

fn map_key(value: Value) -> MapKey {
    match value {
        Value::Bool(key) => MapKey::Bool(key),
        Value::I32(key) => MapKey::I32(key),
        Value::I64(key) => MapKey::I64(key),
        Value::U32(key) => MapKey::U32(key),
        Value::U64(key) => MapKey::U64(key),
        Value::String(key) => MapKey::String(key),
        other => panic!("{other:?} is no key of a map"),
    }
}
