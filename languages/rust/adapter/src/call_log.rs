//! What a handler logs by the crate `log`, as lines of JSON on stderr that are tied to its call.

use std::cell::RefCell;

use chrono::{SecondsFormat, Utc};
use cloudevents::{AttributesReader, Event};
use log::kv::{Error, Key, Value as Given, VisitSource};
use log::{LevelFilter, Log, Metadata, Record};
use serde_json::{Map, Value};

use crate::reply::extension;

thread_local! {
    /// Of the call that this thread makes: the event's id, the correlation's and the trace's.
    static ABOUT: RefCell<Map<String, Value>> = RefCell::default();
}

pub fn enter(event: &Event) {
    let mut about = Map::new();
    about.insert("event".to_owned(), event.id().into());
    let correlation = extension(event, "correlationid").filter(|id| !id.is_empty());
    about.insert(
        "correlation_id".to_owned(),
        correlation.unwrap_or_else(|| event.id().to_owned()).into(),
    );
    if let Some(trace) = extension(event, "traceparent") {
        if let [_, id, _, _] = trace.split('-').collect::<Vec<_>>()[..] {
            about.insert("trace_id".to_owned(), id.into());
        }
    }
    ABOUT.with(|current| current.replace(about));
}

/// The id of the event that this thread handles.
pub fn event_id() -> String {
    ABOUT.with(|about| about.borrow().get("event").and_then(Value::as_str).unwrap_or_default().to_owned())
}

/// Not where the user's package has a logger of its own, which could not be set any more: the build knows.
pub fn set_logger() {
    if log::set_logger(&Lines).is_ok() {
        // What libraries write below that is seldom meant for their users.
        log::set_max_level(LevelFilter::Info);
    }
}

struct Lines;

impl Log for Lines {
    fn enabled(&self, _: &Metadata) -> bool {
        true
    }

    fn log(&self, record: &Record) {
        let mut line = Map::new();
        let _ = record.key_values().visit(&mut Fields(&mut line));
        line.extend([
            ("level".to_owned(), record.level().as_str().to_lowercase().into()),
            ("time".to_owned(), Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true).into()),
            ("msg".to_owned(), record.args().to_string().into()),
        ]);
        line.extend(ABOUT.with(|about| about.borrow().clone()));
        eprintln!("{}", Value::Object(line));
    }

    fn flush(&self) {}
}

struct Fields<'a>(&'a mut Map<String, Value>);

impl<'kvs> VisitSource<'kvs> for Fields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, given: Given<'kvs>) -> Result<(), Error> {
        let number = given.to_i64().map(Value::from).or_else(|| given.to_f64().map(Value::from));
        let value = number.or_else(|| given.to_bool().map(Value::from));
        self.0.insert(key.to_string(), value.unwrap_or_else(|| given.to_string().into()));
        Ok(())
    }
}
