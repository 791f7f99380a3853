import { appendFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { EventDraft } from '../../agent/spool.ts';
import { LinkNode } from '../support/link-node.ts';
import { randomFrom } from '../support/random.ts';

/**
 * An agent for `npm run fault`, to be killed at any moment: generates events and writes each into a ledger when the spool
 * has it, and how far the aggregator has acknowledged. A line that was written survives the end of the process.
 */
const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: '' },
    url: { type: 'string', default: '' },
    token: { type: 'string', default: '' },
    ledger: { type: 'string', default: '' },
    name: { type: 'string', default: '' },
    seed: { type: 'string', default: '0' },
  },
});
const { folder, url, token: tokenFile, ledger, name } = values;
const random = randomFrom(Number(values.seed));
const node = await LinkNode.start({
  folder,
  url,
  tokenFile,
  host: { name, machineId: `machine of ${name}`, bootId: `boot of ${name}` },
  // Small, so that the cap is met while nothing can be delivered.
  limits: { segmentBytes: 16_384, totalBytes: 262_144, keptBytes: 65_536 },
  random: () => random.next() / 10,
});

let generated = 0;
let isResting = false;
process.on('message', () => {
  isResting = true;
});

function note(what: object): void {
  appendFileSync(ledger, `${JSON.stringify(what)}\n`);
}

note({ epoch: node.spool.state.epoch });
let acknowledged = 0;
const looking = setInterval(() => {
  const { state } = node.spool;
  if (state.acknowledged > acknowledged) {
    acknowledged = state.acknowledged;
    note({ epoch: state.epoch, acknowledged });
  }
  if (isResting && node.isDelivered) process.send?.({ epoch: state.epoch, next: state.next });
}, 50);
looking.unref();

while (!isResting) {
  const burst = 1 + random.below(random.chance(0.05) ? 200 : 8);
  await Promise.all(
    Array.from({ length: burst }, async () => {
      const id = `${process.pid}-${values.seed}-${generated++}`;
      const draft: EventDraft = {
        kind: 'test',
        class: random.pick(['high', 'medium', 'low']),
        // A path of its own: repeats of one would be merged.
        data: { id, path: id, fill: 'x'.repeat(random.below(300)) },
      };
      const { epoch } = node.spool.state;
      const sequence = await node.spool.append(draft);
      // A life that ended meanwhile took the event with it under another number.
      if (epoch === node.spool.state.epoch) note({ epoch, sequence, id });
    }),
  );
  node.state.replace('trust', new Map([['count', { generated }]]));
  await new Promise((resolve) => setTimeout(resolve, random.below(40)));
}
looking.ref();
