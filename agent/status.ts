import { withStep } from '../shared/next-step.ts';
import { MAX_SKEW_MS } from './clock-skew.ts';
import type { Lost } from './uplink.ts';

/** What the agent knows of itself that the one line of `systemctl status` says. */
export interface AgentStatus {
  /** Of the aggregator; undefined when none is configured. */
  readonly url: string | undefined;
  /** Undefined while it is not known; `connected`, or why not. */
  readonly link: Lost | 'connected' | undefined;
  /** How far the aggregator's clock is ahead, milliseconds; undefined before it is known. */
  readonly serverAheadMs: number | undefined;
  /** Conditions of the agent that hold. */
  readonly conditions: readonly string[];
}

/** The worst first: what is said last is cut off by narrow terminals. */
export function statusText({ url, link, serverAheadMs, conditions }: AgentStatus): string {
  const clock = clockText(serverAheadMs);
  return [
    ...(clock === undefined ? [] : [clock]),
    ...(conditions.length === 0 ? [] : [`${conditions.join(', ')}: see the journal`]),
    linkText(url, link),
  ].join('; ');
}

/** What is wrong with the clocks; undefined when nothing is. */
export function clockText(serverAheadMs: number | undefined): string | undefined {
  if (serverAheadMs === undefined || Math.abs(serverAheadMs) <= MAX_SKEW_MS) return undefined;
  const side = serverAheadMs > 0 ? 'behind' : 'ahead of';
  const apart = `the clock of this node is ${duration(Math.abs(serverAheadMs))} ${side} the aggregator's`;
  return withStep(apart, 'set the wrong one (chronyc tracking; chronyc makestep)');
}

function linkText(url: string | undefined, link: AgentStatus['link']): string {
  if (url === undefined) return 'watches this node and reports to nobody: aggregator is not set';
  if (link === undefined) return `connecting to ${url}`;
  if (link === 'connected') return `reports to ${url}`;
  return `not connected: ${withStep(link.why, link.next)}`;
}

function duration(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
  ] as const;
  const [unit, size] = units.find(([, length]) => ms >= length) ?? ['s', 1000];
  return `${Math.floor(ms / size)} ${unit}`;
}
