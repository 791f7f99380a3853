import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { EventRecord } from '../../shared/api.ts';
import { eventText } from '../../shared/event-text.ts';
import { safeText } from '../../shared/safe-text.ts';

/** A line for each event that `nodeseal watch events -o jsonl` tells of and that came in after `sinceMs`, until it ends. */
export async function* eventLines(watch: Readable, sinceMs: number): AsyncGenerator<string, void> {
  for await (const line of createInterface({ input: watch })) {
    const { item } = JSON.parse(line) as { readonly item: EventRecord };
    if (Date.parse(item.receivedAt) < sinceMs) continue;
    const time = item.receivedAt.slice(11, 19);
    yield safeText(`${time}  ${item.class.padEnd(6)}  ${item.node}  ${eventText(item)}`);
  }
}
