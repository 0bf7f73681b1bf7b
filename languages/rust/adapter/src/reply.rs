//! The `parser.complete` event that answers an event.

use std::env;
use std::fmt::Write;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use chrono::{SecondsFormat, Utc};
use cloudevents::event::ExtensionValue;
use cloudevents::{AttributesReader, Data, Event};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Characters.
const MAX_MESSAGE: usize = 512;

/// The data of parser.complete.
#[derive(Serialize)]
pub struct Outcome {
    context_id: Option<Value>,
    succeeded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    duration_ms: f64,
}

#[derive(Serialize)]
struct Failure {
    #[serde(rename = "type")]
    kind: String,
    message: String,
}

impl Outcome {
    pub fn succeeded(result: Box<RawValue>) -> Self {
        Self {
            context_id: None,
            succeeded: true,
            result: Some(result),
            error: None,
            duration_ms: 0.0,
        }
    }

    pub fn failed(kind: &str, message: &str) -> Self {
        let message = match message {
            "" => "it has no message".to_owned(),
            _ => message.chars().take(MAX_MESSAGE).collect(),
        };
        let error = Some(Failure {
            kind: kind.to_owned(),
            message,
        });
        Self {
            context_id: None,
            succeeded: false,
            result: None,
            error,
            duration_ms: 0.0,
        }
    }
}

/// Binary mode. The id is derived from the event, so that a redelivery yields the same reply.
///
/// The headers are written here and not by the SDK: it does not encode their values, and ends times in "+00:00".
pub fn answer(event: &Event, mut outcome: Outcome, duration: Duration) -> Response {
    outcome.context_id = context_id(event);
    outcome.duration_ms = duration.as_micros() as f64 / 1000.0;
    let correlation = extension(event, "correlationid")
        .filter(|id| !id.is_empty())
        .unwrap_or_else(|| event.id().to_owned());
    let trace = extension(event, "traceparent");

    let body = serde_json::to_vec(&outcome).expect("an outcome is made of JSON");
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    set(headers, "ce-specversion", "1.0");
    set(
        headers,
        "ce-id",
        &derive_id(&[event.source().as_str(), event.id(), "parser.complete"]),
    );
    set(headers, "ce-source", &source());
    set(headers, "ce-type", "parser.complete");
    set(
        headers,
        "ce-time",
        &Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
    );
    if let Some(subject) = event.subject().filter(|subject| !subject.is_empty()) {
        set(headers, "ce-subject", &encoded(subject));
    }
    set(headers, "ce-correlationid", &encoded(&correlation));
    set(headers, "ce-causationid", &encoded(event.id()));
    if let Some(trace) = trace {
        set(headers, "ce-traceparent", &encoded(&trace));
        if let [_, id, _, _] = trace.split('-').collect::<Vec<_>>()[..] {
            set(headers, "x-trace-id", &encoded(id));
        }
    }
    set(headers, "x-correlation-id", &encoded(&correlation));
    set(headers, "content-type", "application/json");
    response
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

pub fn extension(event: &Event, name: &str) -> Option<String> {
    event.extension(name).map(|value| match value {
        ExtensionValue::String(text) => text.clone(),
        ExtensionValue::Boolean(flag) => flag.to_string(),
        ExtensionValue::Integer(number) => number.to_string(),
    })
}

/// A value as a header carries it (HTTP binding, section 3.1.3.2).
fn encoded(value: &str) -> String {
    let mut header = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'"' | b'%' => {
                write!(header, "%{byte:02X}").expect("a string takes all that is written")
            }
            0x21..=0x7e => header.push(byte as char),
            _ => write!(header, "%{byte:02X}").expect("a string takes all that is written"),
        }
    }
    header
}

/// A stable id: the same parts give the same 32 hex digits. Parts are length-prefixed, so no two lists collide by
/// concatenation.
fn derive_id(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(format!("{}:{part}", part.len()));
    }
    hash.finalize()
        .iter()
        .take(16)
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn source() -> String {
    let named = |name| env::var(name).ok().filter(|value| !value.is_empty());
    match (named("THIRD_PARTY_ID"), named("PARSER_ID")) {
        (Some(owner), Some(parser)) => format!("knative-lambda/functions/{owner}/{parser}"),
        _ => "knative-lambda/functions".to_owned(),
    }
}

/// Echoes context_id or contextId: a string or a number.
fn context_id(event: &Event) -> Option<Value> {
    let parsed;
    let data = match event.data()? {
        Data::Json(value) => value,
        Data::Binary(bytes) => {
            parsed = serde_json::from_slice::<Value>(bytes).ok()?;
            &parsed
        }
        Data::String(text) => {
            parsed = serde_json::from_str::<Value>(text).ok()?;
            &parsed
        }
    };
    let given = ["context_id", "contextId"]
        .iter()
        .find_map(|name| data.get(name).filter(|id| !id.is_null()))?;
    (given.is_string() || given.is_number()).then(|| given.clone())
}
