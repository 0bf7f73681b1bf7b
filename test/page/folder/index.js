import { greet } from './lib/greet.js';

export function handler(event) {
  const { name } = event.data;
  if (name === undefined) {
    throw new Error('the event names nobody');
  }
  console.log(`greeting ${name}`);
  return { hello: greet(name) };
}
