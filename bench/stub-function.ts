/** A user's function that does nothing, so that what is measured is what stands before it. */
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  request.resume().once('end', () => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 7 }).end('{"n":1}');
  });
});
server.listen(Number(process.env['PORT']), '127.0.0.1');
