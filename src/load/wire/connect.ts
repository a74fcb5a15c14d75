/** Connections that `pg` opens, with all of its ways to authenticate and to encrypt, and that a session then takes over. */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Client, type ClientConfig } from 'pg';
import { WireSession } from './session.ts';

/** An open connection. */
export interface WireConnection {
  readonly session: WireSession;
  /** Until it ends, for whatever reason. */
  readonly isOpen: boolean;
  /** Process id of its backend. */
  readonly backendPid: number;
  /** Ends it in order; while a statement is under way, at once. */
  close(): Promise<void>;
}

/** The parts of `pg`'s client that its type declarations leave out. */
interface OpenClient {
  readonly processID: number;
  readonly connection: { readonly stream: Duplex };
}

/** What one read of the system may bring; shared by all sockets of the thread, as each reads and handles it in one go. */
const received = Buffer.allocUnsafeSlow(65_536);

/**
 * A socket that reads into one buffer for ever in place of a new one each time, and hands what it has read to the session without a stream
 * in between (`onread` of `net.Socket`).
 */
class ReusingSocket extends Socket {
  session: WireSession | undefined;

  constructor() {
    super({
      onread: {
        buffer: received,
        callback: (length) => {
          if (this.session === undefined) this.emit('data', Buffer.from(received.subarray(0, length)));
          else this.session.receive(received, length);
          return true;
        },
      },
    });
  }
}

/**
 * Opens a connection.
 *
 * @throws what `pg` throws when the server cannot be reached or refuses
 */
export async function openWire(config: ClientConfig): Promise<WireConnection> {
  const socket = new ReusingSocket();
  const client = new Client({ ...config, stream: () => socket });
  let session: WireSession | undefined;
  const lose = (error: Error): void => session?.lose(error);
  client.on('error', lose);
  client.on('end', () => lose(new Error('Connection terminated')));
  await client.connect();
  const { connection, processID } = client as unknown as OpenClient;
  session = takeOver(connection.stream, socket);
  return {
    session,
    get isOpen() {
      return !session.isLost;
    },
    backendPid: processID,
    async close() {
      if (session.isBusy) connection.stream.destroy();
      await client.end();
    },
  };
}

/** From here on nothing goes through `pg`. An encrypted stream hands out buffers of its own. */
function takeOver(stream: Duplex, socket: ReusingSocket): WireSession {
  const session = new WireSession(stream);
  stream.removeAllListeners('data');
  if (stream === socket) socket.session = session;
  else stream.on('data', (chunk: Buffer) => session.receive(chunk, chunk.length));
  return session;
}
