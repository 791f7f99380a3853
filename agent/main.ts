import { existsSync } from 'node:fs';
import { ConfigError, parseConfig, readConfig } from '../shared/config.ts';
import { runUntilSignal } from '../shared/lifecycle.ts';
import { createLogger } from '../shared/log.ts';
import { StatusLine, startNotify } from '../shared/notify.ts';
import { type Flags, runProgram } from '../shared/program.ts';
import { VERSION } from '../shared/version.ts';
import { type AgentConfig, assertUsable, configSchemaWith, DEFAULT_CONFIG_FILE } from './config.ts';
import { joinCredential } from './identity/join-credential.ts';

const USAGE = `usage: nodeseal-agent [--config FILE] [--host-root DIR]                run until SIGTERM
       nodeseal-agent config check [--config FILE] [--host-root DIR]   print the effective configuration
       nodeseal-agent --version | --help`;

/** systemd ends what stops slower than TimeoutStopSec=5. */
const GRACE_MS = 4000;

process.exitCode = await runProgram(
  { name: 'nodeseal-agent', usage: USAGE, flags: ['config', 'host-root'], load, describe, run },
  process.argv.slice(2),
);

/** Without `--config` and without the default file the defaults hold. */
async function load({ config: file, 'host-root': hostRoot }: Flags): Promise<AgentConfig> {
  const configSchema = configSchemaWith(await joinCredential());
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
  const [{ stringify }, { chooseChecks }, { checks }, { profileFor }, { openHost }] =
    await Promise.all([
      import('../shared/yaml-nodes.ts'),
      import('./daemon.ts'),
      import('./checks/index.ts'),
      import('./profile-choice.ts'),
      import('./host.ts'),
    ]);
  const { intervalMs, checks: choice, ...rest } = config;
  const include = chooseChecks(checks, choice).map(({ id }) => id);
  const { profile } = await profileFor(openHost(config.hostRoot), config.profile, checks);
  const interval = `${intervalMs / 1000}s`;
  return stringify({ ...rest, interval, profile: profile.name, checks: { include } }).trimEnd();
}

async function run(config: AgentConfig): Promise<void> {
  const { startAgent } = await import('./daemon.ts');
  const log = createLogger({ program: 'nodeseal-agent', level: config.logLevel });
  const status = new StatusLine();
  await runUntilSignal(
    [
      async () => {
        const agent = await startAgent(config, { log, onStatus: (text) => status.set(text) });
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
