import { parseArgs } from 'node:util';
import { tell } from '../../bench/figure.ts';
import { makeImageStore, whyNoStore } from '../support/image-store.ts';
import { simulatedPolicies } from '../support/simulated-policies.ts';
import { predictedBesideSkopeo } from '../support/simulation-verdicts.ts';
import { compareWithSkopeo } from '../support/store-verdicts.ts';

/**
 * Our verdicts beside skopeo's on stores of every driver and kind of key, whole and damaged, as they are stored and at
 * their pull; by question `policies`, what simulate predicts beside skopeo under other policies. Exits with 1 when one
 * differs or is left undecided. A store that was made before is used again.
 *
 * `npm run stores -- [--images 6] [--driver overlay,vfs] [--key rsa4096,ed25519,rsa3072sub] [--records plain,damaged]
 * [--question stored,pull]`
 */
const { values: options } = parseArgs({
  options: {
    images: { type: 'string', default: '6' },
    driver: { type: 'string', default: 'overlay,vfs' },
    key: { type: 'string', default: 'rsa4096,ed25519,rsa3072sub' },
    records: { type: 'string', default: 'plain,damaged' },
    question: { type: 'string', default: 'stored,pull' },
  },
});
const reason = whyNoStore();
if (reason !== false) throw new Error(reason);

const QUESTIONS = ['stored', 'pull'] as const;
const asked = options.question.split(',');
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
      for (const question of QUESTIONS.filter((one) => asked.includes(one))) {
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
        const at = `${driver}, ${key}, ${records}, ${compared} compared`;
        tell({
          id: `stores.${question}`,
          at,
          ours: differing.length + unknown.length + faults.length,
        });
        for (const difference of [...differing, ...unknown, ...faults]) {
          console.log(JSON.stringify({ driver, key, records, question, difference }));
          isEqual = false;
        }
      }
      if (!asked.includes('policies')) continue;
      for (const [question, policy] of Object.entries(simulatedPolicies(made.root))) {
        const { compared, differing, result } = await predictedBesideSkopeo(made, policy);
        const unknown = result.summary.changes.undecided;
        const row = { driver, key, records, question, compared };
        rows.push({
          ...row,
          equal: compared - differing.length,
          differing: differing.length,
          unknown,
        });
        for (const difference of differing) console.log(JSON.stringify({ ...row, difference }));
        const at = `${driver}, ${key}, ${records}, ${question}, ${compared} compared`;
        tell({ id: 'stores.policies', at, ours: differing.length + unknown });
        isEqual &&= differing.length === 0 && unknown === 0;
      }
    }
  }
}
console.table(rows);
process.exitCode = isEqual ? 0 : 1;
