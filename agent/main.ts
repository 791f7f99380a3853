import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ConfigError, parseConfig, readConfig } from '../shared/config.ts';
import { CodedError, messageOf } from '../shared/errors.ts';
import { runUntilSignal } from '../shared/lifecycle.ts';
import { createLogger } from '../shared/log.ts';
import { startNotify } from '../shared/notify.ts';
import { VERSION } from '../shared/version.ts';
import { type AgentConfig, assertUsable, configSchema, DEFAULT_CONFIG_FILE } from './config.ts';

const USAGE = `usage: nodeseal-agent [--config FILE] [--host-root DIR]                run until SIGTERM
       nodeseal-agent config check [--config FILE] [--host-root DIR]   print the effective configuration
       nodeseal-agent --version | --help`;

/** As in PRODUCT.md, "Exit codes". */
const EXIT = { ok: 0, usage: 2, input: 7, internal: 8 } as const;
/** systemd ends what stops slower than TimeoutStopSec=5. */
const GRACE_MS = 4000;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        config: { type: 'string' },
        'host-root': { type: 'string' },
        version: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    const command = positionals.join(' ');
    if (values.help) return print(USAGE);
    if (values.version || command === 'version') return print(`nodeseal-agent ${VERSION}`);
    if (command !== '' && command !== 'config check') return usage(`unknown command: ${command}`);
    const config = await load(values.config, values['host-root']);
    if (command === 'config check') return print(await describe(config));
    await run(config);
    return EXIT.ok;
  } catch (error) {
    return fail(error);
  }
}

/** Without `--config` and without the default file the defaults hold. */
async function load(file: string | undefined, hostRoot: string | undefined): Promise<AgentConfig> {
  const isDefault = file === undefined && !existsSync(DEFAULT_CONFIG_FILE);
  const config = isDefault
    ? parseConfig('', 'defaults', configSchema)
    : await readConfig(file ?? DEFAULT_CONFIG_FILE, configSchema);
  if (hostRoot !== undefined && !hostRoot.startsWith('/')) {
    throw new ConfigError('ERR_CONFIG_VALUE', `--host-root ${hostRoot}: expected an absolute path`);
  }
  const effective = hostRoot === undefined ? config : { ...config, hostRoot };
  assertUsable(effective);
  return effective;
}

/** As a file that says the same; also checks what only the checks themselves know. */
async function describe(config: AgentConfig): Promise<string> {
  const [{ stringify }, { chooseChecks }, { checks }] = await Promise.all([
    import('yaml'),
    import('./daemon.ts'),
    import('./checks/index.ts'),
  ]);
  const { intervalMs, checks: choice, ...rest } = config;
  const include = chooseChecks(checks, choice).map(({ id }) => id);
  return stringify({ ...rest, interval: `${intervalMs / 1000}s`, checks: { include } }).trimEnd();
}

async function run(config: AgentConfig): Promise<void> {
  const { startAgent } = await import('./daemon.ts');
  const log = createLogger({ program: 'nodeseal-agent', level: config.logLevel });
  await runUntilSignal(
    [
      async () => {
        const agent = await startAgent(config, { log });
        const { hostRoot, stateDir, aggregator } = config;
        log.info(
          { hostRoot, stateDir, aggregator: aggregator?.url ?? null, version: VERSION },
          'agent is ready',
        );
        return agent;
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
  process.stderr.write(`nodeseal-agent: ${what}\n${USAGE}\n`);
  return EXIT.usage;
}

function fail(error: unknown): number {
  const isArgument = error instanceof TypeError && 'code' in error;
  if (isArgument && String(error.code).startsWith('ERR_PARSE_ARGS')) return usage(error.message);
  process.stderr.write(`nodeseal-agent: ${messageOf(error)}\n`);
  if (error instanceof ConfigError) return EXIT.input;
  const isOurs = error instanceof CodedError || 'code' in Object(error);
  if (!isOurs && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  return EXIT.internal;
}
