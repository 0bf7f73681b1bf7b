/** `make scale`: what a load needs, and which limits it meets. Every number of the load can be set. */
import { table } from './cluster/table.ts';
import { LOAD, type Load } from './scale-model.ts';
import { type Rows, scaleLimits, scaleNeeds } from './scale-rows.ts';

const VARIABLES: Record<keyof Load, string> = {
  functions: 'FUNCTIONS',
  tenants: 'TENANTS',
  buildsPerHour: 'BUILDS',
  buildSeconds: 'BUILD_SECONDS',
  callsPerSecond: 'CALLS',
  callSeconds: 'CALL_SECONDS',
  awakeShare: 'AWAKE_SHARE',
  wakesPerHour: 'WAKES_PER_HOUR',
  ownShare: 'OWN_SHARE',
  ownCallShare: 'OWN_CALL_SHARE',
};

const load = { ...LOAD };
for (const [name, variable] of Object.entries(VARIABLES) as [keyof Load, string][]) {
  const given = process.env[variable];
  const value = Number(given ?? LOAD[name]);
  if (given === '' || !(value >= 0)) {
    console.error(`${variable} is a number, as in: make scale FUNCTIONS=10000 CALLS=5000 AWAKE_SHARE=0.1`);
    process.exit(1);
  }
  load[name] = value;
}
console.log(
  Object.entries(load)
    .map(([name, value]) => `${VARIABLES[name as keyof Load]}=${value}`)
    .join(' '),
);
print('Needs', scaleNeeds(load));
print('Limits, the first one first', scaleLimits(load));

function print(title: string, { head, rows }: Rows): void {
  console.log(`\n${table(title, head, rows)}`);
}
