//! What becomes of a call that does not end in its time. Its caller has been answered by the platform then.

use std::future::Future;
use std::os::unix::process::CommandExt;
use std::process::{self, Command};
use std::time::Duration;
use std::{env, pin::pin};

use tokio::time::timeout;

/// The platform's clock begins before ours, and its answer comes first.
const GRACE: Duration = Duration::from_millis(250);

/// The time of one call; None where the platform has not said it.
fn limit() -> Option<Duration> {
    let seconds = env::var("FUNCTION_TIMEOUT_SECONDS").ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds) + GRACE)
}

/// Of a handler that waits: it is dropped. None where it was.
pub async fn within<T>(call: impl Future<Output = T>) -> Option<T> {
    match limit() {
        Some(limit) => timeout(limit, call).await.ok(),
        None => Some(call.await),
    }
}

/// Of a handler that blocks its thread, which nobody can end: the process is replaced, under the same id. Kubernetes
/// does not see that, so it does not make the function wait; whoever is connected is called again.
pub async fn or_replace<T>(call: impl Future<Output = T>, log: impl Fn(&str)) -> T {
    let call = pin!(call);
    match limit() {
        None => call.await,
        Some(limit) => match timeout(limit + GRACE, call).await {
            Ok(outcome) => outcome,
            Err(_) => {
                log("a call did not end in its time (parameters.timeout_seconds): the process is replaced");
                let error = Command::new("/proc/self/exe").args(env::args_os().skip(1)).exec();
                log(&format!("the process can't be replaced, and ends: {error}"));
                process::exit(1)
            }
        },
    }
}
