import { greet } from './lib/greet.js';

export function handler(event) {
  return { hello: greet(event.data.name) };
}
