/** Process of the server that answers and does nothing: apart from ours, so that the generator's CPU can be told from its own. */
import { createServer } from 'node:net';
import { NoopSession } from './protocol.ts';

const server = createServer({ noDelay: true }, (socket) => {
  const session = new NoopSession();
  socket.on('data', (chunk: Buffer) => {
    const replies = session.receive(chunk);
    if (replies.length > 0) socket.write(replies.length === 1 ? replies[0]! : Buffer.concat(replies));
    if (session.isOver) socket.end();
  });
  // A client that goes away without a word is no concern of this server.
  socket.on('error', () => socket.destroy());
});

server.on('error', (error) => process.send!({ error: error.message }, () => process.exit(1)));
// The path of a socket, or nothing: then a free port of the loopback address.
process.once('message', ({ path }: { path: string | undefined }) => {
  if (path === undefined) server.listen(0, '127.0.0.1', ready);
  else server.listen(path, ready);
});

function ready(): void {
  const address = server.address();
  process.send!({ port: typeof address === 'object' && address !== null ? address.port : 0 });
}

// The measuring process is gone, whatever ended it.
process.on('disconnect', () => process.exit());
// Ctrl-C reaches this process too; the measuring one decides.
process.on('SIGINT', () => {});
