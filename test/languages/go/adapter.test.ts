import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
    // The log says once what the panic was, before its stack.
    const lines = await running.errorLines(1);
    expect(lines).toHaveLength(1);
    const { msg, stack } = JSON.parse(lines[0] ?? '');
    expect(msg).toBe('the handler panicked');
    expect(stack.split('\n').filter((line: string) => /^panic: oh\b/.test(line))).toEqual(['panic: oh']);
    expect(await running.stop()).toBe(0);
    image.remove();
  });

  describe('a function with a workspace, a vendored module and files that are not built', () => {
    let running: Awaited<ReturnType<typeof runFunction>>;
    let image: Awaited<ReturnType<typeof buildImage>>;
    beforeAll(async () => {
      image = await buildImage({
        'go.mod': `${goMod}\nrequire private.invalid/team/lib v1.2.3\n`,
        'go.work': 'go 1.24\n\nuse (\n\t.\n\t./near\n)\n',
        'near/go.mod': 'module example.com/near\n\ngo 1.24\n',
        'near/near.go': 'package near\n\nconst Name = "near"\n',
        'vendor/modules.txt': '# private.invalid/team/lib v1.2.3\n## explicit; go 1.24\nprivate.invalid/team/lib\n',
        'vendor/private.invalid/team/lib/lib.go': 'package lib\n\nconst Name = "vendored"\n',
        'gen.go': '//go:build ignore\n\npackage main\n\nfunc main() {}\n',
        'other_windows.go': 'package main\n',
        '_scratch.go': 'package main\n',
        'parser.go': `
package parser

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"example.com/near"
	"private.invalid/team/lib"
)

func Handle(ctx context.Context, event cloudevents.Event) (any, error) {
	switch string(event.Data()) {
	case "loop":
		for {
		}
	case "block":
		time.Sleep(time.Minute)
	case "heed":
		<-ctx.Done()
		return nil, ctx.Err()
	case "slow":
		time.Sleep(700 * time.Millisecond)
	case "mute":
		return nil, errors.New("")
	case "log":
		log.SetFlags(0)
		log.Print("plain")
		slog.InfoContext(ctx, "rows read", "rows", 3)
		slog.Default().With("own", 1).WarnContext(ctx, "odd")
		deadline, _ := ctx.Deadline()
		return time.Until(deadline).Milliseconds(), nil
	}
	return []any{near.Name, lib.Name, event.Extensions()["comexname"]}, nil
}
`,
      });
      running = await runFunction(image, { FUNCTION_TIMEOUT_SECONDS: '1' });
    });
    afterAll(() => image?.remove());

    const send = (body: string, headers: Record<string, string> = {}) =>
      fetch(running.url, {
        method: 'POST',
        headers: {
          'ce-specversion': '1.0',
          'ce-id': '1',
          'ce-source': 's',
          'ce-type': 't',
          'content-type': 'text/plain',
          ...headers,
        },
        body,
      });

    test('is built of all of them', async () => {
      expect(await (await send('')).json()).toMatchObject({ result: ['near', 'vendored', null] });
    });

    test.each([
      { name: 'Euro%20%E2%82%AC', seen: 'Euro €' },
      { name: '"a \\" b"', seen: 'a " b' },
      { name: '100%', seen: '100%' },
      { name: '%FF', seen: '%FF' },
    ])('sees the attribute $name as it is', async ({ name, seen }) => {
      expect(await (await send('', { 'ce-comexname': name })).json()).toMatchObject({
        result: ['near', 'vendored', seen],
      });
    });

    test('goes on with the chain of the event, encoded once', async () => {
      const answer = await send('', { 'ce-correlationid': 'bestellung-%C3%BC 100%25' });
      expect(answer.headers.get('ce-correlationid')).toBe('bestellung-%C3%BC%20100%25');
    });

    test.each([
      { case: 'a dataschema that is no URI', headers: { 'ce-dataschema': '%' }, body: '' },
      { case: 'a time that is none', headers: { 'ce-time': 'yesterday' }, body: '' },
      { case: 'deep JSON', headers: { 'content-type': 'application/json' }, body: '['.repeat(300) + ']'.repeat(300) },
      { case: 'JSON that is not UTF-8', headers: { 'content-type': 'application/json' }, body: '"\xe9"' },
    ])('answers BadData to $case', async ({ headers, body }) => {
      const answer = await send(Buffer.from(body, 'latin1') as never, headers as never);
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({ succeeded: false, error: { type: 'BadData' } });
    });

    test('has a context with the time that is left, and a log that is tied to the call', async () => {
      const before = running.errors().length;
      const trace = { 'ce-traceparent': '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
      const answer = await send('log', { 'ce-id': 'e1', 'ce-correlationid': 'chain-1', ...trace });
      const { result } = (await answer.json()) as { result: number };
      expect(result).toBeGreaterThan(500);
      expect(result).toBeLessThanOrEqual(1000);
      const about = { event: 'e1', correlation_id: 'chain-1', trace_id: '0af7651916cd43dd8448eb211c80319c' };
      const [plain, ...lines] = await running.errorLines(3, before);
      expect(plain).toBe('plain');
      expect(lines.map((line) => JSON.parse(line))).toEqual([
        { level: 'info', msg: 'rows read', rows: 3, time: expect.any(String), ...about },
        { level: 'warn', msg: 'odd', own: 1, time: expect.any(String), ...about },
      ]);
    });

    test('tells an error without a message', async () => {
      expect(await (await send('mute')).json()).toMatchObject({ error: { message: 'it has no message' } });
    });

    test.each(['loop', 'block', 'heed'])('ends a call that does not end, and answers the next: %s', async (what) => {
      const began = performance.now();
      expect(await (await send(what)).json()).toMatchObject({ succeeded: false, error: { type: 'Timeout' } });
      expect(performance.now() - began).toBeLessThan(4000);
      // Into the process that is being replaced, perhaps: that one is called again.
      const next = async (): Promise<unknown> => {
        const answer = await send('slow').catch(() => undefined);
        return answer?.json().catch(next) ?? next();
      };
      expect(await next()).toMatchObject({ succeeded: true });
      expect(running.process.exitCode).toBeNull();
    });

    test('ends with 0', async () => {
      expect(await running.stop()).toBe(0);
    });
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
