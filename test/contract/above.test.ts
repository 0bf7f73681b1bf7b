/**
 * On a laptop images lie below other folders: what is in those, or is installed on the machine, is not seen from inside
 * of an image. platform.ts puts a project of every language above. Node's cases are in failures.test.ts and
 * pipeline.test.ts; that functions build and answer below such a project, every other test shows.
 */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { subjectOf } from '#shared/events/identity.ts';
import { World } from './world.ts';

const { directory, languages } = inject('platform');

let world: World;
beforeAll(async () => {
  world = await new World().open();
});
afterAll(async () => world.close());

/** What the adapter itself runs on is found last, on every platform. */
const OF_THE_ADAPTER = 'uvicorn click h11 cloudevents deprecation packaging dateutil tzdata'.split(' ');

/** Names of what the machine's Python can import besides its own modules and pip. */
function installedForPython(): string[] {
  const ask = `
import importlib.metadata as m, re, sys
print(" ".join({n.split("/")[0] for d in m.distributions() for n in [str(f) for f in d.files or []] if re.fullmatch(r"[A-Za-z]\\w*/__init__\\.py", n)} - {"pip"} - set(sys.stdlib_module_names)))`;
  const { stdout } = spawnSync('python3', ['-c', ask], { encoding: 'utf8' });
  return stdout.split(/\s+/).filter((name) => name !== '' && !OF_THE_ADAPTER.includes(name));
}

describe.runIf(directory !== undefined)('from inside of an image on a laptop', () => {
  test.runIf(languages.includes('python'))(
    'Python sees neither the folders above nor what the machine has',
    async () => {
      const identity = world.parser('above-python');
      const there = ['undeclared', ...installedForPython()];
      await world.upload(identity, {
        'parser.py': `import importlib.util, sys\n\ndef handler(event):\n    return [name for name in event.data["names"] if importlib.util.find_spec(name)]\n`,
      });
      await world.send({ type: 'build.start', data: identity });
      await world.seen('lifecycle.function.ready', identity, undefined, 200);

      await world.send({ type: 'parser.start', subject: subjectOf(identity), data: { names: there } });

      const { data } = await world.seen('parser.complete', identity);
      expect(there.length).toBeGreaterThan(1);
      expect(data).toMatchObject({ succeeded: true, result: [] });
    },
  );

  test.runIf(languages.includes('go'))('Go does not find the module above', async () => {
    const identity = world.parser('above-go');
    await world.upload(identity, {
      'go.mod': 'module example.com/parser\n\ngo 1.24\n',
      'parser.go': `package parser

import (
	"context"

	"above.invalid/project/undeclared"
	cloudevents "github.com/cloudevents/sdk-go/v2"
)

func Handle(ctx context.Context, event cloudevents.Event) (any, error) { return undeclared.Name, nil }
`,
    });
    await world.send({ type: 'build.start', data: identity });

    const { data } = await world.seen('build.complete', identity, undefined, 300);
    expect(data).toMatchObject({ status: 'failed' });
    expect(data.error_message).toContain('above.invalid/project/undeclared');
  });
});
