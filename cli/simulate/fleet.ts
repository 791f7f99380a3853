import { setTimeout as sleep } from 'node:timers/promises';
import type { SimulationRequest } from '../../shared/api-simulation.ts';
import type { CheckedCandidate } from '../../shared/simulation/candidate.ts';
import type { SimulationResult } from '../../shared/simulation.ts';
import { Client } from '../client.ts';
import { rubbish } from '../client-errors.ts';
import type { Invocation } from '../command.ts';
import { CliError } from '../errors.ts';
import { EVERYTHING, readLabels, selectNodes } from '../fleet-list.ts';
import type { Io } from '../io.ts';
import { readServerEvents } from '../sse.ts';
import { readSimulationDetail, readSimulationItem } from './answer.ts';
import { ProgressLine } from './progress.ts';

const PATH = '/v1/simulations';
/** A stream that is cut off before the end is not made again at once. */
const AGAIN_MS = 1000;

/** What the nodes of a fleet say of the candidate, asked by their aggregator. How far it is stands on a terminal. */
export async function askFleet(
  { candidate }: CheckedCandidate,
  invocation: Invocation,
  io: Io,
): Promise<SimulationResult> {
  const labels = readLabels(invocation);
  const pool = invocation.value('pool');
  using client = await Client.open(invocation, io);
  const nodes = (await selectNodes(client, { ...EVERYTHING, labels }))?.expected;
  if (nodes?.size === 0) throw new CliError('ERR_CLI_NOT_FOUND', 'no node is selected');
  const request: SimulationRequest = {
    candidate,
    ...(pool === undefined ? {} : { pool }),
    ...(nodes === undefined ? {} : { nodes: [...nodes] }),
    strict: invocation.flag('strict'),
    onlyRunning: invocation.flag('only-running'),
  };
  const begun = readSimulationDetail(await client.post(PATH, request), client.server);
  return await resultOf(client, begun.simulation.id, io);
}

async function resultOf(client: Client, id: string, io: Io): Promise<SimulationResult> {
  const path = `${PATH}/${encodeURIComponent(id)}`;
  using line = new ProgressLine(io.stderr);
  for (;;) {
    await follow(client, path, line, io.signal);
    const { simulation, result } = readSimulationDetail(await client.get(path), client.server);
    if (result !== undefined) return result;
    if (simulation.state === 'done') throw rubbish(client.server, 'a simulation without a result');
    await sleep(AGAIN_MS, undefined, { signal: io.signal });
  }
}

/** A connection that is lost ends it: the simulation goes on, and whether it can still be asked for shows then. */
async function* untilCut(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  try {
    yield* stream;
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'ERR_CLI_UNREACHABLE') throw error;
  }
}

/** Until the simulation is done, the stream ends or the person interrupts. */
async function follow(
  client: Client,
  path: string,
  line: ProgressLine,
  signal: AbortSignal,
): Promise<void> {
  const stream = untilCut(client.stream(`${path}/watch`, {}, signal));
  for await (const { data } of readServerEvents(stream, client.server)) {
    let item: unknown;
    try {
      item = JSON.parse(data);
    } catch (cause) {
      throw rubbish(client.server, 'an event of its simulation is no JSON', cause);
    }
    line.show(readSimulationItem(item, client.server));
  }
}
