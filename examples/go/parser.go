// Package parser finds ERC-20 transfers in the logs of an EVM block.
package parser

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	cloudevents "github.com/cloudevents/sdk-go/v2"
)

// keccak256("Transfer(address,address,uint256)"): topic 0 of every ERC-20 and ERC-721 transfer.
const transferTopic = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"

type block struct {
	Parameters struct {
		BlockID string `json:"blockId"`
	} `json:"parameters"`
	Logs []log `json:"logs"`
}

type log struct {
	Address         string   `json:"address"`
	Topics          []string `json:"topics"`
	Data            string   `json:"data"`
	TransactionHash string   `json:"transactionHash"`
	LogIndex        string   `json:"logIndex"`
	Removed         bool     `json:"removed"`
}

// Result is what becomes parser.complete's result.
type Result struct {
	Block     string     `json:"block"`
	Transfers []Transfer `json:"transfers"`
}

// Transfer has its amount as decimal text: a uint256 is larger than any number of JSON that others read exactly.
type Transfer struct {
	Token       string `json:"token"`
	From        string `json:"from"`
	To          string `json:"to"`
	Amount      string `json:"amount"`
	Transaction string `json:"transaction"`
	LogIndex    int64  `json:"logIndex"`
}

// Handle is called with each parser.start.
func Handle(_ context.Context, event cloudevents.Event) (any, error) {
	var block block
	if err := event.DataAs(&block); err != nil {
		return nil, err
	}
	if block.Logs == nil {
		return nil, errors.New("data.logs must be an array of EVM logs")
	}
	result := Result{Block: block.Parameters.BlockID, Transfers: []Transfer{}}
	for _, log := range block.Logs {
		if !isERC20Transfer(log) {
			continue
		}
		transfer, err := decode(log)
		if err != nil {
			return nil, err
		}
		result.Transfers = append(result.Transfers, transfer)
	}
	return result, nil
}

// ERC-721 shares the topic, but has the token's id as a fourth topic and no data. A log that a reorganisation removed
// is none.
func isERC20Transfer(log log) bool {
	return !log.Removed && len(log.Topics) == 3 && strings.EqualFold(log.Topics[0], transferTopic) && len(log.Data) == 66
}

func decode(log log) (Transfer, error) {
	amount, ok := new(big.Int).SetString(strings.TrimPrefix(log.Data, "0x"), 16)
	if !ok {
		return Transfer{}, fmt.Errorf("log %s: data %q is no number", log.LogIndex, log.Data)
	}
	index, err := strconv.ParseInt(log.LogIndex, 0, 64)
	if err != nil {
		return Transfer{}, fmt.Errorf("logIndex: %w", err)
	}
	return Transfer{
		Token:       strings.ToLower(log.Address),
		From:        address(log.Topics[1]),
		To:          address(log.Topics[2]),
		Amount:      amount.String(),
		Transaction: log.TransactionHash,
		LogIndex:    index,
	}, nil
}

// The last 20 of the topic's 32 bytes.
func address(topic string) string {
	return "0x" + strings.ToLower(topic[max(0, len(topic)-40):])
}
