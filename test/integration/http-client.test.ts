/** One connection to a real server, over real sockets. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HttpConnection, transportError } from '../../src/http/client.ts';
import type { HttpRequest } from '../../src/http/spec.ts';

let server: Server;
let origin: string;
let sockets = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/never') return;
    if (request.url === '/half') response.writeHead(200, { 'content-length': 10 }).write('half');
    else if (request.url === '/broken') request.socket.destroy();
    else
      request.pipe(
        response.setHeader('x-method', request.method!).setHeader('x-type', request.headers['content-type'] ?? ''),
      );
  });
  server.on('connection', () => sockets++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const echo: HttpRequest = { method: 'POST', path: '/echo', body: { text: 'grün' } };
const get = (path: string): HttpRequest => ({ method: 'GET', path });

it('keeps one connection alive for one request after the other', async () => {
  await using connection = new HttpConnection(origin, 5_000);
  const before = sockets;
  for (let turn = 0; turn < 5; turn++) {
    const { status, headers, text } = await connection.ask(echo);
    expect([status, headers['x-method'], headers['x-type'], text]).toEqual([
      200,
      'POST',
      'application/json',
      '{"text":"grün"}',
    ]);
  }
  expect(sockets - before).toBe(1);
});

it.each(['/never', '/half'])('gives up %s, which does not end in time, and works again', async (path) => {
  await using connection = new HttpConnection(origin, 200);
  const error = await connection.ask(get(path)).catch((caught: unknown) => caught);
  expect(transportError(error, get(path))).toMatchObject({ kind: 'timed out', code: 'TIMEOUT' });
  expect((await connection.ask(echo)).status).toBe(200);
});

it('names a connection that breaks, and works again', async () => {
  await using connection = new HttpConnection(origin, 5_000);
  const error = await connection.ask(get('/broken')).catch((caught: unknown) => caught);
  expect(transportError(error, get('/broken'))).toMatchObject({ kind: 'broken', code: 'UND_ERR_SOCKET' });
  expect((await connection.ask(echo)).status).toBe(200);
});

it('names a server that is not there', async () => {
  await using connection = new HttpConnection('http://127.0.0.1:1', 5_000);
  const error = await connection.ask(get('/')).catch((caught: unknown) => caught);
  expect(transportError(error, get('/'))).toMatchObject({ kind: 'broken', code: 'ECONNREFUSED' });
});
