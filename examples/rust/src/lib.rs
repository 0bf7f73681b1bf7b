//! Finds ERC-20 transfers in the logs of an EVM block.

use std::error::Error;

use cloudevents::Event;
use num_bigint::BigUint;
use serde::Deserialize;
use serde_json::{json, Value};

/// keccak256("Transfer(address,address,uint256)"): topic 0 of every ERC-20 and ERC-721 transfer.
const TRANSFER_TOPIC: &str = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";

#[derive(Deserialize)]
struct Block {
    #[serde(default)]
    parameters: Parameters,
    logs: Option<Vec<Log>>,
}

#[derive(Default, Deserialize)]
struct Parameters {
    #[serde(rename = "blockId", default)]
    block_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    address: String,
    topics: Vec<String>,
    data: String,
    transaction_hash: String,
    log_index: String,
    #[serde(default)]
    removed: bool,
}

/// Called with each parser.start.
pub async fn handle(event: Event) -> Result<Value, Box<dyn Error>> {
    let data: Value = event
        .data()
        .cloned()
        .ok_or("the event has no data")?
        .try_into()?;
    let block: Block = serde_json::from_value(data)?;
    let logs = block.logs.ok_or("data.logs must be an array of EVM logs")?;
    let transfers: Result<Vec<Value>, _> = logs
        .iter()
        .filter(|log| is_erc20_transfer(log))
        .map(decode)
        .collect();
    Ok(json!({ "block": block.parameters.block_id, "transfers": transfers? }))
}

/// ERC-721 shares the topic, but has the token's id as a fourth topic and no data. A log that a reorganisation removed
/// is none.
fn is_erc20_transfer(log: &Log) -> bool {
    !log.removed
        && log.topics.len() == 3
        && log.topics[0].eq_ignore_ascii_case(TRANSFER_TOPIC)
        && log.data.len() == 66
}

/// The amount is decimal text: a uint256 is larger than any number of JSON that others read exactly.
fn decode(log: &Log) -> Result<Value, Box<dyn Error>> {
    let amount = BigUint::parse_bytes(hexadecimal(&log.data).as_bytes(), 16)
        .ok_or_else(|| format!("log {}: data {:?} is no number", log.log_index, log.data))?;
    let index = i64::from_str_radix(hexadecimal(&log.log_index), 16)?;
    Ok(json!({
        "token": log.address.to_lowercase(),
        "from": address(&log.topics[1]),
        "to": address(&log.topics[2]),
        "amount": amount.to_string(),
        "transaction": log.transaction_hash,
        "logIndex": index,
    }))
}

fn hexadecimal(text: &str) -> &str {
    text.strip_prefix("0x").unwrap_or(text)
}

/// The last 20 of the topic's 32 bytes.
fn address(topic: &str) -> String {
    format!(
        "0x{}",
        topic[topic.len().saturating_sub(40)..].to_lowercase()
    )
}
