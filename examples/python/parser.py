"""ERC-20 transfers out of the logs of an EVM block."""

from hexbytes import HexBytes

# keccak256("Transfer(address,address,uint256)"): topic 0 of every ERC-20 and ERC-721 transfer.
TRANSFER = HexBytes("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")


def handler(event):
    logs = event.data.get("logs")
    if not isinstance(logs, list):
        raise TypeError("data.logs must be a list of EVM logs")
    transfers = [transfer(log) for log in logs if is_erc20_transfer(log)]
    return {"block": event.data.get("parameters", {}).get("blockId"), "transfers": transfers}


def is_erc20_transfer(log):
    """ERC-721 shares the topic, but has the token's id as a fourth topic and no data. A log that a reorganisation removed is none."""
    topics = log["topics"]
    return not log.get("removed") and len(topics) == 3 and HexBytes(topics[0]) == TRANSFER and len(HexBytes(log["data"])) == 32


def transfer(log):
    return {
        "token": log["address"].lower(),
        "from": address(log["topics"][1]),
        "to": address(log["topics"][2]),
        # A uint256 is larger than any number of JSON that others read exactly: decimal text.
        "amount": str(int.from_bytes(HexBytes(log["data"]), "big")),
        "transaction": log["transactionHash"],
        "logIndex": int(log["logIndex"], 16),
    }


def address(topic):
    """The last 20 of the topic's 32 bytes."""
    return "0x" + bytes(HexBytes(topic))[-20:].hex()
