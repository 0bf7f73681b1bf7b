/** Many streams that look at pods cost few requests, and each sees its own. */
import { expect, test } from 'vitest';
import { createPodLooks } from '#functions/gateway/api/pod-looks.ts';

const pod = (service: string) => ({
  metadata: { name: `${service}-1`, labels: { 'serving.knative.dev/service': service } },
});

test('few functions are looked at one by one, many by one list; a look serves all that come at once', async () => {
  let clock = 0;
  const asked: string[] = [];
  const cluster = {
    listFunctionPods: async (selector: string) => {
      asked.push(selector);
      const one = /service=(.*)/.exec(selector)?.[1];
      return one === undefined ? Array.from({ length: 200 }, (_, n) => pod(`fn-${n}`)) : [pod(one)];
    },
  };
  const looks = createPodLooks(cluster as never, () => clock);
  await Promise.all([looks('fn-1'), looks('fn-1'), looks('fn-2')]);
  expect(asked).toEqual(['serving.knative.dev/service=fn-1', 'serving.knative.dev/service=fn-2']);
  clock += 500;
  await looks('fn-1');
  expect(asked).toHaveLength(3);

  clock += 500;
  const all = await Promise.all(Array.from({ length: 200 }, (_, n) => looks(`fn-${n}`)));
  expect(all.map(([one]) => one?.metadata?.name)).toEqual(Array.from({ length: 200 }, (_, n) => `fn-${n}-1`));
  const before = asked.length;
  expect(before).toBeLessThan(3 + 10);
  clock += 1000;
  await Promise.all(Array.from({ length: 200 }, (_, n) => looks(`fn-${n}`)));
  expect(asked.slice(before)).toEqual(['app.kubernetes.io/component=function']);

  // Most have gone: the rest is looked at one by one again.
  clock += 2000;
  await looks('fn-7');
  expect(asked.at(-1)).toBe('serving.knative.dev/service=fn-7');
});
