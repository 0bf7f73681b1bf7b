import { greet } from './lib/greet.js';

export function handler(event) {
  console.log(`greeting ${event.data.name}`);
  return { hello: greet(event.data.name) };
}
