//! A message as one line of text, by the names of its fields: what an older version meant, for a newer one to agree with.

use protox::prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, Value};

/// `{name=value …}` in the order of the field numbers. A field that the schema does not know is an error.
pub(crate) fn message(message: &DynamicMessage) -> Result<String, String> {
    if let Some(unknown) = message.unknown_fields().next() {
        return Err(format!("field number {} is gone", unknown.number()));
    }
    let mut fields: Vec<_> = message.fields().collect();
    fields.sort_by_key(|(field, _)| field.number());
    let fields = fields.into_iter().map(|(descriptor, value)| Ok(format!("{}={}", descriptor.name(), field(&descriptor, value)?)));
    Ok(format!("{{{}}}", fields.collect::<Result<Vec<_>, String>>()?.join(" ")))
}

fn field(descriptor: &FieldDescriptor, value: &Value) -> Result<String, String> {
    match value {
        Value::List(values) => {
            let values = values.iter().map(|value| single(descriptor, value)).collect::<Result<Vec<_>, _>>()?;
            Ok(format!("[{}]", values.join(" ")))
        }
        Value::Map(entries) => {
            let Kind::Message(entry) = descriptor.kind() else { return Err("a map without entries".to_owned()) };
            let of = |(key, value): (&MapKey, &Value)| Ok(format!("{key:?}:{}", single(&entry.map_entry_value_field(), value)?));
            let mut entries = entries.iter().map(of).collect::<Result<Vec<_>, String>>()?;
            entries.sort();
            Ok(format!("map[{}]", entries.join(" ")))
        }
        value => single(descriptor, value),
    }
}

fn single(descriptor: &FieldDescriptor, value: &Value) -> Result<String, String> {
    match (value, descriptor.kind()) {
        (Value::Message(inner), _) => message(inner),
        (Value::EnumNumber(number), Kind::Enum(descriptor)) => {
            let name = descriptor.get_value(*number).map(|value| value.name().to_owned());
            name.ok_or_else(|| format!("{} has no value {number}", descriptor.full_name()))
        }
        (Value::String(text), _) => Ok(format!("{text:?}")),
        (Value::Bytes(bytes), _) => Ok(format!("bytes{:?}", bytes.as_ref()).replace(", ", ",")),
        (Value::Bool(value), _) => Ok(value.to_string()),
        (Value::I32(value), _) => Ok(value.to_string()),
        (Value::I64(value), _) => Ok(value.to_string()),
        (Value::U32(value), _) => Ok(value.to_string()),
        (Value::U64(value), _) => Ok(value.to_string()),
        (Value::F32(value), _) => Ok(value.to_string()),
        (Value::F64(value), _) => Ok(value.to_string()),
        (other, _) => Err(format!("{other:?} is no single value")),
    }
}
