import { eventRoutes } from './events.ts';
import { findingRoutes } from './findings.ts';
import { imageRoutes } from './images.ts';
import { nodeRoutes } from './nodes.ts';
import type { Route } from './route.ts';
import { watchRoutes } from './watch.ts';

/** Everything the API can do. */
export const ROUTES: readonly Route[] = [
  ...nodeRoutes,
  ...findingRoutes,
  ...imageRoutes,
  ...eventRoutes,
  ...watchRoutes,
];
