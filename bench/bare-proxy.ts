/** The least that a door in Node can cost: whatever comes is passed on, over kept connections, and not looked at. */
import { Agent, createServer, request } from 'node:http';

const target = process.env['TARGET'] ?? '';
const agent = new Agent({ keepAlive: true });

createServer((incoming, response) => {
  if (incoming.method !== 'POST') {
    response.writeHead(200).end();
    return;
  }
  const outgoing = request(target, { method: 'POST', agent, headers: incoming.headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  outgoing.once('error', (error) => response.destroy(error));
  incoming.pipe(outgoing);
}).listen(Number(process.env['PORT']), '127.0.0.1');
