/** ERC-20 transfers out of the logs of an EVM block. */

/** keccak256("Transfer(address,address,uint256)"): topic 0 of every ERC-20 and ERC-721 transfer. */
const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';

export function handler(event) {
  const { logs, parameters } = event.data;
  if (!Array.isArray(logs)) {
    throw new TypeError('data.logs must be an array of EVM logs');
  }
  const transfers = logs.filter(isErc20Transfer).map((log) => ({
    token: log.address.toLowerCase(),
    from: address(log.topics[1]),
    to: address(log.topics[2]),
    // A uint256 is larger than any number of JSON that others read exactly: decimal text.
    amount: BigInt(log.data).toString(),
    transaction: log.transactionHash,
    logIndex: Number(log.logIndex),
  }));
  return { block: parameters?.blockId ?? null, transfers };
}

/** ERC-721 shares the topic, but has the token's id as a fourth topic and no data. A log that a reorganisation removed is none. */
function isErc20Transfer({ topics, data, removed }) {
  return !removed && topics.length === 3 && topics[0].toLowerCase() === TRANSFER && data.length === 66;
}

/** The last 20 of the topic's 32 bytes. */
function address(topic) {
  return `0x${topic.slice(-40).toLowerCase()}`;
}
