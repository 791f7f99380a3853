import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { systemClock } from '../shared/clock.ts';
import { ConfigError, parseConfig, readConfig } from '../shared/config.ts';
import { CodedError, messageOf } from '../shared/errors.ts';
import { runUntilSignal } from '../shared/lifecycle.ts';
import { createLogger } from '../shared/log.ts';
import { startNotify } from '../shared/notify.ts';
import { VERSION } from '../shared/version.ts';
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

/** As in PRODUCT.md, "Exit codes". */
const EXIT = { ok: 0, usage: 2, input: 7, internal: 8 } as const;
/** systemd ends what stops slower than TimeoutStopSec=10. */
const GRACE_MS = 8000;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        config: { type: 'string' },
        version: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    const command = positionals.join(' ');
    if (values.help) return print(USAGE);
    if (values.version || command === 'version') return print(`nodeseal-aggregator ${VERSION}`);
    if (command !== '' && command !== 'config check') return usage(`unknown command: ${command}`);
    const config = await load(values.config);
    assertUsable(config);
    if (command === 'config check') return print(stringify(config).trimEnd());
    await run(config);
    return EXIT.ok;
  } catch (error) {
    return fail(error);
  }
}

/** Without `--config` and without the default file the defaults hold. */
async function load(file: string | undefined): Promise<AggregatorConfig> {
  if (file === undefined && !existsSync(DEFAULT_CONFIG_FILE)) {
    return parseConfig('', 'defaults', configSchema);
  }
  return await readConfig(file ?? DEFAULT_CONFIG_FILE, configSchema);
}

async function run(config: AggregatorConfig): Promise<void> {
  const log = createLogger({ program: 'nodeseal-aggregator', level: config.logLevel });
  await runUntilSignal(
    [
      async () => {
        const aggregator = await startAggregator(config, { log, clock: systemClock });
        const { url, tokenFiles } = aggregator;
        log.info({ url, ...tokenFiles, version: VERSION }, 'aggregator is ready');
        return aggregator;
      },
      startNotify(log),
    ],
    GRACE_MS,
  );
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return EXIT.ok;
}

function usage(what: string): number {
  process.stderr.write(`nodeseal-aggregator: ${what}\n${USAGE}\n`);
  return EXIT.usage;
}

function fail(error: unknown): number {
  if (
    error instanceof TypeError &&
    'code' in error &&
    String(error.code).startsWith('ERR_PARSE_ARGS')
  ) {
    return usage(error.message);
  }
  process.stderr.write(`nodeseal-aggregator: ${messageOf(error)}\n`);
  if (error instanceof ConfigError) return EXIT.input;
  if (error instanceof CodedError) return EXIT.internal;
  if (error instanceof Error && error.stack !== undefined) process.stderr.write(`${error.stack}\n`);
  return EXIT.internal;
}
