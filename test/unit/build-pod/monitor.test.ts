/** What the sidecar keeps and tells, and that nothing that goes wrong for it goes wrong for the build. */
import type { CloudEvent } from 'cloudevents';
import { expect, test } from 'vitest';
import { monitorBuild } from '#build-pod/monitor.ts';
import { outcomeOf } from '#shared/builds/outcome.ts';
import { terminalCloudEvent } from '#shared/builds/terminal-event.ts';
import { RetryableError } from '#shared/events/errors.ts';
import { DIGEST, nameOf, TEMPORARY_BUCKET, World } from '#test/unit/handlers/world.ts';

const LOG_KEY = 'logs/acme/p1/job.log';

/** A build whose pod has just started Kaniko. */
async function startedBuild() {
  const world = new World();
  await world.running();
  const { metadata } = world.cluster.runPod(nameOf());
  const name = metadata?.name ?? '';
  world.cluster.logs.set(`${name}/kaniko`, 'INFO building\nINFO pushed\n');
  const end = (exitCode: number, message: string) => world.cluster.endKaniko(name, { exitCode, message });
  const sent: CloudEvent<unknown>[] = [];
  const lines: string[] = [];
  const monitor = (
    signal = new AbortController().signal,
    asked = new AbortController().signal,
    saveDownloads?: () => Promise<unknown>,
  ) =>
    monitorBuild(
      {
        cluster: world.cluster,
        store: world.store,
        send: async (event) => {
          sent.push(event);
          return true;
        },
        saveDownloads,
        log: (line) => lines.push(line),
      },
      { pod: name, job: nameOf(), logBucket: TEMPORARY_BUCKET, logKey: LOG_KEY },
      { asked, signal },
    );
  const kept = () => world.store.peek(TEMPORARY_BUCKET, LOG_KEY)?.toString();
  return { world, end, monitor, sent, lines, kept };
}

test('a success is told as cluster-events would tell it, and its log kept', async () => {
  const { world, end, monitor, sent, kept } = await startedBuild();
  end(0, DIGEST);
  await monitor();
  const job = await world.cluster.getJob(nameOf());
  const outcome = job && outcomeOf(job, world.cluster.pods.values());
  if (!job || !outcome) {
    throw new Error('no outcome');
  }
  expect(sent.map((event) => event.toJSON())).toEqual([terminalCloudEvent(job, outcome).toJSON()]);
  expect(kept()).toBe('INFO building\nINFO pushed\n');
});

test('the log is kept without the credentials in it', async () => {
  const { world, end, monitor, kept } = await startedBuild();
  const [name] = [...world.cluster.logs.keys()];
  world.cluster.logs.set(name ?? '', 'Looking in indexes: https://acme:canary@host/simple\n');
  end(0, DIGEST);
  await monitor();
  expect(kept()).toBe('Looking in indexes: https://***@host/simple\n');
});

test('what was downloaded is saved after a success, when it is told, and not being able to is no failure', async () => {
  const { end, monitor, sent, lines } = await startedBuild();
  end(0, DIGEST);
  const told: number[] = [];
  await monitor(undefined, undefined, async () => {
    told.push(sent.length);
    throw new Error('S3 is away');
  });
  expect(told).toEqual([1]);
  expect(lines.at(-1)).toBe('what was downloaded is not kept: S3 is away');
});

test('nothing of a build that failed is saved', async () => {
  const { end, monitor } = await startedBuild();
  end(65, 'npm error');
  let saved = 0;
  await monitor(undefined, undefined, async () => {
    saved += 1;
  });
  expect(saved).toBe(0);
});

test('it waits for Kaniko', async () => {
  const { end, monitor, sent } = await startedBuild();
  const done = monitor();
  await new Promise((resolve) => setImmediate(resolve));
  expect(sent).toEqual([]);
  end(0, DIGEST);
  await done;
  expect(sent).toHaveLength(1);
});

test('it looks often once it is asked to end', async () => {
  const { world, end, monitor, sent } = await startedBuild();
  const asked = new AbortController();
  const done = monitor(undefined, asked.signal);
  await new Promise((resolve) => setImmediate(resolve));
  asked.abort();
  let looks = 0;
  const getPod = world.cluster.getPod.bind(world.cluster);
  world.cluster.getPod = (name) => {
    looks += 1;
    if (looks === 3) {
      end(0, DIGEST);
    }
    return getPod(name);
  };
  const began = performance.now();
  await done;
  expect(sent).toHaveLength(1);
  // Three looks at the usual pace would be two seconds.
  expect(performance.now() - began).toBeLessThan(1000);
});

test('a failed attempt keeps its log and tells nothing: the Job may try again', async () => {
  const { end, monitor, sent, kept } = await startedBuild();
  end(65, 'no such package');
  await monitor();
  expect([sent, kept()]).toEqual([[], 'INFO building\nINFO pushed\n']);
});

test.each<{ case: string; given: (build: Awaited<ReturnType<typeof startedBuild>>) => unknown }>([
  {
    case: 'somebody has ended meanwhile',
    given: ({ world }) =>
      world.cluster.patchJob(nameOf(), {
        metadata: {
          annotations: { 'knative-lambda/ended': JSON.stringify({ status: 'superseded', reason: 'S', message: 'm' }) },
        },
      }),
  },
  { case: 'is gone', given: ({ world }) => world.cluster.jobs.clear() },
  {
    case: 'another of its name has replaced',
    given: async ({ world }) => {
      world.cluster.jobs.clear();
      await world.running();
    },
  },
])('a success of a Job that $case is not told', async ({ given }) => {
  const build = await startedBuild();
  build.end(0, DIGEST);
  await given(build);
  await build.monitor();
  expect(build.sent).toEqual([]);
});

test('a log that can’t be kept does not keep the success from being told, nor the other way round', async () => {
  const unkept = await startedBuild();
  unkept.end(0, DIGEST);
  unkept.world.store.failNext('write', new RetryableError('Unavailable', 'S3 is down'));
  await unkept.monitor();
  expect(unkept.sent).toHaveLength(1);
  expect(unkept.lines.join('\n')).toContain('S3 is down');

  const untold = await startedBuild();
  untold.end(0, DIGEST);
  untold.world.cluster.getJob = async () => {
    throw new RetryableError('Unavailable', 'the API is down');
  };
  await untold.monitor();
  expect(untold.kept()).toBeDefined();
  expect(untold.lines.join('\n')).toContain('the API is down');
});

test('an API that is away for a while is asked again', async () => {
  const { world, end, monitor, sent } = await startedBuild();
  end(0, DIGEST);
  const getPod = world.cluster.getPod.bind(world.cluster);
  let failures = 1;
  world.cluster.getPod = async (name) => {
    if (failures-- > 0) {
      throw new RetryableError('Unavailable', 'away');
    }
    return await getPod(name);
  };
  await monitor();
  expect(sent).toHaveLength(1);
});

test('a pod that is gone, or time that ran out, ends it quietly', async () => {
  const gone = await startedBuild();
  gone.world.cluster.pods.clear();
  await gone.monitor();
  const late = await startedBuild();
  await late.monitor(AbortSignal.abort());
  expect([gone.sent, late.sent]).toEqual([[], []]);
});

test('a log that S3 does not take at once is kept when S3 is back', async () => {
  const { world, end, monitor, kept } = await startedBuild();
  for (let n = 0; n < 3; n += 1) {
    world.store.failNext('write', new RetryableError('Unavailable', 'S3 failed at writing'));
  }
  end(1, 'failed');
  await monitor();
  expect(kept()).toBe('INFO building\nINFO pushed\n');
});
