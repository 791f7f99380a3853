import t from 'tap';
import { runCampaign } from './campaign.ts';

t.setTimeout(120_000);

const SEED = Number(process.env['NODESEAL_SEED'] ?? Date.now() % 1e9);

// For minutes: npm run fault.
t.test(`I2 whatever fails, delivered and lost are what was generated: seed ${SEED}`, async (t) => {
  const report = await runCampaign({ folder: t.testdir({}), minutes: 0.1, seed: SEED, agents: 2 });
  t.comment(JSON.stringify(report));
  const { generated, delivered, declaredLost, unaccounted } = report;
  t.ok(generated > 100);
  t.equal(delivered + declaredLost, generated);
  t.equal(unaccounted, 0, 'each event that the spool had is there or counted');
  t.equal(report.acknowledgedMissing, 0, 'I1 what was acknowledged is there');
  t.equal(report.duplicated, 0, 'I3 nothing is stored twice');
});
