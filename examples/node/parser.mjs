/** ERC-20 transfers out of the logs of one EVM block. */

// keccak-256 of Transfer(address,address,uint256)
const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';

/** ERC-721 has the same signature but indexes the third argument too: it has four topics and no data. */
function isTransfer({ topics, data }) {
  return topics.length === 3 && topics[0] === TRANSFER && /^0x[0-9a-f]{64}$/i.test(data);
}

/** An address is the last 20 of a topic's 32 bytes. */
function address(topic) {
  return `0x${topic.slice(-40).toLowerCase()}`;
}

export function handler(event) {
  const { number, logs } = event.data.block;
  return {
    block_number: Number(number),
    transfers: logs.filter(isTransfer).map((log) => ({
      log_index: Number(log.logIndex),
      transaction_hash: log.transactionHash,
      token: log.address.toLowerCase(),
      from: address(log.topics[1]),
      to: address(log.topics[2]),
      // A uint256 does not fit a JSON number.
      value: BigInt(log.data).toString(),
    })),
  };
}
