/**
 * `make bench-cluster`: what the deployment of KUBECONFIG and ENV takes, beside baselines of the same cluster and the
 * same minutes.
 */
import { builds } from './builds.ts';
import { fromZero } from './from-zero.ts';
import { watchMemory } from './memory.ts';
import { openCluster } from './open-cluster.ts';
import { SOURCES } from './sources.ts';

const number = (name: string, otherwise: number) => {
  const value = Number(process.env[name] || otherwise);
  if (!Number.isInteger(value) || value < 0) {
    console.error(`${name} is ${process.env[name]}: give a whole number; 0 leaves that measurement out`);
    process.exit(1);
  }
  return value;
};
const runs = number('RUNS', 30);
const rounds = number('BUILDS', 3);
const languages = (process.env['LANGUAGES'] || 'node,python').split(',');
const unknown = languages.filter((language) => !(language in SOURCES));
if (unknown.length > 0) {
  console.error(`LANGUAGES has ${unknown.join(', ')}; there are: ${Object.keys(SOURCES).join(', ')}`);
  process.exit(1);
}

console.error('opening the way into the cluster …');
const cluster = await openCluster();
let closing: Promise<void> | undefined;
const close = () => {
  closing ??= cluster.close();
  return closing;
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    console.error('stopped; cleaning up …');
    void close().finally(() => process.exit(130));
  });
}
try {
  const memory = watchMemory(cluster);
  const tables = [
    ...(rounds > 0 ? [await builds(cluster, { rounds, languages })] : []),
    ...(runs > 0 ? [await fromZero(cluster, { runs })] : []),
    await memory.stop(),
  ];
  console.log(tables.join('\n'));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await close();
}
process.exit();
