import { existsSync } from 'node:fs';
import { systemClock } from '../shared/clock.ts';
import { parseConfig, readConfig } from '../shared/config.ts';
import { runUntilSignal } from '../shared/lifecycle.ts';
import { createLogger } from '../shared/log.ts';
import { StatusLine, startNotify } from '../shared/notify.ts';
import { type Flags, runProgram } from '../shared/program.ts';
import { VERSION } from '../shared/version.ts';
import { stringify } from '../shared/yaml-nodes.ts';
import {
  type AggregatorConfig,
  assertUsable,
  configSchema,
  DEFAULT_CONFIG_FILE,
} from './config.ts';
import { startAggregator } from './daemon.ts';

const USAGE = `usage: nodeseal-aggregator [--config FILE]          run until SIGTERM
       nodeseal-aggregator config check [--config FILE]   print the effective configuration
       nodeseal-aggregator --version | --help`;

/** systemd ends what stops slower than TimeoutStopSec=10. */
const GRACE_MS = 8000;

process.exitCode = await runProgram(
  {
    name: 'nodeseal-aggregator',
    usage: USAGE,
    flags: ['config'],
    load,
    describe: (config) => stringify(config).trimEnd(),
    run,
  },
  process.argv.slice(2),
);

/** Without `--config` and without the default file the defaults hold. */
async function load({ config: file }: Flags): Promise<AggregatorConfig> {
  const isDefault = file === undefined && !existsSync(DEFAULT_CONFIG_FILE);
  const config = isDefault
    ? parseConfig('', 'defaults', configSchema)
    : await readConfig(file ?? DEFAULT_CONFIG_FILE, configSchema);
  assertUsable(config);
  return config;
}

async function run(config: AggregatorConfig): Promise<void> {
  const log = createLogger({ program: 'nodeseal-aggregator', level: config.logLevel });
  await runUntilSignal(
    [
      async () => {
        const aggregator = await startAggregator(config, { log, clock: systemClock });
        const { url, tokenFiles } = aggregator;
        log.info({ url, ...tokenFiles, version: VERSION }, 'aggregator is ready');
        new StatusLine().set(`serves ${url}`);
        return aggregator;
      },
      startNotify(log),
    ],
    GRACE_MS,
  );
}
