import { describe, expect, test } from 'vitest';
import { adapterContract } from '#test/languages/conformance/adapter-contract.ts';
import { exampleContract } from '#test/languages/conformance/example-contract.ts';
import { buildImage, installed, RunFailed } from '#test/languages/conformance/image.ts';
import { runFunction } from '#test/languages/conformance/run-function.ts';

/** The first build on a machine compiles the adapter's dependencies; the others find them compiled. */
const timeout = 900_000;

const cargoToml = `[package]
name = "parser"
version = "0.1.0"
edition = "2021"

[dependencies]
cloudevents-sdk = "0.9"
log = { version = "0.4", features = ["kv"] }
serde = "1"
serde_json = "1"
tokio = { version = "1", features = ["time"] }
`;

describe.skipIf(!installed('cargo', '--version'))('the Rust adapter (needs cargo)', { timeout }, () => {
  adapterContract(
    {
      'Cargo.toml': cargoToml,
      'src/lib.rs': `
use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use cloudevents::{AttributesReader, Event};
use serde::{Serialize, Serializer};
use serde_json::{json, Value};

pub struct BlockError(String);

impl fmt::Display for BlockError {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

pub enum Answer {
    Json(Value),
    WithoutJson(HashMap<Vec<u8>, u8>),
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Answer::Json(value) => value.serialize(serializer),
            Answer::WithoutJson(map) => map.serialize(serializer),
        }
    }
}

pub async fn handle(event: Event) -> Result<Answer, BlockError> {
    let data: Value = event.data().cloned().map(|data| data.try_into().unwrap()).unwrap_or_default();
    let result = match data["do"].as_str() {
        Some("echo") => json!({ "id": event.id(), "subject": event.subject(), "data": data }),
        Some("fail") => return Err(BlockError(data["message"].as_str().unwrap_or_default().to_owned())),
        Some("panic") => panic!("at {}", data["message"]),
        Some("unserializable") => return Ok(Answer::WithoutJson(HashMap::from([(vec![1], 1)]))),
        Some("wait") => {
            tokio::time::sleep(Duration::from_millis(data["ms"].as_u64().unwrap())).await;
            Value::Null
        }
        // It keeps its thread.
        Some("block") => {
            std::thread::sleep(Duration::from_millis(data["ms"].as_u64().unwrap()));
            Value::Null
        }
        _ => Value::Null,
    };
    Ok(Answer::Json(result))
}
`,
    },
    'parser::BlockError',
    timeout,
  );

  test('what a handler logs is tied to its call; one that waits too long is dropped, one that blocks has its process replaced', async () => {
    const image = await buildImage({
      'Cargo.toml': cargoToml,
      'src/lib.rs': `
use cloudevents::Event;
use serde_json::{json, Value};

pub async fn handle(event: Event) -> Result<Value, String> {
    let data: Value = event.data().cloned().map(|data| data.try_into().unwrap()).unwrap_or_default();
    match data["do"].as_str() {
        Some("loop") => loop { std::hint::spin_loop() },
        Some("log") => log::info!(rows = 3, of = "acme"; "rows read"),
        Some("wait") => std::future::pending::<()>().await,
        _ => {}
    }
    Ok(json!(std::process::id()))
}
`,
    });
    const running = await runFunction(image, { FUNCTION_TIMEOUT_SECONDS: '1' });
    const waited = await running.send({ data: { do: 'wait' } });
    expect(await waited.json()).toMatchObject({ succeeded: false, error: { type: 'Timeout' } });
    expect(running.errors()).not.toContain('replaced');

    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await running.send({ id: 'e1', correlationid: 'chain-1', traceparent: trace, data: { do: 'log' } });
    expect(JSON.parse(running.errors().trim())).toEqual({
      level: 'info',
      time: expect.any(String),
      msg: 'rows read',
      rows: 3,
      of: 'acme',
      event: 'e1',
      correlation_id: 'chain-1',
      trace_id: '0af7651916cd43dd8448eb211c80319c',
    });

    await expect(running.send({ data: { do: 'loop' } })).rejects.toThrow();

    expect(running.errors()).toContain('the process is replaced');
    const until = performance.now() + 10_000;
    const answer = async (): Promise<unknown> =>
      await running.send({ data: {} }).then(
        async (response) => await response.json(),
        async (error) => (performance.now() > until ? Promise.reject(error) : await answer()),
      );
    expect(await answer()).toMatchObject({ succeeded: true, result: running.process.pid });
    running.kill();
    image.remove();
  });

  exampleContract('rust', timeout);

  test('a panic fails its own event alone; one that blocks keeps nobody waiting; a handler may be in a module', async () => {
    const image = await buildImage(
      {
        'Cargo.toml': cargoToml,
        'src/lib.rs': 'pub mod blocks;\n',
        'src/blocks.rs': `
use cloudevents::Event;
use serde_json::Value;

pub async fn parse(event: Event) -> Result<u8, String> {
    let data: Value = event.data().cloned().ok_or("no data")?.try_into().map_err(|error| format!("{error}"))?;
    if data["panic"] == true {
        panic!("oh");
    }
    if data["block"] == true {
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
    Ok(7)
}
`,
      },
      { handler: 'blocks.parse' },
    );
    const running = await runFunction(image);
    expect(await (await running.send({ data: { panic: true } })).json()).toMatchObject({
      succeeded: false,
      error: { type: 'panic', message: 'oh' },
    });
    const [line = ''] = await running.errorLines(1);
    expect(JSON.parse(line)).toMatchObject({ msg: 'the handler panicked', event: '1' });
    expect(running.errors().trim()).toBe(line);
    const blocked = Array.from({ length: 20 }, () => running.send({ data: { block: true } }));
    const began = performance.now();
    expect(await (await running.send({ data: {} })).json()).toMatchObject({ succeeded: true, result: 7 });
    expect(performance.now() - began).toBeLessThan(900);
    await Promise.all(blocked);
    expect(await (await running.send({})).json()).toMatchObject({ error: { type: 'Error', message: 'no data' } });
    expect(await running.stop()).toBe(0);
    image.remove();
  });

  test.each([
    { case: 'code that does not compile', source: 'pub async fn handle() { x }\n', says: 'cannot find value `x`' },
    {
      case: 'a handler of another kind',
      source: 'pub async fn handle(x: i32) -> i32 { x }\n',
      says: 'type mismatch in function arguments',
    },
    {
      case: 'a package that is not in Cargo.toml',
      source: 'use regex::Regex;\npub async fn handle(_: Regex) {}\n',
      says: 'regex',
    },
  ])('does not build $case', async ({ source, says }) => {
    const error = await buildImage({ 'Cargo.toml': cargoToml, 'src/lib.rs': source }).catch((reason) => reason);
    expect(error).toBeInstanceOf(RunFailed);
    expect(error.exitCode).toBe(66);
    expect(error.message).toContain(says);
  });

  test('does not build what has a dependency that is not there', async () => {
    const files = {
      'Cargo.toml': `${cargoToml}serde_derive = "=0.0.1-none"\n`,
      'src/lib.rs': 'pub async fn handle() {}',
    };
    const error = await buildImage(files).catch((reason) => reason);
    expect(error).toBeInstanceOf(RunFailed);
    expect(error.exitCode).toBe(65);
    expect(error.message).toContain('serde_derive');
  });
});
