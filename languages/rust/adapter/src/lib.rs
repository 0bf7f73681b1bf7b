//! Runs the user's function as a CloudEvents server: the program of every Rust function.

mod call_log;
mod deadline;
mod reply;
mod request;

use std::backtrace::Backtrace;
use std::fmt::Display;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, io, panic, process};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{header, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::Router;
use cloudevents::{AttributesReader, Event};
use serde::Serialize;
use serde_json::json;
use serde_json::value::to_raw_value;
use tokio::net::TcpListener;
use tokio::runtime::{self, Handle};
use tokio::signal::unix::{signal, SignalKind};
use tokio::task::spawn_blocking;

pub use call_log::set_logger;
use reply::{answer, Outcome};
use request::{read, Unusable};

type Call = dyn Fn(Event) -> Outcome + Send + Sync;

/// Serves until SIGTERM. It is generic, so that a function may return a result and an error of its own types.
pub fn run<F, Answer, T, E>(handle: F)
where
    F: Fn(Event) -> Answer + Send + Sync + 'static,
    Answer: Future<Output = Result<T, E>>,
    T: Serialize,
    E: Display,
{
    panic::set_hook(Box::new(|panic| {
        log(
            "the handler panicked",
            &call_log::event_id(),
            &format!("{panic}\n{}", Backtrace::force_capture()),
        );
    }));
    let call = move |event: Event| {
        let id = event.id().to_owned();
        let Some(answer) = Handle::current().block_on(deadline::within(handle(event))) else {
            return Outcome::failed("Timeout", "the handler did not answer in its time");
        };
        match answer {
            Ok(result) => to_raw_value(&result).map(Outcome::succeeded).unwrap_or_else(|error| {
                log("the handler's result is not serializable", &id, &error.to_string());
                Outcome::failed(
                    "ResultNotSerializable",
                    &format!("the handler's result can't be written as JSON ({error}): return a serde_json::Value, or what Serde writes as JSON (maps have strings for keys)"),
                )
            }),
            Err(error) => {
                log("the handler failed", &id, &error.to_string());
                Outcome::failed(type_name::<E>(), &error.to_string())
            }
        }
    };
    let runtime = runtime::Builder::new_multi_thread().enable_all().build();
    match runtime.and_then(|runtime| runtime.block_on(serve(Arc::new(call)))) {
        Ok(()) => process::exit(0),
        Err(error) => {
            eprintln!("cannot start: port {} can't be listened on: {error}. PORT is set by the platform: leave it alone", port());
            process::exit(1);
        }
    }
}

async fn serve(call: Arc<Call>) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stopped = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    // It takes no new connection then and waits for what is in flight; the platform's grace period is the limit.
    axum::serve(listen().await?, routes(call))
        .with_graceful_shutdown(stopped)
        .await
}

fn port() -> String {
    env::var("PORT")
        .ok()
        .filter(|port| !port.is_empty())
        .unwrap_or_else(|| "8080".to_owned())
}

/// On HOST, which the embedded platform sets; else on every interface, as a pod must: both IP families where there are
/// two.
async fn listen() -> io::Result<TcpListener> {
    let port = port().parse::<u16>().map_err(io::Error::other)?;
    if let Some(host) = env::var("HOST").ok().filter(|host| !host.is_empty()) {
        return TcpListener::bind((host.as_str(), port)).await;
    }
    match TcpListener::bind(SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port)).await {
        // There is no IPv6.
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            TcpListener::bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)).await
        }
        listener => listener,
    }
}

fn routes(call: Arc<Call>) -> Router {
    Router::new()
        .route("/health/liveness", get(|| async { "OK" }))
        .route("/health/readiness", get(|| async { "OK" }))
        .route(
            "/",
            post(move |request: Request| respond(call.clone(), request)),
        )
}

async fn respond(call: Arc<Call>, request: Request) -> Response {
    match read(request).await {
        Ok(event) => {
            let started = Instant::now();
            let outcome = invoke(call, event.clone()).await;
            answer(&event, outcome, started.elapsed())
        }
        Err(Unusable::Event(event, problem)) => {
            answer(&event, Outcome::failed("BadData", &problem), Duration::ZERO)
        }
        Err(Unusable::Request(status, problem)) => refuse(status, &problem),
    }
}

/// Turns an error or a panic into the outcome that tells of it. Not a crash: other events are in flight in this
/// process.
///
/// Each event has a thread to itself, so that a handler that blocks keeps neither health checks nor other events
/// waiting.
async fn invoke(call: Arc<Call>, event: Event) -> Outcome {
    let id = event.id().to_owned();
    let called = spawn_blocking(move || {
        call_log::enter(&event);
        call(event)
    });
    deadline::or_replace(called, |message| log(message, &id, ""))
        .await
        .unwrap_or_else(|error| Outcome::failed("panic", &message_of(error)))
}

fn message_of(error: tokio::task::JoinError) -> String {
    match error.try_into_panic() {
        Ok(reason) => reason
            .downcast_ref::<&str>()
            .map(|text| text.to_string())
            .or_else(|| reason.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "the handler panicked".to_owned()),
        Err(error) => error.to_string(),
    }
}

/// Of an error: its type as the user wrote it, and "Error" for what has no name of its own.
fn type_name<E>() -> &'static str {
    let name = std::any::type_name::<E>();
    if name.contains("dyn ") || name.ends_with("String") || name.starts_with('&') {
        return "Error";
    }
    name
}

fn refuse(status: StatusCode, detail: &str) -> Response {
    let title = status.canonical_reason().unwrap_or_default();
    let problem = json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail });
    let mut response = Response::new(Body::from(problem.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/problem+json"),
    );
    response
}

fn log(message: &str, event: &str, stack: &str) {
    eprintln!(
        "{}",
        json!({ "level": "error", "msg": message, "event": event, "stack": stack })
    );
}
