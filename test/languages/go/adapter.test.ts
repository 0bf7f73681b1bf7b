import { describe, expect, test } from 'vitest';
import { adapterContract } from '#test/languages/conformance/adapter-contract.ts';
import { exampleContract } from '#test/languages/conformance/example-contract.ts';
import { buildImage, installed, RunFailed } from '#test/languages/conformance/image.ts';
import { runFunction } from '#test/languages/conformance/run-function.ts';

const goMod = 'module example.com/parser\n\ngo 1.24\n';

describe.skipIf(!installed('go', 'version'))('the Go adapter (needs go)', { timeout: 180_000 }, () => {
  exampleContract('go');

  adapterContract(
    {
      // No requirement of its own: the adapter's SDK is in the workspace.
      'go.mod': `${goMod}\nrequire github.com/cloudevents/sdk-go/v2 v2.16.2\n`,
      'parser.go': `
package parser

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
)

type blockError struct{ message string }

func (e blockError) Error() string { return e.message }

func Handle(ctx context.Context, event cloudevents.Event) (any, error) {
	var data struct {
		Do, Message string
		Ms          int
	}
	if err := event.DataAs(&data); err != nil {
		return nil, err
	}
	switch data.Do {
	case "echo":
		return map[string]any{"id": event.ID(), "subject": event.Subject(), "data": json.RawMessage(event.Data())}, nil
	case "fail":
		return nil, blockError{data.Message}
	case "panic":
		panic(fmt.Sprint("at ", data.Message))
	case "unserializable":
		return make(chan int), nil
	case "wait":
		time.Sleep(time.Duration(data.Ms) * time.Millisecond)
	}
	return nil, nil
}
`,
    },
    'parser.blockError',
  );

  test('a panic fails its own event alone; a result may have a type of its own', async () => {
    const image = await buildImage({
      'go.mod': goMod,
      'parser.go': `
package parser

import (
	"context"

	cloudevents "github.com/cloudevents/sdk-go/v2"
)

type Block struct{ Number int }

func Handle(ctx context.Context, event cloudevents.Event) (Block, error) {
	var data struct{ Panic bool }
	if event.DataAs(&data) == nil && data.Panic {
		panic("oh")
	}
	return Block{7}, nil
}
`,
    });
    const running = await runFunction(image);
    expect(await (await running.send({ data: { Panic: true } })).json()).toMatchObject({
      succeeded: false,
      error: { type: 'panic', message: 'oh' },
    });
    expect(await (await running.send({ data: {} })).json()).toMatchObject({ succeeded: true, result: { Number: 7 } });
    expect(await running.stop()).toBe(0);
    image.remove();
  });

  test.each([
    {
      case: 'code that does not compile',
      source: 'package parser\n\nfunc Handle() { x }\n',
      exitCode: 66,
      says: 'undefined: x',
    },
    {
      case: 'a handler of another kind',
      source: 'package parser\n\nfunc Handle(x int) int { return x }\n',
      exitCode: 66,
      says: 'function.Handle',
    },
    {
      case: 'a package that is not in go.mod',
      source: 'package parser\n\nimport "example.org/x"\n\nfunc Handle() { x.Y() }\n',
      exitCode: 66,
      says: 'example.org/x',
    },
  ])('does not build $case', async ({ source, exitCode, says }) => {
    const error = await buildImage({ 'go.mod': goMod, 'parser.go': source }).catch((reason) => reason);
    expect(error).toBeInstanceOf(RunFailed);
    expect(error.exitCode).toBe(exitCode);
    expect(error.message).toContain(says);
  });
});
