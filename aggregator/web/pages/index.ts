import type { Action, Page } from '../page.ts';
import { coverage } from './coverage.ts';
import { node, rescan } from './node.ts';
import { nodes } from './nodes.ts';
import { overview } from './overview.ts';

/** Every page but the one to sign in. */
export const PAGES: readonly Page[] = [overview, nodes, node, coverage];

/** What forms of pages do, beside signing in and out and the choice of a theme. */
export const ACTIONS: readonly Action[] = [rescan];
