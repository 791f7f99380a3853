import type { Action, Page } from '../page.ts';
import { check } from './check.ts';
import { checks } from './checks.ts';
import { coverage } from './coverage.ts';
import { drift } from './drift.ts';
import { images } from './images.ts';
import { node, rescan } from './node.ts';
import { nodes } from './nodes.ts';
import { overview } from './overview.ts';
import { simulate, startSimulation } from './simulate.ts';
import { simulation } from './simulation.ts';
import { trust, trustGroup } from './trust.ts';

/** Every page but the one to sign in. */
export const PAGES: readonly Page[] = [
  overview,
  nodes,
  node,
  trust,
  trustGroup,
  images,
  checks,
  check,
  drift,
  simulate,
  simulation,
  coverage,
];

/** What forms of pages do, beside signing in and out and the choice of a theme. */
export const ACTIONS: readonly Action[] = [rescan, startSimulation];
