/** The monitors find the pods that they are meant for. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';

const ROOT = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), 'utf8');
const [builder] = parseAllDocuments(read('deploy/observability/monitors/pod-monitors.yaml')).map((one) => one.toJS());

test.each(readdirSync(new URL('functions/', ROOT)))('%s is scraped where its annotations say', (name) => {
  const { deploy } = parse(read(`functions/${name}/func.yaml`));
  const labels = Object.fromEntries(
    deploy.labels.map(({ key, value }: { key: string; value: string }) => [key, value]),
  );
  expect(labels).toMatchObject(builder.spec.selector.matchLabels);
  const [endpoint] = builder.spec.podMetricsEndpoints;
  expect(endpoint.path).toBe(deploy.annotations['prometheus.io/path']);
  expect(endpoint.relabelings[0].replacement).toBe(`$1:${deploy.annotations['prometheus.io/port']}`);
});
