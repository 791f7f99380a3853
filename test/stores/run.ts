import { parseArgs } from 'node:util';
import { makeImageStore, whyNoStore } from '../support/image-store.ts';
import { compareWithSkopeo } from '../support/store-verdicts.ts';

/**
 * Our verdicts beside skopeo's on stores of every driver and kind of key, whole and damaged, as they are stored and at
 * their pull. Exits with 1 when one differs or is left undecided. A store that was made before is used again.
 *
 * `npm run stores -- [--images 6] [--driver overlay,vfs] [--key rsa4096,ed25519,rsa3072sub] [--records plain,damaged]`
 */
const { values: options } = parseArgs({
  options: {
    images: { type: 'string', default: '6' },
    driver: { type: 'string', default: 'overlay,vfs' },
    key: { type: 'string', default: 'rsa4096,ed25519,rsa3072sub' },
    records: { type: 'string', default: 'plain,damaged' },
  },
});
const reason = whyNoStore();
if (reason !== false) throw new Error(reason);

const rows: object[] = [];
let isEqual = true;
for (const driver of options.driver.split(',')) {
  for (const key of options.key.split(',')) {
    for (const records of options.records.split(',')) {
      const made = await makeImageStore([
        ...['--images', options.images, '--driver', driver],
        ...(key === 'rsa4096' ? [] : ['--key', key]),
        ...(records === 'damaged' ? ['--damaged'] : []),
      ]);
      for (const question of ['stored', 'pull'] as const) {
        const { compared, differing, unknown, faults } = await compareWithSkopeo(made, question);
        const equal = compared - differing.length;
        const row = {
          driver,
          key,
          records,
          question,
          compared,
          equal,
          differing: differing.length,
        };
        rows.push({ ...row, unknown: unknown.length });
        for (const difference of [...differing, ...unknown, ...faults]) {
          console.log(JSON.stringify({ driver, key, records, question, difference }));
          isEqual = false;
        }
      }
    }
  }
}
console.table(rows);
process.exitCode = isEqual ? 0 : 1;
