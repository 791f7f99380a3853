import type { ImageVerdict, Verdict } from '../../shared/images.ts';
import { answerParts } from '../../shared/simulation/node-answer.ts';
import type { ImageOutcome, NodeSimulation } from '../../shared/simulation.ts';
import { AgentClient, state } from './agent-client.ts';

export const REJECT_ALL = '{"default": [{"type": "reject"}]}';
export const ACCEPT_ALL = '{"default": [{"type": "insecureAcceptAnything"}]}';

/** An image with a digest of its own, used by one pod. */
export function outcome(name: string, change: Partial<ImageOutcome> = {}): ImageOutcome {
  return {
    imageId: name.padEnd(64, '0'),
    reference: `quay.io/${name}:1`,
    digest: `sha256:${Buffer.from(name).toString('hex').padEnd(64, '0')}`,
    pods: [{ namespace: 'shop', pod: `${name}-x`, container: 'main' }],
    now: 'unenforced',
    after: 'rejected',
    reason: 'policy-reject',
    message: 'the policy rejects every image',
    scope: 'default',
    ...change,
  };
}

/** What a node reports of an image; `now` and the scope by which it was judged are those of `outcome`. */
export function reported(
  name: string,
  verdict: Verdict,
  more: Partial<ImageVerdict> = {},
): ImageVerdict {
  const { imageId, reference, digest, pods } = outcome(name);
  return {
    imageId,
    reference,
    digest,
    policy: '/etc/containers/policy.json',
    verdict,
    signedBy: [],
    scope: 'default',
    requirements: [{ type: 'insecureAcceptAnything' }],
    signatures: [],
    source: 'none',
    pods,
    ...more,
  };
}

export function simulationOf(images: readonly ImageOutcome[]): NodeSimulation {
  return { policy: '/etc/containers/policy.json', images, gaps: [], notes: [] };
}

/** A connected node of an agent that can be asked for simulations. */
export class AskableNode {
  readonly agent: AgentClient;

  private constructor(agent: AgentClient) {
    this.agent = agent;
  }

  static async connect(url: string, token: string): Promise<AskableNode> {
    const capabilities = ['command.rescan', 'command.evaluatePolicy'];
    return new AskableNode(await AgentClient.connect(url, token, { capabilities }));
  }

  async report(images: readonly ImageVerdict[]): Promise<void> {
    const items = new Map(
      images.map((image) => [`${image.imageId} ${image.reference}`, { ...image } as never]),
    );
    this.agent.send(state('images', items));
    await this.agent.next('stateApplied');
  }

  async answer(simulation: NodeSimulation): Promise<unknown> {
    return await answerSimulation(this.agent, simulation);
  }
}

/** Waits to be asked, answers in as many parts as it takes, and gives the arguments it was asked with. */
export async function answerSimulation(
  agent: AgentClient,
  simulation: NodeSimulation,
): Promise<unknown> {
  const { id, verb, arguments: args } = await agent.next('command');
  if (verb !== 'evaluatePolicy') throw new Error(`asked for ${verb}`);
  const parts = answerParts(simulation);
  for (const [index, data] of parts.entries()) {
    agent.send({ type: 'result', id, part: index + 1, of: parts.length, ok: true, data });
  }
  return args;
}
