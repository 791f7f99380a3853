import type { Finding, Rule } from '../../shared/findings.ts';
import { ask, type Check, type CheckContext, type Statement } from '../check.ts';
import { CONTAINER_FOLDER } from '../container-store.ts';
import { type ObservedContainer, observeContainers } from '../containers.ts';
import type { Host } from '../host.ts';
import { currentMode } from '../selinux/mode.ts';
import * as rules from './rules/runtime.ts';
import { judgeContainers, type Question } from './runtime-approval.ts';
import { cgroups } from './runtime-cgroups.ts';
import { hiddenPaths, nodeNamespaces, sensitiveMounts } from './runtime-isolation.ts';
import {
  extraCapabilities,
  gainablePrivileges,
  privilegedContainers,
  rootOfNode,
} from './runtime-privileges.ts';
import { containerDomain, uniqueCategories } from './runtime-selinux.ts';

/** What the containers that run may do to the node: by their processes; their configuration says why. */
export const runtime: Check = {
  id: 'runtime',
  title: 'Containers stay apart from the node and from each other',
  rules: [
    rules.privileged,
    rules.hostNamespaces,
    rules.mcsUnique,
    rules.selinuxDomain,
    rules.capabilities,
    rules.noNewPrivs,
    rules.nonroot,
    rules.maskedPaths,
    rules.cgroupVersion,
    rules.hostMounts,
  ],
  // A container that starts or ends changes these; what it does later, its interval finds.
  watches: [CONTAINER_FOLDER],
  run,
};

type Containers = readonly ObservedContainer[] | undefined;

async function run(context: CheckContext, signal: AbortSignal): Promise<readonly Finding[]> {
  const { host, values } = context;
  // One look for all rules; each of them tells what went wrong with it.
  const looked = observeContainers(host, signal);
  looked.catch(() => undefined);
  const judged = async (
    rule: Rule,
    question: (containers: readonly ObservedContainer[]) => Question,
  ): Promise<readonly Finding[]> =>
    await ask(rule, async () => {
      const containers = await looked;
      if (containers === undefined) return notVisible();
      return judgeContainers(containers, values, question(containers));
    });
  const labelled = async (
    rule: Rule,
    question: (containers: readonly ObservedContainer[]) => Question,
  ): Promise<readonly Finding[]> => {
    const obstacle = await ask(rule, async () => (await labelObstacle(host, await looked)) ?? []);
    return obstacle.length > 0 ? obstacle : await judged(rule, question);
  };
  return [
    ...(await judged(rules.privileged, () => privilegedContainers)),
    ...(await judged(rules.hostNamespaces, () => nodeNamespaces)),
    ...(await labelled(rules.mcsUnique, uniqueCategories)),
    ...(await labelled(rules.selinuxDomain, () => containerDomain)),
    ...(await judged(rules.capabilities, () => extraCapabilities)),
    ...(await judged(rules.noNewPrivs, () => gainablePrivileges)),
    ...(await judged(rules.nonroot, () => rootOfNode)),
    ...(await judged(rules.maskedPaths, () => hiddenPaths)),
    ...(await ask(rules.cgroupVersion, async () => {
      const containers = await looked;
      const unseen = containers === undefined ? [{ subject: '/proc', ...notVisible() }] : [];
      return [...(await cgroups(context, containers ?? [])), ...unseen];
    })),
    ...(await judged(rules.hostMounts, () => sensitiveMounts)),
  ];
}

/** Why labels say nothing here; undefined where they do, or where there is nothing to be labelled. */
async function labelObstacle(host: Host, containers: Containers): Promise<Statement | undefined> {
  if (containers === undefined || containers.length === 0) return undefined;
  const mode = await currentMode(host);
  if (mode === 'disabled') {
    const message = 'SELinux is not on, so that no container has a label';
    return { result: 'notapplicable', reason: 'selinux-off', message };
  }
  const isLabelled = containers.some(({ labels }) => 'message' in labels || labels.length > 0);
  if (isLabelled) return undefined;
  const message = 'the labels of processes are not visible in /proc';
  return { result: 'error', reason: 'not-visible', message };
}

function notVisible(): Statement {
  const message = 'the processes of the node are not visible in /proc';
  return { result: 'error', reason: 'not-visible', message };
}
