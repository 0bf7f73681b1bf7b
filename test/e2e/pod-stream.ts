/**
 * A connection to a port of a pod's loopback, by the Kubernetes API's port-forward: whoever has a kubeconfig has it.
 */
import { Duplex, PassThrough, Writable } from 'node:stream';
import { type KubeConfig, PortForward } from '@kubernetes/client-node';

/** What is used of the WebSocket that PortForward answers with. */
interface Socket {
  send(data: Buffer, sent: (error?: Error) => void): void;
  close(): void;
  onclose: unknown;
  onerror: unknown;
}

/** The websocket's channel of the forwarded port's bytes. */
const DATA = Buffer.from([0]);

/** PortForward itself pays no heed to how fast the other side takes what is written, which at 100 MB is too much. */
export async function connectToPod(
  config: KubeConfig,
  { namespace, name, port }: { namespace: string; name: string; port: number },
): Promise<Duplex> {
  let socket: Socket | undefined;
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      socket?.send(Buffer.concat([DATA, chunk]), (error) => done(error));
    },
    final(done) {
      socket?.close();
      done();
    },
    destroy(error, done) {
      socket?.close();
      done(error);
    },
  });
  const output = sink((chunk) => stream.push(chunk));
  const errors = sink((chunk) => {
    // The first message of this channel is empty: the port's number, which PortForward cuts off.
    if (chunk.length > 0) {
      stream.destroy(new Error(`port ${port} of pod ${name}: ${chunk.toString().trim()}`));
    }
  });
  socket = (await new PortForward(config).portForward(
    namespace,
    name,
    [port],
    output,
    errors,
    new PassThrough(),
  )) as unknown as Socket;
  socket.onclose = () => {
    // One side being gone ends both: what travels here is HTTP.
    stream.push(null);
    stream.end();
  };
  socket.onerror = () => stream.destroy(new Error(`the port-forward to pod ${name} broke`));
  return stream;
}

function sink(take: (chunk: Buffer) => void): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      take(chunk);
      done();
    },
  });
}
