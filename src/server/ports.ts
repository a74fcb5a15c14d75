/** TCP ports of the loopback interface. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { EnvironmentError } from '../errors.ts';

const loopback = '127.0.0.1';

/** A port of the loopback interface that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  return listenOnce(0);
}

/** @throws EnvironmentError when somebody listens on this port of the loopback interface. */
export async function assertPortFree(port: number): Promise<void> {
  try {
    await listenOnce(port);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const why = code === 'EACCES' ? 'may not be used by this user' : 'is already in use';
    throw new EnvironmentError(`Port ${port} on ${loopback} ${why}.`, {
      hint: 'Name another port, or none: then a free one is chosen.',
      cause,
    });
  }
}

async function listenOnce(port: number): Promise<number> {
  const server = createServer();
  server.listen({ port, host: loopback, exclusive: true });
  await once(server, 'listening');
  const chosen = (server.address() as AddressInfo).port;
  server.close();
  await once(server, 'close');
  return chosen;
}
