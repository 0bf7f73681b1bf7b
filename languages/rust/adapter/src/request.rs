//! The event of an HTTP request.

use std::future::poll_fn;
use std::pin::Pin;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::{header, HeaderMap, StatusCode};
use cloudevents::event::SpecVersion;
use cloudevents::message::{
    BinaryDeserializer, BinarySerializer, MessageAttributeValue, Result as MessageResult,
};
use cloudevents::{AttributesReader, Data, Event, EventBuilder, EventBuilderV10};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Above the contract's 1 MiB of an event, so that the platform's limit is the one that counts.
const MAX_EVENT_BYTES: usize = 8 << 20;

/// Deeper JSON is refused in every language.
const MAX_DEPTH: usize = 200;

const STRUCTURED: &str = "application/cloudevents+json";

/// Why there is no event for the handler.
pub enum Unusable {
    /// It is one, but can't be handed over. Its sender learns by the answer why: a Broker takes a 4xx for delivered.
    Event(Box<Event>, String),
    /// It is none. No Broker sends that.
    Request(StatusCode, String),
}

pub async fn read(request: Request) -> Result<Event, Unusable> {
    let (parts, body) = request.into_parts();
    let body = body_of(body)
        .await
        .map_err(|error| Unusable::Request(StatusCode::BAD_REQUEST, error.to_string()))?;
    let content_type = parts
        .headers
        .get(header::CONTENT_TYPE)
        .map(|value| text_of(value.as_bytes()))
        .unwrap_or_default();
    let (read, attributes) = if content_type.starts_with("application/cloudevents") {
        structured(&content_type, body)?
    } else {
        binary(&parts.headers, &content_type, body)?
    };
    let read = match attributes.get("specversion").and_then(Value::as_str) {
        Some("1.0") => read,
        version => Err(format!(
            "the event's specversion is {}: send the event in version 1.0",
            version.unwrap_or("missing")
        )),
    };
    read.and_then(with_data)
        .map_err(|problem| match identified(&attributes) {
            Some(event) => Unusable::Event(Box::new(event), problem),
            None => Unusable::Request(StatusCode::BAD_REQUEST, problem),
        })
}

/// None where it is too large: read to its end, so that its sender can read the answer.
async fn body_of(mut body: Body) -> Result<Option<Vec<u8>>, axum::Error> {
    let mut bytes = Vec::new();
    let mut size = 0;
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        if let Ok(part) = frame?.into_data() {
            size += part.len();
            if size <= MAX_EVENT_BYTES {
                bytes.extend_from_slice(&part);
            }
        }
    }
    Ok((size <= MAX_EVENT_BYTES).then_some(bytes))
}

/// The event or what is wrong with it, and its attributes as far as they can be read.
type Reading = (Result<Event, String>, Map<String, Value>);

fn structured(content_type: &str, body: Option<Vec<u8>>) -> Result<Reading, Unusable> {
    if !content_type.starts_with(STRUCTURED) {
        return Err(Unusable::Request(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("{content_type} is not supported: send one event a request, as {STRUCTURED}"),
        ));
    }
    let body = body.ok_or_else(|| Unusable::Request(StatusCode::PAYLOAD_TOO_LARGE, too_large()))?;
    let attributes = parse::<Map<String, Value>>(&body).map_err(|problem| {
        Unusable::Request(StatusCode::BAD_REQUEST, format!("the event {problem}"))
    })?;
    let event = serde_json::from_value(Value::Object(attributes.clone()))
        .map_err(|error| format!("this is no valid CloudEvent: {error}"));
    Ok((event, attributes))
}

fn binary(
    headers: &HeaderMap,
    content_type: &str,
    body: Option<Vec<u8>>,
) -> Result<Reading, Unusable> {
    if !headers.keys().any(|name| name.as_str().starts_with("ce-")) {
        return Err(Unusable::Request(
            StatusCode::BAD_REQUEST,
            format!("this is no CloudEvent: it has neither \"ce-\" headers nor content type {STRUCTURED}"),
        ));
    }
    let mut repeated = None;
    let mut attributes = Map::new();
    for name in headers.keys() {
        // Data is the body, and its type a header of its own.
        let Some(attribute) = name
            .as_str()
            .strip_prefix("ce-")
            .filter(|name| !["data", "datacontenttype"].contains(name))
        else {
            continue;
        };
        if headers.get_all(name).iter().count() > 1 {
            repeated = Some(format!("the event has the header {name} more than once"));
        }
        let value = decoded(headers[name].as_bytes());
        // An attribute without a value counts as missing.
        if !value.is_empty() {
            attributes.insert(attribute.to_owned(), Value::String(value));
        }
    }
    let event = match (repeated, body) {
        (Some(problem), _) => Err(problem),
        (None, None) => Err(too_large()),
        (None, Some(body)) => BinaryDeserializer::into_event(Binary {
            attributes: &attributes,
            content_type,
            body,
        })
        .map_err(|error| format!("this is no valid CloudEvent: {error}")),
    };
    Ok((event, attributes))
}

fn too_large() -> String {
    format!("the event's data has more than {MAX_EVENT_BYTES} bytes")
}

struct Binary<'a> {
    attributes: &'a Map<String, Value>,
    content_type: &'a str,
    body: Vec<u8>,
}

impl BinaryDeserializer for Binary<'_> {
    fn deserialize_binary<R: Sized, V: BinarySerializer<R>>(self, visitor: V) -> MessageResult<R> {
        let known = SpecVersion::V10.attribute_names();
        let mut visitor = visitor.set_spec_version(SpecVersion::V10)?;
        for (name, value) in self.attributes {
            let text = value.as_str().unwrap_or_default().to_owned();
            let value = MessageAttributeValue::String(text);
            visitor = match name.as_str() {
                "specversion" => visitor,
                name if known.contains(&name) => visitor.set_attribute(name, value)?,
                name => visitor.set_extension(name, value)?,
            };
        }
        if !self.content_type.is_empty() {
            let value = MessageAttributeValue::String(self.content_type.to_owned());
            visitor = visitor.set_attribute("datacontenttype", value)?;
        }
        if self.body.is_empty() {
            visitor.end()
        } else {
            visitor.end_with_data(self.body)
        }
    }
}

/// An event of which not all can be read, by what an answer needs. None where it is no CloudEvent at all.
fn identified(attributes: &Map<String, Value>) -> Option<Event> {
    let text = |name: &str| {
        attributes
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    text("specversion").filter(|version| ["1.0", "0.3"].contains(version))?;
    let mut event = EventBuilderV10::new()
        .id(text("id")?)
        .source(text("source")?)
        .ty(text("type")?);
    if let Some(subject) = text("subject") {
        event = event.subject(subject);
    }
    for name in ["correlationid", "traceparent"] {
        if let Some(value) = text(name) {
            event = event.extension(name, value);
        }
    }
    event.build().ok()
}

/// JSON as `Data::Json`, text that is UTF-8 as `Data::String`, all else as bytes, in either mode.
fn with_data(mut event: Event) -> Result<Event, String> {
    for (name, value) in [
        ("id", event.id()),
        ("source", event.source()),
        ("type", event.ty()),
    ] {
        if value.is_empty() {
            return Err(format!("this is no valid CloudEvent: {name} is empty"));
        }
    }
    let media_type = event.datacontenttype().unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default();
    let media_type = media_type.trim().to_lowercase();
    let bytes = match event.data() {
        Some(Data::Binary(bytes)) => bytes.as_slice(),
        Some(Data::String(text)) => text.as_bytes(),
        _ => return Ok(event),
    };
    if is_json(&media_type) {
        let value: Value = parse(bytes).map_err(|problem| {
            format!("the event's data {problem}, against its content type {media_type}")
        })?;
        event.set_data_unchecked(value);
    } else if is_text(&media_type) {
        if let Ok(text) = String::from_utf8(bytes.to_vec()) {
            event.set_data_unchecked(text);
        }
    }
    Ok(event)
}

fn is_json(media_type: &str) -> bool {
    media_type.is_empty() || media_type.ends_with("/json") || media_type.ends_with("+json")
}

fn is_text(media_type: &str) -> bool {
    media_type.starts_with("text/")
        || media_type.strip_prefix("application/").is_some_and(|name| {
            ["xml", "yaml"].contains(&name) || name.ends_with("+xml") || name.ends_with("+yaml")
        })
}

fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, String> {
    let json = json.strip_prefix("\u{feff}".as_bytes()).unwrap_or(json);
    if is_too_deep(json) {
        return Err(format!("is nested more than {MAX_DEPTH} levels deep"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    // Its own is 128.
    deserializer.disable_recursion_limit();
    T::deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| format!("is no valid JSON: {error}"))
}

/// Counts brackets outside of texts.
fn is_too_deep(json: &[u8]) -> bool {
    let (mut depth, mut in_text, mut bytes) = (0, false, json.iter());
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if in_text => {
                bytes.next();
            }
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// An attribute's value (HTTP binding, section 3.1.3.2). Lenient: also what was sent unencoded is read, and a "%" that
/// begins no UTF-8 stays as it is.
fn decoded(value: &[u8]) -> String {
    let value = unquoted(&text_of(value));
    let mut text = Vec::new();
    let mut rest = value.as_bytes();
    while !rest.is_empty() {
        let mut run = Vec::new();
        while let Some(byte) = percent(&rest[run.len() * 3..]) {
            run.push(byte);
        }
        let length = (run.len() * 3).max(1);
        if !run.is_empty() && std::str::from_utf8(&run).is_ok() {
            text.extend(run);
        } else {
            text.extend(&rest[..length]);
        }
        rest = &rest[length..];
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn percent(bytes: &[u8]) -> Option<u8> {
    match bytes {
        [b'%', high, low, ..] => {
            let digit = |byte: &u8| (*byte as char).to_digit(16);
            Some((digit(high)? * 16 + digit(low)?) as u8)
        }
        _ => None,
    }
}

fn unquoted(value: &str) -> String {
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let Some(inner) = inner else {
        return value.to_owned();
    };
    let mut text = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return value.to_owned(),
            '\\' => match characters.next() {
                Some(escaped) => text.push(escaped),
                None => return value.to_owned(),
            },
            other => text.push(other),
        }
    }
    text
}

/// Headers are UTF-8 where they can be, and Latin-1 else.
fn text_of(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| *byte as char).collect(),
    }
}
