/** The side of a worker thread that sends requests: connections to the service of one stage. */
import type { LoadTarget, TargetOrder } from '../load/target.ts';
import { HttpConnection } from './client.ts';
import { HttpExecutor } from './executor.ts';
import { drawerOf, importHttpScenario } from './scenario.ts';

/** Connections are opened by the first request on them: that a service is there was asked before. */
export async function openHttpTarget(order: TargetOrder & { origin: string }): Promise<LoadTarget> {
  const scenario = await importHttpScenario(order.scenarioFile);
  const drawer = drawerOf(scenario, order);
  const { requests } = scenario.http;
  const open = (): HttpConnection[] =>
    Array.from({ length: order.connections }, () => new HttpConnection(order.origin, order.statementTimeoutMs));
  let connections = open();
  const drop = async (): Promise<void> => {
    await Promise.all(connections.map((connection) => connection[Symbol.asyncDispose]()));
  };
  return {
    begin: async (block) => new HttpExecutor({ requests, drawer, ...block, connections }),
    async end() {
      await drop();
      connections = open();
    },
    [Symbol.asyncDispose]: drop,
  };
}
